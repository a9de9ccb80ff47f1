//go:build linux

package chrome

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

	"throughline/beacon"
	"throughline/synthetic"
)

// launch starts a browser that must be gone, with all it left behind, when the
// test ends.
func launch(t testing.TB, log *slog.Logger) *Browser {
	t.Helper()
	return launchWith(t, Options{Log: log})
}

func launchWith(t testing.TB, options Options) *Browser {
	t.Helper()
	path, err := Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	options.Path, options.ProfileRoot = path, root
	browser, err := Launch(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := browser.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) > 0 {
			t.Errorf("profiles left: %v", left)
		}
		if left := usersOf(browser.profile); len(left) > 0 {
			t.Errorf("processes left: %v", left)
		}
	})
	return browser
}

func open(t testing.TB, browser *Browser, options synthetic.PageOptions) *Page {
	t.Helper()
	page, err := browser.NewPage(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := page.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return page
}

func visit(t testing.TB, page *Page, address string) {
	t.Helper()
	if status, err := page.Navigate(within(t, patience), address); err != nil || status != 200 {
		t.Fatalf("navigate %s: status %d, %v", address, status, err)
	}
}

// How long calls get: those that succeed, on however busy a machine, and those that
// are to find out in what way they cannot.
const (
	patience = 20 * time.Second
	tooShort = time.Second
)

// within gives a call its time.
func within(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantFault checks an error's class and words.
func wantFault(t testing.TB, err error, reason beacon.RunReason, words string) *synthetic.Fault {
	t.Helper()
	var fault *synthetic.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("got %v, want a fault %s", err, reason)
	}
	if fault.Reason != reason || !strings.Contains(fault.Message, words) {
		t.Fatalf("got %s %q, want %s with %q", fault.Reason, fault.Message, reason, words)
	}
	return fault
}

func selectors(t testing.TB, alternatives ...string) synthetic.Selectors {
	t.Helper()
	parsed, err := synthetic.ParseSelectors(alternatives...)
	check(t, err)
	return parsed
}

func wantTitle(t testing.TB, page *Page, title string) {
	t.Helper()
	check(t, page.AwaitTitle(within(t, patience), title))
}

func wantValue(t testing.TB, page *Page, expression, want string) {
	t.Helper()
	got, err := page.Evaluate(t.Context(), expression)
	check(t, err)
	if string(got) != want {
		t.Errorf("%s is %s, want %s", expression, got, want)
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	named := filepath.Join(dir, "my-chrome")
	check(t, os.WriteFile(named, []byte("#!/bin/sh\n"), 0o755))
	path, err := Find(func(string) string { return named })
	if err != nil || path != named {
		t.Errorf("got %q, %v, want the named browser", path, err)
	}
	if _, err := Find(func(string) string { return filepath.Join(dir, "absent") }); err == nil || !strings.Contains(err.Error(), PathVariable) {
		t.Errorf("a named browser that is not there must be an error that names the variable, got %v", err)
	}
	t.Setenv("PATH", dir)
	if _, err := Find(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "install chromium-headless-shell") {
		t.Errorf("without any browser the error must say what to install, got %v", err)
	}
	shell := filepath.Join(dir, "chrome-headless-shell")
	for _, name := range []string{shell, filepath.Join(dir, "chromium")} {
		check(t, os.WriteFile(name, []byte("#!/bin/sh\n"), 0o755))
	}
	if path, err := Find(func(string) string { return "" }); err != nil || path != shell {
		t.Errorf("got %q, %v, want the headless shell before the full browser", path, err)
	}
}

func TestLaunch_BadPath(t *testing.T) {
	root := t.TempDir()
	if _, err := Launch(t.Context(), Options{Path: "/bin/false", ProfileRoot: root}); err == nil {
		t.Error("a program that is no browser must not launch")
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) > 0 {
		t.Errorf("profiles left: %v", left)
	}
}

func TestLaunch_Timeout(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	silent := filepath.Join(t.TempDir(), "silent")
	check(t, os.WriteFile(silent, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755))
	start := time.Now()
	_, err := Launch(within(t, 300*time.Millisecond), Options{Path: silent, ProfileRoot: root})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s, want a prompt deadline error", err, time.Since(start))
	}
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) > 0 {
		t.Errorf("profiles left: %v", left)
	}
}

// script writes a program that counts in a file how often it is started.
func script(t *testing.T, body string) (path, count string) {
	t.Helper()
	dir := t.TempDir()
	path, count = filepath.Join(dir, "browser"), filepath.Join(dir, "count")
	check(t, os.WriteFile(path, []byte("#!/bin/sh\ncount="+count+"\nprintf x >> \"$count\"\n"+body), 0o755))
	return path, count
}

func wantStarts(t *testing.T, count string, want int) {
	t.Helper()
	if data, err := os.ReadFile(count); err != nil || len(data) != want {
		t.Errorf("started %d times, want %d: %v", len(data), want, err)
	}
}

// wantNothingLeft looks for profiles, and for processes that use one.
func wantNothingLeft(t *testing.T, root string) {
	t.Helper()
	if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) > 0 {
		t.Errorf("profiles left: %v", left)
	}
	for _, p := range processes() {
		line, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
		if bytes.Contains(line, []byte(root)) {
			t.Errorf("process %d is left: %q", p.pid, line)
		}
	}
}

// A browser that crashes at its start is no reason to lose a run.
func TestLaunch_StartsOnceMoreAfterACrash(t *testing.T) {
	whole, err := Find(os.Getenv)
	check(t, err)
	path, count := script(t, `if [ "$(cat "$count")" = x ]; then echo "it broke" >&2; kill -SEGV $$; fi
exec `+whole+` "$@"
`)
	var log bytes.Buffer
	root := t.TempDir()
	browser, err := Launch(t.Context(), Options{Path: path, ProfileRoot: root, Log: slog.New(slog.NewTextHandler(&log, nil))})
	check(t, err)
	wantStarts(t, count, 2)
	if !strings.Contains(log.String(), "level=WARN msg=\"the browser died at its start") || !strings.Contains(log.String(), "it broke") {
		t.Errorf("the first failure is not logged: %s", &log)
	}
	if profiles, _ := filepath.Glob(filepath.Join(root, "*")); len(profiles) != 1 {
		t.Errorf("profiles: %v", profiles)
	}
	page := open(t, browser, synthetic.PageOptions{})
	wantValue(t, page, "1+1", "2")
	check(t, page.Close(context.Background()))
	check(t, browser.Close())
	wantNothingLeft(t, root)
}

// What crashes always fails after the last time, with what it said.
func TestLaunch_FailsAfterCrashes(t *testing.T) {
	path, count := script(t, "echo \"it broke\" >&2\nkill -SEGV $$\n")
	root := t.TempDir()
	_, err := Launch(t.Context(), Options{Path: path, ProfileRoot: root})
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("got %v", err)
	}
	wantStarts(t, count, maxStarts)
	wantNothingLeft(t, root)
}

// What cannot be executed, and what is given up, is not tried again.
func TestLaunch_TriesNothingInVain(t *testing.T) {
	silent, starts := script(t, "exec sleep 60\n")
	locked := filepath.Join(t.TempDir(), "locked")
	check(t, os.WriteFile(locked, []byte("#!/bin/sh\n"), 0o644))
	broken := filepath.Join(t.TempDir(), "broken")
	check(t, os.WriteFile(broken, []byte("\x7fELF, but not really"), 0o755))
	for path, want := range map[string]error{
		silent:                             context.DeadlineExceeded,
		filepath.Join(t.TempDir(), "none"): os.ErrNotExist,
		locked:                             os.ErrPermission,
		broken:                             syscall.ENOEXEC,
	} {
		var log bytes.Buffer
		root := t.TempDir()
		_, err := Launch(within(t, 500*time.Millisecond), Options{Path: path, ProfileRoot: root, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if !errors.Is(err, want) || strings.Contains(log.String(), "once more") {
			t.Errorf("%s: %v, want %v; logged %s", path, err, want, &log)
		}
		wantNothingLeft(t, root)
	}
	wantStarts(t, starts, 1)
}

// Whatever the browser sends, from whichever page, living or left, it is the one it
// is told to be.
func TestLaunch_UserAgent(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	heard := map[string]http.Header{}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		heard[r.URL.Path] = r.Header
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<title>x</title><script>addEventListener("pagehide", () => navigator.sendBeacon("/left" + location.pathname))</script>`))
	}))
	t.Cleanup(site.Close)
	path, err := Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	const agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	browser, err := Launch(t.Context(), Options{Path: path, ProfileRoot: t.TempDir(), UserAgent: agent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, browser.Close()) })
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/a")
	visit(t, page, site.URL+"/b")
	eventually(t, "the page that was left has spoken", func() bool { mu.Lock(); defer mu.Unlock(); return heard["/left/a"] != nil })
	mu.Lock()
	defer mu.Unlock()
	for path, header := range heard {
		if header.Get("User-Agent") != agent || strings.Contains(header.Get("Sec-Ch-Ua"), "Headless") {
			t.Errorf("%s has %v", path, header)
		}
	}
}

func TestLaunch_CancelledBeforeAndWhileItStarts(t *testing.T) {
	path, err := Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, time.Millisecond, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		ended := make(chan error, 1)
		go func() {
			browser, err := Launch(ctx, Options{Path: path, ProfileRoot: t.TempDir()})
			if browser != nil {
				err = errors.Join(err, browser.Close())
			}
			ended <- err
		}()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("cancelled after %v: %v", after, err)
			}
		case <-time.After(15 * time.Second):
			t.Fatalf("cancelled after %v: still launching", after)
		}
		cancel()
	}
}

func TestLaunch_Environment(t *testing.T) {
	t.Setenv("THROUGHLINE_TEST_SECRET", "hush")
	var log bytes.Buffer
	browser := launch(t, slog.New(slog.NewTextHandler(&log, nil)))
	for _, p := range familyOf(browser.client.Process().Pid) {
		for _, file := range []string{"environ", "cmdline"} {
			data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), file))
			if err == nil && (bytes.Contains(data, []byte("hush")) || bytes.Contains(data, []byte("GOMEMLIMIT"))) {
				t.Errorf("process %d has our secret in its %s", p.pid, file)
			}
		}
	}
	if os.Getuid() == 0 && strings.Count(log.String(), "sandbox") != 1 {
		t.Errorf("running without a sandbox must be logged once: %s", &log)
	}
	if !strings.Contains(browser.Name(), "Chrome/") {
		t.Errorf("got the name %q", browser.Name())
	}
}

// TestMain lets this binary stand in for an agent that is killed.
func TestMain(m *testing.M) {
	if root := os.Getenv("THROUGHLINE_TEST_AGENT"); root != "" {
		path, err := Find(os.Getenv)
		if err == nil {
			_, err = Launch(context.Background(), Options{Path: path, ProfileRoot: root})
		}
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString("up\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestBrowser_EndsWithItsParent(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	agent := exec.Command(os.Args[0])
	agent.Env = append(os.Environ(), "THROUGHLINE_TEST_AGENT="+root)
	out, err := agent.StdoutPipe()
	check(t, err)
	check(t, agent.Start())
	if _, err := out.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	profiles, _ := filepath.Glob(filepath.Join(root, "*"))
	if len(profiles) != 1 || len(usersOf(profiles[0])) == 0 {
		t.Fatalf("the agent has no browser: %v", profiles)
	}
	tree := familyOf(agent.Process.Pid)
	check(t, agent.Process.Kill())
	agent.Wait()
	eventually(t, "the browser ends", func() bool {
		for _, p := range tree {
			if now, ok := readProcess(p.pid); ok && now.started == p.started && now.state != 'Z' {
				return false
			}
		}
		return len(tree) > 3
	})
}

func TestNavigate(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/redirect")
	if page.URL() != site.URL+"/" {
		t.Errorf("at %s after a redirect", page.URL())
	}
	if status, err := page.Navigate(t.Context(), site.URL+"/absent"); err != nil || status != 404 {
		t.Errorf("got status %d, %v, want 404 and no error", status, err)
	}
	_, err := page.Navigate(t.Context(), site.URL+"/broken?secret=1")
	if fault := wantFault(t, err, beacon.ReasonNavigation, "HTTP status 500"); strings.Contains(fault.Message, "secret") {
		t.Errorf("the query shows: %s", fault.Message)
	}
	_, err = page.Navigate(t.Context(), "http://127.0.0.1:1/")
	wantFault(t, err, beacon.ReasonNavigation, "127.0.0.1:1")
	_, err = page.Navigate(t.Context(), "http://nowhere.invalid/")
	wantFault(t, err, beacon.ReasonNavigation, "net::ERR_NAME_NOT_RESOLVED")
	_, err = page.Navigate(t.Context(), "http://127.0.0.1:99999/?secret=1")
	if fault := wantFault(t, err, beacon.ReasonNavigation, "invalid URL"); fault.Agent || strings.Contains(fault.Message, "secret") {
		t.Errorf("got %+v", fault)
	}
	_, err = page.Navigate(t.Context(), site.URL+"/download")
	wantFault(t, err, beacon.ReasonNavigation, "download")
	visit(t, page, site.URL+"/")
}

func TestNavigate_PendingResource(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	start := time.Now()
	if status, err := page.Navigate(within(t, patience), site.URL+"/slow"); err != nil || status != 200 {
		t.Fatalf("status %d, %v", status, err)
	}
	if took := time.Since(start); took < quiet || took > quiet+patience/2 {
		t.Errorf("took %s, want what makes a quiet network, %s", took, quiet)
	}
	// One that loads more and more is left after the grace.
	start = time.Now()
	if status, err := page.Navigate(within(t, patience), site.URL+"/busy"); err != nil || status != 200 {
		t.Fatalf("status %d, %v", status, err)
	}
	if took := time.Since(start); took < grace || took > grace+patience/2 {
		t.Errorf("took %s, want the grace of %s", took, grace)
	}
	check(t, page.WaitForElement(within(t, patience), synthetic.ElementCondition{Selectors: synthetic.CSS("h1"), Count: 1}))
	if status, err := page.Navigate(within(t, tooShort), site.URL+"/slow"); err != nil || status != 200 {
		t.Errorf("a ready document at the end of the time is enough: status %d, %v", status, err)
	}
	_, err := page.Navigate(within(t, tooShort), site.URL+"/never.png")
	wantFault(t, err, beacon.ReasonTimeout, "no answer from "+site.URL+"/never.png")
}

func TestNewPage_Isolation(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	for range 2 {
		page := open(t, browser, synthetic.PageOptions{})
		visit(t, page, site.URL+"/cookie")
		wantTitle(t, page, "false")
		visit(t, page, site.URL+"/cookie")
		wantTitle(t, page, "true")
	}
}

func TestNewPage_Options(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	phone := synthetic.Viewport{Width: 390, Height: 844, DeviceScaleFactor: 3, Mobile: true, Touch: true}
	page := open(t, browser, synthetic.PageOptions{Viewport: phone, UserAgent: "Visitor/1.0", Locale: "de-DE"})
	visit(t, page, site.URL+"/agent")
	wantTitle(t, page, "Visitor/1.0|de-DE")
	wantValue(t, page, "[screen.width, devicePixelRatio, navigator.maxTouchPoints > 0]", "[390,3,true]")
	wantValue(t, page, "[navigator.language, (1.5).toLocaleString()]", `["de-DE","1,5"]`)
	check(t, page.SetViewport(t.Context(), synthetic.Viewport{Width: 800, Height: 600, DeviceScaleFactor: 1}))
	wantValue(t, page, "[screen.width, devicePixelRatio, navigator.maxTouchPoints]", "[800,1,0]")
	shot, err := page.Screenshot(t.Context())
	if err != nil || !bytes.HasPrefix(shot, []byte("\xff\xd8\xff")) {
		t.Errorf("no screenshot: %d bytes, %v", len(shot), err)
	}
}

func TestPage_Dialogs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	site, browser := newSite(t), launch(t, slog.New(slog.NewTextHandler(&log, nil)))
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/alert")
	check(t, click(within(t, patience), page, selectors(t, "text/Ask"), synthetic.ClickOptions{}))
	wantTitle(t, page, "false")
	visit(t, page, site.URL+"/unload")
	check(t, click(t.Context(), page, synthetic.CSS("input"), synthetic.ClickOptions{}))
	visit(t, page, site.URL+"/")
	check(t, browser.Close())
	if text := log.String(); !strings.Contains(text, `"on load"`) || strings.Contains(text, "sure?") {
		t.Errorf("want the first dialog logged, and no other: %s", text)
	}
}

func TestPage_ManyDialogs(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	site, browser := newSite(t), launch(t, slog.New(slog.NewTextHandler(&log, nil)))
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/alerts")
	check(t, page.WaitForExpression(within(t, patience), "n === 50"))
	check(t, page.Close(t.Context()))
	check(t, browser.Close())
	if text := log.String(); strings.Count(text, "spam") != 1 || !strings.Contains(text, "count=49") {
		t.Errorf("want the first dialog logged and the rest counted: %s", text)
	}
}

// TestPage_RefusedCommand gives the browser what it will not do: that is no sign
// that it failed.
func TestPage_RefusedCommand(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	err := page.SetViewport(t.Context(), synthetic.Viewport{Width: 1 << 40, Height: 1})
	if fault := wantFault(t, err, beacon.ReasonCommandRefused, ""); !fault.Agent {
		t.Errorf("got %+v, want the agent's fault", fault)
	}
	visit(t, page, site.URL+"/")
}

func TestPage_HangingScript(t *testing.T) {
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Binding: "b", OnBinding: func(string) {}})
	visit(t, page, site.URL+"/hang")
	start := time.Now()
	err := click(within(t, time.Second), page, selectors(t, "text/Hang"), synthetic.ClickOptions{})
	wantFault(t, err, beacon.ReasonTimeout, "did not respond")
	if took := time.Since(start); took > 1200*time.Millisecond {
		t.Errorf("took %s", took)
	}
	start = time.Now()
	check(t, page.Close(t.Context()))
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("closing a page that hangs took %s", took)
	}
	eventually(t, "the renderer that hangs ends", func() bool {
		for _, p := range familyOf(browser.client.Process().Pid) {
			if p.state == 'R' {
				return false
			}
		}
		return true
	})
	next := open(t, browser, synthetic.PageOptions{})
	visit(t, next, site.URL+"/")
}

// kill kills those of the browser's processes whose command line has the text.
func kill(browser *Browser, text string) {
	for _, p := range familyOf(browser.client.Process().Pid) {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
		if err == nil && bytes.Contains(line, []byte(text)) {
			syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}

func TestPage_TabCrash(t *testing.T) {
	site, browser := newSite(t), launch(t, nil)
	for name, test := range map[string]struct {
		crash func(*Page)
		agent bool
	}{
		"crashed": {func(p *Page) { p.Navigate(context.Background(), "chrome://crash") }, false},
		"killed":  {func(*Page) { kill(browser, "--type=renderer") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			page := open(t, browser, synthetic.PageOptions{})
			visit(t, page, site.URL+"/")
			crashed := make(chan time.Time, 1)
			go func() {
				time.Sleep(100 * time.Millisecond)
				crashed <- time.Now()
				test.crash(page)
			}()
			err := page.WaitForElement(within(t, 5*time.Second), synthetic.ElementCondition{Selectors: synthetic.CSS("#absent"), Count: 1})
			if fault := wantFault(t, err, beacon.ReasonTabCrashed, "tab"); fault.Agent != test.agent {
				t.Errorf("agent's fault: %t, want %t", fault.Agent, test.agent)
			}
			if took := time.Since(<-crashed); took > 500*time.Millisecond {
				t.Errorf("noticed after %s", took)
			}
			next := open(t, browser, synthetic.PageOptions{})
			visit(t, next, site.URL+"/")
		})
	}
}

func TestPage_BrowserDeath(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Binding: "b", OnBinding: func(string) {}})
	visit(t, page, site.URL+"/")
	time.AfterFunc(50*time.Millisecond, func() { kill(browser, "") })
	err := page.WaitForElement(within(t, 5*time.Second), synthetic.ElementCondition{Selectors: synthetic.CSS("#absent"), Count: 1})
	wantFault(t, err, beacon.ReasonBrowserFailed, "browser died")
	check(t, page.Close(t.Context()))
	_, err = browser.NewPage(t.Context(), synthetic.PageOptions{})
	wantFault(t, err, beacon.ReasonBrowserFailed, "no page")
}

func TestPage_TabClosed(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/")
	time.AfterFunc(50*time.Millisecond, func() {
		cdp.Call(page.alive, browser.client, target.CloseTarget, target.CloseTargetParams{TargetID: page.id})
	})
	err := page.WaitForExpression(within(t, 3*time.Second), "false")
	wantFault(t, err, beacon.ReasonNavigation, "closed its tab")
}

func TestPage_LeavesNothing(t *testing.T) {
	site, browser := newSite(t), launch(t, nil)
	rounds := func(n int) {
		for range n {
			page, err := browser.NewPage(t.Context(), synthetic.PageOptions{})
			check(t, err)
			visit(t, page, site.URL+"/")
			check(t, page.Close(t.Context()))
		}
	}
	rounds(2)
	before := runtime.NumGoroutine()
	rounds(10)
	eventually(t, "goroutines flat", func() bool { return runtime.NumGoroutine() <= before })
	check(t, browser.Close())
	for _, p := range processes() {
		if p.parent == os.Getpid() && p.state == 'Z' {
			t.Errorf("zombie %d", p.pid)
		}
	}
}

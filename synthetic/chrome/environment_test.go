//go:build linux

package chrome

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/synthetic"
)

// ear is a site that remembers what it was asked.
type ear struct {
	*httptest.Server
	mu    sync.Mutex
	heard []*http.Request
}

// newEar serves what answers says for a path, and an empty page else.
func newEar(t testing.TB, answers map[string]http.HandlerFunc) *ear {
	t.Helper()
	site := &ear{}
	site.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site.mu.Lock()
		site.heard = append(site.heard, r.Clone(r.Context()))
		site.mu.Unlock()
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if answer := answers[r.URL.Path]; answer != nil {
			answer(w, r)
			return
		}
		fmt.Fprint(w, "<!doctype html><title>"+r.URL.Path+"</title>")
	}))
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	return site
}

// markup answers with a document.
func markup(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html>", body) }
}

// on is the site's address by another name of this machine.
func (e *ear) on(host string) string { return strings.Replace(e.URL, "127.0.0.1", host, 1) }

// requests returns the requests to a path that were not preflights.
func (e *ear) requests(path string) []*http.Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.heard), func(r *http.Request) bool {
		return r.URL.Path != path || r.Method == http.MethodOptions
	})
}

func TestEnvironment_TimeAndPlace(t *testing.T) {
	t.Parallel()
	site, browser := newEar(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{
		Timezone: "America/New_York", Geolocation: &synthetic.Geolocation{Latitude: 52.5, Longitude: -13.4, AccuracyM: 20},
	})
	visit(t, page, site.URL+"/")
	wantValue(t, page, `[Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).getTimezoneOffset()]`, `["America/New_York",300]`)
	wantValue(t, page, `new Promise((done, fail) => navigator.geolocation.getCurrentPosition(
		p => done([p.coords.latitude, p.coords.longitude, p.coords.accuracy]), fail))`, `[52.5,-13.4,20]`)
}

func TestEnvironment_Cookies(t *testing.T) {
	t.Parallel()
	site, browser := newEar(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Cookies: []synthetic.Cookie{
		{Name: "plain", Value: "1", Domain: "127.0.0.1"},
		{Name: "deep", Value: "2", Domain: "127.0.0.1", Path: "/deep", HTTPOnly: true, SameSite: "Strict", Expires: time.Now().Add(time.Hour)},
		{Name: "other", Value: "3", Domain: ".example.org"},
	}})
	visit(t, page, site.URL+"/deep/a")
	visit(t, page, site.URL+"/b")
	deep, other := site.requests("/deep/a")[0].Header.Get("Cookie"), site.requests("/b")[0].Header.Get("Cookie")
	if deep != "deep=2; plain=1" || other != "plain=1" {
		t.Errorf("sent %q and %q", deep, other)
	}
	wantValue(t, page, "document.cookie", `"plain=1"`)
}

func TestEnvironment_Slow(t *testing.T) {
	t.Parallel()
	site, browser := newEar(t, map[string]http.HandlerFunc{"/large": markup(strings.Repeat("x", 40_000))}), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Network: &synthetic.NetworkConditions{Latency: 300 * time.Millisecond, DownloadBytesPerS: 50_000}})
	begun := time.Now()
	visit(t, page, site.URL+"/large")
	if took := time.Since(begun); took < 900*time.Millisecond {
		t.Errorf("took %s", took)
	}
	offline := open(t, browser, synthetic.PageOptions{Network: &synthetic.NetworkConditions{Offline: true}})
	if _, err := offline.Navigate(within(t, patience), site.URL); err == nil || !strings.Contains(err.Error(), "ERR_INTERNET_DISCONNECTED") {
		t.Errorf("got %v", err)
	}
	free := open(t, browser, synthetic.PageOptions{})
	visit(t, free, site.URL+"/large")
}

func TestEnvironment_SlowProcessor(t *testing.T) {
	site, browser := newEar(t, nil), launch(t, nil)
	const work = `(() => { const begun = performance.now(); let n = 0; for (let i = 0; i < 3e6; i++) n += Math.sqrt(i); return performance.now() - begun + n * 0 })()`
	took := func(slowdown float64) float64 {
		page := open(t, browser, synthetic.PageOptions{CPUSlowdown: slowdown})
		visit(t, page, site.URL+"/")
		best := 1e9
		for range 5 {
			var ms float64
			got, err := page.Evaluate(t.Context(), work)
			check(t, err)
			_, err = fmt.Sscan(string(got), &ms)
			check(t, err)
			best = min(best, ms)
		}
		return best
	}
	if plain, slow := took(0), took(20); slow < 2*plain {
		t.Errorf("%g ms, slowed down %g ms", plain, slow)
	}
}

func TestEnvironment_Block(t *testing.T) {
	t.Parallel()
	site, browser := newEar(t, map[string]http.HandlerFunc{
		"/": markup(`<img src="/a.png"><img src="/b.mp4"><img src="http://localhost:PORT/c.png">`),
	}), launch(t, nil)
	site.Config.Handler = replacePort(site)
	page := open(t, browser, synthetic.PageOptions{Block: []string{"localhost", "*://*:*/*.mp4"}})
	visit(t, page, site.URL+"/")
	if len(site.requests("/a.png")) != 1 || len(site.requests("/b.mp4")) != 0 || len(site.requests("/c.png")) != 0 {
		t.Errorf("asked for %d, %d, %d", len(site.requests("/a.png")), len(site.requests("/b.mp4")), len(site.requests("/c.png")))
	}
	if request := page.FailedRequest(); request != "" {
		t.Errorf("what is blocked by choice counts as failed: %s", request)
	}
}

// replacePort writes the site's port where its pages say PORT.
func replacePort(site *ear) http.Handler {
	before := site.Config.Handler
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		port := r.Host[strings.LastIndexByte(r.Host, ':')+1:]
		before.ServeHTTP(replacing{w, port}, r)
	})
}

type replacing struct {
	http.ResponseWriter
	port string
}

func (r replacing) Write(data []byte) (int, error) {
	_, err := r.ResponseWriter.Write([]byte(strings.ReplaceAll(string(data), "PORT", r.port)))
	return len(data), err
}

// login is a site that keeps a login in a cookie and in local storage.
func newLogin(t testing.TB) *ear {
	return newEar(t, map[string]http.HandlerFunc{
		"/login": func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1", Path: "/", HttpOnly: true})
			fmt.Fprint(w, `<script>localStorage.setItem("token", "t1"); localStorage.setItem("odd", '<b> "\u2028')</script>`)
		},
		"/account": func(w http.ResponseWriter, r *http.Request) {
			cookie, err := r.Cookie("session")
			fmt.Fprintf(w, `<script>document.title = "%t " + localStorage.getItem("token")</script>`, err == nil && cookie.Value == "s1")
		},
		"/logout": markup(`<script>localStorage.clear()</script>`),
	})
}

func TestState(t *testing.T) {
	t.Parallel()
	site, browser := newLogin(t), launch(t, nil)
	first := open(t, browser, synthetic.PageOptions{KeepState: true})
	visit(t, first, site.on("localhost")+"/login")
	visit(t, first, site.URL+"/login")
	state, err := first.State(t.Context())
	check(t, err)
	if len(state.Cookies) != 2 || !state.Cookies[0].HTTPOnly || len(state.Storage) != 2 ||
		state.Storage[site.URL]["token"] != "t1" || state.Storage[site.on("localhost")]["token"] != "t1" {
		t.Fatalf("got %+v", state)
	}
	second := open(t, browser, synthetic.PageOptions{State: &state})
	visit(t, second, site.URL+"/account")
	wantTitle(t, second, "true t1")
	wantValue(t, second, `localStorage.getItem("odd")`, "\"<b> \\\"\u2028\"")
	visit(t, second, site.on("localhost")+"/account")
	wantTitle(t, second, "true t1")
	visit(t, second, site.on("localhost")+"/logout")
	visit(t, second, site.on("localhost")+"/account")
	wantTitle(t, second, "true null")
	other := open(t, browser, synthetic.PageOptions{})
	visit(t, other, site.URL+"/account")
	wantTitle(t, other, "false null")
	if _, err := other.State(t.Context()); err == nil {
		t.Error("a page that was not to keep its state tells it")
	}
}

func TestState_IsBounded(t *testing.T) {
	t.Parallel()
	site, browser := newEar(t, map[string]http.HandlerFunc{
		"/": markup(`<script>for (let i = 0; i < 4; i++) localStorage.setItem("k" + i, "x".repeat(4e5))</script>`),
	}), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{KeepState: true})
	visit(t, page, site.URL+"/")
	if _, err := page.State(t.Context()); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("got %v", err)
	}
}

// What a page is given are no arguments of a process.
func TestEnvironment_IsInNoProcessList(t *testing.T) {
	site, browser := newEar(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{
		Headers: []synthetic.Header{{Name: "X-Key", Value: "hush", Hosts: []string{"127.0.0.1"}}},
		Cookies: []synthetic.Cookie{{Name: "session", Value: "hush", Domain: "127.0.0.1"}},
		State:   &synthetic.State{Storage: map[string]map[string]string{site.URL: {"token": "hush"}}},
	})
	visit(t, page, site.URL+"/")
	wantValue(t, page, "localStorage.token", `"hush"`)
	if sent := site.one(t, "/").Header; sent.Get("X-Key") != "hush" || sent.Get("Cookie") != "session=hush" {
		t.Errorf("sent %v", sent)
	}
	family := familyOf(browser.client.Process().Pid)
	for _, p := range family {
		for _, file := range []string{"environ", "cmdline"} {
			data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), file))
			if err == nil && bytes.Contains(data, []byte("hush")) {
				t.Errorf("process %d has it in its %s", p.pid, file)
			}
		}
	}
	if len(family) < 3 {
		t.Errorf("only %d processes were looked at", len(family))
	}
}

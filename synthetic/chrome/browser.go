package chrome

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"throughline/synthetic"
)

// Options configures [Launch].
type Options struct {
	// Path is the browser's executable; see [Find].
	Path string
	// ProfileRoot is the directory that the browser's own profile directory is
	// made in; empty is the system's for temporary files.
	ProfileRoot string
	// NoSandbox starts the browser without its sandbox. As root there is none
	// anyway. Either way it is logged.
	NoSandbox bool
	// UserAgent replaces the browser's own, with its client hints, in all it sends;
	// what a page sends on leaving, [synthetic.PageOptions].UserAgent does not reach.
	UserAgent string
	// Headed shows the browser's window; see [WithWindow].
	Headed bool
	// display is what the window needs of the environment.
	display []string
	// together leaves frames of other sites in the process of their page.
	together bool
	// Spare keeps an empty tab ready while no page is open, for the next one.
	Spare bool
	Log   *slog.Logger
}

// How long a browser may take to start and to end by itself.
const (
	launchTimeout = 20 * time.Second
	quitTimeout   = 3 * time.Second
)

// profilePrefix starts the names of profile directories.
const profilePrefix = "throughline-chrome-"

// maxTempDir bounds the length of the browser's directory for temporary files: a
// full Chrome makes a socket below it, whose path must fit in 108 bytes.
const maxTempDir = 60

// Browser is a running browser without any page. It is safe for concurrent use.
type Browser struct {
	log     *slog.Logger
	profile string
	command *exec.Cmd // nil until the client makes it
	// ctx is the client's context of the browser; it belongs to no caller, since
	// the browser would end with it.
	ctx     context.Context
	stop    func()
	client  *chromedp.Browser
	version cdpbrowser.GetVersionResult
	line    *line
	tasks   sync.WaitGroup
	close   sync.Once
	closing chan struct{} // closed when Close begins
	spares  bool          // see Options.Spare
	headed  bool          // see Options.Headed

	mu sync.Mutex
	// spare is a tab that is ready, warming is closed when one that is being opened is.
	spare   *blank
	warming chan struct{}
	// pages are those that are open, by their browser contexts.
	pages map[cdp.BrowserContextID]*Page
	err   error
}

// maxStarts is how often a browser is started that dies at its start by itself.
const maxStarts = 3

// Launch starts a browser, and again when it dies at its start by itself. ctx
// bounds the start only; the browser runs until Close. It ends with this process,
// too, however that ends.
func Launch(ctx context.Context, options Options) (*Browser, error) {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	unsandboxed := options.NoSandbox || os.Getuid() == 0
	if unsandboxed {
		options.Log.Warn("the browser runs without its sandbox; run as another user than root to have one")
	}
	for starts := 1; ; starts++ {
		browser, err := launchOnce(ctx, options, unsandboxed)
		if !errors.Is(err, errDied) || ctx.Err() != nil || starts == maxStarts {
			return browser, err
		}
		options.Log.Warn("the browser died at its start; starting it once more", "error", err)
	}
}

// launchOnce starts a browser with a profile of its own. Of one that does not start
// nothing is left.
func launchOnce(ctx context.Context, options Options, unsandboxed bool) (*Browser, error) {
	log := options.Log
	profile, err := os.MkdirTemp(options.ProfileRoot, profilePrefix)
	if err != nil {
		return nil, fmt.Errorf("make browser profile: %w", err)
	}
	b := &Browser{log: log, profile: profile, spares: options.Spare, headed: options.Headed, closing: make(chan struct{}), pages: map[cdp.BrowserContextID]*Page{}}
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), execOptions(options, profile, unsandboxed, b.tie)...)
	browserCtx, stopBrowser := chromedp.NewContext(allocator,
		chromedp.WithLogf(func(string, ...any) {}),
		chromedp.WithErrorf(func(format string, args ...any) {
			if message := fmt.Sprintf(format, args...); !isOfLine(message) {
				log.Debug("browser client", "message", message)
			}
		}))
	b.ctx = browserCtx
	// Once, since of a browser that never started the client lets only one wait.
	b.stop = sync.OnceFunc(func() { stopBrowser(); stopAllocator() })
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", options.Path, err), b.Close())
	}
	return b, nil
}

// errDied is a browser whose process was started and ended before it answered.
// The client has no error of its own for it.
var errDied = errors.New("the browser died at its start")

// start starts the process and waits for its first answer.
func (b *Browser) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, launchTimeout)
	defer cancel()
	started := make(chan error, 1)
	go func() {
		version, err := chromedp.CallBrowser(b.ctx, cdpbrowser.GetVersion, cdp.Empty{})
		b.version = version
		started <- err
	}()
	var err error
	select {
	case err = <-started:
	case <-ctx.Done():
		b.stop()
		<-started
		return ctx.Err()
	}
	b.client = chromedp.FromContext(b.ctx).Browser
	switch {
	case err == nil:
		if !b.headed {
			b.closeFirst(ctx)
		}
		b.line, err = newLine(ctx, b.client, b.log, b.opened)
		return err
	case b.command == nil || b.command.Process == nil: // there is no such file, or it cannot be executed
		return err
	}
	return fmt.Errorf("%w: %w", errDied, explain(err))
}

// closeFirst closes the tab that the browser starts with, which would keep a process
// for nothing: pages have browser contexts of their own. With its last window a
// browser that shows any would end.
func (b *Browser) closeFirst(ctx context.Context) {
	found, err := cdp.Call(ctx, b.client, target.GetTargets, target.GetTargetsParams{})
	for _, info := range found.TargetInfos {
		if info.Type == "page" {
			_, errClose := cdp.Call(ctx, b.client, target.CloseTarget, target.CloseTargetParams{TargetID: info.TargetID})
			err = errors.Join(err, errClose)
		}
	}
	if err != nil {
		b.log.Debug("close the first tab", "error", err)
	}
}

// tie binds the process that will be started to us.
func (b *Browser) tie(command *exec.Cmd) {
	tether(command)
	command.Dir = b.profile
	b.command = command
}

// explain adds what to do to the browser's own words.
func explain(err error) error {
	if strings.Contains(err.Error(), "sandbox") {
		return fmt.Errorf("%w: allow user namespaces, or set %s=1 to do without the sandbox", err, NoSandboxVariable)
	}
	return err
}

// Name is the browser's name and version, such as HeadlessChrome/156.0.8078.79.
func (b *Browser) Name() string { return b.version.Product }

// UserAgent is the browser's own user agent.
func (b *Browser) UserAgent() string { return b.version.UserAgent }

// Client is the context with which the client below us reaches the browser, for
// what is measured against it. It ends with the browser.
func (b *Browser) Client() context.Context { return b.ctx }

// Close ends the browser with all its processes and removes its profile. Pages
// that are still open fail. It may be called more than once.
func (b *Browser) Close() error {
	b.close.Do(func() {
		b.mu.Lock() // which keepWarm begins under
		close(b.closing)
		b.mu.Unlock()
		var tree family
		if b.client != nil && b.client.Process() != nil {
			tree = familyOf(b.client.Process().Pid)
			b.quit()
		}
		if b.line != nil {
			b.line.close()
		}
		b.tasks.Wait()
		b.stop()
		tree.end(b.profile)
		b.err = removeProfile(b.profile)
	})
	return b.err
}

// dead says that the browser cannot be reached any more.
func (b *Browser) dead() bool {
	select {
	case <-b.client.LostConnection:
		return true
	default:
		return false
	}
}

// quit asks the browser to end.
func (b *Browser) quit() {
	if b.dead() {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, quitTimeout)
	defer cancel()
	if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
		b.log.Debug("browser did not quit, killing it", "error", err)
	}
}

// removeProfile removes the profile. Processes that are just ending may still
// write into it, so it tries for a while.
func removeProfile(dir string) error {
	const tries, pause = 50, 20 * time.Millisecond
	var err error
	for range tries {
		if err = os.RemoveAll(dir); err == nil {
			return nil
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("remove browser profile: %w", err)
}

// Opener adapts Launch to what [synthetic.Runner] wants.
func Opener(options Options) func(context.Context) (synthetic.Browser, error) {
	return func(ctx context.Context) (synthetic.Browser, error) {
		browser, err := Launch(ctx, options)
		if err != nil {
			return nil, err
		}
		return opened{browser}, nil
	}
}

// opened is a Browser that returns pages as the interface that the runner knows.
type opened struct{ *Browser }

func (o opened) NewPage(ctx context.Context, options synthetic.PageOptions) (synthetic.Page, error) {
	return o.Browser.NewPage(ctx, options)
}

// execOptions is how the browser starts: quiet, with no network traffic of its
// own, with nothing of our environment, and measuring as it would in front of a
// person.
func execOptions(o Options, profile string, unsandboxed bool, tie func(*exec.Cmd)) []chromedp.ExecAllocatorOption {
	temp := profile
	if len(temp) > maxTempDir {
		temp = os.TempDir()
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(o.Path),
		chromedp.UserDataDir(profile),
		chromedp.ModifyCmdFunc(tie),
		chromedp.NoInheritEnv,
		chromedp.Env("HOME="+profile, "TMPDIR="+temp, "XDG_CONFIG_HOME="+filepath.Join(profile, "config"),
			"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"),
		chromedp.Env(o.display...),
		chromedp.WindowSize(synthetic.DefaultViewport.Width, synthetic.DefaultViewport.Height),
		chromedp.Flag("no-sandbox", unsandboxed),
		// As whole browsers have it: what another site's frame does keeps the page's own
		// scripts no longer waiting here than in front of a user.
		chromedp.Flag("site-per-process", !o.together),
		chromedp.Flag("disable-features", strings.Join([]string{
			// Traffic and work of the browser's own.
			"Translate", "MediaRouter", "OptimizationHints", "AutofillServerCommunication",
			"CertificateTransparencyComponentUpdater", "InterestFeedContentSuggestions",
			// A renderer that waits for pages of no browser context of ours.
			"SpareRendererForSitePerProcess",
			// Activating a prerendered page swaps the frame that we follow.
			"Prerender2",
			// A journey to an http address must load that address.
			"HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable",
			// A frame of its own for each document of a site, with a view and a
			// compositor: a tenth of a run's processor time for what no page can see.
			"RenderDocument",
		}, ",")),
		chromedp.Flag("host-resolver-rules", unresolved),
		chromedp.Flag("force-color-profile", "srgb"),
		chromedp.Flag("password-store", "basic"),
	}
	if !o.Headed {
		options = append(options, chromedp.Headless)
	}
	// Else the network has a process, which is in no sandbox either, and takes 13 MB.
	features := []string{"NetworkServiceInProcess2"}
	if o.UserAgent != "" {
		options = append(options, chromedp.UserAgent(o.UserAgent))
		// Client hints would tell the browser's own name.
		features = append(features, "UACHOverrideBlank")
	}
	options = append(options, chromedp.Flag("enable-features", strings.Join(features, ",")))
	for _, flag := range []string{
		"no-first-run", "no-default-browser-check", "use-mock-keychain", "enable-automation",
		"disable-background-networking", "disable-component-update", "disable-domain-reliability",
		"disable-client-side-phishing-detection", "disable-default-apps", "disable-extensions", "disable-sync",
		"disable-breakpad", "metrics-recording-only", "no-pings",
		// Pages in the background are measured like those in front.
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
		"disable-hang-monitor", "disable-prompt-on-repost",
		// A page taken out of the cache would keep the state of an earlier step.
		"disable-back-forward-cache",
		// Else a click is lost that comes before the first frame of a document is drawn.
		"allow-pre-commit-input",
		// UDP is often blocked where agents run; falling back would show as slowness.
		"disable-quic",
		// Containers give 64 MB of it.
		"disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	return options
}

package chrome

import (
	"context"
	_ "embed"
	"fmt"
	"sync"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/css"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"

	"throughline/synthetic"
)

// helperScript holds the functions that look into pages.
//
//go:embed helper.js
var helperScript string

// prepare makes a new page what the options say.
func (p *Page) prepare(ctx context.Context) error {
	ctx, done := p.bind(ctx)
	defer done()
	var setup commands
	// The client switches these on for what we do not use. They cost the page
	// time, and a page that changes fast could fill the client's queue.
	setup.add("stop DOM events", func() error {
		if _, err := cdp.Call(ctx, p.session, css.Disable, cdp.Empty{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, p.session, dom.Disable, cdp.Empty{})
		return err
	})
	setup.add("deny downloads", func() error {
		_, err := cdp.Call(ctx, p.browser.client, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
			Behavior:         cdpbrowser.SetDownloadBehaviorBehaviorDeny,
			BrowserContextID: p.contextID,
		})
		return err
	})
	p.giveCookies(ctx, &setup)
	p.equip(ctx, &setup)
	if p.options.Evidence.Film {
		p.tasks.Go(p.roll)
		setup.add("film", func() error { return p.startFilm(ctx) })
	}
	return setup.wait()
}

// equip makes the tab of the page, or of a popup, what the options say.
func (p *tab) equip(ctx context.Context, setup *commands) {
	setup.add("give focus", func() error {
		_, err := cdp.Call(ctx, p.session, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	})
	setup.add("set viewport", func() error { return p.resize(ctx, p.options.Viewport) })
	if p.options.Binding != "" {
		setup.add("add binding", func() error {
			_, err := cdp.Call(ctx, p.session, runtime.AddBinding, runtime.AddBindingParams{Name: p.options.Binding})
			return err
		})
	}
	if p.options.InitScript != "" {
		setup.add("add init script", func() error { return p.addScript(ctx, p.initScript(), "") })
	}
	p.restore(ctx, setup)
	p.furnish(ctx, setup)
}

// furnish makes any tab what the options say, that of a frame, too.
func (p *tab) furnish(ctx context.Context, setup *commands) {
	setup.add("add helper script", func() error { return p.addScript(ctx, helperScript, worldName) })
	if p.options.UserAgent != "" || p.options.Locale != "" {
		setup.add("set user agent", func() error { return p.setIdentity(ctx) })
	}
	p.surround(ctx, setup)
}

// commands runs independent commands at the same time, to wait for the browser
// once.
type commands struct {
	group sync.WaitGroup
	mu    sync.Mutex
	err   error
}

func (c *commands) add(what string, run func() error) {
	c.group.Go(func() {
		err := run()
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil && c.err == nil {
			c.err = fmt.Errorf("%s: %w", what, err)
		}
	})
}

func (c *commands) wait() error {
	c.group.Wait()
	return c.err
}

// initScript keeps the script out of frames and of the browser's own pages.
func (p *shared) initScript() string {
	return "if (self === top && /^https?:$/.test(location.protocol)) {\n" + p.options.InitScript + "\n}"
}

func (p *tab) addScript(ctx context.Context, source, world string) error {
	_, err := cdp.Call(ctx, p.session, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: source, WorldName: world, RunImmediately: new(true),
	})
	return err
}

func (p *tab) setIdentity(ctx context.Context) error {
	agent := p.options.UserAgent
	if agent == "" {
		agent = p.browser.UserAgent()
	}
	params := emulation.SetUserAgentOverrideParams{UserAgent: agent, AcceptLanguage: p.options.Locale}
	if _, err := cdp.Call(ctx, p.session, emulation.SetUserAgentOverride, params); err != nil {
		return err
	}
	if p.options.Locale == "" {
		return nil
	}
	_, err := cdp.Call(ctx, p.session, emulation.SetLocaleOverride, emulation.SetLocaleOverrideParams{Locale: p.options.Locale})
	return err
}

// SetViewport resizes the page.
func (p *surface) SetViewport(ctx context.Context, viewport synthetic.Viewport) error {
	ctx, done := p.bind(ctx)
	defer done()
	if err := p.resize(ctx, viewport); err != nil {
		return p.fault(ctx, err, nil)
	}
	return nil
}

func (p *tab) resize(ctx context.Context, viewport synthetic.Viewport) error {
	if viewport == (synthetic.Viewport{}) {
		viewport = synthetic.DefaultViewport
	}
	orientation := &emulation.ScreenOrientation{Type: emulation.ScreenOrientationTypePortraitPrimary}
	if viewport.Landscape {
		orientation = &emulation.ScreenOrientation{Type: emulation.ScreenOrientationTypeLandscapePrimary, Angle: 90}
	}
	_, err := cdp.Call(ctx, p.session, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(viewport.Width), Height: int64(viewport.Height),
		DeviceScaleFactor: viewport.DeviceScaleFactor, Mobile: viewport.Mobile,
		ScreenWidth: int64(viewport.Width), ScreenHeight: int64(viewport.Height),
		ScreenOrientation: orientation,
	})
	if err != nil {
		return err
	}
	touch := emulation.SetTouchEmulationEnabledParams{Enabled: viewport.Touch}
	if viewport.Touch {
		touch.MaxTouchPoints = 5
	}
	_, err = cdp.Call(ctx, p.session, emulation.SetTouchEmulationEnabled, touch)
	return err
}

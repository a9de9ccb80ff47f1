package chrome

import (
	"cmp"
	"context"
	"strings"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"

	"throughline/synthetic"
)

// surround gives a tab the surroundings that its options ask for. What they do
// not ask for costs nothing.
func (p *tab) surround(ctx context.Context, setup *commands) {
	o := p.options
	if o.Timezone != "" {
		setup.add("set time zone", func() error {
			_, err := cdp.Call(ctx, p.session, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: o.Timezone})
			return err
		})
	}
	if o.Geolocation != nil {
		setup.add("set geolocation", func() error { return p.locateAt(ctx, *o.Geolocation) })
	}
	if o.Network != nil {
		setup.add("slow the network", func() error { return p.throttle(ctx, *o.Network) })
	}
	if o.CPUSlowdown > 1 {
		setup.add("slow the processor", func() error {
			_, err := cdp.Call(ctx, p.session, emulation.SetCPUThrottlingRate, emulation.SetCPUThrottlingRateParams{Rate: o.CPUSlowdown})
			return err
		})
	}
	if patterns := p.blocked(); len(patterns) > 0 {
		setup.add("block requests", func() error {
			_, err := cdp.Call(ctx, p.session, network.SetBlockedURLs, network.SetBlockedURLsParams{URLPatterns: patterns})
			return err
		})
	}
	if patterns := p.intercepted(); len(patterns) > 0 {
		setup.add("intercept requests", func() error {
			_, err := cdp.Call(ctx, p.session, fetch.Enable, fetch.EnableParams{Patterns: patterns})
			return err
		})
	}
}

// locateAt tells the page where it is, and that it may know.
func (p *tab) locateAt(ctx context.Context, place synthetic.Geolocation) error {
	accuracy := cmp.Or(place.AccuracyM, 1)
	_, err := cdp.Call(ctx, p.session, emulation.SetGeolocationOverride, emulation.SetGeolocationOverrideParams{
		Latitude: &place.Latitude, Longitude: &place.Longitude, Accuracy: &accuracy,
	})
	if err != nil {
		return err
	}
	_, err = cdp.Call(ctx, p.browser.client, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
		Permission: &cdpbrowser.PermissionDescriptor{Name: "geolocation"}, Setting: cdpbrowser.PermissionSettingGranted,
		BrowserContextID: p.contextID,
	})
	return err
}

// blocked is what the page may not load; the first pattern that fits decides.
func (p *shared) blocked() []*network.BlockPattern {
	var patterns []*network.BlockPattern
	for _, what := range p.options.Block {
		if !strings.Contains(what, "/") {
			what = "*://" + what + ":*/*"
		}
		patterns = append(patterns, &network.BlockPattern{URLPattern: what, Block: true})
	}
	return patterns
}

package chrome

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"

	"throughline/synthetic"
)

// screenshotTimeout bounds a screenshot: a page that hangs gives none.
const screenshotTimeout = 5 * time.Second

// Screenshot returns what the viewport shows, as PNG.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	ctx, done := p.bind(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, screenshotTimeout)
	defer cancel()
	result, err := cdp.Call(ctx, p.target, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, OptimizeForSpeed: new(true),
	})
	if err != nil {
		return nil, p.fault(ctx, err, nil)
	}
	return result.Data, nil
}

// Scroll turns the mouse wheel over the middle of the page, by CSS pixels.
func (p *Page) Scroll(ctx context.Context, x, y float64) error {
	ctx, done := p.bind(ctx)
	defer done()
	viewport := p.options.Viewport
	if viewport.Width == 0 {
		viewport = synthetic.DefaultViewport
	}
	// The client's own parameters leave out a zero, which the browser refuses.
	err := p.target.Call(ctx, input.CommandDispatchMouseEvent, map[string]any{
		"type": input.DispatchMouseEventTypeMouseWheel, "modifiers": p.modifiers,
		"x": viewport.Width / 2, "y": viewport.Height / 2, "deltaX": x, "deltaY": y,
	}, nil)
	if err != nil {
		return p.fault(ctx, err, nil)
	}
	return nil
}

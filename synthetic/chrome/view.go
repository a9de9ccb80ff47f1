package chrome

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"

	"throughline/synthetic"
)

// Bounds of a screenshot.
const (
	screenshotQuality = 80
	screenshotTimeout = 5 * time.Second
	// hanging is how long a page has for its screenshot until it counts as one that
	// hangs.
	hanging = time.Second
)

// Screenshot implements [synthetic.Recorder]. It is of the popup that the step acts
// in, if that lives, or of the page. That has to draw itself for it;
// of one that hangs it is what the browser last composed, and of one that is gone
// the last picture of its film.
func (p *Page) Screenshot(ctx context.Context) ([]byte, error) {
	ctx, done := p.bind(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, screenshotTimeout)
	defer cancel()
	shown := p.acted.Load()
	if shown == nil || shown.alive.Err() != nil {
		shown = p.tab
	}
	data, err := shown.drawn(ctx)
	if err != nil && ctx.Err() == nil {
		data, err = p.still(ctx)
	}
	if err == nil {
		return data, nil
	}
	if last := p.record.film.last(); last != nil {
		return last, nil
	}
	return nil, p.fault(ctx, err, nil)
}

// drawn has the page, or a popup, draw itself.
func (p *tab) drawn(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, hanging)
	defer cancel()
	result, err := cdp.Call(ctx, p.session, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatJpeg, Quality: new(int64(screenshotQuality)), OptimizeForSpeed: new(true),
	})
	return result.Data, err
}

// Wheel turns the mouse wheel over the middle of the page, by CSS pixels.
func (p *surface) Wheel(ctx context.Context, x, y float64) error {
	ctx, done := p.bind(ctx)
	defer done()
	viewport := p.options.Viewport
	if viewport.Width == 0 {
		viewport = synthetic.DefaultViewport
	}
	// The client's own parameters leave out a zero, which the browser refuses.
	err := p.root().session.Call(ctx, input.CommandDispatchMouseEvent, map[string]any{
		"type": input.DispatchMouseEventTypeMouseWheel, "modifiers": p.modifiers,
		"x": viewport.Width / 2, "y": viewport.Height / 2, "deltaX": x, "deltaY": y,
	}, nil)
	if err != nil {
		return p.fault(ctx, err, nil)
	}
	return nil
}

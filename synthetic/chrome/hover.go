package chrome

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"

	"throughline/synthetic"
)

// Hover implements [synthetic.Pointer].
func (p *surface) Hover(ctx context.Context, selectors synthetic.Selectors) (won int, err error) {
	ctx, done := p.bind(ctx)
	defer done()
	at, won, err := p.aimAt(ctx, selectors, nil, true)
	if err != nil {
		return won, err
	}
	_, err = cdp.Call(ctx, p.root().session, input.DispatchMouseEvent, input.DispatchMouseEventParams{
		Type: input.DispatchMouseEventTypeMouseMoved, X: at.X, Y: at.Y, Modifiers: p.modifiers,
	})
	if err != nil {
		return won, p.fault(ctx, err, nil)
	}
	return won, p.follows(ctx)
}

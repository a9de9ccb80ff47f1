package chrome

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

	"throughline/beacon"
	"throughline/synthetic"
)

// CloseTab implements [synthetic.Navigator]. The page says its last words as it
// does on Close, which must still be called.
func (p *surface) CloseTab(ctx context.Context) error {
	p.leave(ctx)
	ctx, done := p.bind(ctx)
	defer done()
	_, err := cdp.Call(ctx, p.browser.client, target.CloseTarget, target.CloseTargetParams{TargetID: p.id})
	if err != nil {
		return p.fault(ctx, err, nil)
	}
	p.die(&synthetic.Fault{Reason: beacon.ReasonCommandRefused, Message: "an earlier step closed the tab"})
	return nil
}

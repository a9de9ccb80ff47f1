package chrome

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

	"throughline/beacon"
	"throughline/synthetic"
)

// CloseTab implements [synthetic.Navigator]: of a frame it closes the tab that the
// frame is in. The page says its last words as it does on Close, which must still be
// called.
func (p *surface) CloseTab(ctx context.Context) error {
	root := p.root()
	whole := &surface{tab: root, frame: root.main()}
	whole.leave(ctx)
	if root.alive.Err() != nil {
		return context.Cause(root.alive)
	}
	root.die(&synthetic.Fault{Reason: beacon.ReasonCommandRefused, Message: "an earlier step closed the tab"})
	ctx, done := p.bindPage(ctx)
	defer done()
	_, err := cdp.Call(ctx, p.browser.client, target.CloseTarget, target.CloseTargetParams{TargetID: root.id})
	if err != nil {
		return p.fault(ctx, err, nil)
	}
	return whole.vanish(ctx)
}

// vanish waits until a popup that was closed is gone.
func (p *surface) vanish(ctx context.Context) error {
	session, ok := p.session.(*lineSession)
	if !ok {
		return nil
	}
	select {
	case <-session.gone:
	case <-ctx.Done():
	}
	return nil
}

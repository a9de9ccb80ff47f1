package chrome

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"

	"throughline/beacon"
	"throughline/synthetic"
)

// maxPopups bounds how many popups of a page are open; more are closed.
const maxPopups = 8

// register makes the page known, so that what opens from it is its own.
func (b *Browser) register(p *Page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pages[p.contextID] = p
}

// unregister ends that.
func (b *Browser) unregister(p *Page) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pages, p.contextID)
}

// opened takes a new tab that waits to be prepared. It must not block.
func (b *Browser) opened(session *lineSession, e *target.EventAttachedToTarget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	session.target = e.TargetInfo.TargetID
	p := b.pages[e.TargetInfo.BrowserContextID]
	switch kind := e.TargetInfo.Type; {
	case kind == "iframe" && p != nil:
		p.framed(session)
	case kind == "page" && p != nil && p.id != session.target:
		p.poppedUp(session)
	case kind != "page" && kind != "iframe" && p != nil:
		p.works(session)
	default:
		// A page that is being opened; it is prepared by another way.
		b.tasks.Go(func() { b.admit(session) })
	}
}

// admit lets a page go on, whose frames and workers will be prepared.
func (b *Browser) admit(session *lineSession) {
	ctx, cancel := context.WithTimeout(b.ctx, disposeTimeout)
	defer cancel()
	err := session.holdWithin(ctx)
	if err == nil {
		err = session.run(ctx)
	}
	if err != nil {
		b.log.Debug("let a tab go on", "error", err)
	}
}

// works takes a new worker. What it asks for is kept from the machine and recorded as
// what the page asks for is.
func (p *Page) works(session *lineSession) {
	session.follow = func(event any) {
		p.record.follow(event)
		p.watch(event)
	}
	p.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(p.shared.alive, disposeTimeout)
		defer cancel()
		early := hasty{session}
		err := early.Call(ctx, network.Enable.Method, network.EnableParams{}, nil)
		if patterns := p.blocked(); err == nil && len(patterns) > 0 {
			err = early.Call(ctx, network.SetBlockedURLs.Method, network.SetBlockedURLsParams{URLPatterns: patterns}, nil)
		}
		if err == nil {
			err = session.holdWithin(ctx)
		}
		if err == nil {
			err = session.run(ctx)
		}
		if err != nil && p.shared.alive.Err() == nil {
			p.log.Debug("prepare worker", "error", err)
		}
	})
}

// framed takes a frame that moves to a process of its own.
func (p *Page) framed(session *lineSession) {
	around := p.tab
	if session.parent != nil {
		if known := p.state.tab(session.parent.target); known != nil {
			around = known
		}
	}
	t := &tab{shared: p.shared, session: session, id: session.target, parent: around}
	// That its session ends is no end: it may have moved back.
	t.alive, t.die = context.WithCancelCause(around.alive)
	session.ended = func() { p.state.remove(t) }
	p.start(t, session)
}

// poppedUp takes a new popup.
func (p *Page) poppedUp(session *lineSession) {
	if len(p.state.popups(p.tab)) >= maxPopups {
		if p.surplus.Add(1) == 1 {
			p.log.Info("popup of a page closed, since it has too many; further ones of this page are not logged")
		}
		p.tasks.Go(func() { p.refuse(session) })
		return
	}
	t := &tab{shared: p.shared, session: session, id: session.target}
	t.alive, t.die = context.WithCancelCause(p.shared.alive)
	session.ended = func() {
		t.die(&synthetic.Fault{Reason: beacon.ReasonNavigation, Message: "the popup was closed"})
		p.state.remove(t)
	}
	p.start(t, session)
}

// refuse closes a popup. First it goes on: the script that opened it waits for that,
// and would for ever if the popup went before it had begun to wait.
func (p *Page) refuse(session *lineSession) {
	err := session.run(p.shared.alive)
	if err == nil {
		_, err = cdp.Call(p.shared.alive, p.browser.client, target.CloseTarget, target.CloseTargetParams{TargetID: session.target})
	}
	if err != nil {
		p.log.Debug("close popup", "error", err)
	}
}

// start prepares a tab and lets it go on.
func (p *Page) start(t *tab, session *lineSession) {
	session.follow = t.followOwn
	p.state.add(t)
	p.tasks.Go(func() {
		if err := t.launch(t.alive, session); err != nil && t.alive.Err() == nil {
			p.log.Debug("prepare tab", "error", err)
		}
	})
}

// followOwn takes the events of a popup, or of a frame in a process of its own.
func (p *tab) followOwn(event any) {
	e, ok := event.(*page.EventFrameNavigated)
	// The window that a script of its site opened is the one it finds later, so that
	// the browser runs no script in it anew. This is as early as it can be run then.
	if ok && e.Frame.ID == p.main() && p.parent == nil && p.options.InitScript != "" {
		if _, own := p.state.worlds(p, p.main()); own.unique != "" {
			go func() {
				if _, err := p.evaluate(p.alive, p.initScript(), own); err != nil {
					p.log.Debug("run init script in a popup", "error", err)
				}
			}()
		}
	}
	p.follow(event)
}

// launch prepares a tab that waits. It answers nothing until it goes on.
func (p *tab) launch(ctx context.Context, session *lineSession) error {
	early := *p
	early.session = hasty{session}
	for _, command := range []struct {
		method string
		params any
	}{
		{runtime.Enable.Method, cdp.Empty{}},
		{page.Enable.Method, page.EnableParams{}},
		{page.SetLifecycleEventsEnabled.Method, page.SetLifecycleEventsEnabledParams{Enabled: true}},
		{network.Enable.Method, network.EnableParams{}},
		{cdplog.Enable.Method, cdp.Empty{}},
		{inspector.Enable.Method, cdp.Empty{}},
	} {
		if err := early.session.Call(ctx, command.method, command.params, nil); err != nil {
			return err
		}
	}
	var setup commands
	if p.parent == nil {
		early.equip(ctx, &setup)
	} else {
		early.furnish(ctx, &setup)
	}
	if err := setup.wait(); err != nil {
		return err
	}
	if err := session.holdWithin(ctx); err != nil {
		return err
	}
	return session.run(ctx)
}

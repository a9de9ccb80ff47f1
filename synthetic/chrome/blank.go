package chrome

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// blank is an empty tab in a browser context of its own, for a page to come. Most of
// what opening a page takes is the start of its process.
type blank struct {
	ctx     context.Context     // the client's, of the tab
	direct  string              // what it reaches, see [guard.direct]
	owner   atomic.Pointer[tab] // takes its events; nil while it is nobody's
	crashed atomic.Bool
}

// follow takes the events of the tab.
func (t *blank) follow(event any) {
	if owner := t.owner.Load(); owner != nil {
		owner.followMain(event)
		return
	}
	// The others tell of nothing but the empty document.
	if _, ok := event.(*inspector.EventTargetCrashed); ok {
		t.crashed.Store(true)
	}
}

// usable says that the tab is still there.
func (t *blank) usable() bool {
	detached, err := chromedp.Detached(t.ctx)
	if err != nil || t.crashed.Load() {
		return false
	}
	select {
	case <-detached:
		return false
	default:
		return true
	}
}

// blank returns a tab that nobody has used and that reaches what direct says: the spare
// one, if it does.
func (b *Browser) blank(ctx context.Context, direct string) (*blank, error) {
	for {
		b.mu.Lock()
		spare, warming := b.spare, b.warming
		b.spare = nil
		b.mu.Unlock()
		switch {
		case spare != nil && spare.direct == direct && spare.usable():
			return spare, nil
		case spare != nil:
			if err := b.abandon(spare.ctx); err != nil {
				b.log.Debug("discard the spare tab", "error", err)
			}
		case warming != nil:
			select {
			case <-warming:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		default:
			return b.openBlank(ctx, direct)
		}
	}
}

// openBlank opens one.
func (b *Browser) openBlank(ctx context.Context, direct string) (*blank, error) {
	t := &blank{direct: direct}
	ctxOfTab, cancel := chromedp.NewContext(b.ctx,
		chromedp.WithNewBrowserContext(func(params *target.CreateBrowserContextParams) {
			if direct != "" {
				params.ProxyServer, params.ProxyBypassList = nowhere, direct
			}
		}), chromedp.WithDetachOnCancel(), chromedp.WithListener(t.follow))
	t.ctx = ctxOfTab
	// The tab would end with the context that opens it, so that is its own.
	opened := make(chan error, 1)
	go func() { opened <- chromedp.Do(ctxOfTab) }()
	var err error
	select {
	case err = <-opened:
	case <-ctx.Done():
		cancel()
		<-opened
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, b.abandon(ctxOfTab))
	}
	return t, nil
}

// keepWarm opens a spare tab when no page is open, so that it takes none of them time.
// It is for a page that may reach the same as the last one.
func (b *Browser) keepWarm(direct string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.closing:
		return
	default:
	}
	if !b.spares || len(b.pages) > 0 || b.spare != nil || b.warming != nil {
		return
	}
	warming := make(chan struct{})
	b.warming = warming
	b.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(b.ctx, launchTimeout)
		defer cancel()
		go func() {
			select {
			case <-b.closing:
				cancel()
			case <-ctx.Done():
			}
		}()
		spare, err := b.openBlank(ctx, direct)
		if err != nil {
			b.log.Debug("open a spare tab", "error", err)
		}
		b.mu.Lock()
		b.spare, b.warming = spare, nil
		b.mu.Unlock()
		close(warming)
	})
}

package chrome

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/chromedp"
)

// blank is an empty tab in a browser context of its own, for a page to come. Most of
// what opening a page takes is the start of its process.
type blank struct {
	ctx     context.Context     // the client's, of the tab
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

// blank returns a tab that nobody has used: the spare one, if there is one.
func (b *Browser) blank(ctx context.Context) (*blank, error) {
	for {
		b.mu.Lock()
		spare, warming := b.spare, b.warming
		b.spare = nil
		b.mu.Unlock()
		switch {
		case spare != nil && spare.usable():
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
			return b.openBlank(ctx)
		}
	}
}

// openBlank opens one.
func (b *Browser) openBlank(ctx context.Context) (*blank, error) {
	t := &blank{}
	ctxOfTab, cancel := chromedp.NewContext(b.ctx,
		chromedp.WithNewBrowserContext(), chromedp.WithDetachOnCancel(), chromedp.WithListener(t.follow))
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
func (b *Browser) keepWarm() {
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
		spare, err := b.openBlank(ctx)
		if err != nil {
			b.log.Debug("open a spare tab", "error", err)
		}
		b.mu.Lock()
		b.spare, b.warming = spare, nil
		b.mu.Unlock()
		close(warming)
	})
}

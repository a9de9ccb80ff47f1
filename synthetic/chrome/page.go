package chrome

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"throughline/beacon"
	"throughline/synthetic"
)

// Bounds of what a page may send us.
const (
	maxQueuedCalls  = 256
	maxPayloadBytes = 1 << 20
	maxDialogs      = 64
)

// Bounds of closing a page.
const (
	// leaveTimeout is how long a page may take over its last words.
	leaveTimeout = time.Second
	// lingering is how long they may take to get out over the network.
	lingering      = 100 * time.Millisecond
	disposeTimeout = 5 * time.Second
	// quitting is how long after its tabs a browser may end that quits.
	quitting = 2 * time.Second
)

var _ synthetic.Page = (*Page)(nil)

// Page is a tab with storage of its own, with the popups that open from it and the
// frames in it. Its methods wait for what they need until their context ends, and
// return a *[synthetic.Fault]; they fail at once when the tab crashes or the browser
// dies. They are meant for one goroutine at a time.
type Page struct {
	*surface                 // its main frame
	ctx      context.Context // the client's, of the tab
	close    sync.Once
	err      error
}

var errClosed = &synthetic.Fault{Reason: beacon.ReasonCancelled, Message: "the page was closed"}

// newPage returns a page that has no tab yet.
func newPage(b *Browser, options synthetic.PageOptions) *Page {
	common := &shared{
		browser: b, log: b.log, options: options, state: newState(), record: newRecorder(options.Evidence),
		keep: newKeep(options.KeepState), guard: newGuard(options.AllowHosts),
		dialogs: make(chan dialog, maxDialogs),
		calls:   make(chan string, maxQueuedCalls),
		closing: make(chan struct{}),
	}
	common.alive, common.die = context.WithCancelCause(context.Background())
	main := &tab{shared: common}
	main.alive, main.die = context.WithCancelCause(common.alive)
	return &Page{surface: &surface{tab: main}}
}

// NewPage opens a page in a browser context of its own: no cookie, cache or
// storage is shared with any other. ctx bounds the opening only; the page lives
// until Close.
func (b *Browser) NewPage(ctx context.Context, options synthetic.PageOptions) (*Page, error) {
	p := newPage(b, options)
	empty, err := b.blank(ctx, p.guard.direct())
	if err != nil {
		return nil, b.openFault(err)
	}
	p.adopt(empty)
	p.tasks.Go(p.attend)
	p.tasks.Go(p.handOver)
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(b.openFault(err), p.Close(ctx))
	}
	return p, nil
}

// abandon closes a tab that was not opened in full.
func (b *Browser) abandon(tab context.Context) error {
	ctx, cancel := context.WithTimeout(context.Background(), disposeTimeout)
	defer cancel()
	return b.discard(ctx, tab)
}

func (b *Browser) openFault(err error) error {
	return &synthetic.Fault{Reason: beacon.ReasonBrowserFailed, Message: "no page could be opened: " + err.Error(), Err: err}
}

// adopt makes an empty tab that of the page.
func (p *Page) adopt(empty *blank) {
	its := chromedp.FromContext(empty.ctx)
	p.ctx, p.session, p.id, p.contextID = empty.ctx, its.Target, its.Target.TargetID, its.BrowserContextID
	p.frame = p.main()
	p.state.add(p.tab)
	p.browser.register(p)
	empty.owner.Store(p.tab)
}

// followMain takes the events of the page's own tab.
func (p *tab) followMain(event any) {
	if e, ok := event.(*target.EventTargetCrashed); ok {
		if crashed := p.state.tab(e.TargetID); crashed != nil {
			crashed.die(crash(e.Status))
		}
		return
	}
	p.follow(event)
}

// follow takes the events of a tab, one at a time. It must not block.
func (p *tab) follow(event any) {
	p.record.follow(event)
	p.keep.follow(event)
	p.watch(event)
	p.intercept(event)
	switch e := event.(type) {
	case *page.EventJavascriptDialogOpening:
		select {
		case p.dialogs <- dialog{e, p}:
		default:
			// A page has one dialog at a time; this many wait only when it is gone.
		}
	case *runtime.EventBindingCalled:
		p.called(e)
	case *inspector.EventTargetCrashed:
		// The event with the status follows at once; if it does not, this will do.
		time.AfterFunc(100*time.Millisecond, func() { p.die(crash("")) })
	default:
		p.state.follow(p, event)
	}
}

// crash blames the page for a tab that crashed, and the machine for one that was
// killed: the kernel does that when memory runs out.
func crash(status string) *synthetic.Fault {
	fault := &synthetic.Fault{Reason: beacon.ReasonTabCrashed, Message: "the tab crashed"}
	if status == "killed" || status == "oom" {
		fault.Message, fault.Agent = "the tab was killed, perhaps for lack of memory", true
	}
	return fault
}

// called queues a call of the binding.
func (p *shared) called(e *runtime.EventBindingCalled) {
	if e.Name != p.options.Binding || p.options.OnBinding == nil {
		return
	}
	if len(e.Payload) <= maxPayloadBytes {
		select {
		case p.calls <- e.Payload:
			return
		default:
		}
	}
	if p.lost.Add(1) == 1 {
		p.log.Warn("calls of a page's binding dropped: too large or too many")
	}
}

// attend dismisses dialogs, which would stall the page, and notices when the tab or
// the browser is gone.
func (p *Page) attend() {
	detached, err := chromedp.Detached(p.ctx)
	if err != nil {
		p.log.Debug("watch tab", "error", err)
	}
	for {
		select {
		case dialog := <-p.dialogs:
			dialog.in.dismiss(dialog)
		case <-p.browser.client.LostConnection:
			p.shared.die(browserDied())
			return
		case <-detached:
			detached = nil // popups may go on
			p.die(p.closedBy())
		case <-p.shared.alive.Done():
			if p.answered > 1 {
				p.log.Info("more dialogs of a page dismissed", "count", p.answered-1)
			}
			return
		}
	}
}

// closedBy tells a tab that the page closed from one that ended with its browser:
// a browser that quits lets its tabs go first.
func (p *Page) closedBy() *synthetic.Fault {
	select {
	case <-p.browser.client.LostConnection:
		return browserDied()
	case <-p.browser.closing:
		return browserDied()
	case <-p.shared.alive.Done():
		return errClosed
	case <-time.After(quitting):
		return &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: "the page closed its tab"}
	}
}

func browserDied() *synthetic.Fault {
	return &synthetic.Fault{Reason: beacon.ReasonBrowserFailed, Message: "the browser died"}
}

// redact takes secrets out of what the page says.
func (p *shared) redact(text string) string {
	if p.options.Redact == nil {
		return text
	}
	return p.options.Redact(text)
}

// dismiss answers a dialog as a user in a hurry would; only leaving the page is
// agreed to.
func (p *tab) dismiss(dialog dialog) {
	if p.answered++; p.answered == 1 {
		p.log.Info("dialog of a page dismissed", "type", dialog.Type,
			"message", shorten(p.redact(dialog.Message)), "url", p.redact(synthetic.PublicURL(dialog.URL)))
	}
	params := page.HandleJavaScriptDialogParams{Accept: dialog.Type == page.DialogTypeBeforeunload}
	if _, err := cdp.Call(p.alive, p.session, page.HandleJavaScriptDialog, params); err != nil {
		p.log.Debug("dismiss dialog", "error", err)
	}
}

// shorten cuts what a page says to a length that a log or a message can bear.
func shorten(text string) string {
	const limit = 200
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return text
}

// handOver gives the calls of the binding to their handler.
func (p *shared) handOver() {
	for {
		select {
		case payload := <-p.calls:
			p.options.OnBinding(payload)
		case <-p.closing:
			for len(p.calls) > 0 {
				p.options.OnBinding(<-p.calls)
			}
			return
		}
	}
}

// Close leaves the page as a user closing the tab would. What it says on leaving
// reaches the binding's handler before Close returns; a page without binding is
// left for an empty one, so that what it sends gets out. It frees the tab even
// when ctx is over. It may be called more than once.
func (p *Page) Close(ctx context.Context) error {
	p.close.Do(func() {
		p.leaveAll(ctx)
		gone := p.alive.Err() != nil
		p.shared.die(errClosed)
		if err := p.dispose(ctx); !gone {
			p.err = err
		}
		p.browser.unregister(p)
		p.browser.keepWarm(p.guard.direct())
		close(p.closing)
		p.tasks.Wait()
	})
	return p.err
}

// leaveAll leaves the page and its popups.
func (p *Page) leaveAll(ctx context.Context) {
	var all sync.WaitGroup
	for _, t := range append(p.state.popups(p.tab), p.tab) {
		all.Go(func() { (&surface{tab: t, frame: t.main()}).leave(ctx) })
	}
	all.Wait()
}

// leave lets the page say its last words: through the binding if there is one,
// else over the network as it does in front of a user.
func (p *surface) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	ctx, done := p.bind(ctx)
	defer done()
	farewell := p.depart
	if p.options.Binding != "" {
		farewell = p.sayGoodbye
	}
	if err := farewell(ctx); err != nil {
		p.log.Debug("leave page", "error", err)
	}
}

// sayGoodbye has the script that we injected say its last words. It says them on
// beforeunload in any case, see [synthetic.PageOptions].
func (p *surface) sayGoodbye(ctx context.Context) error {
	_, err := p.evaluate(ctx, `dispatchEvent(new Event("beforeunload", {cancelable: true}))`, world{})
	return err
}

// depart makes the page leave for an empty document, and gives what it sends on
// leaving the time to get out: closing the tab would cut it off.
func (p *surface) depart(ctx context.Context) error {
	before := p.state.now(p.frame)
	if before.doc.url == "about:blank" {
		return nil
	}
	if _, err := p.evaluate(ctx, `location.replace("about:blank")`, world{}); err != nil {
		return err
	}
	for now := p.state.now(p.frame); now.doc.loader == before.doc.loader; now = p.state.now(p.frame) {
		select {
		case <-now.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return pause(ctx, lingering)
}

// dispose closes the tab with its browser context. That a dead browser cannot is
// no error.
func (p *Page) dispose(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), disposeTimeout)
	defer cancel()
	if err := p.browser.discard(ctx, p.ctx); err != nil && !p.browser.dead() {
		return fmt.Errorf("close tab: %w", err)
	}
	return nil
}

// discard closes a tab with its browser context, as far as it was opened. The
// client would close the tab first and wait until it is gone, which now and then
// takes half a second; see chromedp.WithDetachOnCancel.
func (b *Browser) discard(ctx, tab context.Context) error {
	var err error
	if id := chromedp.FromContext(tab).BrowserContextID; id != "" {
		_, err = cdp.Call(ctx, b.client, target.DisposeBrowserContext, target.DisposeBrowserContextParams{BrowserContextID: id})
	}
	if closing := chromedp.Cancel(tab); closing != nil {
		b.log.Debug("detach from tab", "error", closing)
	}
	return err
}

// bind ends a method's context when the tab dies, with the tab's cause.
func (p *tab) bind(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.alive, func() { cancel(context.Cause(p.alive)) })
	return ctx, func() { stop(); cancel(nil) }
}

// fault turns the error of a method into a Fault. When time ran out, last is
// what stood in the way; nil if nothing was learned.
func (p *tab) fault(ctx context.Context, err, last error) error {
	var fault *synthetic.Fault
	if errors.As(context.Cause(ctx), &fault) {
		return fault
	}
	switch {
	case ctx.Err() == nil && errors.As(err, &fault):
		return fault
	case ctx.Err() == nil:
		if gone := p.gone(err); gone != nil {
			return gone
		}
		// The browser serves others too; it did not fail because this command did.
		return &synthetic.Fault{Reason: beacon.ReasonCommandRefused, Message: err.Error(), Agent: true, Err: err}
	case errors.Is(ctx.Err(), context.Canceled):
		return &synthetic.Fault{Reason: beacon.ReasonCancelled, Message: "cancelled", Err: ctx.Err()}
	case errors.As(last, &fault):
		return fault
	case last != nil:
		return &synthetic.Fault{Reason: beacon.ReasonTimeout, Message: last.Error(), Err: ctx.Err()}
	default:
		return &synthetic.Fault{Reason: beacon.ReasonTimeout, Message: "the page did not respond in time", Err: ctx.Err()}
	}
}

// gone tells why the tab ended, if it did: a command that fails may be the first
// sign of it. It returns nil for one that lives.
func (p *tab) gone(failed error) error {
	const crashing = time.Second
	wait := crashing
	var answer *cdproto.Error
	if !errors.As(failed, &answer) {
		// Nobody answered, so it will turn out who is gone; see closedBy.
		wait += quitting
	}
	select {
	case <-p.alive.Done():
		return context.Cause(p.alive)
	case <-time.After(wait):
	}
	if p.browser.dead() {
		return browserDied()
	}
	return nil
}

// poll tries until it succeeds or ctx ends: at first at short intervals.
func (p *surface) poll(ctx context.Context, try func(context.Context) error) error {
	const longest = 100 * time.Millisecond
	var last error
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := try(ctx)
		if err == nil {
			return nil
		}
		var fixed *final
		if errors.As(err, &fixed) {
			return p.fault(ctx, fixed.error, last)
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return p.fault(ctx, err, last)
		}
	}
}

// final is an error that trying again does not mend.
type final struct{ error }

package chrome

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"

	"throughline/beacon"
	"throughline/synthetic"
)

// A document whose content is ready and that does not fire load counts as loaded when
// nothing has begun or ended on its network for quiet, and after grace in any case:
// what still loads is not in the user's way.
const (
	quiet = 500 * time.Millisecond
	grace = 2 * time.Second
)

// Navigate implements [synthetic.Navigator].
func (p *surface) Navigate(ctx context.Context, address string) (int, error) {
	ctx, done := p.bind(ctx)
	defer done()
	if u, err := url.Parse(address); err == nil && (u.Hostname() == "0.0.0.0" || u.Hostname() == "::") {
		return 0, &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: u.Host + " is an address to listen on, not to go to: write 127.0.0.1 or localhost"}
	}
	before := p.state.now(p.frame)
	params := page.NavigateParams{URL: address}
	if !p.isMain() {
		params.FrameID = p.frame
	}
	// A frame's own session may end with the process that it leaves.
	result, err := cdp.Call(ctx, p.root().session, page.Navigate, params)
	host := synthetic.PublicURL(address)
	switch {
	case err != nil:
		return 0, p.unanswered(ctx, err, host)
	case result.IsDownload:
		return 0, &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: host + " is a download, not a page"}
	case result.ErrorText == refusal:
		return 0, p.kept(ctx, host)
	case result.ErrorText != "":
		return 0, p.refused(result.LoaderID, result.ErrorText, host)
	}
	if result.LoaderID != "" {
		err = p.await(ctx, fmt.Errorf("%s did not appear", host), func(s snapshot) bool {
			return s.doc.loader == result.LoaderID || len(s.since(before.count)) > 0
		})
	}
	if err == nil {
		err = p.settle(ctx)
	}
	return p.state.now(p.frame).answer.status, err
}

// unanswered explains a navigation that did not begin. That a living browser will
// not go to an address is the journey's fault.
func (p *surface) unanswered(ctx context.Context, err error, host string) error {
	var answer *cdproto.Error
	if ctx.Err() == nil && errors.As(err, &answer) && p.gone(err) == nil {
		return &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: host + ": " + shorten(answer.Message), Err: err}
	}
	return p.fault(ctx, err, fmt.Errorf("no answer from %s", host))
}

// kept explains a navigation that the guard kept from this machine: the event that names
// the address, which may be that of a redirect, stops the page.
func (p *surface) kept(ctx context.Context, host string) error {
	const coming = time.Second
	ctx, cancel := context.WithTimeout(ctx, coming)
	defer cancel()
	<-ctx.Done()
	return p.fault(ctx, ctx.Err(), &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: host + ": " + netError(refusal)})
}

// refused explains a navigation that did not lead to a page.
func (p *surface) refused(loader cdp.LoaderID, text, host string) error {
	if status := p.state.answered(loader).status; status == 204 || status == 205 {
		text = fmt.Sprintf("HTTP status %d holds no page", status)
	}
	return &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: host + ": " + netError(text)}
}

// await waits for a state of the frame.
func (p *surface) await(ctx context.Context, last error, reached func(snapshot) bool) error {
	for {
		now := p.state.now(p.frame)
		if reached(now) {
			return nil
		}
		select {
		case <-now.changed:
		case <-ctx.Done():
			return p.fault(ctx, ctx.Err(), last)
		}
	}
}

// settle waits until no navigation of the frame or of the page around it is under
// way and the documents have loaded, or have been ready for long enough. It fails when
// the browser or the server could not give one.
func (p *surface) settle(ctx context.Context) error {
	for _, frame := range p.concerns() {
		if err := p.settleFrame(ctx, frame); err != nil {
			return err
		}
	}
	return nil
}

func (p *surface) settleFrame(ctx context.Context, frame cdp.FrameID) error {
	for {
		now := p.state.now(frame)
		if !now.there {
			return nil // it went with the document around it
		}
		var enough <-chan time.Time
		if !now.pending {
			left := now.unloaded()
			if now.doc.loaded || !now.doc.ready.IsZero() && left <= 0 {
				return verdict(now)
			}
			if !now.doc.ready.IsZero() {
				enough = time.After(left)
			}
		}
		select {
		case <-now.changed:
		case <-enough:
		case <-ctx.Done():
			// Content that is there at the end of the time is enough.
			if !now.pending && !now.doc.ready.IsZero() && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return verdict(now)
			}
			return p.fault(ctx, ctx.Err(), fmt.Errorf("%s did not load in time", synthetic.PublicURL(now.doc.url)))
		}
	}
}

// unloaded is how long to wait still for a document that is ready and has not loaded.
func (s snapshot) unloaded() time.Duration {
	still := s.doc.ready
	if s.active.After(still) {
		still = s.active
	}
	return min(time.Until(still.Add(quiet)), time.Until(s.doc.ready.Add(grace)))
}

// verdict fails for documents that nobody wanted.
func verdict(s snapshot) error {
	address := synthetic.PublicURL(s.doc.url)
	switch {
	case s.doc.failed:
		why := s.answer.err
		if why == "" {
			why = "could not be loaded"
		}
		return &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: address + ": " + netError(why)}
	case s.answer.status >= 500:
		return &synthetic.Fault{
			Reason:  beacon.ReasonNavigation,
			Message: fmt.Sprintf("%s: HTTP status %d", address, s.answer.status),
		}
	}
	return nil
}

// follows waits for what an action sets off: tasks that it has queued, and the
// navigation that they start, if any.
func (p *surface) follows(ctx context.Context) error {
	frames := p.concerns()
	before := make([]snapshot, 0, len(frames))
	for _, frame := range frames {
		before = append(before, p.state.now(frame))
	}
	// A round through the page's task queue. When the document goes away in the
	// meantime, that is the navigation.
	_, err := p.evaluate(ctx, "new Promise(done => setTimeout(done))", p.ourWorld())
	if err != nil && ctx.Err() != nil {
		return p.fault(ctx, err, nil)
	}
	for i, frame := range frames {
		now := p.state.now(frame)
		if now.pending || now.doc.loader != before[i].doc.loader || now.doc.loaded != before[i].doc.loaded {
			return p.settle(ctx)
		}
	}
	return nil
}

// URL implements [synthetic.Surface].
func (p *surface) URL() string { return p.state.now(p.frame).doc.url }

// Navigations implements [synthetic.Witness].
func (p *surface) Navigations() int { return p.state.now(p.frame).count }

// AwaitNavigation implements [synthetic.Witness]. A step in a frame may lead the
// page elsewhere that the frame is in, too.
func (p *surface) AwaitNavigation(ctx context.Context, before int, address string) error {
	ctx, done := p.bind(ctx)
	defer done()
	want := canonical(address)
	missing := &synthetic.Fault{Reason: beacon.ReasonAssertion, Message: "the expected navigation did not happen"}
	err := p.await(ctx, missing, func(s snapshot) bool {
		for _, frame := range p.concerns() {
			visits := p.state.now(frame).since(before)
			for _, visit := range visits {
				if address == "" || canonical(visit.url) == want {
					return true
				}
			}
			if len(visits) > 0 {
				missing.Message = mismatch(address, visits[len(visits)-1].url)
			}
		}
		return false
	})
	if err != nil {
		return err
	}
	return p.settle(ctx)
}

// mismatch says how two addresses differ without showing their queries.
func mismatch(want, got string) string {
	publicWant, publicGot := synthetic.PublicURL(want), synthetic.PublicURL(got)
	if publicWant == publicGot {
		return "arrived at " + publicGot + ", but with another query or fragment than expected"
	}
	return "arrived at " + publicGot + ", expected " + publicWant
}

// canonical makes two ways to write an address equal.
func canonical(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Host = strings.ToLower(u.Host)
	if u.Path == "" && u.Host != "" {
		u.Path = "/"
	}
	return u.String()
}

// AwaitTitle implements [synthetic.Witness].
func (p *surface) AwaitTitle(ctx context.Context, title string) error {
	ctx, done := p.bind(ctx)
	defer done()
	return p.poll(ctx, func(ctx context.Context) error {
		got, err := p.title(ctx)
		if err != nil {
			return err
		}
		if got != title {
			return &synthetic.Fault{
				Reason:  beacon.ReasonAssertion,
				Message: fmt.Sprintf("the title is %q, expected %q", shorten(got), shorten(title)),
			}
		}
		return nil
	})
}

// Title returns the document's title.
func (p *surface) Title(ctx context.Context) (string, error) {
	ctx, done := p.bind(ctx)
	defer done()
	title, err := p.title(ctx)
	if err != nil {
		return "", p.fault(ctx, err, nil)
	}
	return title, nil
}

func (p *surface) title(ctx context.Context) (string, error) {
	var title string
	return title, p.ask(ctx, &title, "title")
}

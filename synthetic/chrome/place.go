package chrome

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"

	"throughline/beacon"
	"throughline/synthetic"
)

// maxNamedTargets bounds how many popups and frames a message names.
const maxNamedTargets = 10

// In implements [synthetic.Page].
func (p *Page) In(ctx context.Context, place synthetic.Place) (synthetic.Surface, error) {
	if place.Target == "" && len(place.Frame) == 0 {
		return p, nil
	}
	bound, done := p.surface.bindPage(ctx)
	defer done()
	for {
		found, changed, missing := p.state.find(p.tab, place)
		if missing == nil {
			p.acted.Store(found.root())
			return found, nil
		}
		select {
		case <-changed:
		case <-bound.Done():
			return nil, p.fault(bound, bound.Err(), missing)
		}
	}
}

// find looks for a place. When it is not there, it returns what is, and what closes
// with the next change.
func (s *state) find(main *tab, place synthetic.Place) (*surface, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.frames[main.main()]
	if place.Target != "" {
		if f = s.target(main, place.Target); f == nil {
			return nil, s.changed, s.noTarget(main, place.Target)
		}
	}
	if f == nil || f.in == nil {
		return nil, s.changed, &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: "the page is gone"}
	}
	for depth, index := range place.Frame {
		if index >= len(f.children) {
			return nil, s.changed, &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: fmt.Sprintf(
				"there is no frame %v: %s holds %d", place.Frame[:depth+1], publicURL(f.doc.url), len(f.children))}
		}
		next := s.frames[f.children[index]]
		if next == nil || next.in == nil {
			return nil, s.changed, &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: fmt.Sprintf(
				"the frame %v did not appear", place.Frame[:depth+1])}
		}
		f = next
	}
	return &surface{tab: f.in, frame: f.id}, nil, nil
}

// target looks for the popup or the frame that shows an address. Of several the one
// that shows it longest is taken. Which frames have processes of their own is up to
// the browser, and may be another where the journey was recorded, so any will do.
func (s *state) target(main *tab, address string) *frame {
	want := canonical(address)
	var found *frame
	for _, f := range s.targets(main) {
		if canonical(f.doc.url) == want && (found == nil || f.since() < found.since()) {
			found = f
		}
	}
	return found
}

// since is which navigation led a frame to where it is.
func (f *frame) since() int {
	if len(f.visits) == 0 {
		return 0
	}
	return f.visits[len(f.visits)-1].number
}

// targets are all frames but the page's own main frame.
func (s *state) targets(main *tab) []*frame {
	var targets []*frame
	for _, f := range s.frames {
		if f.in != nil && f.id != main.main() {
			targets = append(targets, f)
		}
	}
	return targets
}

// noTarget says that no target shows an address, and which there are.
func (s *state) noTarget(main *tab, address string) error {
	var there []string
	for _, f := range s.targets(main) {
		there = append(there, publicURL(f.doc.url))
	}
	slices.Sort(there)
	there = slices.Compact(there)
	message := "no popup or frame shows " + publicURL(address)
	switch {
	case slices.Contains(there, publicURL(address)):
		message += " with the query and fragment expected"
	case len(there) == 0:
		message += "; there is none"
	}
	if len(there) > 0 {
		message += "; there are: " + strings.Join(there[:min(len(there), maxNamedTargets)], ", ")
	}
	return &synthetic.Fault{Reason: beacon.ReasonNavigation, Message: message}
}

// bindPage ends a context when the page dies, also for what concerns no tab alone.
func (p *surface) bindPage(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(p.shared.alive, func() { cancel(context.Cause(p.shared.alive)) })
	return ctx, func() { stop(); cancel(nil) }
}

// around is the frame that a frame is in; nil for that of a page or a popup.
func (p *surface) around() (*surface, error) {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	f := p.state.frames[p.frame]
	switch {
	case p.isMain():
		return nil, nil
	case f == nil:
		return nil, errNoFrame
	}
	outer := p.state.frames[f.parent]
	if outer == nil || outer.in == nil {
		return nil, errNoFrame
	}
	return &surface{tab: outer.in, frame: outer.id}, nil
}

// lift turns a point of a frame into one of the tab that the mouse is in. It brings
// the frame into view, and makes sure that it is on top there.
func (p *surface) lift(ctx context.Context, at *aim) error {
	for inner := p; at.Why == ""; {
		outer, err := inner.around()
		if err != nil || outer == nil {
			return err
		}
		owner, err := cdp.Call(ctx, outer.session, dom.GetFrameOwner, dom.GetFrameOwnerParams{FrameID: inner.frame})
		if err != nil {
			return err
		}
		in := outer.ourWorld()
		if in.unique == "" {
			return errNoDocument
		}
		element, err := cdp.Call(ctx, outer.session, dom.ResolveNode, dom.ResolveNodeParams{
			BackendNodeID: owner.BackendNodeID, ExecutionContextID: in.id,
		})
		if err != nil {
			return err
		}
		point := offset{X: at.X, Y: at.Y}
		*at = aim{}
		if err := outer.ask(ctx, at, "lift", handle{object: element.Object.ObjectID, world: in}, point); err != nil {
			return err
		}
		inner = outer
	}
	return nil
}

package chrome

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
)

// worldName names the isolated world that our scripts run in.
const worldName = "throughline"

// state is what the browser's events have told of the frames of a page and of all
// that opens from it. The events of a tab come one at a time, in order; see follow.
type state struct {
	mu sync.Mutex
	// changed is closed and replaced with every change.
	changed chan struct{}
	frames  map[cdp.FrameID]*frame
	// arrivals counts the navigations that were committed.
	arrivals int
	// answers holds what the documents' requests were answered.
	answers map[cdp.LoaderID]answer
}

// frame is what is known of one frame.
type frame struct {
	id cdp.FrameID
	// parent is the frame around it; empty for that of a page or a popup, and until
	// it is known.
	parent   cdp.FrameID
	children []cdp.FrameID
	// in is the tab whose session tells of its document; nil while a frame moves to
	// a process of its own.
	in *tab
	// pending is the navigation that has started and not been committed.
	pending cdp.LoaderID
	doc     document
	// visits holds its last navigations, oldest first.
	visits []arrival
	// ours is our isolated world of the document, own that of the document.
	ours, own world
}

// arrival is a navigation that was committed.
type arrival struct {
	// number is which of all navigations it was, from 1.
	number int
	url    string
}

// document is the document that a frame shows.
type document struct {
	loader cdp.LoaderID
	url    string
	// ready is when its content was ready (DOMContentLoaded); zero if not yet.
	ready time.Time
	// loaded says that it fired load, or that nothing loads any more.
	loaded bool
	// failed says that it is the browser's error page.
	failed bool
}

type answer struct {
	status int
	took   time.Duration // until its head was there; 0 if unknown
	err    string
}

// world is a world of scripts in a document.
type world struct {
	id     runtime.ExecutionContextID
	unique string
}

// Bounds of what is remembered of a page.
const (
	maxVisits  = 64
	maxAnswers = 64
	maxFrames  = 500
)

func newState() *state {
	return &state{
		changed: make(chan struct{}), answers: map[cdp.LoaderID]answer{}, frames: map[cdp.FrameID]*frame{},
	}
}

// add notes the main frame of a new tab. A frame that moved to a process of its own
// is the frame that it was.
func (s *state) add(t *tab) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.frame(t.main())
	if f == nil {
		return
	}
	f.in = t
	if t.parent == nil {
		f.doc = document{url: "about:blank", loaded: true}
	}
	s.tell()
}

// remove forgets the frames of a tab that is gone.
func (s *state) remove(t *tab) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.frames[t.main()]
	if f == nil || f.in != t {
		return
	}
	if t.parent == nil {
		s.forget(f)
	} else {
		f.in = nil
		s.orphan(f)
	}
	s.tell()
}

// tell wakes those who wait for a change. The lock is held.
func (s *state) tell() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// frame returns what is known of a frame; nil when there are too many.
func (s *state) frame(id cdp.FrameID) *frame {
	f := s.frames[id]
	if f == nil && len(s.frames) < maxFrames {
		f = &frame{id: id}
		s.frames[id] = f
	}
	return f
}

// follow takes one event of a tab. It must not block.
func (s *state) follow(in *tab, event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event.(type) {
	case *network.EventRequestWillBeSent, *network.EventResponseReceived, *network.EventLoadingFinished, *network.EventLoadingFailed:
		in.active = time.Now()
	}
	var told bool
	switch e := event.(type) {
	case *page.EventFrameAttached:
		told = s.attach(in, e)
	case *page.EventFrameDetached:
		told = s.detach(in, e)
	case *network.EventResponseReceived:
		if e.Type == network.ResourceTypeDocument {
			s.answer(e.LoaderID, answer{status: int(e.Response.Status), took: responseTime(e.Response.Timing)})
			told = true
		}
	case *network.EventLoadingFailed:
		if e.Type == network.ResourceTypeDocument {
			// The request of a document has the id of its loader.
			s.answer(cdp.LoaderID(e.RequestID), answer{err: e.ErrorText})
			told = true
		}
	case *runtime.EventExecutionContextCreated:
		told = s.enter(in, e.Context)
	case *runtime.EventExecutionContextDestroyed:
		told = s.leave(func(w world, _ *frame) bool { return w.unique == e.ExecutionContextUniqueID })
	case *runtime.EventExecutionContextsCleared:
		told = s.leave(func(_ world, f *frame) bool { return f.in == in })
	default:
		told = s.progress(in, event)
	}
	if told {
		s.tell()
	}
}

// progress notes what an event tells of a frame's document.
func (s *state) progress(in *tab, event any) bool {
	switch e := event.(type) {
	case *page.EventFrameStartedNavigating:
		f := s.known(in, e.FrameID)
		if f == nil || !crossDocument(e.NavigationType) {
			return false
		}
		f.pending = e.LoaderID
	case *page.EventFrameNavigated:
		s.commit(in, e.Frame)
	case *page.EventNavigatedWithinDocument:
		f := s.known(in, e.FrameID)
		if f == nil {
			return false
		}
		f.doc.url = e.URL
		s.visit(f)
	case *page.EventLifecycleEvent:
		f := s.known(in, e.FrameID)
		return f != nil && e.LoaderID == f.doc.loader && f.doc.milestone(e.Name)
	case *page.EventFrameStoppedLoading:
		f := s.known(in, e.FrameID)
		if f == nil {
			return false
		}
		f.pending = ""
		f.doc.loaded = true
	default:
		return false
	}
	return true
}

// known returns a frame that the tab tells of; nil for any other.
func (s *state) known(in *tab, id cdp.FrameID) *frame {
	if f := s.frames[id]; f != nil && f.in == in {
		return f
	}
	return nil
}

// crossDocument tells navigations that load a document from those within one.
func crossDocument(kind page.FrameStartedNavigatingNavigationType) bool {
	return kind != page.FrameStartedNavigatingNavigationTypeSameDocument &&
		kind != page.FrameStartedNavigatingNavigationTypeHistorySameDocument
}

// attach notes a new frame in a document, or one that came back from a process of
// its own.
func (s *state) attach(in *tab, e *page.EventFrameAttached) bool {
	parent, f := s.known(in, e.ParentFrameID), s.frame(e.FrameID)
	if parent == nil || f == nil {
		return false
	}
	f.in, f.parent = in, parent.id
	if !slices.Contains(parent.children, f.id) {
		parent.children = append(parent.children, f.id)
		f.doc = document{url: "about:blank", loaded: true}
	}
	return true
}

// detach notes that a frame is gone, or goes to another process.
func (s *state) detach(in *tab, e *page.EventFrameDetached) bool {
	f := s.frames[e.FrameID]
	if f == nil || cdp.FrameID(in.id) == f.id {
		return false
	}
	if e.Reason == page.FrameDetachedReasonSwap {
		if f.in == in {
			f.in = nil
			s.orphan(f)
		}
		return true
	}
	s.forget(f)
	return true
}

// orphan forgets what was in a frame.
func (s *state) orphan(f *frame) {
	f.ours, f.own = world{}, world{}
	for _, child := range slices.Clone(f.children) {
		if c := s.frames[child]; c != nil {
			s.forget(c)
		}
	}
	f.children = nil
}

// forget removes a frame and all in it.
func (s *state) forget(f *frame) {
	s.orphan(f)
	delete(s.frames, f.id)
	if parent := s.frames[f.parent]; parent != nil {
		parent.children = slices.DeleteFunc(parent.children, func(id cdp.FrameID) bool { return id == f.id })
	}
}

func (s *state) commit(in *tab, told *cdp.Frame) {
	f := s.known(in, told.ID)
	if f == nil {
		return
	}
	for _, child := range slices.Clone(f.children) {
		if c := s.frames[child]; c != nil {
			s.forget(c)
		}
	}
	f.doc = document{loader: told.LoaderID, url: told.URL + told.URLFragment, failed: told.UnreachableURL != ""}
	if f.doc.failed {
		f.doc.url = told.UnreachableURL
	}
	if f.pending == told.LoaderID {
		f.pending = ""
	}
	s.visit(f)
}

func (s *state) visit(f *frame) {
	s.arrivals++
	f.visits = append(f.visits, arrival{s.arrivals, f.doc.url})
	if len(f.visits) > maxVisits {
		f.visits = f.visits[1:]
	}
}

// milestone notes how far the document has come.
func (d *document) milestone(name string) bool {
	switch name {
	case "DOMContentLoaded":
		d.ready = time.Now()
	case "load":
		d.loaded = true
	default:
		return false
	}
	return true
}

func (s *state) answer(loader cdp.LoaderID, a answer) {
	if len(s.answers) >= maxAnswers {
		clear(s.answers)
	}
	s.answers[loader] = a
}

// enter notes a world of a new document.
func (s *state) enter(in *tab, context *runtime.ExecutionContextDescription) bool {
	var aux struct {
		FrameID   cdp.FrameID `json:"frameId"`
		IsDefault bool        `json:"isDefault"`
	}
	if json.Unmarshal(context.AuxData, &aux) != nil {
		return false
	}
	f := s.known(in, aux.FrameID)
	switch {
	case f == nil:
		return false
	case aux.IsDefault:
		f.own = world{id: context.ID, unique: context.UniqueID}
	case context.Name == worldName:
		f.ours = world{id: context.ID, unique: context.UniqueID}
	default:
		return false
	}
	return true
}

// leave forgets the worlds that are gone.
func (s *state) leave(gone func(world, *frame) bool) bool {
	found := false
	for _, f := range s.frames {
		for _, w := range []*world{&f.ours, &f.own} {
			if w.unique != "" && gone(*w, f) {
				*w, found = world{}, true
			}
		}
	}
	return found
}

// snapshot is a consistent copy of what a waiter looks at.
type snapshot struct {
	changed <-chan struct{}
	// there says that the frame exists.
	there   bool
	pending bool
	doc     document
	answer  answer
	visits  []arrival
	// active is when something last began or ended on the network of the frame's tab.
	active time.Time
	// count is how many navigations there were of all frames.
	count int
}

// now is a snapshot of a frame.
func (s *state) now(id cdp.FrameID) snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := snapshot{changed: s.changed, count: s.arrivals}
	if f := s.frames[id]; f != nil {
		now.there, now.pending, now.doc, now.answer = true, f.pending != "", f.doc, s.answers[f.doc.loader]
		now.visits = slices.Clone(f.visits)
		if f.in != nil {
			now.active = f.in.active
		}
	}
	return now
}

// since returns the navigations of the frame after the first ones of all frames.
func (s snapshot) since(before int) []arrival {
	i := slices.IndexFunc(s.visits, func(visit arrival) bool { return visit.number > before })
	if i < 0 {
		return nil
	}
	return s.visits[i:]
}

// tab returns the tab of a target; nil if it is none that is known.
func (s *state) tab(id target.ID) *tab {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.frames[cdp.FrameID(id)]; f != nil && f.in != nil && f.in.id == id {
		return f.in
	}
	return nil
}

// popups are the popups that are open.
func (s *state) popups(main *tab) []*tab {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []*tab
	for _, f := range s.frames {
		if f.in != nil && f.in != main && f.in.parent == nil && f.in.main() == f.id {
			open = append(open, f.in)
		}
	}
	return open
}

// answered returns what a navigation was answered, also if it was not committed.
func (s *state) answered(loader cdp.LoaderID) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[loader]
}

// worlds returns the worlds of a frame's document, as a tab knows them: ours and
// its own.
func (s *state) worlds(in *tab, id cdp.FrameID) (ours, own world) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.known(in, id); f != nil {
		return f.ours, f.own
	}
	return world{}, world{}
}

package chrome

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// worldName names the isolated world that our scripts run in.
const worldName = "throughline"

// state is what the browser's events have told of the main frame. Events come
// one at a time, in order; see follow.
type state struct {
	frame cdp.FrameID

	mu sync.Mutex
	// changed is closed and replaced with every change.
	changed chan struct{}
	// pending is the navigation that has started and not been committed.
	pending cdp.LoaderID
	doc     document
	// visits holds the addresses navigated to, oldest first; dropped counts
	// those that were forgotten to bound it.
	visits  []string
	dropped int
	// answers holds what the documents' requests were answered.
	answers map[cdp.LoaderID]answer
	world   world
}

// document is the document that the main frame shows.
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

// world is the isolated world of the main frame's document.
type world struct {
	id     runtime.ExecutionContextID
	unique string
}

// Bounds of what is remembered of a page.
const (
	maxVisits  = 64
	maxAnswers = 64
)

func newState() *state {
	return &state{
		changed: make(chan struct{}), answers: map[cdp.LoaderID]answer{},
		doc: document{url: "about:blank", loaded: true},
	}
}

// setFrame tells the id of the main frame, which is the target's.
func (s *state) setFrame(frame cdp.FrameID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frame = frame
}

func (s *state) isMain(frame cdp.FrameID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frame == frame
}

// follow takes one event of the page's target. It must not block.
func (s *state) follow(event any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e := event.(type) {
	case *page.EventFrameStartedNavigating:
		if e.FrameID != s.frame || !crossDocument(e.NavigationType) {
			return
		}
		s.pending = e.LoaderID
	case *page.EventFrameNavigated:
		if e.Frame.ParentID != "" {
			return
		}
		s.commit(e.Frame)
	case *page.EventNavigatedWithinDocument:
		if e.FrameID != s.frame {
			return
		}
		s.doc.url = e.URL
		s.visit(e.URL)
	case *page.EventLifecycleEvent:
		if e.FrameID != s.frame || e.LoaderID != s.doc.loader || !s.milestone(e.Name) {
			return
		}
	case *page.EventFrameStoppedLoading:
		if e.FrameID != s.frame {
			return
		}
		s.pending = ""
		s.doc.loaded = true
	case *network.EventResponseReceived:
		if e.FrameID == s.frame && e.Type == network.ResourceTypeDocument {
			s.answer(e.LoaderID, answer{status: int(e.Response.Status), took: responseTime(e.Response.Timing)})
		}
	case *network.EventLoadingFailed:
		if e.Type == network.ResourceTypeDocument {
			// The request of a document has the id of its loader.
			s.answer(cdp.LoaderID(e.RequestID), answer{err: e.ErrorText})
		}
	case *runtime.EventExecutionContextCreated:
		s.enter(e.Context)
	case *runtime.EventExecutionContextDestroyed:
		if s.world.unique == e.ExecutionContextUniqueID {
			s.world = world{}
		}
	case *runtime.EventExecutionContextsCleared:
		s.world = world{}
	default:
		return
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// crossDocument tells navigations that load a document from those within one.
func crossDocument(kind page.FrameStartedNavigatingNavigationType) bool {
	return kind != page.FrameStartedNavigatingNavigationTypeSameDocument &&
		kind != page.FrameStartedNavigatingNavigationTypeHistorySameDocument
}

func (s *state) commit(frame *cdp.Frame) {
	s.doc = document{loader: frame.LoaderID, url: frame.URL + frame.URLFragment, failed: frame.UnreachableURL != ""}
	if s.doc.failed {
		s.doc.url = frame.UnreachableURL
	}
	if s.pending == frame.LoaderID {
		s.pending = ""
	}
	s.visit(s.doc.url)
}

func (s *state) visit(url string) {
	s.visits = append(s.visits, url)
	if len(s.visits) > maxVisits {
		s.visits = s.visits[1:]
		s.dropped++
	}
}

// milestone notes how far the document has come.
func (s *state) milestone(name string) bool {
	switch name {
	case "DOMContentLoaded":
		s.doc.ready = time.Now()
	case "load":
		s.doc.loaded = true
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

// enter notes the isolated world of a new document of the main frame.
func (s *state) enter(context *runtime.ExecutionContextDescription) {
	if context.Name != worldName {
		return
	}
	var aux struct {
		FrameID cdp.FrameID `json:"frameId"`
	}
	if json.Unmarshal(context.AuxData, &aux) == nil && aux.FrameID == s.frame {
		s.world = world{id: context.ID, unique: context.UniqueID}
	}
}

// snapshot is a consistent copy of what a waiter looks at.
type snapshot struct {
	changed <-chan struct{}
	pending bool
	doc     document
	answer  answer
	visits  []string
	count   int
}

func (s *state) now() snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return snapshot{
		changed: s.changed, pending: s.pending != "", doc: s.doc, answer: s.answers[s.doc.loader],
		visits: append([]string(nil), s.visits...), count: s.dropped + len(s.visits),
	}
}

// answered returns what a navigation was answered, also if it was not committed.
func (s *state) answered(loader cdp.LoaderID) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[loader]
}

func (s *state) currentWorld() world {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world
}

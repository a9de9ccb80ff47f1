package chrome

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"

	"throughline/synthetic"
)

// shared is what a page and all that opens from it have in common.
type shared struct {
	browser   *Browser
	contextID cdp.BrowserContextID
	log       *slog.Logger
	options   synthetic.PageOptions
	state     *state
	record    *recorder
	keep      *keep
	guard     *guard
	trace     atomic.Pointer[string] // the trace id of the step
	acted     atomic.Pointer[tab]    // the page or popup that the step acts in; nil for the page

	// alive ends with the page; its cause says why.
	alive context.Context
	die   context.CancelCauseFunc

	surplus atomic.Int64 // popups that were closed at once
	dialogs chan dialog
	calls   chan string
	lost    atomic.Int64 // calls that found the queue full
	// answered counts the dialogs dismissed; it is attend's.
	answered int
	closing  chan struct{}
	tasks    sync.WaitGroup

	// modifiers are the modifier keys that are down.
	modifiers int64
}

// dialog is one that a document has opened.
type dialog struct {
	*page.EventJavascriptDialogOpening
	in *tab
}

// tab is what has a session of its own: the page, a popup, or a frame in a process
// of its own.
type tab struct {
	*shared
	session cdp.Session
	// id is the target's, and that of its main frame.
	id target.ID
	// parent is the tab that a frame is in; nil for the page and popups.
	parent *tab

	// active is when something last began or ended on its network; the state's.
	active time.Time

	// alive ends with the tab; its cause says why.
	alive context.Context
	die   context.CancelCauseFunc
}

// main is the main frame.
func (t *tab) main() cdp.FrameID { return cdp.FrameID(t.id) }

// root is the tab that the mouse and the keyboard are in: that of the page or of
// the popup. The browser finds the frame that an event is for.
func (t *tab) root() *tab {
	for t.parent != nil {
		t = t.parent
	}
	return t
}

// surface is a frame of a tab, to act on; see [synthetic.Surface].
type surface struct {
	*tab
	frame cdp.FrameID
}

// isMain tells the main frame of the page or of a popup from frames within it.
func (p *surface) isMain() bool { return p.parent == nil && p.frame == p.main() }

// ourWorld is our world of the frame's document; zero if there is none.
func (p *surface) ourWorld() world {
	ours, _ := p.state.worlds(p.tab, p.frame)
	return ours
}

// refresh finds the tab that the frame is in now: a navigation may move it to another
// process.
func (p *surface) refresh() {
	p.state.mu.Lock()
	defer p.state.mu.Unlock()
	// That of the page's own main frame stays, and others look at it meanwhile.
	if f := p.state.frames[p.frame]; f != nil && f.in != nil && f.in != p.tab {
		p.tab = f.in
	}
}

// concerns are the frames whose navigations the surface's steps wait for: what is
// done in a frame may lead its page elsewhere.
func (p *surface) concerns() []cdp.FrameID {
	if p.isMain() {
		return []cdp.FrameID{p.frame}
	}
	return []cdp.FrameID{p.frame, p.root().main()}
}

package synthetic

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Page is a browser tab with storage of its own, and whatever opens from it. Its
// methods return a *[Fault], end with their context, and are called by one
// goroutine at a time.
type Page interface {
	Surface
	Recorder
	// In waits for a place and returns what to do there. Popups and frames belong
	// to the page and end with it.
	In(ctx context.Context, place Place) (Surface, error)
	// State returns the cookies, and the local storage of the origins that the main
	// frame showed. The page must have been opened with KeepState.
	State(ctx context.Context) (State, error)
	// Cookies are those of the page and of what opens from it.
	Cookies(ctx context.Context) ([]Cookie, error)
	// SetCookies takes cookies that an address has answered with, as a browser would:
	// what is not valid is left out, and what has expired is removed.
	SetCookies(ctx context.Context, from *url.URL, cookies []*http.Cookie) error
	// Close leaves the page as a user closing the tab would: what the page
	// sends on leaving still reaches the binding's handler before Close
	// returns. It frees the tab even when ctx is over.
	Close(ctx context.Context) error
}

// Surface is a document that steps can act on: that of the page, of a popup or of
// a frame.
type Surface interface {
	Navigator
	Pointer
	Keyboard
	Waiter
	Reader
	Witness
	// URL is the address of the document now.
	URL() string
}

// Navigator loads documents.
type Navigator interface {
	// Navigate loads an address and returns the HTTP status of the document
	// that it ended at. It waits for the load event, but a document whose content is
	// ready counts as loaded when its network is quiet, and after a grace.
	Navigate(ctx context.Context, address string) (status int, err error)
	// SetViewport resizes the page.
	SetViewport(ctx context.Context, viewport Viewport) error
	// SetNetwork slows the network down, from now on and for the whole tab.
	SetNetwork(ctx context.Context, conditions NetworkConditions) error
	// CloseTab closes the tab as its user would. What is done to its documents
	// later fails.
	CloseTab(ctx context.Context) error
}

// Pointer uses elements the way a user does.
type Pointer interface {
	// Click waits until an element can be clicked, clicks it, and waits for the
	// navigation that the click starts, if any. It returns the index of the
	// alternative that led to the element.
	Click(ctx context.Context, selectors Selectors, options ClickOptions) (won int, err error)
	// Hover waits as Click does, and moves the mouse onto the element.
	Hover(ctx context.Context, selectors Selectors) (won int, err error)
	// Scroll waits for an element that is there to see and brings what it holds to a
	// place, in CSS pixels from the top left; without selectors it is the window.
	Scroll(ctx context.Context, selectors Selectors, to Point) (won int, err error)
	// Change gives a form field a new value. It returns as Click does.
	Change(ctx context.Context, selectors Selectors, value string) (won int, err error)
}

// Keyboard presses keys by the names of KeyboardEvent.key.
type Keyboard interface {
	KeyDown(ctx context.Context, key string) error
	KeyUp(ctx context.Context, key string) error
}

// Waiter waits for a state of the page.
type Waiter interface {
	WaitForElement(ctx context.Context, condition ElementCondition) error
	// WaitForExpression waits until a JavaScript expression, promises awaited,
	// is truthy.
	WaitForExpression(ctx context.Context, expression string) error
}

// Reader reads what the document holds.
type Reader interface {
	// Text waits for an element and returns its text, white space squeezed and of
	// bounded length; what is typed into fields is no part of it. It returns the
	// index of the alternative that led to the element, too.
	Text(ctx context.Context, selectors Selectors) (text string, won int, err error)
	// Evaluate runs a JavaScript expression, promises awaited, and returns its
	// value as JSON.
	Evaluate(ctx context.Context, expression string) (json.RawMessage, error)
}

// Document is how the document that a frame shows was answered.
type Document struct {
	// Status is the HTTP status; 0 if it has none.
	Status int
	// ResponseTime is the time from its request to the head of its response; 0 if
	// the browser does not say.
	ResponseTime time.Duration
}

// Witness tells of the main frame's navigations.
type Witness interface {
	// Navigations counts those committed so far, within a document too.
	Navigations() int
	// AwaitNavigation waits for a navigation after the first `before` ones, to
	// an absolute address, or to any when it is empty.
	AwaitNavigation(ctx context.Context, before int, address string) error
	// AwaitTitle waits until the document has the title.
	AwaitTitle(ctx context.Context, title string) error
	// ConsoleErrors returns the errors in the console since the page was opened:
	// those that it wrote, those that nobody caught, and the browser's own. There
	// is one console for the page and all in it.
	ConsoleErrors() []string
	// Document tells how the document was answered.
	Document() Document
}

// PageOptions says what a new page is like.
type PageOptions struct {
	// Viewport is the size to start with; the zero value is [DefaultViewport].
	Viewport Viewport
	// UserAgent replaces the browser's own, if not empty.
	UserAgent string
	// Locale is a BCP 47 language tag such as "de-DE"; empty is the browser's.
	Locale string
	// Timezone is an IANA name such as Europe/Berlin; empty is the machine's.
	Timezone string
	// Geolocation is where the page believes to be, and may ask for; nil is nowhere.
	Geolocation *Geolocation
	// Headers go with the requests to their hosts, over those of the page.
	Headers []Header
	// Cookies are there from the beginning, as those of State are.
	Cookies []Cookie
	// State is what the sites kept in an earlier page, see [Page.State].
	State *State
	// KeepState lets [Page.State] tell what the sites keep.
	KeepState bool
	// Network slows the network down; nil does not.
	Network *NetworkConditions
	// CPUSlowdown is how many times longer scripts and layout take; up to 1 is not.
	CPUSlowdown float64
	// Block names what is not loaded: a host, "*.example.org" for all below one, or
	// a URL pattern such as "*://*/*.mp4".
	Block []string
	// TraceHosts are sent a W3C traceparent with each request, unless the page sends
	// one itself. They are names, "*.example.org" for all below one, or name:port.
	TraceHosts []string
	// AllowHosts are the host:port on the machine's own addresses that the page may
	// reach. Nil lets it reach all of them; the runner never leaves it nil.
	AllowHosts []string
	// InitScript runs in every document of the main frame before its own
	// scripts.
	InitScript string
	// Binding is the name of a function that InitScript can call with one text.
	// Empty means none. The page's last chance to call it is beforeunload: when
	// pagehide comes, the protocol has left the document already. Close fires
	// that event, too.
	Binding string
	// OnBinding receives the texts, one at a time, from one goroutine. Texts
	// that come faster than it returns are queued up to a bound and then dropped.
	OnBinding func(payload string)
	// Redact takes secrets out of what is logged of the page; nil leaves it as it is.
	Redact   func(text string) string
	Evidence EvidenceOptions
}

// EvidenceOptions says what a page's [Recorder] notes beyond what costs nothing.
type EvidenceOptions struct {
	// Film keeps small pictures of the last seconds.
	Film bool
	// Queries keeps the queries of the addresses of requests. They may hold
	// credentials.
	Queries bool
}

// ClickOptions says how to click. The zero value is a left click with the mouse
// on the element's centre.
type ClickOptions struct {
	// Offset is where to click, from the element's top left corner; nil, or
	// outside of the element, is its centre.
	Offset *Point
	Button Button
	Device Device
	// Count is how often to click without a pause; 0 is once.
	Count int
	// Hold is how long the button stays down.
	Hold time.Duration
}

// Point is a place in CSS pixels.
type Point struct{ X, Y float64 }

// Button is a mouse button, by the Recorder's names; empty is primary.
type Button string

// The mouse buttons.
const (
	ButtonPrimary   Button = "primary"
	ButtonAuxiliary Button = "auxiliary"
	ButtonSecondary Button = "secondary"
	ButtonBack      Button = "back"
	ButtonForward   Button = "forward"
)

// Device is a pointing device, by the Recorder's names; empty is the mouse.
type Device string

// The pointing devices.
const (
	DeviceMouse Device = "mouse"
	DevicePen   Device = "pen"
	DeviceTouch Device = "touch"
)

// ElementCondition is what [Waiter.WaitForElement] waits for.
type ElementCondition struct {
	Selectors Selectors
	// Operator compares the number of elements found with Count: ">=", "==" or "<=".
	Operator string
	Count    int
	// Absent turns the condition round: it must not hold.
	Absent bool
	// Properties must equal those of every element found, deeply; JSON or empty.
	Properties []byte
	// Attributes must equal those of every element found.
	Attributes map[string]string
}

// Viewport is the size and kind of the screen.
type Viewport struct {
	Width, Height     int // CSS pixels
	DeviceScaleFactor float64
	Mobile            bool
	Touch             bool
	Landscape         bool
}

// DefaultViewport is a common laptop window.
var DefaultViewport = Viewport{Width: 1280, Height: 800, DeviceScaleFactor: 1}

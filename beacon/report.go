package beacon

// Source says who measured: a real user or a journey. It stands on every row.
type Source string

// The sources.
const (
	SourceRUM       Source = "rum"
	SourceSynthetic Source = "synthetic"
)

// Report is the body of one POST /v1/events: the events of one page view, or
// of one journey run, with what they have in common.
type Report struct {
	// Version is the version of the wire contract, see [Version].
	Version int `json:"v"`
	// SentAtMS is the sender's wall clock when it sent the report. The collector
	// compares it with its own to recognise wrong clocks.
	SentAtMS int64  `json:"sent_at_ms"`
	Source   Source `json:"source"`
	// SDK names the sender and its version, such as "throughline-js/0.1.0".
	SDK         string `json:"sdk,omitempty"`
	Release     string `json:"release,omitempty"`
	Environment string `json:"environment,omitempty"`
	// SessionID is the browser session; journeys have one per run. Empty only
	// in reports without a page view.
	SessionID string `json:"session_id,omitempty"`
	// Automated is navigator.webdriver, as WebDriver defines it: a program drives
	// the browser. Drivers can hide it, so that false proves nothing. Journeys,
	// which drive browsers too, may set it.
	Automated bool `json:"automated,omitempty"`
	// Sequence is the number of the report among those of its view, from 0 on: what is
	// missing was lost. Numbers do not repeat, but those of a report that comes again.
	Sequence int `json:"sequence,omitempty"`
	// SampleWeight is how many sessions this one stands for, where the beacon measures
	// only some of them; 0 is 1. ErrorWeight is the same for errors, of which more may
	// be told than of anything else.
	SampleWeight float64 `json:"sample_weight,omitempty"`
	ErrorWeight  float64 `json:"error_weight,omitempty"`
	// UserID is what the app calls its user, or a hash of that; empty unless it does.
	UserID string `json:"user_id,omitempty"`
	// Attributes are what the app says of all that it does, such as the user's plan. At
	// most [MaxAttributes].
	Attributes map[string]string `json:"attributes,omitempty"`
	// View is the page view that the events belong to; nil for journey runs.
	View *View `json:"view,omitempty"`
	// Journey is set when Source is synthetic.
	Journey *JourneyContext `json:"journey,omitempty"`
	Events  []Event         `json:"events"`
	// RepeatID tells a report that comes again, among all reports and events of its app,
	// where that is sure to hold the same events; else it is empty, and each event tells by
	// its own id.
	RepeatID string `json:"-"`
}

// Navigation says how a page view came about.
type Navigation string

// The navigations: the types of PerformanceNavigationTiming, and three of ours.
const (
	NavigationNavigate    Navigation = "navigate"
	NavigationReload      Navigation = "reload"
	NavigationBackForward Navigation = "back_forward"
	NavigationPrerender   Navigation = "prerender"
	// NavigationBFCache is a view restored from the back/forward cache.
	NavigationBFCache Navigation = "back_forward_cache"
	// NavigationSoft is a route change within a single-page application.
	NavigationSoft Navigation = "soft"
	// NavigationRestore is a tab that the browser had discarded.
	NavigationRestore Navigation = "restore"
)

// Detection says how a soft navigation was told from other changes of a page.
type Detection string

// The detections.
const (
	// DetectionNative is by the browser's Soft Navigations API: a user's input has
	// changed both the URL and what the page shows.
	DetectionNative Detection = "native"
	// DetectionHeuristic is by the URL's path alone.
	DetectionHeuristic Detection = "heuristic"
	// DetectionManual is the app's own word.
	DetectionManual Detection = "manual"
)

// View identifies the page view that a report is about. The early and the
// final report of one view carry the same View.
type View struct {
	ID string `json:"id"`
	// URL is scheme, host and path; senders leave out credentials, query and
	// fragment, and the collector removes them again.
	URL        string     `json:"url"`
	Referrer   string     `json:"referrer,omitempty"`
	Navigation Navigation `json:"navigation"`
	// Detection says how a soft navigation was told; empty for all others.
	Detection Detection `json:"navigation_detection,omitempty"`
	// ViewportWidthPX and ViewportHeightPX are the layout viewport's in CSS pixels.
	ViewportWidthPX  int `json:"viewport_width_px,omitempty"`
	ViewportHeightPX int `json:"viewport_height_px,omitempty"`
	// EffectiveConnectionType is that of the Network Information API: slow-2g, 2g, 3g or 4g.
	EffectiveConnectionType string `json:"effective_connection_type,omitempty"`
}

// JourneyContext says which journey run a synthetic report belongs to.
type JourneyContext struct {
	Name     string `json:"name"`
	RunID    string `json:"run_id"`
	Location string `json:"location"`
	// UserAgent is that of the browser that the journey runs in: its reports come
	// from the agent, with headers of its own. Empty when there was no browser.
	UserAgent string `json:"user_agent,omitempty"`
}

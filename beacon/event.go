package beacon

// Event is one measurement. Exactly one of the pointers is set and says which
// kind it is.
type Event struct {
	// ID is unique per app for at least ten minutes, so that a repeated delivery
	// can be told.
	ID string `json:"id"`
	// AtMS is when it began, by the sender's wall clock. The early and the
	// final PageView of one view carry the same AtMS: the view's start.
	AtMS int64 `json:"at_ms"`
	// Transaction is the business transaction instance that it belongs to, if any.
	Transaction *TransactionRef `json:"transaction,omitempty"`
	// TraceID is the W3C trace id that the back end told of, if any.
	TraceID string `json:"trace_id,omitempty"`

	PageView        *PageView        `json:"page_view,omitempty"`
	Request         *Request         `json:"request,omitempty"`
	Error           *Error           `json:"error,omitempty"`
	TransactionDone *TransactionDone `json:"transaction_done,omitempty"`
	Action          *Action          `json:"action,omitempty"`
	Measure         *Measure         `json:"measure,omitempty"`
	Resources       *Resources       `json:"resources,omitempty"`
	JourneyRun      *JourneyRun      `json:"journey_run,omitempty"`
	JourneyStep     *JourneyStep     `json:"journey_step,omitempty"`
}

// TransactionRef names one instance of a business transaction.
type TransactionRef struct {
	Name       string `json:"name"`
	InstanceID string `json:"instance_id"`
	// Version is the content hash of the definition that it was measured by; journeys
	// leave it empty, and the collector knows it.
	Version string `json:"version"`
}

// Phase says which of the two reports of a page view a PageView came with.
type Phase string

// The phases.
const (
	// PhaseEarly is sent once the page has loaded.
	PhaseEarly Phase = "early"
	// PhaseFinal is sent when the page is hidden or left.
	PhaseFinal Phase = "final"
)

// PageView holds what was measured of a page view. Each field is sent at most
// once per view, with the first report that knows its final value, so that
// sums and quantiles over all reports count it once. A nil field was not
// measured, or came with the other report.
//
// All times are milliseconds from the start of the navigation, or from the
// activation of a prerendered page.
type PageView struct {
	Phase Phase `json:"phase"`

	// Phases of the document's request, from Navigation Timing.
	RedirectMS *float64 `json:"redirect_ms,omitempty"` // redirectEnd - redirectStart
	DNSMS      *float64 `json:"dns_ms,omitempty"`      // domainLookupEnd - domainLookupStart
	TCPMS      *float64 `json:"tcp_ms,omitempty"`      // connect without TLS
	TLSMS      *float64 `json:"tls_ms,omitempty"`      // connectEnd - secureConnectionStart
	RequestMS  *float64 `json:"request_ms,omitempty"`  // responseStart - requestStart
	DownloadMS *float64 `json:"download_ms,omitempty"` // responseEnd - responseStart

	// Milestones of the document, from Navigation Timing.
	DOMInteractiveMS   *float64 `json:"dom_interactive_ms,omitempty"`
	DOMContentLoadedMS *float64 `json:"dom_content_loaded_ms,omitempty"` // domContentLoadedEventEnd
	LoadMS             *float64 `json:"load_ms,omitempty"`               // loadEventEnd
	TransferSizeBytes  *int64   `json:"transfer_size_bytes,omitempty"`
	StatusCode         *int     `json:"status_code,omitempty"` // HTTP status of the document

	// Web Vitals, as the web-vitals library defines them.
	TTFBMS *float64 `json:"ttfb_ms,omitempty"`
	FCPMS  *float64 `json:"fcp_ms,omitempty"`
	LCPMS  *float64 `json:"lcp_ms,omitempty"`
	INPMS  *float64 `json:"inp_ms,omitempty"`
	CLS    *float64 `json:"cls,omitempty"`

	// What the vitals are due to, as CSS selectors and a URL without query.
	LCPElement string `json:"lcp_element,omitempty"`
	LCPURL     string `json:"lcp_url,omitempty"`
	INPElement string `json:"inp_element,omitempty"`
	CLSElement string `json:"cls_element,omitempty"`

	// Parts of LCP; together with ttfb_ms they sum to it.
	LCPResourceLoadDelayMS    *float64 `json:"lcp_resource_load_delay_ms,omitempty"`
	LCPResourceLoadDurationMS *float64 `json:"lcp_resource_load_duration_ms,omitempty"`
	LCPElementRenderDelayMS   *float64 `json:"lcp_element_render_delay_ms,omitempty"`

	// Parts of INP; they sum to it.
	INPInputDelayMS         *float64 `json:"inp_input_delay_ms,omitempty"`
	INPProcessingDurationMS *float64 `json:"inp_processing_duration_ms,omitempty"`
	INPPresentationDelayMS  *float64 `json:"inp_presentation_delay_ms,omitempty"`

	// The script that ran longest within INP, from Long Animation Frames: for how
	// long, its file, and what called it, such as BUTTON#pay.onclick.
	INPScriptMS      *float64 `json:"inp_script_ms,omitempty"`
	INPScriptURL     string   `json:"inp_script_url,omitempty"`
	INPScriptInvoker string   `json:"inp_script_invoker,omitempty"`

	// BlockingMS is how long the page could not have answered input: the sum of the
	// blockingDuration of its long animation frames; of its long tasks, in browsers
	// that know only those, what each has beyond 50 ms. LongFrames is their number.
	BlockingMS *float64 `json:"blocking_ms,omitempty"`
	LongFrames *int     `json:"long_frames,omitempty"`

	// DurationMS is how long the view lasted until it was first hidden or left; final
	// report only. VisibleMS is the part of it in which the user could see the page.
	DurationMS *float64 `json:"duration_ms,omitempty"`
	VisibleMS  *float64 `json:"visible_ms,omitempty"`
	// Abandoned says that the user, who had seen the page, hid or left it before it
	// was there, and how far it had come. Empty for all others.
	Abandoned Abandonment `json:"abandoned,omitempty"`
	// ScrollDepth is the lowest part of the page that was on the screen, as a share
	// of the page's height, from 0 to 1.
	ScrollDepth *float64 `json:"scroll_depth,omitempty"`

	// What the user's device, connection and preferences are, as far as the browser
	// tells: navigator.deviceMemory (rounded, at most 8 in most browsers),
	// hardwareConcurrency, devicePixelRatio, and of the Network Information API rtt
	// and downlink, which are rounded estimates.
	DeviceMemoryGB   *float64 `json:"device_memory_gb,omitempty"`
	CPUCores         *int     `json:"cpu_cores,omitempty"`
	DevicePixelRatio *float64 `json:"device_pixel_ratio,omitempty"`
	RTTMS            *float64 `json:"rtt_ms,omitempty"`
	DownlinkMbps     *float64 `json:"downlink_mbps,omitempty"`
	// Preferences are the user's that hold, of [PreferenceNames] in their order,
	// with commas between them.
	Preferences string `json:"preferences,omitempty"`

	// What the beacon itself has cost the page: the main thread's time to start it
	// and in its handlers since, and the bytes of the reports before this one.
	BeaconInitMS    *float64 `json:"beacon_init_ms,omitempty"`
	BeaconHandlerMS *float64 `json:"beacon_handler_ms,omitempty"`
	BeaconSentBytes *int64   `json:"beacon_sent_bytes,omitempty"`
}

// Abandonment says how far a page had come when its user hid or left it.
type Abandonment string

// The abandonments.
const (
	// AbandonedBeforeFirstPaint is a page of which nothing was to be seen.
	AbandonedBeforeFirstPaint Abandonment = "before_first_paint"
	// AbandonedBeforeLCP is a page that still loaded, so that the largest element may
	// not have been there yet; lcp_ms is that of the largest until then.
	AbandonedBeforeLCP Abandonment = "before_lcp"
)

// PreferenceNames are the preferences that a page view tells of: the media features
// prefers-reduced-motion, prefers-contrast (more), prefers-color-scheme (dark), and
// the Save-Data preference.
func PreferenceNames() []string {
	return []string{"reduced_motion", "more_contrast", "dark", "save_data"}
}

// InitiatorNEL is the Initiator of requests that the browser told of by itself, by
// Network Error Logging. The beacon does not send it.
const InitiatorNEL = "nel"

// Request is one fetch or XMLHttpRequest of the page, one of its slowest or failed
// resources, or any request of a browser that logs network errors ([InitiatorNEL]).
type Request struct {
	// Method is upper case; empty when the browser did not tell.
	Method string `json:"method,omitempty"`
	URL    string `json:"url"` // without credentials, query and fragment
	// Initiator is the initiatorType of Resource Timing, such as fetch, xmlhttprequest
	// or img, or [InitiatorNEL].
	Initiator string `json:"initiator"`
	// StatusCode is the HTTP status; 0 when there was no answer or it was hidden.
	StatusCode int `json:"status_code,omitempty"`
	// Failure is empty for a request that got an answer, whatever its status.
	Failure RequestFailure `json:"failure,omitempty"`
	// Error is the class of what went wrong, as error.type of OpenTelemetry's
	// conventions for HTTP: few values, such as dns.name_not_resolved of Network
	// Error Logging. At most 64 letters, digits, dots, hyphens and underscores.
	Error      string  `json:"error,omitempty"`
	DurationMS float64 `json:"duration_ms"`
	// RequestMS is responseStart - requestStart; nil when the browser hides it
	// (another origin without Timing-Allow-Origin).
	RequestMS         *float64 `json:"request_ms,omitempty"`
	TransferSizeBytes *int64   `json:"transfer_size_bytes,omitempty"`
}

// RequestFailure says why a request got no answer.
type RequestFailure string

// The request failures.
const (
	RequestFailureNetwork RequestFailure = "network"
	RequestFailureAborted RequestFailure = "aborted"
	RequestFailureTimeout RequestFailure = "timeout"
)

// ErrorKind says how an error came to light.
type ErrorKind string

// The error kinds of the beacon.
const (
	ErrorUncaught           ErrorKind = "error"
	ErrorUnhandledRejection ErrorKind = "unhandledrejection"
	ErrorConsole            ErrorKind = "console"       // written to console.error
	ErrorResource           ErrorKind = "resource"      // an image, script or the like could not be loaded
	ErrorCSPViolation       ErrorKind = "csp-violation" // of the Content Security Policy; browsers report it by themselves, too
)

// The error kinds of what browsers report by themselves, see package
// ingest/reporting. The beacon does not send them.
const (
	ErrorDeprecation  ErrorKind = "deprecation"  // use of what browsers will drop
	ErrorIntervention ErrorKind = "intervention" // the browser did not do as it was told
	ErrorCrash        ErrorKind = "crash"        // the page or its process ended
	ErrorPolicy       ErrorKind = "policy-violation"
	ErrorReport       ErrorKind = "report" // of a type that is not known here
)

// Error is a JavaScript error that nothing in the page handled, or something that
// the browser itself complains of.
type Error struct {
	Kind ErrorKind `json:"kind"`
	// Type is the error's name, such as TypeError (exception.type); of what could not be
	// loaded the element's, such as img; of what browsers report it is what was
	// violated, deprecated and so on, such as script-src-elem.
	Type    string `json:"type,omitempty"`
	Message string `json:"message"`
	Stack   string `json:"stack,omitempty"`
	// Count is how often it happened since the last report of it, at least 1.
	Count int `json:"count"`
}

// Outcome is how an attempt at a business transaction ended.
type Outcome string

// The outcomes.
const (
	OutcomeCompleted Outcome = "completed"
	OutcomeFailed    Outcome = "failed"
	OutcomeAbandoned Outcome = "abandoned"
	OutcomeTimedOut  Outcome = "timed_out"
	OutcomeUnknown   Outcome = "unknown"
)

// TransactionDone is the end of the transaction instance that the event's
// TransactionRef names; the event's AtMS is the instance's start.
type TransactionDone struct {
	Outcome Outcome `json:"outcome"`
	// Reason says why it did not complete, such as "status 502".
	Reason     string  `json:"reason,omitempty"`
	DurationMS float64 `json:"duration_ms"`
	// WaitMS is the part of the duration that the user waited for us: the union
	// of the page's loading and of the requests the user caused. At most DurationMS.
	WaitMS float64 `json:"wait_ms"`
}

// ActionKind says what an action is.
type ActionKind string

// The action kinds.
const (
	ActionClick ActionKind = "click"
	// ActionRageClick are clicks on one place in quick succession, Count of them.
	ActionRageClick ActionKind = "rage_click"
	// ActionDeadClick is a click on something that looks as if it did something, after
	// which nothing happened.
	ActionDeadClick ActionKind = "dead_click"
	// ActionErrorClick is a click right after which an error was thrown.
	ActionErrorClick ActionKind = "error_click"
	// ActionEvent is an event that the app tells of by itself.
	ActionEvent ActionKind = "event"
	// ActionPageState is a time that the page spent in a state after its final report:
	// Name is visible, hidden or frozen, DurationMS how long.
	ActionPageState ActionKind = "page_state"
)

// Action is something that the user did, or that happened to the page.
type Action struct {
	Kind ActionKind `json:"kind"`
	// Name is what people call it: of a click what the element says of itself by its
	// attribute data-throughline-name, label or text; of an event its name. Never what
	// a user has entered.
	Name string `json:"name"`
	// Target is the element of a click, as a CSS selector.
	Target     string   `json:"target,omitempty"`
	Count      int      `json:"count"` // how many of them this is, at least 1
	DurationMS *float64 `json:"duration_ms,omitempty"`
	// Attributes are those that the app gives its event. At most [MaxAttributes].
	Attributes map[string]string `json:"attributes,omitempty"`
}

// MeasureKind says where a measure comes from.
type MeasureKind string

// The measure kinds.
const (
	MeasureMark         MeasureKind = "mark"          // performance.mark: since the view began
	MeasureMeasure      MeasureKind = "measure"       // performance.measure
	MeasureElement      MeasureKind = "element"       // Element Timing: painted, since the view began
	MeasureServerTiming MeasureKind = "server_timing" // Server-Timing of the document
)

// Measure is a time that the app, or its server, has named.
type Measure struct {
	Kind       MeasureKind `json:"kind"`
	Name       string      `json:"name"`
	DurationMS float64     `json:"duration_ms"`
	// Detail is the description of a Server-Timing metric, or the selector of an element.
	Detail string `json:"detail,omitempty"`
}

// Resources sums up what a view has loaded of one type from one host.
type Resources struct {
	// Type is the initiatorType of Resource Timing, such as img or script.
	Type string `json:"type"`
	// Host is that of the URLs, with the port if they have one; empty for the page's own.
	Host  string `json:"host,omitempty"`
	Count int    `json:"count"`
	// Of these, those that failed (HTTP status of 400 and above) and those that came
	// from the browser's cache (nothing was transferred).
	Failed int `json:"failed,omitempty"`
	Cached int `json:"cached,omitempty"`
	// TransferSizeBytes is their sum, as far as the browser tells.
	TransferSizeBytes int64 `json:"transfer_size_bytes,omitempty"`
	// DurationMS is their sum, LongestMS that of the slowest.
	DurationMS float64 `json:"duration_ms"`
	LongestMS  float64 `json:"longest_ms"`
}

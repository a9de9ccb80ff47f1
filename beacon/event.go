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
	JourneyRun      *JourneyRun      `json:"journey_run,omitempty"`
	JourneyStep     *JourneyStep     `json:"journey_step,omitempty"`
}

// TransactionRef names one instance of a business transaction.
type TransactionRef struct {
	Name       string `json:"name"`
	InstanceID string `json:"instance_id"`
	// Version is the content hash of the definition that it was measured by.
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

	// DurationMS is how long the view lasted; final report only.
	DurationMS *float64 `json:"duration_ms,omitempty"`
}

// InitiatorNEL is the Initiator of requests that the browser told of by itself, by
// Network Error Logging. The beacon does not send it.
const InitiatorNEL = "nel"

// Request is one fetch or XMLHttpRequest of the page, or any request of a browser
// that logs network errors ([InitiatorNEL]).
type Request struct {
	// Method is upper case; empty when the browser did not tell.
	Method string `json:"method,omitempty"`
	URL    string `json:"url"` // without credentials, query and fragment
	// Initiator is the initiatorType of Resource Timing, fetch or xmlhttprequest, or
	// [InitiatorNEL].
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

package beacon

// RunOutcome is how a journey run, or one of its steps, ended. Only passed and
// failed say something about the application; agent_error says that the
// monitor itself could not measure.
type RunOutcome string

// The run outcomes.
const (
	RunPassed     RunOutcome = "passed"
	RunFailed     RunOutcome = "failed"
	RunAgentError RunOutcome = "agent_error"
	// RunSkipped is a slot that was due and not run; Reason says why.
	RunSkipped RunOutcome = "skipped"
)

// RunReason classes why a run or step did not pass.
type RunReason string

// The run reasons.
const (
	ReasonTimeout         RunReason = "timeout"
	ReasonAssertion       RunReason = "assertion"
	ReasonNavigation      RunReason = "navigation"
	ReasonElementNotFound RunReason = "element_not_found"
	ReasonTabCrashed      RunReason = "tab_crashed"
	ReasonBrowserFailed   RunReason = "browser_failed"
	// ReasonCommandRefused is a step that the browser or the runner would not do.
	ReasonCommandRefused RunReason = "command_refused"
	ReasonCancelled      RunReason = "cancelled"
	ReasonOverlap        RunReason = "overlap"
	ReasonQueueFull      RunReason = "queue_full"
)

// JourneyRun is one execution of a journey for one schedule slot. The event's
// AtMS is when the run began.
type JourneyRun struct {
	Outcome RunOutcome `json:"outcome"`
	Reason  RunReason  `json:"reason,omitempty"`
	Message string     `json:"message,omitempty"`
	// SlotAtMS is when the schedule wanted it to begin; equal to AtMS for runs
	// started by hand.
	SlotAtMS   int64   `json:"slot_at_ms"`
	QueueMS    float64 `json:"queue_ms"` // from the slot until a browser took it
	DurationMS float64 `json:"duration_ms"`
	Steps      int     `json:"steps"`       // steps in the journey
	StepsDone  int     `json:"steps_done"`  // steps that passed
	FailedStep string  `json:"failed_step"` // name of the step that failed, or ""
	Browser    string  `json:"browser,omitempty"`
	// EvidenceURL is where screenshots, requests and messages of the run are kept;
	// empty when none are.
	EvidenceURL string `json:"evidence_url,omitempty"`
}

// JourneyStep is one step of a run. The event's AtMS is when the step began.
type JourneyStep struct {
	Index      int        `json:"index"` // from 0
	Name       string     `json:"name"`
	Type       string     `json:"type"` // the Recorder's step type, such as click
	Outcome    RunOutcome `json:"outcome"`
	Reason     RunReason  `json:"reason,omitempty"`
	Message    string     `json:"message,omitempty"`
	DurationMS float64    `json:"duration_ms"`
	// URL is the page's when the step ended, without query and fragment.
	URL string `json:"url,omitempty"`
	// Selector is the alternative that led to the step's element.
	Selector string `json:"selector,omitempty"`

	// Of requests without a browser: their phases and their answer. A nil phase did
	// not happen.
	StatusCode *int     `json:"status_code,omitempty"`
	DNSMS      *float64 `json:"dns_ms,omitempty"`
	TCPMS      *float64 `json:"tcp_ms,omitempty"` // connect without TLS
	TLSMS      *float64 `json:"tls_ms,omitempty"`
	RequestMS  *float64 `json:"request_ms,omitempty"`  // from the request to the first byte
	DownloadMS *float64 `json:"download_ms,omitempty"` // from the first byte to the last
	// CertificateDaysLeft is how many whole days the first certificate of the chain
	// to expire is still good for; 0 when it has expired.
	CertificateDaysLeft *int `json:"certificate_days_left,omitempty"`
}

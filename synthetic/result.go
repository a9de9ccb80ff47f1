package synthetic

import (
	"time"

	"throughline/beacon"
)

// Result is how a run ended.
type Result struct {
	Journey string
	RunID   string
	// Slot is when the schedule wanted the run to begin; Started when it began.
	Slot, Started time.Time
	// Queue is the time from the slot until a page was open.
	Queue time.Duration
	// Duration is the time of the steps.
	Duration time.Duration
	Outcome  beacon.RunOutcome
	Reason   beacon.RunReason
	Message  string
	// FailedStep is the name of the step that did not pass, or empty.
	FailedStep string
	// Steps holds the steps that were begun; Total counts those of the journey.
	Steps []StepResult
	Total int
	// Browser names the browser and its version.
	Browser string
	// UserAgent is what the browser said that it is.
	UserAgent string
	// Pages is what the beacon in the pages reported, page views with their
	// vitals among it.
	Pages []beacon.Report
	// LostPages counts reports of the pages that were malformed or too many.
	LostPages int
	// Artifacts is the evidence of the run, see [RunOptions].
	Artifacts []Artifact
	// State is what the sites kept, of a run that passed and was to tell; see
	// [RunOptions].KeepState. It holds credentials.
	State *State
	// EvidenceURL is where the artifacts are kept; empty if they are not.
	EvidenceURL string
}

// StepResult is how a step ended.
type StepResult struct {
	// Index is the step's place in the journey, from 0.
	Index int
	Name  string
	Type  string
	// Transaction is that of the [Step].
	Transaction string
	Started     time.Time
	Duration    time.Duration
	Outcome     beacon.RunOutcome
	Reason      beacon.RunReason
	Message     string
	// URL is the page's when the step ended, without query and fragment.
	URL string
	// TraceID is the W3C trace id that the step's requests carried to the hosts that
	// are traced; empty if there are none.
	TraceID string
	// Selector is the alternative that led to the step's element, as it is written
	// in a file; empty when none did or the step has none.
	Selector string
	// Alternative is the place of that selector among the step's, from 0.
	Alternative int
	// HTTP is where the time of a request without a browser went; nil for others.
	HTTP *HTTPTiming
}

// passed counts the steps that passed.
func (r *Result) passed() int {
	passed := 0
	for _, step := range r.Steps {
		if step.Outcome == beacon.RunPassed {
			passed++
		}
	}
	return passed
}

// blame ends the run with a fault.
func (r *Result) blame(fault *Fault) {
	r.Outcome, r.Reason, r.Message = fault.outcome(), fault.Reason, fault.Message
}

// report is the run as the collector wants it: one event for the run, one for
// each step, and one for each business transaction that only the journey tells of.
// Steps carry the transaction that they were part of, and the run the last of those,
// which is what it led up to.
func (r *Result) report(newID func() string) []beacon.Event {
	transactions, ends := r.transactions(newID)
	events := make([]beacon.Event, 0, len(r.Steps)+1)
	events = append(events, beacon.Event{
		ID: newID(), AtMS: r.Started.UnixMilli(),
		JourneyRun: &beacon.JourneyRun{
			Outcome: r.Outcome, Reason: r.Reason,
			Message:    cut(r.Message, beacon.MaxMessageBytes),
			SlotAtMS:   r.Slot.UnixMilli(),
			QueueMS:    milliseconds(r.Queue),
			DurationMS: milliseconds(r.Duration),
			Steps:      r.Total, StepsDone: r.passed(),
			FailedStep:  cut(r.FailedStep, beacon.MaxNameBytes),
			Browser:     cut(r.Browser, beacon.MaxNameBytes),
			EvidenceURL: cut(r.EvidenceURL, beacon.MaxURLBytes),
		},
	})
	for i, step := range r.Steps {
		transaction := transactions[i]
		if transaction != nil {
			events[0].Transaction = transaction
		}
		events = append(events, beacon.Event{
			ID: newID(), AtMS: step.Started.UnixMilli(), Transaction: transaction, TraceID: step.TraceID,
			JourneyStep: step.report(),
		})
	}
	return append(events, ends...)
}

// report is the step as the collector wants it.
func (s StepResult) report() *beacon.JourneyStep {
	step := &beacon.JourneyStep{
		Index: s.Index, Name: cut(s.Name, beacon.MaxNameBytes), Type: s.Type,
		Outcome: s.Outcome, Reason: s.Reason,
		Message:    cut(s.Message, beacon.MaxMessageBytes),
		DurationMS: milliseconds(s.Duration),
		URL:        s.URL,
		Selector:   cut(s.Selector, beacon.MaxSelectorBytes),
	}
	if s.HTTP == nil {
		return step
	}
	if s.HTTP.StatusCode > 0 {
		step.StatusCode = &s.HTTP.StatusCode
	}
	phase := func(d time.Duration) *float64 {
		if d <= 0 {
			return nil
		}
		ms := milliseconds(d)
		return &ms
	}
	step.DNSMS, step.TCPMS, step.TLSMS = phase(s.HTTP.DNS), phase(s.HTTP.Connect), phase(s.HTTP.TLS)
	step.RequestMS, step.DownloadMS = phase(s.HTTP.FirstByte), phase(s.HTTP.Transfer)
	if days := s.HTTP.CertificateDaysLeft; days != nil {
		step.CertificateDaysLeft = new(min(max(*days, 0), beacon.MaxCertificateDays))
	}
	return step
}

// milliseconds is a duration as the wire wants it: never negative, never above
// what the collector accepts.
func milliseconds(d time.Duration) float64 {
	d = min(max(d, 0), beacon.MaxDuration)
	return float64(d.Microseconds()) / 1000
}

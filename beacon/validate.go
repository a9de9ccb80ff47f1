package beacon

import (
	"fmt"
	"math"
	"strings"
	"time"
)

func validateReport(r *Report, events int) *Reject {
	var c check
	if r.Version != Version {
		c.fail("v", RejectVersion, fmt.Sprintf("this collector reads version %d, and %d and %d as arrays", Version, compactBefore, CompactVersion))
	}
	c.instant("sent_at_ms", r.SentAtMS)
	oneOf(&c, "source", r.Source, SourceRUM, SourceSynthetic)
	c.name("sdk", &r.SDK, false)
	c.name("release", &r.Release, false)
	c.name("environment", &r.Environment, false)
	if r.SessionID != "" || r.View != nil {
		c.id("session_id", r.SessionID)
	}
	c.integer("sequence", r.Sequence, 0, MaxSequence)
	c.number("sample_weight", &r.SampleWeight, MaxSampleWeight)
	c.number("error_weight", &r.ErrorWeight, MaxSampleWeight)
	c.text(&r.UserID, MaxNameBytes)
	c.attributes("attributes", r.Attributes)
	if r.View != nil {
		validateView(&c, r.View)
	}
	switch {
	case r.Source == SourceSynthetic && r.Journey == nil:
		c.fail("journey", RejectMissing, "required with source synthetic")
	case r.Source == SourceRUM && r.Journey != nil:
		c.fail("journey", RejectInvalid, "only with source synthetic")
	case r.Journey != nil:
		c.name("journey.name", &r.Journey.Name, true)
		c.id("journey.run_id", r.Journey.RunID)
		c.name("journey.location", &r.Journey.Location, true)
		c.text(&r.Journey.UserAgent, MaxUserAgentBytes)
	}
	if events == 0 {
		c.fail("events", RejectMissing, "a report holds at least one event")
	}
	return c.reject
}

func validateView(c *check, v *View) {
	c.id("view.id", v.ID)
	c.url("view.url", &v.URL, true)
	c.url("view.referrer", &v.Referrer, false)
	oneOf(c, "view.navigation", v.Navigation, NavigationNavigate, NavigationReload, NavigationBackForward,
		NavigationPrerender, NavigationBFCache, NavigationSoft, NavigationRestore)
	oneOf(c, "view.navigation_detection", v.Detection, "", DetectionNative, DetectionHeuristic, DetectionManual)
	if v.Detection != "" && v.Navigation != NavigationSoft {
		c.fail("view.navigation_detection", RejectInvalid, "only with navigation soft")
	}
	c.integer("view.viewport_width_px", v.ViewportWidthPX, 0, math.MaxUint16)
	c.integer("view.viewport_height_px", v.ViewportHeightPX, 0, math.MaxUint16)
	oneOf(c, "view.effective_connection_type", v.EffectiveConnectionType, "", "slow-2g", "2g", "3g", "4g")
}

func validateEvent(e *Event, r *Report) *Reject {
	var c check
	c.id("id", e.ID)
	c.instant("at_ms", e.AtMS)
	if e.TraceID != "" {
		c.hex("trace_id", e.TraceID, 32)
	}
	if t := e.Transaction; t != nil {
		c.name("transaction.name", &t.Name, true)
		c.id("transaction.instance_id", t.InstanceID)
		c.name("transaction.version", &t.Version, r.Source != SourceSynthetic)
	}
	validateKind(&c, e, r)
	return c.reject
}

// validateKind checks the one payload that an event has.
func validateKind(c *check, e *Event, r *Report) {
	if e.TransactionDone != nil && e.Transaction == nil {
		c.fail("transaction", RejectMissing, "required with transaction_done")
	}
	ofView := validated(c, e.PageView, validatePageView) + validated(c, e.Request, validateRequest) +
		validated(c, e.Error, validateError) + validated(c, e.TransactionDone, validateTransactionDone) +
		validated(c, e.Action, validateAction) + validated(c, e.Measure, validateMeasure) +
		validated(c, e.Resources, validateResources)
	ofJourney := validated(c, e.JourneyRun, validateJourneyRun) + validated(c, e.JourneyStep, validateJourneyStep)
	switch {
	case ofView+ofJourney == 0:
		c.fail("", RejectMissing, "an event holds one of page_view, request, error, transaction_done, action, measure, resources, journey_run, journey_step")
	case ofView+ofJourney > 1:
		c.fail("", RejectInvalid, "an event holds one payload only")
	case ofView > 0 && r.View == nil && !(e.TransactionDone != nil && r.Journey != nil):
		c.fail("", RejectInvalid, "events of a page need the report's view")
	case ofJourney > 0 && r.Source != SourceSynthetic:
		c.fail("", RejectInvalid, "journey events need source synthetic")
	}
}

// validated checks a payload if the event has it, and returns how many that is.
func validated[T any](c *check, payload *T, validate func(*check, *T)) int {
	if payload == nil {
		return 0
	}
	validate(c, payload)
	return 1
}

func validatePageView(c *check, p *PageView) {
	oneOf(c, "page_view.phase", p.Phase, PhaseEarly, PhaseFinal)
	c.duration("page_view.redirect_ms", p.RedirectMS)
	c.duration("page_view.dns_ms", p.DNSMS)
	c.duration("page_view.tcp_ms", p.TCPMS)
	c.duration("page_view.tls_ms", p.TLSMS)
	c.duration("page_view.request_ms", p.RequestMS)
	c.duration("page_view.download_ms", p.DownloadMS)
	c.duration("page_view.dom_interactive_ms", p.DOMInteractiveMS)
	c.duration("page_view.dom_content_loaded_ms", p.DOMContentLoadedMS)
	c.duration("page_view.load_ms", p.LoadMS)
	c.duration("page_view.ttfb_ms", p.TTFBMS)
	c.duration("page_view.fcp_ms", p.FCPMS)
	c.duration("page_view.lcp_ms", p.LCPMS)
	c.duration("page_view.inp_ms", p.INPMS)
	c.duration("page_view.lcp_resource_load_delay_ms", p.LCPResourceLoadDelayMS)
	c.duration("page_view.lcp_resource_load_duration_ms", p.LCPResourceLoadDurationMS)
	c.duration("page_view.lcp_element_render_delay_ms", p.LCPElementRenderDelayMS)
	c.duration("page_view.inp_input_delay_ms", p.INPInputDelayMS)
	c.duration("page_view.inp_processing_duration_ms", p.INPProcessingDurationMS)
	c.duration("page_view.inp_presentation_delay_ms", p.INPPresentationDelayMS)
	c.duration("page_view.duration_ms", p.DurationMS)
	c.number("page_view.cls", p.CLS, MaxLayoutShift)
	c.size("page_view.transfer_size_bytes", p.TransferSizeBytes)
	if p.StatusCode != nil {
		c.integer("page_view.status_code", *p.StatusCode, 0, 999)
	}
	c.url("page_view.lcp_url", &p.LCPURL, false)
	c.text(&p.LCPElement, MaxSelectorBytes)
	c.text(&p.INPElement, MaxSelectorBytes)
	c.text(&p.CLSElement, MaxSelectorBytes)
	c.duration("page_view.inp_script_ms", p.INPScriptMS)
	c.url("page_view.inp_script_url", &p.INPScriptURL, false)
	c.text(&p.INPScriptInvoker, MaxSelectorBytes)
	c.duration("page_view.blocking_ms", p.BlockingMS)
	if p.LongFrames != nil {
		c.integer("page_view.long_frames", *p.LongFrames, 0, MaxLongFrames)
	}
	validateExperience(c, p)
}

// validateExperience checks what does not come from timings.
func validateExperience(c *check, p *PageView) {
	c.duration("page_view.visible_ms", p.VisibleMS)
	oneOf(c, "page_view.abandoned", p.Abandoned, "", AbandonedBeforeFirstPaint, AbandonedBeforeLCP)
	c.number("page_view.scroll_depth", p.ScrollDepth, 1)
	c.number("page_view.device_memory_gb", p.DeviceMemoryGB, MaxDeviceMemoryGB)
	if p.CPUCores != nil {
		c.integer("page_view.cpu_cores", *p.CPUCores, 0, math.MaxUint16)
	}
	c.number("page_view.device_pixel_ratio", p.DevicePixelRatio, MaxDevicePixelRatio)
	c.duration("page_view.rtt_ms", p.RTTMS)
	c.number("page_view.downlink_mbps", p.DownlinkMbps, MaxDownlinkMbps)
	if p.Preferences != "" {
		for _, name := range strings.Split(p.Preferences, ",") {
			oneOf(c, "page_view.preferences", name, PreferenceNames()...)
		}
	}
	c.duration("page_view.beacon_init_ms", p.BeaconInitMS)
	c.duration("page_view.beacon_handler_ms", p.BeaconHandlerMS)
	c.size("page_view.beacon_sent_bytes", p.BeaconSentBytes)
}

func validateRequest(c *check, r *Request) {
	c.word("request.method", r.Method, false)
	c.url("request.url", &r.URL, true)
	// What browsers report by themselves has an endpoint of its own: a page cannot
	// pass for its browser here.
	c.initiator("request.initiator", r.Initiator)
	c.code("request.error", r.Error)
	oneOf(c, "request.failure", r.Failure, "", RequestFailureNetwork, RequestFailureAborted, RequestFailureTimeout)
	c.integer("request.status_code", r.StatusCode, 0, 999)
	c.duration("request.duration_ms", &r.DurationMS)
	c.duration("request.request_ms", r.RequestMS)
	c.size("request.transfer_size_bytes", r.TransferSizeBytes)
}

func validateAction(c *check, a *Action) {
	oneOf(c, "action.kind", a.Kind, ActionClick, ActionRageClick, ActionDeadClick, ActionErrorClick, ActionEvent, ActionPageState)
	if a.Name == "" {
		c.fail("action.name", RejectMissing, "required")
	}
	c.text(&a.Name, MaxNameBytes)
	c.text(&a.Target, MaxSelectorBytes)
	c.integer("action.count", a.Count, 1, MaxActionCount)
	c.duration("action.duration_ms", a.DurationMS)
	c.attributes("action.attributes", a.Attributes)
}

func validateMeasure(c *check, m *Measure) {
	oneOf(c, "measure.kind", m.Kind, MeasureMark, MeasureMeasure, MeasureElement, MeasureServerTiming)
	if m.Name == "" {
		c.fail("measure.name", RejectMissing, "required")
	}
	c.text(&m.Name, MaxNameBytes)
	c.duration("measure.duration_ms", &m.DurationMS)
	c.text(&m.Detail, MaxSelectorBytes)
}

func validateResources(c *check, s *Resources) {
	c.initiator("resources.type", s.Type)
	c.text(&s.Host, MaxNameBytes)
	c.integer("resources.count", s.Count, 1, MaxResources)
	c.integer("resources.failed", s.Failed, 0, s.Count)
	c.integer("resources.cached", s.Cached, 0, s.Count)
	c.size("resources.transfer_size_bytes", &s.TransferSizeBytes)
	// A sum may be longer than any of its parts.
	c.number("resources.duration_ms", &s.DurationMS, float64(MaxDuration/time.Millisecond)*MaxResources)
	c.duration("resources.longest_ms", &s.LongestMS)
}

func validateError(c *check, e *Error) {
	oneOf(c, "error.kind", e.Kind, ErrorUncaught, ErrorUnhandledRejection, ErrorConsole, ErrorResource, ErrorCSPViolation)
	c.name("error.type", &e.Type, false)
	c.integer("error.count", e.Count, 1, MaxErrorCount)
	c.text(&e.Message, MaxMessageBytes)
	c.text(&e.Stack, MaxStackBytes)
}

func validateTransactionDone(c *check, t *TransactionDone) {
	oneOf(c, "transaction_done.outcome", t.Outcome, OutcomeCompleted, OutcomeFailed, OutcomeAbandoned, OutcomeTimedOut, OutcomeUnknown)
	c.name("transaction_done.reason", &t.Reason, false)
	c.duration("transaction_done.duration_ms", &t.DurationMS)
	c.duration("transaction_done.wait_ms", &t.WaitMS)
	if t.WaitMS > t.DurationMS {
		c.fail("transaction_done.wait_ms", RejectOutOfRange, "must not exceed duration_ms")
	}
}

func validateJourneyRun(c *check, j *JourneyRun) {
	oneOf(c, "journey_run.outcome", j.Outcome, RunPassed, RunFailed, RunAgentError, RunSkipped)
	runReason(c, "journey_run.reason", j.Reason)
	c.text(&j.Message, MaxMessageBytes)
	c.instant("journey_run.slot_at_ms", j.SlotAtMS)
	c.duration("journey_run.queue_ms", &j.QueueMS)
	c.duration("journey_run.duration_ms", &j.DurationMS)
	c.integer("journey_run.steps", j.Steps, 0, MaxSteps)
	c.integer("journey_run.steps_done", j.StepsDone, 0, j.Steps)
	c.name("journey_run.failed_step", &j.FailedStep, false)
	c.name("journey_run.browser", &j.Browser, false)
	c.place("journey_run.evidence_url", &j.EvidenceURL)
}

func validateJourneyStep(c *check, j *JourneyStep) {
	c.integer("journey_step.index", j.Index, 0, MaxSteps)
	c.name("journey_step.name", &j.Name, true)
	c.word("journey_step.type", j.Type, true)
	oneOf(c, "journey_step.outcome", j.Outcome, RunPassed, RunFailed, RunAgentError, RunSkipped)
	runReason(c, "journey_step.reason", j.Reason)
	c.text(&j.Message, MaxMessageBytes)
	c.duration("journey_step.duration_ms", &j.DurationMS)
	c.url("journey_step.url", &j.URL, false)
	c.text(&j.Selector, MaxSelectorBytes)
	if j.StatusCode != nil {
		c.integer("journey_step.status_code", *j.StatusCode, 0, 999)
	}
	c.duration("journey_step.dns_ms", j.DNSMS)
	c.duration("journey_step.tcp_ms", j.TCPMS)
	c.duration("journey_step.tls_ms", j.TLSMS)
	c.duration("journey_step.request_ms", j.RequestMS)
	c.duration("journey_step.download_ms", j.DownloadMS)
	if j.CertificateDaysLeft != nil {
		c.integer("journey_step.certificate_days_left", *j.CertificateDaysLeft, 0, MaxCertificateDays)
	}
}

func runReason(c *check, field string, value RunReason) {
	oneOf(c, field, value, "", ReasonTimeout, ReasonAssertion, ReasonNavigation, ReasonElementNotFound, ReasonTabCrashed,
		ReasonBrowserFailed, ReasonCommandRefused, ReasonCancelled, ReasonOverlap, ReasonQueueFull)
}

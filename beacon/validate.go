package beacon

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// check collects the first thing wrong with a report or an event.
type check struct{ reject *Reject }

func (c *check) fail(field string, reason Reason, detail string) {
	if c.reject == nil {
		c.reject = &Reject{Index: -1, Field: field, Reason: reason, Detail: detail}
	}
}

func (c *check) id(field, value string) { c.hex(field, value, 16) }

func (c *check) hex(field, value string, length int) {
	if value == "" {
		c.fail(field, RejectMissing, "required")
		return
	}
	// Without branches, which would be guessed wrong every other time: below its
	// bound is what becomes negative.
	digits := int32(-1)
	for i := range len(value) {
		digits &= (int32(value[i]-'0') - 10) | (int32(value[i]-'a') - 6)
	}
	if len(value) != length || digits >= 0 {
		c.fail(field, RejectInvalid, fmt.Sprintf("must be %d lower-case hexadecimal characters", length))
	}
}

// name checks a text that identifies something, and makes it safe to print.
func (c *check) name(field string, value *string, required bool) {
	if *value == "" && required {
		c.fail(field, RejectMissing, "required")
	}
	if len(*value) > MaxNameBytes {
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", MaxNameBytes))
	}
	*value = printable(*value)
}

// word takes what consists of letters only.
func (c *check) word(field, value string, required bool) {
	const longest = 32
	switch {
	case value == "" && required:
		c.fail(field, RejectMissing, "required")
	case len(value) > longest:
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", longest))
	case strings.IndexFunc(value, func(r rune) bool { return (r|0x20 < 'a' || r|0x20 > 'z') && r != '-' && r != '_' }) >= 0:
		c.fail(field, RejectInvalid, "must be letters")
	}
}

// MaxCodeBytes bounds what names a class, such as one of errors.
const MaxCodeBytes = 64

// IsCode says whether a text is made of what names of classes are made of: letters,
// digits, dots, hyphens and underscores. The empty one is.
func IsCode(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) < 0
}

// code takes what names a class of errors.
func (c *check) code(field, value string) {
	switch {
	case len(value) > MaxCodeBytes:
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", MaxCodeBytes))
	case !IsCode(value):
		c.fail(field, RejectInvalid, "must be letters, digits, dots, hyphens and underscores")
	}
}

// text makes a text for people safe to print and cuts it to size.
func (c *check) text(value *string, limit int) { *value = CleanText(*value, limit) }

// CleanText makes a text for people safe to print, and cuts it to at most
// limitBytes at a rune boundary; an ellipsis then ends it. The limit must leave
// room for that, which is 3 bytes.
func CleanText(text string, limitBytes int) string {
	text = printable(text)
	if len(text) <= limitBytes {
		return text
	}
	const mark = "…"
	cut := limitBytes - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}

// url checks an absolute http(s) URL and takes out what may hold secrets.
func (c *check) url(field string, value *string, required bool) {
	switch {
	case *value == "" && required:
		c.fail(field, RejectMissing, "required")
		return
	case *value == "":
		return
	case len(*value) > MaxURLBytes:
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", MaxURLBytes))
		return
	}
	clean, ok := CleanURL(*value)
	if !ok {
		c.fail(field, RejectInvalid, "must be an absolute http or https URL")
		return
	}
	*value = clean
}

func (c *check) number(field string, value *float64, limit float64) {
	if value != nil && !(*value >= 0 && *value <= limit) {
		c.fail(field, RejectOutOfRange, fmt.Sprintf("must be from 0 to %g", limit))
	}
}

func (c *check) duration(field string, value *float64) {
	c.number(field, value, float64(MaxDuration/time.Millisecond))
}

func (c *check) size(field string, value *int64) {
	if value != nil && (*value < 0 || *value > MaxTransferBytes) {
		c.fail(field, RejectOutOfRange, fmt.Sprintf("must be from 0 to %d", int64(MaxTransferBytes)))
	}
}

func (c *check) integer(field string, value, least, most int) {
	if value < least || value > most {
		c.fail(field, RejectOutOfRange, fmt.Sprintf("must be from %d to %d", least, most))
	}
}

// instant checks a wall clock. Wrong clocks are the collector's to correct, so
// any time that a 64-bit count of nanoseconds can hold will do.
func (c *check) instant(field string, value int64) {
	if value <= 0 || value > math.MaxInt64/int64(time.Millisecond) {
		c.fail(field, RejectOutOfRange, "must be milliseconds since 1970")
	}
}

func oneOf[T ~string](c *check, field string, value T, allowed ...T) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	if value == "" {
		c.fail(field, RejectMissing, "required")
		return
	}
	words := make([]string, 0, len(allowed))
	for _, a := range allowed {
		if a != "" {
			words = append(words, string(a))
		}
	}
	c.fail(field, RejectInvalid, "must be one of "+strings.Join(words, ", "))
}

// printable takes out what has no place in a text: invalid UTF-8 becomes U+FFFD,
// control characters other than line feed and tab are dropped.
func printable(text string) string {
	clean := true
	for i := 0; i < len(text); i++ {
		if b := text[i]; b >= utf8.RuneSelf || b < ' ' || b == 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r < 0x7f || r > 0x9f {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// CleanURL returns an absolute http or https URL without credentials, query
// and fragment, and false if it is not one. Paths are kept as browsers write
// them, also where an escape is broken, as in /100%/x.
func CleanURL(raw string) (string, bool) {
	raw = printable(raw)
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return "", false
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, path, _ := strings.Cut(rest, "/")
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	if host == "" || strings.ContainsAny(host, " \t\n\\\"<>^`{|}%") {
		return "", false
	}
	if end := len(scheme) + len("://") + len(host); len(raw) == end+len("/")+len(path) && raw[end] == '/' &&
		strings.HasPrefix(raw, scheme) && raw[end-len(host):end] == host {
		return raw, true // clean as it came
	}
	return scheme + "://" + host + "/" + path, true
}

func validateReport(r *Report, events int) *Reject {
	var c check
	if r.Version != Version {
		c.fail("v", RejectVersion, fmt.Sprintf("this collector reads version %d, and %d as an array", Version, CompactVersion))
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
		c.name("transaction.version", &t.Version, true)
	}
	validateKind(&c, e, r)
	return c.reject
}

// validateKind checks the one payload that an event has.
func validateKind(c *check, e *Event, r *Report) {
	payloads, ofView, ofJourney := 0, false, false
	if e.PageView != nil {
		payloads, ofView = payloads+1, true
		validatePageView(c, e.PageView)
	}
	if e.Request != nil {
		payloads, ofView = payloads+1, true
		validateRequest(c, e.Request)
	}
	if e.Error != nil {
		payloads, ofView = payloads+1, true
		validateError(c, e.Error)
	}
	if e.TransactionDone != nil {
		payloads, ofView = payloads+1, true
		validateTransactionDone(c, e)
	}
	if e.Action != nil {
		payloads, ofView = payloads+1, true
		validateAction(c, e.Action)
	}
	if e.Measure != nil {
		payloads, ofView = payloads+1, true
		validateMeasure(c, e.Measure)
	}
	if e.Resources != nil {
		payloads, ofView = payloads+1, true
		validateResources(c, e.Resources)
	}
	if e.JourneyRun != nil {
		payloads, ofJourney = payloads+1, true
		validateJourneyRun(c, e.JourneyRun)
	}
	if e.JourneyStep != nil {
		payloads, ofJourney = payloads+1, true
		validateJourneyStep(c, e.JourneyStep)
	}
	switch {
	case payloads == 0:
		c.fail("", RejectMissing, "an event holds one of page_view, request, error, transaction_done, action, measure, resources, journey_run, journey_step")
	case payloads > 1:
		c.fail("", RejectInvalid, "an event holds one payload only")
	case ofView && r.View == nil:
		c.fail("", RejectInvalid, "events of a page need the report's view")
	case ofJourney && r.Source != SourceSynthetic:
		c.fail("", RejectInvalid, "journey events need source synthetic")
	}
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

// initiator checks an initiatorType of Resource Timing.
func (c *check) initiator(field, value string) {
	c.word(field, value, true)
	if value == InitiatorNEL {
		c.fail(field, RejectInvalid, "browsers report these by themselves")
	}
}

// attributes checks names and values that an app makes up.
func (c *check) attributes(field string, attributes map[string]string) {
	if len(attributes) > MaxAttributes {
		c.fail(field, RejectTooMany, fmt.Sprintf("at most %d attributes", MaxAttributes))
		return
	}
	for name, value := range attributes {
		clean := CleanText(name, MaxNameBytes)
		if clean == "" {
			c.fail(field, RejectMissing, "attributes have names")
		}
		if clean != name {
			delete(attributes, name)
		}
		attributes[clean] = CleanText(value, MaxAttributeBytes)
	}
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

func validateTransactionDone(c *check, e *Event) {
	t := e.TransactionDone
	if e.Transaction == nil {
		c.fail("transaction", RejectMissing, "required with transaction_done")
	}
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
}

func runReason(c *check, field string, value RunReason) {
	oneOf(c, field, value, "", ReasonTimeout, ReasonAssertion, ReasonNavigation, ReasonElementNotFound, ReasonTabCrashed,
		ReasonBrowserFailed, ReasonCommandRefused, ReasonCancelled, ReasonOverlap, ReasonQueueFull)
}

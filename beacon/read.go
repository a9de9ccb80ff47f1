package beacon

// What follows says how each type of the wire is read: a name in JSON per field.
// Where the same name comes twice, and for null, it does as encoding/json: the
// later value counts, objects are merged, null empties a pointer and leaves
// everything else.

// readText reads a string.
func readText[T ~string](r *reader, into *T) {
	if !r.null() {
		*into = T(r.string())
	}
}

// readInteger reads a whole number.
func readInteger[T int | int64](r *reader, into *T) {
	if r.null() {
		return
	}
	value := r.integer()
	*into = T(value)
	if int64(*into) != value {
		r.giveUp() // int is narrow here
	}
}

func readBool(r *reader, into *bool) {
	if !r.null() {
		*into = r.boolean()
	}
}

// present returns the object to read a field into; nil if the field is null.
func present[T any](r *reader, into **T) *T {
	if r.null() {
		*into = nil
		return nil
	}
	if *into == nil {
		*into = new(T)
	}
	return *into
}

// texts reads an object of strings.
func (r *reader) texts(into *map[string]string) {
	if r.null() {
		*into = nil
		return
	}
	if *into == nil {
		*into = make(map[string]string)
	}
	for key, more := r.firstKey(); more; key, more = r.nextKey() {
		var value string
		readText(r, &value)
		(*into)[key] = value
	}
}

// member reads an object into a field, which it makes, or leaves empty for null.
func member[T any](r *reader, into **T, field func(r *reader, into *T, key string)) {
	if value := present(r, into); value != nil {
		for key, more := r.firstKey(); more; key, more = r.nextKey() {
			field(r, value, key)
		}
	}
}

func (r *reader) duration(into *float64) {
	if !r.null() {
		*into = r.float()
	}
}

// The sizes of chunks are what one page view has.
const (
	floatsAtOnce = 16
	sizesAtOnce  = 4
)

func (r *reader) measure(into **float64) {
	if r.null() {
		*into = nil
		return
	}
	if *into == nil {
		*into = r.floats.take(floatsAtOnce)
	}
	**into = r.float()
}

func (r *reader) size(into **int64) {
	if r.null() {
		*into = nil
		return
	}
	if *into == nil {
		*into = r.sizes.take(sizesAtOnce)
	}
	**into = r.integer()
}

// report reads a report with its first [MaxEvents] events, and returns how many
// there are.
func (r *reader) report(report *Report) (events int) {
	for key, more := r.firstKey(); more; key, more = r.nextKey() {
		switch key {
		case "journey":
			member(r, &report.Journey, (*reader).journeyField)
		case "view":
			member(r, &report.View, (*reader).viewField)
		case "events":
			report.Events, events = r.events()
		default:
			r.reportField(report, key)
		}
	}
	return events
}

func (r *reader) reportField(report *Report, key string) {
	switch key {
	case "v":
		readInteger(r, &report.Version)
	case "sent_at_ms":
		readInteger(r, &report.SentAtMS)
	case "source":
		readText(r, &report.Source)
	case "sdk":
		readText(r, &report.SDK)
	case "release":
		readText(r, &report.Release)
	case "environment":
		readText(r, &report.Environment)
	case "session_id":
		readText(r, &report.SessionID)
	case "automated":
		readBool(r, &report.Automated)
	case "sequence":
		readInteger(r, &report.Sequence)
	case "sample_weight":
		r.duration(&report.SampleWeight)
	case "error_weight":
		r.duration(&report.ErrorWeight)
	case "user_id":
		readText(r, &report.UserID)
	case "attributes":
		r.texts(&report.Attributes)
	default:
		r.unknown(key)
	}
}

// events reads the first [MaxEvents] events, and returns how many there are.
func (r *reader) events() (list []Event, count int) {
	if r.null() {
		return nil, 0
	}
	list = make([]Event, 0, 4) // most reports hold a few
	for more := r.firstItem(); more; more = r.nextItem() {
		count++
		if count > MaxEvents {
			r.skip(maxSkippedDepth)
			continue
		}
		list = append(list, Event{})
		if !r.null() {
			r.event(&list[len(list)-1])
		}
	}
	return list, count
}

func (r *reader) viewField(v *View, key string) {
	switch key {
	case "id":
		readText(r, &v.ID)
	case "url":
		readText(r, &v.URL)
	case "referrer":
		readText(r, &v.Referrer)
	case "navigation":
		readText(r, &v.Navigation)
	case "navigation_detection":
		readText(r, &v.Detection)
	case "viewport_width_px":
		readInteger(r, &v.ViewportWidthPX)
	case "viewport_height_px":
		readInteger(r, &v.ViewportHeightPX)
	case "effective_connection_type":
		readText(r, &v.EffectiveConnectionType)
	default:
		r.unknown(key)
	}
}

func (r *reader) journeyField(j *JourneyContext, key string) {
	switch key {
	case "name":
		readText(r, &j.Name)
	case "run_id":
		readText(r, &j.RunID)
	case "location":
		readText(r, &j.Location)
	case "user_agent":
		readText(r, &j.UserAgent)
	default:
		r.unknown(key)
	}
}

func (r *reader) event(e *Event) {
	for key, more := r.firstKey(); more; key, more = r.nextKey() {
		switch key {
		case "id":
			readText(r, &e.ID)
		case "at_ms":
			readInteger(r, &e.AtMS)
		case "transaction":
			member(r, &e.Transaction, (*reader).transactionField)
		case "trace_id":
			readText(r, &e.TraceID)
		default:
			r.payload(e, key)
		}
	}
}

func (r *reader) payload(e *Event, key string) {
	switch key {
	case "page_view":
		member(r, &e.PageView, (*reader).pageViewField)
	case "request":
		member(r, &e.Request, (*reader).requestField)
	case "error":
		member(r, &e.Error, (*reader).faultField)
	case "transaction_done":
		member(r, &e.TransactionDone, (*reader).transactionDoneField)
	case "action":
		member(r, &e.Action, (*reader).actionField)
	case "measure":
		member(r, &e.Measure, (*reader).namedMeasureField)
	case "resources":
		member(r, &e.Resources, (*reader).resourcesField)
	case "journey_run":
		member(r, &e.JourneyRun, (*reader).journeyRunField)
	case "journey_step":
		member(r, &e.JourneyStep, (*reader).journeyStepField)
	default:
		r.unknown(key)
	}
}

func (r *reader) transactionField(t *TransactionRef, key string) {
	switch key {
	case "name":
		readText(r, &t.Name)
	case "instance_id":
		readText(r, &t.InstanceID)
	case "version":
		readText(r, &t.Version)
	default:
		r.unknown(key)
	}
}

func (r *reader) pageViewField(p *PageView, key string) {
	if measure := p.measure(key); measure != nil {
		r.measure(measure)
		return
	}
	switch key {
	case "phase":
		readText(r, &p.Phase)
	case "transfer_size_bytes":
		r.size(&p.TransferSizeBytes)
	case "status_code":
		if code := present(r, &p.StatusCode); code != nil {
			readInteger(r, code)
		}
	case "lcp_element":
		readText(r, &p.LCPElement)
	case "lcp_url":
		readText(r, &p.LCPURL)
	case "inp_element":
		readText(r, &p.INPElement)
	case "cls_element":
		readText(r, &p.CLSElement)
	case "inp_script_url":
		readText(r, &p.INPScriptURL)
	case "inp_script_invoker":
		readText(r, &p.INPScriptInvoker)
	case "long_frames":
		if frames := present(r, &p.LongFrames); frames != nil {
			readInteger(r, frames)
		}
	case "abandoned":
		readText(r, &p.Abandoned)
	case "cpu_cores":
		if cores := present(r, &p.CPUCores); cores != nil {
			readInteger(r, cores)
		}
	case "preferences":
		readText(r, &p.Preferences)
	case "beacon_sent_bytes":
		r.size(&p.BeaconSentBytes)
	default:
		r.unknown(key)
	}
}

// measure returns the field of that name, if it is a measure.
func (p *PageView) measure(key string) **float64 {
	switch key {
	case "redirect_ms":
		return &p.RedirectMS
	case "dns_ms":
		return &p.DNSMS
	case "tcp_ms":
		return &p.TCPMS
	case "tls_ms":
		return &p.TLSMS
	case "request_ms":
		return &p.RequestMS
	case "download_ms":
		return &p.DownloadMS
	case "dom_interactive_ms":
		return &p.DOMInteractiveMS
	case "dom_content_loaded_ms":
		return &p.DOMContentLoadedMS
	case "load_ms":
		return &p.LoadMS
	case "ttfb_ms":
		return &p.TTFBMS
	case "fcp_ms":
		return &p.FCPMS
	case "lcp_ms":
		return &p.LCPMS
	case "inp_ms":
		return &p.INPMS
	case "cls":
		return &p.CLS
	case "lcp_resource_load_delay_ms":
		return &p.LCPResourceLoadDelayMS
	case "lcp_resource_load_duration_ms":
		return &p.LCPResourceLoadDurationMS
	case "lcp_element_render_delay_ms":
		return &p.LCPElementRenderDelayMS
	case "inp_input_delay_ms":
		return &p.INPInputDelayMS
	case "inp_processing_duration_ms":
		return &p.INPProcessingDurationMS
	case "inp_presentation_delay_ms":
		return &p.INPPresentationDelayMS
	case "inp_script_ms":
		return &p.INPScriptMS
	case "blocking_ms":
		return &p.BlockingMS
	case "duration_ms":
		return &p.DurationMS
	case "visible_ms":
		return &p.VisibleMS
	case "scroll_depth":
		return &p.ScrollDepth
	case "device_memory_gb":
		return &p.DeviceMemoryGB
	case "device_pixel_ratio":
		return &p.DevicePixelRatio
	case "rtt_ms":
		return &p.RTTMS
	case "downlink_mbps":
		return &p.DownlinkMbps
	case "beacon_init_ms":
		return &p.BeaconInitMS
	case "beacon_handler_ms":
		return &p.BeaconHandlerMS
	default:
		return nil
	}
}

func (r *reader) requestField(q *Request, key string) {
	switch key {
	case "method":
		readText(r, &q.Method)
	case "url":
		readText(r, &q.URL)
	case "initiator":
		readText(r, &q.Initiator)
	case "status_code":
		readInteger(r, &q.StatusCode)
	case "failure":
		readText(r, &q.Failure)
	case "error":
		readText(r, &q.Error)
	case "duration_ms":
		r.duration(&q.DurationMS)
	case "request_ms":
		r.measure(&q.RequestMS)
	case "transfer_size_bytes":
		r.size(&q.TransferSizeBytes)
	default:
		r.unknown(key)
	}
}

func (r *reader) faultField(e *Error, key string) {
	switch key {
	case "kind":
		readText(r, &e.Kind)
	case "type":
		readText(r, &e.Type)
	case "message":
		readText(r, &e.Message)
	case "stack":
		readText(r, &e.Stack)
	case "count":
		readInteger(r, &e.Count)
	default:
		r.unknown(key)
	}
}

func (r *reader) transactionDoneField(t *TransactionDone, key string) {
	switch key {
	case "outcome":
		readText(r, &t.Outcome)
	case "reason":
		readText(r, &t.Reason)
	case "duration_ms":
		r.duration(&t.DurationMS)
	case "wait_ms":
		r.duration(&t.WaitMS)
	default:
		r.unknown(key)
	}
}

func (r *reader) actionField(a *Action, key string) {
	switch key {
	case "kind":
		readText(r, &a.Kind)
	case "name":
		readText(r, &a.Name)
	case "target":
		readText(r, &a.Target)
	case "count":
		readInteger(r, &a.Count)
	case "duration_ms":
		r.measure(&a.DurationMS)
	case "attributes":
		r.texts(&a.Attributes)
	default:
		r.unknown(key)
	}
}

func (r *reader) namedMeasureField(m *Measure, key string) {
	switch key {
	case "kind":
		readText(r, &m.Kind)
	case "name":
		readText(r, &m.Name)
	case "duration_ms":
		r.duration(&m.DurationMS)
	case "detail":
		readText(r, &m.Detail)
	default:
		r.unknown(key)
	}
}

func (r *reader) resourcesField(s *Resources, key string) {
	switch key {
	case "type":
		readText(r, &s.Type)
	case "host":
		readText(r, &s.Host)
	case "count":
		readInteger(r, &s.Count)
	case "failed":
		readInteger(r, &s.Failed)
	case "cached":
		readInteger(r, &s.Cached)
	case "transfer_size_bytes":
		readInteger(r, &s.TransferSizeBytes)
	case "duration_ms":
		r.duration(&s.DurationMS)
	case "longest_ms":
		r.duration(&s.LongestMS)
	default:
		r.unknown(key)
	}
}

func (r *reader) journeyRunField(j *JourneyRun, key string) {
	switch key {
	case "outcome":
		readText(r, &j.Outcome)
	case "reason":
		readText(r, &j.Reason)
	case "message":
		readText(r, &j.Message)
	case "slot_at_ms":
		readInteger(r, &j.SlotAtMS)
	case "queue_ms":
		r.duration(&j.QueueMS)
	case "duration_ms":
		r.duration(&j.DurationMS)
	case "steps":
		readInteger(r, &j.Steps)
	case "steps_done":
		readInteger(r, &j.StepsDone)
	case "failed_step":
		readText(r, &j.FailedStep)
	case "browser":
		readText(r, &j.Browser)
	default:
		r.unknown(key)
	}
}

func (r *reader) journeyStepField(j *JourneyStep, key string) {
	switch key {
	case "index":
		readInteger(r, &j.Index)
	case "name":
		readText(r, &j.Name)
	case "type":
		readText(r, &j.Type)
	case "outcome":
		readText(r, &j.Outcome)
	case "reason":
		readText(r, &j.Reason)
	case "message":
		readText(r, &j.Message)
	case "duration_ms":
		r.duration(&j.DurationMS)
	case "url":
		readText(r, &j.URL)
	default:
		r.unknown(key)
	}
}

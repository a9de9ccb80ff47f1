package beacon

// What follows says how the payloads of events are read, as read.go does of all else.

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
	case "evidence_url":
		readText(r, &j.EvidenceURL)
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
	case "selector":
		readText(r, &j.Selector)
	default:
		r.probeField(j, key)
	}
}

// probeField reads what a step tells of a request without a browser.
func (r *reader) probeField(j *JourneyStep, key string) {
	switch key {
	case "status_code":
		if code := present(r, &j.StatusCode); code != nil {
			readInteger(r, code)
		}
	case "dns_ms":
		r.measure(&j.DNSMS)
	case "tcp_ms":
		r.measure(&j.TCPMS)
	case "tls_ms":
		r.measure(&j.TLSMS)
	case "request_ms":
		r.measure(&j.RequestMS)
	case "download_ms":
		r.measure(&j.DownloadMS)
	case "certificate_days_left":
		if days := present(r, &j.CertificateDaysLeft); days != nil {
			readInteger(r, days)
		}
	default:
		r.unknown(key)
	}
}

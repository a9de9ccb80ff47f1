package clickhouse

import "throughline/beacon"

// pageViews holds the early and the final report of each page view.
func pageViews() table {
	columns := experience(ofPage(), ofReport(), attributes("all that it does"), aboutView(), loading(), vitals(), ofUser(), ofDevice(), ofBeacon())
	for i := range columns {
		if columns[i].name == "trace_id" {
			// A report without one must not hide that of the other.
			columns[i].typ, columns[i].doc = typeOptionalText, "W3C trace id of the document, as 32 hexadecimal characters; NULL when unknown."
		}
	}
	return table{
		name: "page_views",
		doc: "A row for the early and one for the final report of each page view, side by side. " +
			"Each measured column is Nullable and comes with only one of the two, so quantiles, sums and averages are right on plain rows; " +
			"count views with uniqExact(page_view_id). whole_page_views puts the two together.",
		holds:   func(r record) bool { return r.Event.PageView != nil },
		columns: columns,
		// CoalescingMergeTree would make one row of the two, but merges and FINAL
		// cost it three times as much (deploy/bench/README.md).
		engine:  "MergeTree",
		orderBy: byVisit("page_view_id", "timestamp", "source"),
	}
}

func aboutView() []column {
	return []column{
		{name: "navigation", typ: typeName, doc: "How the view came about: navigate, reload, back_forward, prerender, back_forward_cache, soft or restore.", from: textOf(func(r record) beacon.Navigation { return r.View.Navigation })},
		{name: "navigation_detection", typ: typeName, doc: "How a soft view was told: native (the browser says so), heuristic (the path changed) or manual (the app says so); empty for all others.", from: textOf(func(r record) beacon.Detection { return r.View.Detection })},
		{name: "referrer_domain", typ: typeName, doc: "Host of the page that the user came from, empty when unknown.", from: text(func(r record) string { return r.ReferrerDomain })},
		{name: "viewport_width_px", typ: typeUint16, doc: "Layout viewport in CSS pixels, 0 when unknown.", from: number(func(r record) int { return r.View.ViewportWidthPX })},
		{name: "viewport_height_px", typ: typeUint16, doc: "The same for its height.", from: number(func(r record) int { return r.View.ViewportHeightPX })},
		{name: "effective_connection_type", typ: typeName, doc: "slow-2g, 2g, 3g or 4g, empty when unknown.", from: text(func(r record) string { return r.View.EffectiveConnectionType })},
		optional("duration_ms", "How long the view lasted.", func(v *beacon.PageView) *float64 { return v.DurationMS }),
	}
}

// loading are Navigation Timing's columns.
func loading() []column {
	return []column{
		optional("redirect_ms", "Redirects before the document.", func(v *beacon.PageView) *float64 { return v.RedirectMS }),
		optional("dns_ms", "DNS lookup.", func(v *beacon.PageView) *float64 { return v.DNSMS }),
		optional("tcp_ms", "TCP connect, without TLS.", func(v *beacon.PageView) *float64 { return v.TCPMS }),
		optional("tls_ms", "TLS handshake.", func(v *beacon.PageView) *float64 { return v.TLSMS }),
		optional("request_ms", "From the request to the first byte of the answer.", func(v *beacon.PageView) *float64 { return v.RequestMS }),
		optional("download_ms", "From the first to the last byte of the answer.", func(v *beacon.PageView) *float64 { return v.DownloadMS }),
		optional("dom_interactive_ms", "From the start of the navigation until the document was parsed.", func(v *beacon.PageView) *float64 { return v.DOMInteractiveMS }),
		optional("dom_content_loaded_ms", "From the start of the navigation to the end of DOMContentLoaded.", func(v *beacon.PageView) *float64 { return v.DOMContentLoadedMS }),
		optional("load_ms", "From the start of the navigation to the end of the load event.", func(v *beacon.PageView) *float64 { return v.LoadMS }),
		{name: "transfer_size_bytes", typ: typeOptionalUint64, doc: "Document on the wire, with headers.", from: optionalNumber(func(r record) *int64 { return r.Event.PageView.TransferSizeBytes })},
		{name: "status_code", typ: typeOptionalUint16, doc: "HTTP status of the document.", from: optionalNumber(func(r record) *int { return r.Event.PageView.StatusCode })},
	}
}

// vitals are the columns of Web Vitals and of what they are due to.
func vitals() []column {
	because := func(name, doc string, value func(*beacon.PageView) string) column {
		return column{name: name, typ: typeOptionalText, doc: doc, from: text(func(r record) string { return value(r.Event.PageView) })}
	}
	return []column{
		optional("ttfb_ms", "Time to First Byte, from the start of the navigation.", func(v *beacon.PageView) *float64 { return v.TTFBMS }),
		optional("fcp_ms", "First Contentful Paint.", func(v *beacon.PageView) *float64 { return v.FCPMS }),
		optional("lcp_ms", "Largest Contentful Paint.", func(v *beacon.PageView) *float64 { return v.LCPMS }),
		optional("inp_ms", "Interaction to Next Paint.", func(v *beacon.PageView) *float64 { return v.INPMS }),
		{name: "cls", typ: typeOptionalFloat, doc: "Cumulative Layout Shift, a score.", from: optionalFloat(func(r record) *float64 { return r.Event.PageView.CLS })},
		because("lcp_element", "CSS selector of the largest element.", func(v *beacon.PageView) string { return v.LCPElement }),
		because("lcp_url", "URL of the largest element's image, without query.", func(v *beacon.PageView) string { return v.LCPURL }),
		because("inp_element", "CSS selector of the element of the slowest interaction.", func(v *beacon.PageView) string { return v.INPElement }),
		because("cls_element", "CSS selector of the element that shifted most.", func(v *beacon.PageView) string { return v.CLSElement }),
		optional("lcp_resource_load_delay_ms", "Part of LCP: from the first byte until the resource was requested.", func(v *beacon.PageView) *float64 { return v.LCPResourceLoadDelayMS }),
		optional("lcp_resource_load_duration_ms", "Part of LCP: loading of the resource.", func(v *beacon.PageView) *float64 { return v.LCPResourceLoadDurationMS }),
		optional("lcp_element_render_delay_ms", "Part of LCP: from then until the element was painted.", func(v *beacon.PageView) *float64 { return v.LCPElementRenderDelayMS }),
		optional("inp_input_delay_ms", "Part of INP: until the handlers ran.", func(v *beacon.PageView) *float64 { return v.INPInputDelayMS }),
		optional("inp_processing_duration_ms", "Part of INP: the handlers.", func(v *beacon.PageView) *float64 { return v.INPProcessingDurationMS }),
		optional("inp_presentation_delay_ms", "Part of INP: from then until the next paint.", func(v *beacon.PageView) *float64 { return v.INPPresentationDelayMS }),
		optional("inp_script_ms", "Part of INP in which the script of inp_script_url ran: the one that ran longest.", func(v *beacon.PageView) *float64 { return v.INPScriptMS }),
		because("inp_script_url", "URL of that script, without query.", func(v *beacon.PageView) string { return v.INPScriptURL }),
		because("inp_script_invoker", "What called that script, such as BUTTON#pay.onclick.", func(v *beacon.PageView) string { return v.INPScriptInvoker }),
		optional("blocking_ms", "How long the page could not have answered input: what its long animation frames have beyond 50 ms.", func(v *beacon.PageView) *float64 { return v.BlockingMS }),
		{name: "long_frames", typ: typeOptionalUint16, doc: "Number of these frames.", from: optionalNumber(func(r record) *int { return r.Event.PageView.LongFrames })},
	}
}

// ofUser are the columns of what a view was to its user.
func ofUser() []column {
	return []column{
		optional("visible_ms", "The part of duration_ms in which the user could see the page.", func(v *beacon.PageView) *float64 { return v.VisibleMS }),
		// Not Nullable, since there are few texts; the report that tells it counts.
		{name: "abandoned", typ: typeName, doc: "How far the page had come when its user, who had seen it, hid or left it: before_first_paint or before_lcp (it still loaded); empty for all others.", from: textOf(func(r record) beacon.Abandonment { return r.Event.PageView.Abandoned })},
		fraction("scroll_depth", "Lowest part of the page that was on the screen, as a share of its height, 0 to 1.", func(v *beacon.PageView) *float64 { return v.ScrollDepth }),
		{name: "preferences", typ: typeName, doc: "Of reduced_motion, more_contrast, dark and save_data those that the user prefers, with commas between them; empty when none or not told.", from: text(func(r record) string { return r.Event.PageView.Preferences })},
	}
}

// ofDevice are the columns of the user's device and connection, as the browser tells.
func ofDevice() []column {
	return []column{
		fraction("device_memory_gb", "Memory of the device in GB, rounded, at most 8 in most browsers.", func(v *beacon.PageView) *float64 { return v.DeviceMemoryGB }),
		{name: "cpu_cores", typ: typeOptionalUint16, doc: "Logical processors of the device.", from: optionalNumber(func(r record) *int { return r.Event.PageView.CPUCores })},
		fraction("device_pixel_ratio", "Pixels of the screen by CSS pixel.", func(v *beacon.PageView) *float64 { return v.DevicePixelRatio }),
		optional("rtt_ms", "Round trip, as the browser estimates it, rounded to 25 ms.", func(v *beacon.PageView) *float64 { return v.RTTMS }),
		fraction("downlink_mbps", "Bandwidth in megabits a second, as the browser estimates it.", func(v *beacon.PageView) *float64 { return v.DownlinkMbps }),
	}
}

// ofBeacon are the columns of what measuring has cost the page.
func ofBeacon() []column {
	return []column{
		optional("beacon_init_ms", "Main thread's time to start the beacon.", func(v *beacon.PageView) *float64 { return v.BeaconInitMS }),
		optional("beacon_handler_ms", "Main thread's time in the beacon's handlers since.", func(v *beacon.PageView) *float64 { return v.BeaconHandlerMS }),
		{name: "beacon_sent_bytes", typ: typeOptionalUint64, doc: "Reports of the view before this one, as sent.", from: optionalNumber(func(r record) *int64 { return r.Event.PageView.BeaconSentBytes })},
	}
}

// fraction is a measured column of page_views that is no duration.
func fraction(name, doc string, value func(*beacon.PageView) *float64) column {
	return column{name: name, typ: typeOptionalFloat, doc: doc, from: optionalFloat(func(r record) *float64 { return value(r.Event.PageView) })}
}

// optional is a measured column of page_views.
func optional(name, doc string, value func(*beacon.PageView) *float64) column {
	return column{name: name, typ: typeOptionalMilliseconds, doc: doc, from: optionalFloat(func(r record) *float64 { return value(r.Event.PageView) })}
}

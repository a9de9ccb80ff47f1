package clickhouse

import "throughline/ingest"

// pageViews holds the early and the final report of each page view.
func pageViews() table {
	return table{
		name:  "page_views",
		holds: func(r *ingest.Row) bool { return r.Event.PageView != nil },
		columns: append(experience(ofPage()...),
			column{"navigation", func(r *ingest.Row) any { return string(r.View.Navigation) }},
			column{"referrer_domain", func(r *ingest.Row) any { return domainOf(r.View.Referrer) }},
			column{"viewport_width_px", func(r *ingest.Row) any { return uint16(r.View.ViewportWidthPX) }},
			column{"effective_connection_type", func(r *ingest.Row) any { return r.View.EffectiveConnectionType }},
			column{"redirect_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.RedirectMS) }},
			column{"dns_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.DNSMS) }},
			column{"tcp_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.TCPMS) }},
			column{"tls_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.TLSMS) }},
			column{"request_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.RequestMS) }},
			column{"download_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.DownloadMS) }},
			column{"dom_interactive_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.DOMInteractiveMS) }},
			column{"dom_content_loaded_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.DOMContentLoadedMS) }},
			column{"load_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.LoadMS) }},
			column{"ttfb_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.TTFBMS) }},
			column{"fcp_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.FCPMS) }},
			column{"lcp_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.LCPMS) }},
			column{"inp_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.INPMS) }},
			column{"lcp_resource_load_delay_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.LCPResourceLoadDelayMS) }},
			column{"lcp_resource_load_duration_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.LCPResourceLoadDurationMS) }},
			column{"lcp_element_render_delay_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.LCPElementRenderDelayMS) }},
			column{"inp_input_delay_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.INPInputDelayMS) }},
			column{"inp_processing_duration_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.INPProcessingDurationMS) }},
			column{"inp_presentation_delay_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.INPPresentationDelayMS) }},
			column{"duration_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.DurationMS) }},
			column{"cls", func(r *ingest.Row) any { return float32OrNull(r.Event.PageView.CLS) }},
			column{"transfer_size_bytes", func(r *ingest.Row) any { return uint64OrNull(r.Event.PageView.TransferSizeBytes) }},
			column{"status_code", func(r *ingest.Row) any { return uint16OrNull(r.Event.PageView.StatusCode) }},
			column{"lcp_element", func(r *ingest.Row) any { return orNull(r.Event.PageView.LCPElement) }},
			column{"lcp_url", func(r *ingest.Row) any { return orNull(r.Event.PageView.LCPURL) }},
			column{"inp_element", func(r *ingest.Row) any { return orNull(r.Event.PageView.INPElement) }},
			column{"cls_element", func(r *ingest.Row) any { return orNull(r.Event.PageView.CLSElement) }},
		),
	}
}

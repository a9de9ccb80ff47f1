package clickhouse

import "throughline/ingest"

// requests holds fetch and XMLHttpRequest calls; their URL is the call's, the page's path stands apart.
func requests() table {
	return table{
		name:  "requests",
		holds: func(r *ingest.Row) bool { return r.Event.Request != nil },
		columns: append(experience(located(func(r *ingest.Row) string { return r.Event.Request.URL })...),
			column{"page_path", func(r *ingest.Row) any { return pathOf(r.View.URL) }},
			column{"method", func(r *ingest.Row) any { return r.Event.Request.Method }},
			column{"initiator", func(r *ingest.Row) any { return r.Event.Request.Initiator }},
			column{"status_code", func(r *ingest.Row) any { return uint16(r.Event.Request.StatusCode) }},
			column{"failure", func(r *ingest.Row) any { return string(r.Event.Request.Failure) }},
			column{"duration_ms", func(r *ingest.Row) any { return float32(r.Event.Request.DurationMS) }},
			column{"request_ms", func(r *ingest.Row) any { return float32OrNull(r.Event.Request.RequestMS) }},
			column{"transfer_size_bytes", func(r *ingest.Row) any { return uint64OrNull(r.Event.Request.TransferSizeBytes) }},
		),
	}
}

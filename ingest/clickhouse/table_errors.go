package clickhouse

import "throughline/ingest"

// errorsTable holds JavaScript errors.
func errorsTable() table {
	return table{
		name:  "errors",
		holds: func(r *ingest.Row) bool { return r.Event.Error != nil },
		columns: append(experience(ofPage()...),
			column{"fingerprint", func(r *ingest.Row) any { return r.Fingerprint() }},
			column{"kind", func(r *ingest.Row) any { return string(r.Event.Error.Kind) }},
			column{"type", func(r *ingest.Row) any { return r.Event.Error.Type }},
			column{"message", func(r *ingest.Row) any { return r.Event.Error.Message }},
			column{"stack", func(r *ingest.Row) any { return r.Event.Error.Stack }},
			column{"count", func(r *ingest.Row) any { return uint32(r.Event.Error.Count) }},
		),
	}
}

package clickhouse

import "throughline/ingest"

// transactions holds instances of business transactions; apdex_zone is computed by the database.
func transactions() table {
	return table{
		name:  "transactions",
		holds: func(r *ingest.Row) bool { return r.Event.TransactionDone != nil },
		columns: append(experience(ofPage()...),
			column{"outcome", func(r *ingest.Row) any { return string(r.Event.TransactionDone.Outcome) }},
			column{"reason", func(r *ingest.Row) any { return r.Event.TransactionDone.Reason }},
			column{"duration_ms", func(r *ingest.Row) any { return float32(r.Event.TransactionDone.DurationMS) }},
			column{"wait_ms", func(r *ingest.Row) any { return float32(r.Event.TransactionDone.WaitMS) }},
			column{"satisfied_ms", func(r *ingest.Row) any { return float32(r.Satisfied.Seconds() * 1000) }},
		),
	}
}

package clickhouse

import "throughline/ingest"

// journeySteps holds the steps of journey runs.
func journeySteps() table {
	return table{
		name:  "journey_steps",
		holds: func(r *ingest.Row) bool { return r.Event.JourneyStep != nil },
		columns: append(experience(located(func(r *ingest.Row) string { return r.Event.JourneyStep.URL })...),
			column{"step_index", func(r *ingest.Row) any { return uint16(r.Event.JourneyStep.Index) }},
			column{"step", func(r *ingest.Row) any { return r.Event.JourneyStep.Name }},
			column{"step_type", func(r *ingest.Row) any { return r.Event.JourneyStep.Type }},
			column{"outcome", func(r *ingest.Row) any { return string(r.Event.JourneyStep.Outcome) }},
			column{"reason", func(r *ingest.Row) any { return string(r.Event.JourneyStep.Reason) }},
			column{"message", func(r *ingest.Row) any { return r.Event.JourneyStep.Message }},
			column{"duration_ms", func(r *ingest.Row) any { return float32(r.Event.JourneyStep.DurationMS) }},
		),
	}
}

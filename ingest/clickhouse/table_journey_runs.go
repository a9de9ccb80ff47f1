package clickhouse

import (
	"time"

	"throughline/ingest"
)

// journeyRuns holds one row per journey run or skipped slot.
func journeyRuns() table {
	return table{
		name:  "journey_runs",
		holds: func(r *ingest.Row) bool { return r.Event.JourneyRun != nil },
		columns: append(experience(ofPage()...),
			column{"outcome", func(r *ingest.Row) any { return string(r.Event.JourneyRun.Outcome) }},
			column{"reason", func(r *ingest.Row) any { return string(r.Event.JourneyRun.Reason) }},
			column{"message", func(r *ingest.Row) any { return r.Event.JourneyRun.Message }},
			column{"slot_at", func(r *ingest.Row) any { return time.UnixMilli(r.Event.JourneyRun.SlotAtMS) }},
			column{"queue_ms", func(r *ingest.Row) any { return float32(r.Event.JourneyRun.QueueMS) }},
			column{"duration_ms", func(r *ingest.Row) any { return float32(r.Event.JourneyRun.DurationMS) }},
			column{"steps", func(r *ingest.Row) any { return uint16(r.Event.JourneyRun.Steps) }},
			column{"steps_done", func(r *ingest.Row) any { return uint16(r.Event.JourneyRun.StepsDone) }},
			column{"failed_step", func(r *ingest.Row) any { return r.Event.JourneyRun.FailedStep }},
		),
	}
}

package clickhouse

import (
	"time"

	"throughline/beacon"
)

// journeyRuns holds one row per journey run or skipped slot.
func journeyRuns() table {
	return table{
		name:  "journey_runs",
		doc:   "One row per journey run, or per slot that was due and not run.",
		holds: func(r record) bool { return r.Event.JourneyRun != nil },
		columns: experience(ofPage(), []column{
			{name: "outcome", typ: typeName, doc: "passed, failed, agent_error or skipped.", from: textOf(func(r record) beacon.RunOutcome { return r.Event.JourneyRun.Outcome })},
			{name: "reason", typ: typeName, doc: "Class of why it did not pass, such as timeout.", from: textOf(func(r record) beacon.RunReason { return r.Event.JourneyRun.Reason })},
			{name: "message", typ: typeText, doc: "What went wrong, for people.", from: text(func(r record) string { return r.Event.JourneyRun.Message })},
			{name: "slot_at", typ: typeTime, doc: "When the schedule wanted it to begin.", from: instant(func(r record) time.Time { return time.UnixMilli(r.Event.JourneyRun.SlotAtMS) })},
			{name: "queue_ms", typ: typeMilliseconds, doc: "From the slot until a browser took it.", from: float(func(r record) float64 { return r.Event.JourneyRun.QueueMS })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "From start to end.", from: float(func(r record) float64 { return r.Event.JourneyRun.DurationMS })},
			{name: "steps", typ: typeUint16, doc: "Steps in the journey.", from: number(func(r record) int { return r.Event.JourneyRun.Steps })},
			{name: "steps_done", typ: typeUint16, doc: "Steps that passed.", from: number(func(r record) int { return r.Event.JourneyRun.StepsDone })},
			{name: "failed_step", typ: typeText, doc: "Name of the step that failed, empty when none did.", from: text(func(r record) string { return r.Event.JourneyRun.FailedStep })},
			{name: "evidence_url", typ: typeText, doc: "Where screenshots, requests and messages of the run are kept, empty when none are.", from: text(func(r record) string { return r.Event.JourneyRun.EvidenceURL })},
		}),
		engine:  "MergeTree",
		orderBy: byJourney(),
	}
}

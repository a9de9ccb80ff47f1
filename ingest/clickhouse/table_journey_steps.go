package clickhouse

import (
	"throughline/beacon"
	"throughline/ingest"
)

// journeySteps holds the steps of journey runs.
func journeySteps() table {
	return table{
		name:  "journey_steps",
		doc:   "One row per step of a journey run.",
		holds: func(r record) bool { return r.Event.JourneyStep != nil },
		columns: experience(located("the page",
			func(r record) string { domain, _ := ingest.SplitURL(r.Event.JourneyStep.URL); return domain },
			func(r record) string { _, path := ingest.SplitURL(r.Event.JourneyStep.URL); return path }), []column{
			{name: "step_index", typ: typeUint16, doc: "Place of the step in the journey, from 0.", from: number(func(r record) int { return r.Event.JourneyStep.Index })},
			{name: "step", typ: typeName, doc: "Name of the step.", from: text(func(r record) string { return r.Event.JourneyStep.Name })},
			{name: "step_type", typ: typeName, doc: "The Recorder's step type, such as click.", from: text(func(r record) string { return r.Event.JourneyStep.Type })},
			{name: "outcome", typ: typeName, doc: "passed, failed, agent_error or skipped.", from: textOf(func(r record) beacon.RunOutcome { return r.Event.JourneyStep.Outcome })},
			{name: "reason", typ: typeName, doc: "Class of why it did not pass, such as timeout.", from: textOf(func(r record) beacon.RunReason { return r.Event.JourneyStep.Reason })},
			{name: "message", typ: typeText, doc: "What went wrong, for people.", from: text(func(r record) string { return r.Event.JourneyStep.Message })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "From start to end.", from: float(func(r record) float64 { return r.Event.JourneyStep.DurationMS })},
		}),
		engine:  "MergeTree",
		orderBy: byJourney("step_index"),
	}
}

package clickhouse

import "throughline/beacon"

// transactions holds instances of business transactions.
func transactions() table {
	return table{
		name:  "transactions",
		doc:   "One row per instance of a business transaction; timestamp is its start.",
		holds: func(r record) bool { return r.Event.TransactionDone != nil },
		columns: experience(ofPage(), ofReport(), attributes("all that it does"), []column{
			{name: "outcome", typ: typeName, doc: "completed, failed, abandoned, timed_out or unknown.", from: textOf(func(r record) beacon.Outcome { return r.Event.TransactionDone.Outcome })},
			{name: "reason", typ: typeName, doc: "Why it did not complete, such as status 502.", from: text(func(r record) string { return r.Event.TransactionDone.Reason })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "From start to end, with the time the user thought.", from: float(func(r record) float64 { return r.Event.TransactionDone.DurationMS })},
			{name: "wait_ms", typ: typeMilliseconds, doc: "The part of the duration that the user waited for the application.", from: float(func(r record) float64 { return r.Event.TransactionDone.WaitMS })},
			{name: "satisfied_ms", typ: typeMilliseconds, doc: "Objective: a wait up to this satisfies; 0 when the transaction has none.", from: float(func(r record) float64 { return r.Satisfied.Seconds() * 1000 })},
		}),
		computed: []column{
			{name: "apdex_zone", typ: typeName, doc: "satisfied, tolerating or frustrated, by the wait; empty when it is not in the Apdex.", formula: apdexZone},
		},
		engine:  "MergeTree",
		orderBy: byVisit("timestamp"),
	}
}

// apdexZone judges the time the user waited: failures are frustrated at any
// speed, leaving within the satisfied time says nothing, leaving later counts
// by the wait.
const apdexZone = `multiIf(satisfied_ms <= 0 OR outcome = 'unknown', '', ` +
	`outcome IN ('failed', 'timed_out'), 'frustrated', ` +
	`outcome = 'abandoned' AND wait_ms <= satisfied_ms, '', ` +
	`wait_ms <= satisfied_ms, 'satisfied', ` +
	`wait_ms <= 4 * satisfied_ms, 'tolerating', 'frustrated')`

package clickhouse

import "throughline/beacon"

// actions holds what users did and events that apps tell of.
func actions() table {
	return table{
		name:  "actions",
		doc:   "One row per click, sign of frustration, event of the app, or state of the page after its final report; kind tells them apart.",
		holds: func(r record) bool { return r.Event.Action != nil },
		columns: experience(ofPage(), ofReport(), attributes("all that it does, and of this event"), []column{
			{name: "kind", typ: typeName, doc: "click; rage_click (clicks on one place in quick succession); dead_click (nothing happened after it); error_click (an error was thrown right after it); event (the app tells of it); page_state (what the page was after its final report).", from: textOf(func(r record) beacon.ActionKind { return r.Event.Action.Kind })},
			// Texts of elements are as many as pages have.
			{name: "name", typ: typeText, doc: "Of a click what its element says of itself, without what may be secret; of an event its name; of a page_state visible, hidden or frozen.", from: text(func(r record) string { return r.Event.Action.Name })},
			{name: "target", typ: typeText, doc: "CSS selector of the element of a click, empty when there is none.", from: text(func(r record) string { return r.Event.Action.Target })},
			{name: "count", typ: typeUint16, doc: "How many it is, such as the clicks of a rage_click.", from: number(func(r record) int { return r.Event.Action.Count })},
			{name: "duration_ms", typ: typeOptionalMilliseconds, doc: "How long it took; NULL when it has no duration.", from: optionalFloat(func(r record) *float64 { return r.Event.Action.DurationMS })},
		}),
		engine:  "MergeTree",
		orderBy: byVisit("page_view_id", "timestamp"),
	}
}

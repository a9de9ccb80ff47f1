package clickhouse

import "throughline/beacon"

// measures holds the times that apps and their servers have named.
func measures() table {
	return table{
		name:  "measures",
		doc:   "One row per time that the app, or its server, has named: performance.mark and measure, Element Timing, Server-Timing of the document.",
		holds: func(r record) bool { return r.Event.Measure != nil },
		columns: experience(ofPage(), ofReport(), []column{
			{name: "kind", typ: typeName, doc: "mark or element (since the view began), measure, or server_timing.", from: textOf(func(r record) beacon.MeasureKind { return r.Event.Measure.Kind })},
			{name: "name", typ: typeName, doc: "What the app calls it.", from: text(func(r record) string { return r.Event.Measure.Name })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "How long it took, or when it was.", from: float(func(r record) float64 { return r.Event.Measure.DurationMS })},
			{name: "detail", typ: typeText, doc: "Description of a Server-Timing metric, selector of an element, else empty.", from: text(func(r record) string { return r.Event.Measure.Detail })},
		}),
		engine:  "MergeTree",
		orderBy: byVisit("page_view_id", "timestamp"),
	}
}

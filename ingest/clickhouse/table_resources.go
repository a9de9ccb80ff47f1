package clickhouse

// resources holds sums of what pages have loaded.
func resources() table {
	return table{
		name:  "resources",
		doc:   "One row per page view, type and host: the sums of what it has loaded. The slowest and the failed ones are in requests, too.",
		holds: func(r record) bool { return r.Event.Resources != nil },
		columns: experience(ofPage(), ofReport(), []column{
			{name: "type", typ: typeName, doc: "What made the browser load them, such as img, script or css.", from: text(func(r record) string { return r.Event.Resources.Type })},
			{name: "host", typ: typeName, doc: "Host of their URLs, with the port if they have one; empty for the page's own.", from: text(func(r record) string { return r.Event.Resources.Host })},
			{name: "count", typ: typeUint16, doc: "How many.", from: number(func(r record) int { return r.Event.Resources.Count })},
			{name: "failed", typ: typeUint16, doc: "... that failed, with a status of 400 or more.", from: number(func(r record) int { return r.Event.Resources.Failed })},
			{name: "cached", typ: typeUint16, doc: "... that came from the browser's cache.", from: number(func(r record) int { return r.Event.Resources.Cached })},
			{name: "transfer_size_bytes", typ: typeUint64, doc: "Their sum on the wire, as far as the browser tells.", from: number(func(r record) int64 { return r.Event.Resources.TransferSizeBytes })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "Sum of their durations.", from: float(func(r record) float64 { return r.Event.Resources.DurationMS })},
			{name: "longest_ms", typ: typeMilliseconds, doc: "Duration of the slowest.", from: float(func(r record) float64 { return r.Event.Resources.LongestMS })},
		}),
		engine:  "MergeTree",
		orderBy: byVisit("page_view_id", "timestamp"),
	}
}

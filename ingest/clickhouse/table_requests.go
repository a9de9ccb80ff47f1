package clickhouse

import "throughline/beacon"

// requests holds fetch and XMLHttpRequest calls, resources worth a row of their own, and
// what browsers log of requests by themselves; their URL is the request's, the page's path stands apart.
func requests() table {
	return table{
		name:  "requests",
		doc:   "One row per fetch or XMLHttpRequest of a page; one for each of its slowest and failed resources, such as images (the table resources has the sums of all); and one per request that a browser reported by itself, by Network Error Logging: those have the initiator nel and no page, and may be there as fetch, too. initiator IN ('fetch', 'xmlhttprequest') are the calls of an API.",
		holds: func(r record) bool { return r.Event.Request != nil },
		columns: experience(located("the request", func(r record) string { return r.RequestDomain }, func(r record) string { return r.RequestPath }), ofReport(), []column{
			{name: "page_path", typ: typeText, doc: "Path of the page's URL.", from: text(func(r record) string { return r.PagePath })},
			{name: "method", typ: typeName, doc: "HTTP method, upper case; empty when the browser did not tell.", from: text(func(r record) string { return r.Event.Request.Method })},
			{name: "initiator", typ: typeName, doc: "fetch or xmlhttprequest; of a resource what made the browser load it, such as img, script or css; nel when the browser reported it by itself.", from: text(func(r record) string { return r.Initiator })},
			{name: "status_code", typ: typeUint16, doc: "HTTP status; 0 when there was no answer or it was hidden.", from: number(func(r record) int { return r.Event.Request.StatusCode })},
			{name: "failure", typ: typeName, doc: "Why there was no answer: network, aborted or timeout; else empty.", from: textOf(func(r record) beacon.RequestFailure { return r.Event.Request.Failure })},
			{name: "error", typ: typeName, doc: "Class of what went wrong, such as dns.name_not_resolved; empty when it is not told.", from: text(func(r record) string { return r.RequestError })},
			{name: "duration_ms", typ: typeMilliseconds, doc: "From the call to the end of the answer.", from: float(func(r record) float64 { return r.Event.Request.DurationMS })},
			{name: "request_ms", typ: typeOptionalMilliseconds, doc: "From the request to the first byte; NULL when the browser hides it.", from: optionalFloat(func(r record) *float64 { return r.Event.Request.RequestMS })},
			{name: "transfer_size_bytes", typ: typeOptionalUint64, doc: "Answer on the wire, with headers; NULL when the browser hides it.", from: optionalNumber(func(r record) *int64 { return r.Event.Request.TransferSizeBytes })},
		}),
		engine:  "MergeTree",
		orderBy: byVisit("page_view_id", "timestamp"),
	}
}

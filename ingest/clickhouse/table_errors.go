package clickhouse

import "throughline/beacon"

// errorsTable holds JavaScript errors, and what browsers complain of by themselves.
func errorsTable() table {
	return table{
		name:  "errors",
		doc:   "One row per report of a JavaScript error, or of what a browser complains of by itself; sum(count) says how often it happened. kind tells them apart.",
		holds: func(r record) bool { return r.Event.Error != nil },
		columns: experience(ofPage(), ofReport(), attributes("all that it does"), []column{
			{name: "fingerprint", typ: typeUint64, doc: "Equal for errors of one type, shape of message and place.", from: number(func(r record) uint64 { return r.Fingerprint })},
			{name: "noise", typ: typeName, doc: "Why it is nobody's bug of the app: script_error, extension, injected, crawler or resize_observer; empty when it may be one.", from: text(func(r record) string { return r.Noise })},
			{name: "kind", typ: typeName, doc: "error or unhandledrejection; console (written to console.error); resource (an image, script or the like could not be loaded); csp-violation; of what browsers report by themselves: deprecation, intervention, crash, policy-violation or report.", from: textOf(func(r record) beacon.ErrorKind { return r.Event.Error.Kind })},
			{name: "type", typ: typeName, doc: "Name of the error, such as TypeError, or of what the browser complains of, such as script-src-elem.", from: text(func(r record) string { return r.Event.Error.Type })},
			{name: "message", typ: typeText, doc: "Message, without what may be secret.", from: text(func(r record) string { return r.Event.Error.Message })},
			{name: "stack", typ: typeText, doc: "Stack, by the sources where their map is known, without what may be secret.", from: text(func(r record) string { return r.Event.Error.Stack })},
			{name: "count", typ: typeUint32, doc: "How often it happened since the last report of it.", from: number(func(r record) int { return r.Event.Error.Count })},
		}),
		engine:  "MergeTree",
		orderBy: byVisit("page_view_id", "timestamp"),
	}
}

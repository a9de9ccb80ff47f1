package clickhouse

// rollupErrors sums up errors by group, so that what a group of errors has hit,
// and since when, is there without reading its rows, and longer than they are.
func rollupErrors() rollup {
	const first, last = "SimpleAggregateFunction(min, DateTime64(3, 'UTC'))", "SimpleAggregateFunction(max, DateTime64(3, 'UTC'))"
	const example, set = "SimpleAggregateFunction(anyLast, String)", "SimpleAggregateFunction(groupUniqArrayArray, Array(String))"
	return rollup{
		name: "rollup_errors",
		doc:  "Groups of errors per hour. Sum and merge over the rows that are wanted: those of one key need not be one row yet. error_groups has it over all time.",
		of:   "errors",
		columns: []rollupColumn{
			key("app", "Monitored application."),
			key("source", "rum or synthetic."),
			key("bot", "Why it is no person, empty for people and journeys."),
			{name: "fingerprint", sql: typeUint64.info().sql, doc: "The group.", formula: "fingerprint", key: true},
			hourKey(),
			{name: "kind", sql: example, doc: "Kind of one of them.", formula: "toString(anyLast(errors.kind))"},
			{name: "type", sql: example, doc: "Name of one of them.", formula: "toString(anyLast(errors.type))"},
			{name: "message", sql: example, doc: "Message of one of them.", formula: "anyLast(errors.message)"},
			{name: "noise", sql: example, doc: "Why it is nobody's bug of the app, or empty.", formula: "toString(anyLast(errors.noise))"},
			counted("occurrences", "How often they happened.", "sum(errors.count)"),
			{name: "first_seen", sql: first, doc: "When the first began.", formula: "min(timestamp)"},
			{name: "last_seen", sql: last, doc: "When the last began.", formula: "max(timestamp)"},
			{
				name: "sessions", sql: "AggregateFunction(uniqCombined64(12), UInt64)",
				doc:     "Sessions hit. Read with uniqCombined64Merge(12)(sessions): exact for few, about 1.6 % off for many.",
				formula: "uniqCombined64State(12)(session_id)",
			},
			{name: "releases", sql: set, doc: "Releases hit.", formula: "groupUniqArray(toString(release))"},
			{name: "transactions", sql: set, doc: "Business transactions hit, empty for none.", formula: "groupUniqArray(toString(transaction))"},
		},
	}
}

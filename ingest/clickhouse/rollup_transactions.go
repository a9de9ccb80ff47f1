package clickhouse

// rollupTransactions sums up instances of business transactions.
func rollupTransactions() rollup {
	return rollup{
		name: "rollup_transactions",
		doc:  "Instances of business transactions per hour. Sum and merge over the rows that are wanted: those of one key need not be one row yet.",
		of:   "transactions",
		columns: []rollupColumn{
			key("app", "Monitored application."),
			key("source", "rum or synthetic."),
			key("transaction", "Business transaction."),
			hourKey(),
			key("bot", "Why it is no person, empty for people and journeys."),
			key("device", "desktop, mobile, tablet, tv, console, bot (a robot that says so) or other; empty when unknown."),
			key("country", "ISO 3166 code of the country, empty when unknown."),
			counted("instances", "Instances.", "count()"),
			counted("completed", "... that were completed.", "countIf(outcome = 'completed')"),
			counted("failed", "... that failed.", "countIf(outcome = 'failed')"),
			counted("abandoned", "... that were abandoned.", "countIf(outcome = 'abandoned')"),
			counted("timed_out", "... that timed out.", "countIf(outcome = 'timed_out')"),
			counted("unknown", "... of unknown outcome.", "countIf(outcome = 'unknown')"),
			counted("satisfied", "... in the Apdex zone satisfied.", "countIf(apdex_zone = 'satisfied')"),
			counted("tolerating", "... in the Apdex zone tolerating.", "countIf(apdex_zone = 'tolerating')"),
			counted("frustrated", "... in the Apdex zone frustrated.", "countIf(apdex_zone = 'frustrated')"),
			{
				name: "objective_ms", sql: "SimpleAggregateFunction(max, Float32)",
				doc: "Greatest objective in force in the hour, 0 when there was none.", formula: "max(satisfied_ms)",
			},
			quantileState("wait_quantiles", "wait_ms", "Float32", "Time that users waited."),
			quantileState("duration_quantiles", "duration_ms", "Float32", "From start to end."),
		},
	}
}

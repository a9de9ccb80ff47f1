package clickhouse

// rollupPageViews sums up page views.
//
// A view comes as an early and a final row, as one of them, or again from a
// browser that did not hear our answer, and the two may come hours apart in
// different blocks. So views are counted by their ids: no count of rows with
// some column is right for all of them. Figures are right as they are, since
// each comes with one of the two rows.
func rollupPageViews() rollup {
	const ms = "Nullable(Float32)"
	return rollup{
		name: "rollup_page_views",
		doc:  "Page views per hour. Sum and merge over the rows that are wanted: those of one key need not be one row yet.",
		of:   "page_views",
		columns: []rollupColumn{
			key("app", "Monitored application."),
			key("source", "rum or synthetic."),
			key("transaction", "Business transaction, empty for views that belong to none."),
			hourKey(),
			key("bot", "Why it is no person, empty for people and journeys."),
			key("device", "desktop, mobile, tablet, tv, console, bot (a robot that says so) or other; empty when unknown."),
			key("country", "ISO 3166 code of the country, empty when unknown."),
			{
				name: "views", sql: "AggregateFunction(uniqCombined64(12), UInt64)",
				doc:     "Views. Read with uniqCombined64Merge(12)(views): exact for few, about 1.6 % off for many.",
				formula: "uniqCombined64State(12)(page_view_id)",
			},
			counted("lcp_samples", "Views with an LCP.", "count(lcp_ms)"),
			counted("lcp_good", "... of at most 2.5 s.", "countIf(lcp_ms <= 2500)"),
			counted("inp_samples", "Views with an INP.", "count(inp_ms)"),
			counted("inp_good", "... of at most 200 ms.", "countIf(inp_ms <= 200)"),
			counted("cls_samples", "Views with a CLS.", "count(cls)"),
			counted("cls_good", "... of at most 0.1.", "countIf(cls <= 0.1)"),
			quantileState("lcp_quantiles", "lcp_ms", ms, "Largest Contentful Paint."),
			quantileState("inp_quantiles", "inp_ms", ms, "Interaction to Next Paint."),
			quantileState("cls_quantiles", "cls", ms, "Cumulative Layout Shift."),
			quantileState("fcp_quantiles", "fcp_ms", ms, "First Contentful Paint."),
			quantileState("ttfb_quantiles", "ttfb_ms", ms, "Time to First Byte."),
			quantileState("load_quantiles", "load_ms", ms, "End of the load event."),
		},
	}
}

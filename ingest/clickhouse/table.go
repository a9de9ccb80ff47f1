package clickhouse

import "throughline/ingest"

// table says which rows go to one table, and what each of its columns holds.
// Columns that are not listed are computed by the database.
type table struct {
	name    string
	holds   func(*ingest.Row) bool
	columns []column
}

type column struct {
	name  string
	value func(*ingest.Row) any
}

// tables are all that rows go to.
func tables() []table {
	return []table{pageViews(), requests(), errorsTable(), transactions(), journeyRuns(), journeySteps()}
}

func tableNames() []string {
	names := make([]string, 0, len(tables()))
	for _, t := range tables() {
		names = append(names, t.name)
	}
	return names
}

// experience are the columns that every table has, followed by its own.
func experience(own ...column) []column {
	return append([]column{
		{"app", func(r *ingest.Row) any { return r.App }},
		{"source", func(r *ingest.Row) any { return string(r.Source) }},
		{"transaction", func(r *ingest.Row) any { return r.Transaction.Name }},
		{"transaction_instance_id", func(r *ingest.Row) any { return r.Transaction.InstanceID }},
		{"transaction_version", func(r *ingest.Row) any { return r.Transaction.Version }},
		{"session_id", func(r *ingest.Row) any { return r.SessionID }},
		{"page_view_id", func(r *ingest.Row) any { return r.View.ID }},
		{"journey", func(r *ingest.Row) any { return r.Journey.Name }},
		{"run_id", func(r *ingest.Row) any { return r.Journey.RunID }},
		{"location", func(r *ingest.Row) any { return r.Journey.Location }},
		{"release", func(r *ingest.Row) any { return r.Release }},
		{"environment", func(r *ingest.Row) any { return r.Environment }},
		{"country", func(r *ingest.Row) any { return r.Country }},
		{"device", func(r *ingest.Row) any { return r.Client.Device }},
		{"browser", func(r *ingest.Row) any { return r.Client.Browser }},
		{"browser_version", func(r *ingest.Row) any { return r.Client.BrowserVersion }},
		{"os", func(r *ingest.Row) any { return r.Client.OS }},
		{"event_id", func(r *ingest.Row) any { return r.Event.ID }},
		{"trace_id", func(r *ingest.Row) any { return orNull(r.Event.TraceID) }},
		{"timestamp", func(r *ingest.Row) any { return r.Timestamp }},
		{"received_at", func(r *ingest.Row) any { return r.ReceivedAt }},
	}, own...)
}

// ofPage are the columns that locate the page of a row.
func ofPage() []column { return located(func(r *ingest.Row) string { return r.View.URL }) }

// located are the columns of the URL that a table is about.
func located(url func(*ingest.Row) string) []column {
	return []column{
		{"url_domain", func(r *ingest.Row) any { return domainOf(url(r)) }},
		{"url_path", func(r *ingest.Row) any { return pathOf(url(r)) }},
	}
}

// domainOf and pathOf are the parts of a URL, "" when there is none.
func domainOf(url string) string { domain, _ := ingest.SplitURL(url); return domain }
func pathOf(url string) string   { _, path := ingest.SplitURL(url); return path }

// Absent values are NULL, so that the report of a page view that does not bring
// one leaves alone what the other report brought.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func float32OrNull(value *float64) any {
	if value == nil {
		return nil
	}
	return float32(*value)
}

func uint64OrNull(value *int64) any {
	if value == nil {
		return nil
	}
	return uint64(*value)
}

func uint16OrNull(value *int) any {
	if value == nil {
		return nil
	}
	return uint16(*value)
}

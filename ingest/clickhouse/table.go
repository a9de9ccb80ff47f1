package clickhouse

import (
	"cmp"
	"slices"
	"time"

	"throughline/beacon"
)

// table says which rows go to one table, what each of its columns holds and how
// it is kept.
type table struct {
	name    string
	doc     string
	holds   func(record) bool
	columns []column
	// computed are columns that the database makes of the others.
	computed []column
	engine   string
	orderBy  []string
}

const ledgerTable = "ingest_log"

// tables are all that rows go to. Their order is that of the ids in the log,
// but the log tells it, so that it may change.
func tables() []table {
	return []table{
		pageViews(), requests(), errorsTable(), transactions(), actions(), measures(), resources(),
		journeyRuns(), journeySteps(), ingestLog(),
	}
}

// byVisit orders rows so that those of one visit are together: they have most
// in common, which is what makes them small.
func byVisit(more ...string) []string {
	return append([]string{"app", "transaction", "toStartOfHour(timestamp)", "session_id"}, more...)
}

// byJourney orders rows so that those of one journey and place are together.
func byJourney(more ...string) []string {
	return append([]string{"app", "journey", "location", "timestamp"}, more...)
}

// experience are the columns that every table of events has, followed by its own.
func experience(own ...[]column) []column {
	shared := []column{
		{name: "app", typ: typeName, doc: "Monitored application.", from: text(func(r record) string { return r.App })},
		{name: "source", typ: typeName, doc: "Who measured: rum (a real user) or synthetic (a journey).", from: textOf(func(r record) beacon.Source { return r.Source })},
		{name: "bot", typ: typeName, doc: "Why it is no person: user_agent (it says so), headless, automated or rate (pages opened faster than people do); empty for people and journeys.", from: text(func(r record) string { return r.Client.Bot })},
		{name: "transaction", typ: typeName, doc: "Business transaction that it belongs to, empty when none.", from: text(func(r record) string { return r.Transaction.Name })},
		{name: "transaction_instance_id", typ: typeID, doc: "Attempt at the transaction, 0 when none.", from: text(func(r record) string { return r.Transaction.InstanceID })},
		{name: "transaction_version", typ: typeName, doc: "Content hash of the definition that the transaction was measured by.", from: text(func(r record) string { return r.Transaction.Version })},
		{name: "session_id", typ: typeID, doc: "Browser session; journeys have one per run; 0 when none.", from: text(func(r record) string { return r.SessionID })},
		{name: "page_view_id", typ: typeID, doc: "Page view that it happened in, 0 when none.", from: text(func(r record) string { return r.View.ID })},
		{name: "page", typ: typeName, doc: "Name of the page: its path with * for what varies, or what a rule calls it; empty when it happened in none.", from: text(func(r record) string { return r.Page })},
		{name: "journey", typ: typeName, doc: "Journey that measured, empty for real users.", from: text(func(r record) string { return r.Journey.Name })},
		{name: "run_id", typ: typeID, doc: "Run of the journey, 0 for real users.", from: text(func(r record) string { return r.Journey.RunID })},
		{name: "location", typ: typeName, doc: "Where the journey ran, empty for real users.", from: text(func(r record) string { return r.Journey.Location })},
		{name: "release", typ: typeName, doc: "Release of the application, as its page tells it.", from: text(func(r record) string { return r.Release })},
		{name: "environment", typ: typeName, doc: "Deployment environment, such as production.", from: text(func(r record) string { return r.Environment })},
		{name: "country", typ: typeName, doc: "ISO 3166 code of the country, empty when unknown.", from: text(func(r record) string { return r.Country })},
		{name: "region", typ: typeName, doc: "ISO 3166-2 code of the region, such as DE-BY, empty when unknown.", from: text(func(r record) string { return r.Region })},
		{name: "network", typ: typeName, doc: "Organisation of the network that it came over, empty when unknown.", from: text(func(r record) string { return r.Network })},
		{name: "device", typ: typeName, doc: "desktop, mobile, tablet, tv, console, bot (a robot that says so) or other; empty when unknown.", from: text(func(r record) string { return r.Client.Device })},
		{name: "browser", typ: typeName, doc: "Name of the browser.", from: text(func(r record) string { return r.Client.Browser })},
		{name: "browser_version", typ: typeName, doc: "Major version of the browser.", from: text(func(r record) string { return r.Client.BrowserVersion })},
		{name: "os", typ: typeName, doc: "Operating system.", from: text(func(r record) string { return r.Client.OS })},
		{name: "os_version", typ: typeName, doc: "Major version of the operating system, such as 11, or 10+ where browsers tell no more.", from: text(func(r record) string { return r.Client.OSVersion })},
		{name: "event_id", typ: typeID, doc: "The event's own id.", from: text(func(r record) string { return r.Event.ID })},
		{name: "trace_id", typ: typeText, doc: "W3C trace id that the back end told of, as 32 hexadecimal characters; empty when unknown.", from: text(func(r record) string { return r.Event.TraceID })},
		{name: "timestamp", typ: typeTime, doc: "When it began, corrected for wrong clocks.", from: instant(func(r record) time.Time { return r.Timestamp })},
		{name: "received_at", typ: typeTime, doc: "When the collector got it.", from: instant(func(r record) time.Time { return r.ReceivedAt })},
	}
	return slices.Concat(append([][]column{shared}, own...)...)
}

// ofReport are the columns of what the report of a page's event tells, beside its view.
func ofReport() []column {
	return []column{
		{name: "report_sequence", typ: typeUint16, doc: "Number of the report that brought it, among those of its page view, from 0 on: what is missing was lost.", from: number(func(r record) int { return r.Sequence })},
		{name: "sample_weight", typ: typeWeight, doc: "How many sessions this one stands for, where only some are measured; of errors, how many times as many there were. Sum it where rows are counted.", from: float(func(r record) float64 { return cmp.Or(r.SampleWeight, 1) })},
		{name: "user_id", typ: typeText, doc: "What the app calls its user, without what may be secret; empty unless it tells.", from: text(func(r record) string { return r.UserID })},
	}
}

// attributes is the column of what the app says.
func attributes(of string) []column {
	return []column{{
		name: "attributes", typ: typePairs, doc: "What the app says of " + of + ", by name: attributes['plan'] is empty where it says nothing.",
		from: pairs(func(r record) map[string]string { return r.Attributes }),
	}}
}

// located are the columns of the URL that a table is about.
func located(of string, domain, path func(record) string) []column {
	return []column{
		{name: "url_domain", typ: typeName, doc: "Host of " + of + "'s URL, without port.", from: text(domain)},
		{name: "url_path", typ: typeText, doc: "Path of " + of + "'s URL, without query.", from: text(path)},
	}
}

// ofPage are the columns that locate the page of a row.
func ofPage() []column {
	return located("the page", func(r record) string { return r.PageDomain }, func(r record) string { return r.PagePath })
}

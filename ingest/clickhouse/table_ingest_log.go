package clickhouse

import (
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// ingestLog holds the ledger.
func ingestLog() table {
	return table{
		name: ledgerTable,
		doc: "The ledger: what became of the events of each app, as increments. " +
			"received = rejected + accepted; accepted = stored + queued + dead_lettered.",
		holds: func(r record) bool { return r.entry != nil },
		columns: []column{
			{name: "timestamp", typ: typeTime, doc: "When it was counted.", from: instant(func(r record) time.Time { return r.Timestamp })},
			{name: "app", typ: typeName, doc: "Monitored application, empty for reports with an unknown key.", from: text(func(r record) string { return r.App })},
			{name: "stage", typ: typeName, doc: "received, rejected, accepted, stored, dead_lettered or replayed.", from: textOf(func(r record) ingest.Stage { return r.entry.Stage })},
			{name: "reason", typ: typeName, doc: "Why events were rejected or dead-lettered, else empty.", from: textOf(func(r record) beacon.Reason { return r.entry.Reason })},
			{name: "events", typ: typeUint64, doc: "How many events more than before.", from: number(func(r record) uint64 { return r.entry.Events })},
		},
		engine:  "MergeTree",
		orderBy: []string{"app", "stage", "timestamp"},
	}
}

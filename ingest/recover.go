package ingest

import (
	"fmt"
	"log/slog"

	"throughline/ingest/queue"
	"throughline/ingest/seen"
)

// Recover rebuilds, from what the log holds, what the collector knew when it
// ended: the ledger, and the ids of recent events, which it puts into ids. Every
// id that the log holds counts as one that has just come: how long ago it really
// did, a wall clock that may have been set since cannot tell.
// It must be called before anything is put into the queue.
func Recover(q *queue.Queue, ids *seen.Set, log *slog.Logger) (*Ledger, error) {
	ledger, err := LoadLedger(q.State())
	if err != nil {
		log.Error("the ledger begins anew", "error", err)
		ledger = NewLedger()
	}
	queued := map[string]int{}
	unreadable := 0
	var duplicate []bool
	err = q.Scan(func(item queue.Item) error {
		record, err := readRecord(item.Data)
		if err != nil {
			unreadable++ // the pipeline will say so, and count its events
			return nil
		}
		if record.Ledger != nil {
			ledger.Posted(record.Ledger, item.End)
			return nil
		}
		if len(record.IDs) > len(duplicate) {
			duplicate = make([]bool, len(record.IDs))
		}
		ids.Claim(record.IDs, duplicate)
		ledger.Accepted(record.App, int(record.Events), item.End)
		if !item.Acknowledged {
			queued[record.App] += int(record.Events)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	lost := ledger.Reconcile(queued, DeadDamaged)
	if lost > 0 {
		log.Error("records of the log were damaged; their events are lost", "events", lost)
	}
	if unreadable > 0 {
		log.Error("the log holds records that this version cannot read", "records", unreadable)
	}
	return ledger, nil
}

package ingest

import (
	"context"
	"time"

	"throughline/ingest/queue"
)

// postLedger puts the ledger's increments into the log, from where they get
// into their table like everything else, exactly once.
func (p *Pipeline) postLedger(ctx context.Context) {
	ticker := time.NewTicker(p.LedgerEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.PostLedger()
			p.checkpoint()
		}
	}
}

// PostLedger posts what was counted since the last time. What cannot be posted
// now will be part of the next increments.
func (p *Pipeline) PostLedger() {
	p.posting.Lock()
	defer p.posting.Unlock()
	entries := p.Ledger.Unposted()
	if len(entries) == 0 {
		return
	}
	record := p.Encoder.AppendLedger(appendLedgerHeader(nil, entries), p.Now(), entries)
	commit, err := p.Queue.Enqueue(record, 0, func(end queue.Position, err error) {
		if err == nil {
			p.Ledger.Posted(entries, end)
		}
	})
	if err == nil {
		err = commit.Wait(context.Background())
	}
	if err != nil {
		p.Log.Warn("could not post the ledger; will try again", "error", err)
	}
}

package ingest

import (
	"context"
	"fmt"
	"time"
)

// lastPost bounds the writing of the ledger's last increments.
const lastPost = 5 * time.Second

// poster writes the ledger's increments. What could not be written is kept for
// the next time under the token it was tried with, so that it is never written
// twice.
type poster struct {
	pipeline *Pipeline
	pending  []Entry
	at       time.Time
	number   int // of the token
}

// post writes what was counted since the last time; nil if there is nothing.
func (l *poster) post(ctx context.Context) error {
	p := l.pipeline
	if len(l.pending) == 0 {
		l.pending, l.at = p.Ledger.Unposted(), p.Now()
		l.number++
	}
	if len(l.pending) == 0 {
		return nil
	}
	if err := p.Sink.WriteLedger(ctx, fmt.Sprintf("%s-ledger-%d", p.prefix, l.number), l.at, l.pending); err != nil {
		p.Log.Warn("could not store the ledger; will try again", "error", err)
		return err
	}
	l.pending = nil
	return nil
}

// postLedger posts until the queue is drained, and then what is left, for which
// it takes a little time of its own: that events were lost for lack of time
// must be told, too.
func (p *Pipeline) postLedger(ctx context.Context, drained <-chan struct{}) {
	ledger := &poster{pipeline: p}
	ticker := time.NewTicker(p.LedgerEvery)
	defer ticker.Stop()
	for draining := true; draining; {
		select {
		case <-drained:
			draining = false
		case <-ticker.C:
			_ = ledger.post(ctx) // logged, and tried again
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastPost)
	defer cancel()
	for ctx.Err() == nil {
		if err := ledger.post(ctx); err != nil {
			sleep(ctx, p.Backoff)
			continue
		}
		if !p.Ledger.hasUnposted() {
			return
		}
	}
}

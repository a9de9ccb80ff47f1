package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"throughline/ingest/queue"
)

// DeadLetters keeps rows that the sink refused. Keep must be safe to repeat for
// the same token.
type DeadLetters interface {
	Keep(token string, rows []RefusedRow) error
}

// PipelineOptions are the parts and settings of a [Pipeline].
type PipelineOptions struct {
	Queue       *queue.Queue
	Encoder     RowEncoder // of the ledger's own rows
	DeadLetters DeadLetters
	Ledger      *Ledger
	Cut         queue.Cut
	// LedgerEvery is how often the ledger is written to the sink.
	LedgerEvery time.Duration
	// Backoff is the pause after a failed write, doubled up to 30 times of it.
	Backoff time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Tracer  trace.Tracer
	Meter   metric.Meter
}

// Pipeline moves what was accepted from the log to the sink.
type Pipeline struct {
	PipelineOptions
	posting sync.Mutex // one at a time, or increments would be posted twice
	// settling makes counting a batch as stored and moving the log's cursor one
	// step for those who keep the ledger meanwhile.
	settling sync.Mutex
	lag      metric.Float64Histogram
	insert   metric.Float64Histogram
}

// NewPipeline returns a pipeline that does nothing until [Pipeline.Run].
func NewPipeline(options PipelineOptions) (*Pipeline, error) {
	lag, err := options.Meter.Float64Histogram("throughline.ingest.lag", metric.WithUnit("s"),
		metric.WithDescription("Time from the arrival of a batch's oldest report until it was stored."),
		metric.WithExplicitBucketBoundaries(.25, .5, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800))
	if err != nil {
		return nil, fmt.Errorf("create the lag histogram: %w", err)
	}
	insert, err := options.Meter.Float64Histogram("throughline.ingest.insert.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of the attempts to insert a batch."),
		metric.WithExplicitBucketBoundaries(.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30))
	if err != nil {
		return nil, fmt.Errorf("create the insert histogram: %w", err)
	}
	return &Pipeline{PipelineOptions: options, lag: lag, insert: insert}, nil
}

// Run stores batches in the sink until the queue is closed and empty. When ctx ends first,
// what is left stays in the log for the next start.
func (p *Pipeline) Run(ctx context.Context, sink Sink) {
	posting, endPosting := context.WithCancel(ctx)
	posted := make(chan struct{})
	go func() {
		defer close(posted)
		p.postLedger(posting)
	}()
	p.drain(ctx, sink)
	endPosting()
	<-posted
	if events, _ := p.Queue.Held(); events > 0 {
		p.Log.Warn("stopping before everything is stored; the rest is in the log and will be stored after the next start", "events", events)
	}
	p.checkpoint()
}

// Finish is called when nothing comes any more: once everything is stored it
// posts the ledger, which is then complete, and closes the queue. When ctx ends
// first, it closes the queue at once.
func (p *Pipeline) Finish(ctx context.Context) {
	const look = 10 * time.Millisecond
	for ctx.Err() == nil {
		if events, _ := p.Queue.Held(); events == 0 {
			p.PostLedger()
			break
		}
		sleep(ctx, look)
	}
	p.Queue.Close()
}

func (p *Pipeline) drain(ctx context.Context, sink Sink) {
	for ctx.Err() == nil {
		r, err := p.Queue.Next(ctx, p.Cut)
		switch {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return
		case err != nil:
			p.Log.Error("could not read the log; will try again", "error", err)
			sleep(ctx, p.Backoff)
		default:
			p.store(ctx, sink, r)
		}
	}
}

// store writes one range until the sink has taken or refused it, and until
// that is on disk, or ctx ends.
func (p *Pipeline) store(ctx context.Context, sink Sink, r queue.Range) {
	batch, events := p.batch(r)
	batch.Cuts = cuts{p}
	var refused *RefusedError
	stored := p.insist(ctx, "store a batch", batch.Token, func(attempt int) error {
		err := p.write(ctx, sink, batch, attempt)
		if errors.As(err, &refused) {
			p.Log.Error("the database refuses rows; they are dead-lettered", "batch", batch.Token, "refused", len(refused.Rows), "error", err)
			return nil
		}
		return err
	})
	if !stored {
		return
	}
	dead := map[string]int{}
	if refused != nil {
		dead = deadByApp(refused.Rows)
		kept := p.insist(ctx, "keep dead letters", batch.Token, func(int) error { return p.DeadLetters.Keep(batch.Token, refused.Rows) })
		if !kept {
			return
		}
	}
	for app, lost := range dead {
		events[app] -= lost
	}
	if !r.Oldest.IsZero() { // not if all of it was damaged
		p.lag.Record(ctx, max(0, p.Now().Sub(r.Oldest)).Seconds()) // the clock may have been set back
	}
	p.settling.Lock()
	defer p.settling.Unlock()
	p.Ledger.Settled(events, dead, DeadRefused)
	p.insist(ctx, "remember what is stored", batch.Token, func(int) error {
		state, err := p.Ledger.Snapshot()
		if err != nil {
			return err
		}
		return p.Queue.Done(r, state)
	})
}

// batch reads the records of a range and counts their events by app.
func (p *Pipeline) batch(r queue.Range) (batch Batch, events map[string]int) {
	batch.Token = fmt.Sprintf("%s-%d-%d", p.Queue.ID(), r.From, r.To)
	batch.Records = make([]EncodedRows, 0, len(r.Items))
	events = map[string]int{}
	for _, item := range r.Items {
		record, err := readRecord(item.Data)
		if err != nil {
			// Another version wrote it; Recover has counted its events as lost.
			p.Log.Error("a record of the log cannot be read", "position", item.At, "events", item.Events, "error", err)
			continue
		}
		events[record.App] += int(record.Events)
		batch.Records = append(batch.Records, EncodedRows{App: record.App, Schema: item.Preamble, Rows: record.Rows})
	}
	return batch, events
}

// insist does it until it works, with growing pauses; false when ctx ended first.
func (p *Pipeline) insist(ctx context.Context, what, token string, do func(attempt int) error) bool {
	pause := p.Backoff
	for attempt := 1; ; attempt++ {
		err := do(attempt)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		p.Log.Warn("could not "+what+"; will try again", "batch", token, "attempt", attempt, "pause", pause, "error", err)
		sleep(ctx, pause)
		pause = min(2*pause, 30*p.Backoff)
	}
}

func (p *Pipeline) write(ctx context.Context, sink Sink, batch Batch, attempt int) error {
	ctx, span := p.Tracer.Start(ctx, "insert batch", trace.WithAttributes(
		attribute.String("throughline.batch", batch.Token),
		attribute.Int("throughline.batch.records", len(batch.Records)),
		attribute.Int("throughline.batch.attempt", attempt)))
	defer span.End()
	start := time.Now() // not the wall clock, which may be set meanwhile
	err := sink.Write(ctx, batch)
	p.insert.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(attribute.Bool("error", err != nil)))
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// deadByApp counts the events among refused rows.
func deadByApp(rows []RefusedRow) map[string]int {
	dead := map[string]int{}
	for _, row := range rows {
		if row.Event {
			dead[row.App]++
		}
	}
	return dead
}

// checkpoint keeps the ledger with the log.
func (p *Pipeline) checkpoint() {
	if err := p.keepLedger(); err != nil {
		p.Log.Warn("could not keep the ledger with the log", "error", err)
	}
}

func (p *Pipeline) keepLedger() error {
	p.settling.Lock()
	defer p.settling.Unlock()
	state, err := p.Ledger.Snapshot()
	if err != nil {
		return err
	}
	return p.Queue.Checkpoint(state)
}

// cuts remembers with the ledger how the batch that is being stored was cut.
type cuts struct{ pipeline *Pipeline }

func (c cuts) WasCut(piece string) bool { return c.pipeline.Ledger.wasCut(piece) }

func (c cuts) Cut(piece string) error {
	c.pipeline.Ledger.cut(piece)
	return c.pipeline.keepLedger()
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

package ingest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"throughline/ingest/queue"
)

// Sink stores batches. Write returns nil once every row of the batch is stored,
// exactly once however often a batch of that token was written before. A
// *RefusedError says that repeating is of no use; any other error that it may be.
type Sink interface {
	Write(ctx context.Context, batch Batch) error
	WriteLedger(ctx context.Context, token string, at time.Time, entries []Entry) error
}

// RefusedError is rows of a batch that the sink will never take; it has stored
// the others.
type RefusedError struct {
	Rows []Row // those it refused
	Err  error
}

// Error implements error.
func (e *RefusedError) Error() string { return "refused: " + e.Err.Error() }

// Unwrap returns the sink's reason.
func (e *RefusedError) Unwrap() error { return e.Err }

// PipelineOptions are the parts and settings of a [Pipeline].
type PipelineOptions struct {
	Queue  *queue.Queue[Record]
	Sink   Sink
	Ledger *Ledger
	Cut    queue.Cut
	// LedgerEvery is how often the ledger is written to the sink.
	LedgerEvery time.Duration
	// Backoff is the pause after a failed write, doubled up to 30 times of it.
	Backoff time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Tracer  trace.Tracer
	Meter   metric.Meter
}

// Pipeline moves what was accepted from the queue to the sink.
type Pipeline struct {
	PipelineOptions
	enricher *Enricher
	prefix   string // of batch tokens; differs for every pipeline ever made
	lag      metric.Float64Histogram
	insert   metric.Float64Histogram
}

// NewPipeline returns a pipeline that does nothing until [Pipeline.Run].
func NewPipeline(options PipelineOptions) (*Pipeline, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("draw a batch prefix: %w", err)
	}
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
	return &Pipeline{PipelineOptions: options, enricher: NewEnricher(), prefix: hex.EncodeToString(id[:]), lag: lag, insert: insert}, nil
}

// Run stores batches until the queue is closed and empty; then it returns nil.
// When ctx ends first, what is left in the queue is dead-lettered and counted.
func (p *Pipeline) Run(ctx context.Context) error {
	ledgerDone := make(chan struct{})
	drained := make(chan struct{})
	go func() {
		defer close(ledgerDone)
		p.postLedger(ctx, drained)
	}()
	err := p.drain(ctx)
	close(drained)
	<-ledgerDone
	return err
}

func (p *Pipeline) drain(ctx context.Context) error {
	for {
		r, err := p.Queue.Next(ctx, p.Cut)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return p.giveUp(err)
		}
		if err := p.store(ctx, r); err != nil {
			p.settle(r.Items, func(app string, events int) { p.Ledger.DeadLettered(app, DeadShutdown, events) })
			return p.giveUp(err)
		}
		p.Queue.Done(r)
	}
}

// giveUp dead-letters what still waits when there is no more time.
func (p *Pipeline) giveUp(cause error) error {
	p.Queue.Close()
	for {
		r, err := p.Queue.Next(context.Background(), p.Cut)
		if err != nil {
			break
		}
		p.settle(r.Items, func(app string, events int) { p.Ledger.DeadLettered(app, DeadShutdown, events) })
	}
	return fmt.Errorf("stop with %d events not stored: %w", p.deadAtShutdown(), cause)
}

func (p *Pipeline) deadAtShutdown() (events uint64) {
	for _, e := range p.Ledger.Entries() {
		if e.Reason == DeadShutdown {
			events += e.Events
		}
	}
	return events
}

// store writes one range until the sink took or refused it. It fails only when
// ctx ends.
func (p *Pipeline) store(ctx context.Context, r queue.Range[Record]) error {
	batch := Batch{Token: fmt.Sprintf("%s-%d-%d", p.prefix, r.First, r.Last)}
	for _, record := range r.Items {
		batch.Rows = p.enricher.Rows(batch.Rows, record)
	}
	pause := p.Backoff
	for attempt := 1; ; attempt++ {
		err := p.write(ctx, batch, attempt)
		var refused *RefusedError
		switch {
		case err == nil:
			p.lag.Record(ctx, p.Now().Sub(r.Oldest).Seconds())
			p.settle(r.Items, p.Ledger.Stored)
			return nil
		case errors.As(err, &refused):
			p.Log.Error("the database refuses rows; their events are lost", "batch", batch.Token, "rows", len(batch.Rows), "refused", len(refused.Rows), "error", err)
			p.settleRefused(r.Items, refused.Rows)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		p.Log.Warn("could not store a batch; will try again", "batch", batch.Token, "rows", len(batch.Rows), "attempt", attempt, "pause", pause, "error", err)
		sleep(ctx, pause)
		pause = min(2*pause, 30*p.Backoff)
	}
}

func (p *Pipeline) write(ctx context.Context, batch Batch, attempt int) error {
	ctx, span := p.Tracer.Start(ctx, "insert batch", trace.WithAttributes(
		attribute.String("throughline.batch", batch.Token),
		attribute.Int("throughline.batch.rows", len(batch.Rows)),
		attribute.Int("throughline.batch.attempt", attempt)))
	defer span.End()
	start := p.Now()
	err := p.Sink.Write(ctx, batch)
	p.insert.Record(ctx, p.Now().Sub(start).Seconds(), metric.WithAttributes(attribute.Bool("error", err != nil)))
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

// settle counts the events of records per app.
func (p *Pipeline) settle(records []Record, count func(app string, events int)) {
	for _, record := range records {
		count(record.App.Name, len(record.Report.Events))
	}
}

// settleRefused counts the events of records as stored, but for the refused rows.
func (p *Pipeline) settleRefused(records []Record, refused []Row) {
	lost := map[string]int{}
	for _, row := range refused {
		lost[row.App]++
	}
	for app, events := range lost {
		p.Ledger.DeadLettered(app, DeadRefused, events)
	}
	p.settle(records, func(app string, events int) {
		kept := max(0, events-lost[app])
		lost[app] -= events - kept
		p.Ledger.Stored(app, kept)
	})
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

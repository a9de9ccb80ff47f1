package main

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"
)

// fat reports fill the log quickly.
func fat() reportKind { return reportKind{stackBytes: 12 << 10} }

// clickhouseRefuses takes ClickHouse away until the log is full and longer.
func clickhouseRefuses(ctx context.Context, f *field) (v verdict, err error) {
	const fullAt = (40 - 3*4) << 20 // three segments of it are kept free
	if err := f.change(func(s *settings) { s.maxSize, s.segmentSize = "40MiB", "4MiB" }); err != nil {
		return v, err
	}
	l, err := f.beginUnderLoad(ctx, loadOptions{kind: fat(), pause: f.outage / 500})
	if err != nil {
		return v, err
	}
	defer l.stop()
	if err := sleep(ctx, time.Second); err != nil {
		return v, err
	}
	f.proxy.refuse()
	away := time.Now()
	err = f.collector.until(ctx, "the log is full", 2*f.outage+stopPatience, func(ctx context.Context) (bool, error) {
		return l.snapshot().busy > 0, nil
	})
	if err != nil {
		return v, err
	}
	full, atFull := time.Since(away), l.acknowledgedEvents()
	held, err := f.metric(ctx, "throughline_ingest_queue_size")
	if err != nil {
		return v, err
	}
	if held < fullAt*4/5 {
		v.problem("reports were refused when the log held %.0f of %d bytes", held, fullAt)
	}
	if status := f.readiness(ctx); status != http.StatusServiceUnavailable {
		v.problem("/readyz is %d while the log is full", status)
	}
	if err := sleep(ctx, f.outage-full); err != nil {
		return v, err
	}
	if !f.collector.alive() {
		v.problem("the collector ended: %s", f.collector.lastWords())
	}
	if err := f.proxy.open(); err != nil {
		return v, err
	}
	if err := f.watchDrain(ctx, l, &v); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("2xx for %.1f s (%d events), then 503 %d times", full.Seconds(), atFull, l.snapshot().busy)
	return judged, err
}

// watchDrain looks at the order in which the log is emptied, and whether
// reports are taken meanwhile.
func (f *field) watchDrain(ctx context.Context, l *load, v *verdict) error {
	back := time.Now()
	var live attention
	stored := -1 // rows when the database came back
	// What is under way may overtake what was answered a moment ago.
	slack := 8 * l.options.workers
	err := f.collector.until(ctx, "the log is drained", drainPatience, func(ctx context.Context) (bool, error) {
		rows, err := f.database.rowsOf(ctx, errorReports.String())
		if err != nil {
			return false, err
		}
		l.mu.Lock()
		ids := l.acknowledged[errorReports]
		l.mu.Unlock()
		last := 0
		for i, id := range ids {
			if rows[id] > 0 {
				last = i + 1
			}
		}
		if stored < 0 {
			stored = len(rows)
		}
		if len(rows) > stored { // it had to notice first
			live.look(l.snapshot())
		}
		if last > len(rows)+slack {
			v.problem("not oldest first: event %d is stored, and only %d in all", last, len(rows))
		}
		events, err := f.queued(ctx)
		return err == nil && events < f.steadyQueue(l), nil
	})
	if err != nil {
		return err
	}
	const starved = 3 * time.Second
	if live.reports == live.first || live.longest > starved {
		v.problem("%d reports were taken while the log was drained, once none for %.1f s", live.reports-live.first, live.longest.Seconds())
	}
	v.detail("drained in %.1f s under load, %d reports taken meanwhile with pauses of %d ms at most", time.Since(back).Seconds(), live.reports-live.first, live.longest.Milliseconds())
	return nil
}

// attention measures the longest time in which no report was taken.
type attention struct {
	first, reports int
	since          time.Time // the last one was taken
	longest        time.Duration
}

func (a *attention) look(t tally) {
	now := time.Now()
	if a.since.IsZero() {
		a.first, a.reports, a.since = t.reports, t.reports, now
	}
	a.longest = max(a.longest, now.Sub(a.since))
	if t.reports > a.reports {
		a.reports, a.since = t.reports, now
	}
}

// steadyQueue is how many events may wait while all is well and load goes on.
func (f *field) steadyQueue(l *load) int {
	const batches = 4
	perBatch := float64(l.options.workers) * float64(f.settings.batchAge) / float64(l.options.pause+time.Millisecond)
	return int(batches*perBatch*2) + 50
}

// clickhouseHangs lets ClickHouse take connections and say nothing. Reports must
// be taken all the while.
func clickhouseHangs(ctx context.Context, f *field) (v verdict, err error) {
	away := f.outage
	if !f.quick {
		away += 15 * time.Second // longer than an insert may take
	}
	return f.outageOf(ctx, away, func() { f.proxy.set(rule{gate: make(chan struct{})}) })
}

// clickhouseSlow lets each insert take half of the outage.
func clickhouseSlow(ctx context.Context, f *field) (v verdict, err error) {
	return f.outageOf(ctx, f.outage, func() { f.proxy.set(rule{delay: f.outage / 2}) })
}

// outageOf lets something happen to the database for a time, in which every
// report must be taken.
func (f *field) outageOf(ctx context.Context, length time.Duration, begin func()) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	if err := sleep(ctx, time.Second); err != nil {
		return v, err
	}
	begin()
	before := l.snapshot().reports
	if err := sleep(ctx, length); err != nil {
		return v, err
	}
	during := l.snapshot()
	f.proxy.set(rule{})
	switch {
	case during.reports == before:
		v.problem("no report was taken in the outage")
	case during.busy+during.broken > 0:
		v.problem("reports were refused in the outage: %d with 503, %d unanswered", during.busy, during.broken)
	}
	back := time.Now()
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("%d reports taken in %s of outage, stored %.1f s later", during.reports-before, length, time.Since(back).Seconds())
	return judged, err
}

// clickhouseCut resets connections at random moments of inserts: while rows are
// on their way, so that the server has a part or all of them, or when it has
// stored them and its answer is on its way.
func clickhouseCut(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	for round := range f.rounds {
		var cuts atomic.Int32
		if round%2 == 0 {
			f.proxy.set(rule{cutAfter: 1 + rand.IntN(64<<10)})
		} else {
			spare := int32(rand.IntN(6))
			f.proxy.set(rule{answered: func(pass func()) bool {
				if cuts.Add(1) <= spare {
					pass()
					return true
				}
				return false
			}})
		}
		if err := sleep(ctx, between(300*time.Millisecond, 900*time.Millisecond)); err != nil {
			return v, err
		}
		f.proxy.set(rule{})
		if err := sleep(ctx, between(0, 300*time.Millisecond)); err != nil {
			return v, err
		}
	}
	v, err = f.judge(ctx, l)
	v.detail("%d spells of resets", f.rounds)
	if t := l.snapshot(); t.busy+t.broken > 0 {
		v.problem("reports were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	return v, err
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// sendPatience is how long a client waits for an answer.
	sendPatience = 10 * time.Second
	// retryPause is how long it waits before it tries again. Clients wait longer;
	// the drill has no time.
	retryPause = 40 * time.Millisecond
	// repeatShare of the acknowledged reports are sent once more, later.
	repeatShare = 0.05
)

// loadOptions are the settings of a load.
type loadOptions struct {
	workers int           // default 8
	pause   time.Duration // between the reports of a worker; default 4 ms
	kind    reportKind
	key     string // default that of the drill's app
	origin  string // default that of its pages
	// forwardedFor is the address that a proxy tells of the client; none if empty.
	forwardedFor string
}

// load sends reports as browsers do: one that was not acknowledged, because
// the collector was gone or could not take it, is sent again as it is.
type load struct {
	options loadOptions
	sender  sender
	workers sync.WaitGroup
	end     context.CancelFunc
	number  atomic.Int64

	mu           sync.Mutex
	acknowledged [tableCount][]uint64 // in the order in which they were
	poisoned     int                  // of the acknowledged
	unanswered   []report             // that workers gave up when the load ended
	recent       []report             // some of the acknowledged
	tally        tally
}

// tally counts answers.
type tally struct {
	reports int // acknowledged
	repeats int // acknowledged again
	busy    int // 503
	limited int // 429
	broken  int // no answer
	// took are how long the acknowledgements did.
	took []time.Duration
	// firstBroken is when a request first got no answer.
	firstBroken time.Time
	// odd is the first answer that no client should see.
	odd string
}

func newLoad(address string, options loadOptions) *load {
	if options.workers == 0 {
		options.workers = 8
	}
	if options.pause == 0 {
		options.pause = 4 * time.Millisecond
	}
	if options.key == "" {
		options.key, options.origin = appKey, origin
	}
	return &load{options: options, sender: newSender(address, options), end: func() {}}
}

// start lets the workers work until stop.
func (l *load) start(ctx context.Context) {
	ctx, l.end = context.WithCancel(ctx)
	for range l.options.workers {
		l.workers.Go(func() { l.work(ctx) })
	}
}

// stop ends the workers. What they could not deliver is kept for finish.
func (l *load) stop() {
	l.end()
	l.workers.Wait()
	l.sender.client.CloseIdleConnections()
}

// finish stops and delivers what is left, for which the collector must run.
func (l *load) finish(ctx context.Context) error {
	l.stop()
	const patience = 30 * time.Second
	deadline := time.Now().Add(patience)
	for _, r := range l.unanswered {
		for !l.deliver(ctx, r) {
			if time.Now().After(deadline) {
				return fmt.Errorf("a report was not acknowledged within %s after everything was well: %s", patience, l.snapshot().odd)
			}
			if err := sleep(ctx, retryPause); err != nil {
				return err
			}
		}
	}
	l.unanswered = nil
	return nil
}

// send delivers so many reports, one after the other.
func (l *load) send(ctx context.Context, count int) error {
	for range count {
		r := l.next()
		if !l.deliver(ctx, r) {
			return fmt.Errorf("a report was not acknowledged: %s", l.snapshot().odd)
		}
	}
	return nil
}

func (l *load) next() report { return newReport(int(l.number.Add(1)), l.options.kind) }

func (l *load) work(ctx context.Context) {
	for ctx.Err() == nil {
		r := l.next()
		for !l.deliver(context.WithoutCancel(ctx), r) {
			if sleep(ctx, retryPause) != nil {
				l.mu.Lock()
				l.unanswered = append(l.unanswered, r)
				l.mu.Unlock()
				return
			}
		}
		if old, ok := l.earlier(); ok {
			l.repeat(context.WithoutCancel(ctx), old)
		}
		_ = sleep(ctx, l.options.pause)
	}
}

// deliver sends a report once and says whether it was acknowledged.
func (l *load) deliver(ctx context.Context, r report) bool {
	sent := time.Now()
	status, answer, err := l.sender.post(ctx, r.body)
	took := time.Since(sent)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.tally.note(status, answer, err) {
		return false
	}
	l.tally.reports++
	l.tally.took = append(l.tally.took, took)
	for _, e := range r.events {
		l.acknowledged[e.table] = append(l.acknowledged[e.table], e.id)
		if e.poisoned {
			l.poisoned++
		}
	}
	const keep = 64
	if len(l.recent) < keep {
		l.recent = append(l.recent, r)
	} else if rand.IntN(keep) == 0 {
		l.recent[rand.IntN(keep)] = r
	}
	return true
}

// repeat sends a report again that was acknowledged, as one does who did not
// hear the answer.
func (l *load) repeat(ctx context.Context, r report) {
	status, answer, err := l.sender.post(ctx, r.body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tally.note(status, answer, err) {
		l.tally.repeats++
	}
}

// earlier draws an acknowledged report, now and then.
func (l *load) earlier() (report, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.recent) == 0 || rand.Float64() > repeatShare {
		return report{}, false
	}
	return l.recent[rand.IntN(len(l.recent))], true
}

// sample are some of the acknowledged reports.
func (l *load) sample() []report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.recent)
}

// note counts an answer and says whether it acknowledges the whole report.
func (t *tally) note(status int, a answer, err error) bool {
	switch {
	case err != nil:
		t.broken++
		if t.firstBroken.IsZero() {
			t.firstBroken = time.Now()
		}
	case status == http.StatusServiceUnavailable:
		t.busy++
		if a.retryAfter == "" {
			t.surprise("503 without Retry-After")
		}
	case status == http.StatusTooManyRequests:
		t.limited++
		if a.retryAfter == "" {
			t.surprise("429 without Retry-After")
		}
	case status/100 != 2 || len(a.Rejected) > 0:
		t.surprise(fmt.Sprintf("status %d: %s", status, a.text))
	default:
		return true
	}
	return false
}

// quantile is how long that share of the acknowledgements took at most.
func (t *tally) quantile(share float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.took))
	return sorted[int(share*float64(len(sorted)-1))]
}

func (t *tally) surprise(text string) {
	if t.odd == "" {
		t.odd = text
	}
}

func (l *load) snapshot() tally {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tally
}

// reset begins a new tally. What no client should see stays.
func (l *load) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tally = tally{odd: l.tally.odd}
}

// absorb takes over what another load was acknowledged, when that has stopped.
func (l *load) absorb(acknowledged [tableCount][]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for t, ids := range acknowledged {
		l.acknowledged[t] = append(l.acknowledged[t], ids...)
	}
}

// acknowledgedEvents is how many events have been.
func (l *load) acknowledgedEvents() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := 0
	for _, ids := range l.acknowledged {
		count += len(ids)
	}
	return count
}

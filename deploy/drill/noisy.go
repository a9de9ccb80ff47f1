package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// The app that sends more than it should.
const (
	noisyKey    = "drill-noisy-5e11aa"
	noisyOrigin = "https://noisy.example"
	noisyConns  = 256
)

// noisyArg makes this program the noisy app's browsers. They are not where the quiet
// app's are: not in the process that measures, and of lesser right to the processors.
const noisyArg = "noisy-app"

// noisyOutcome is what they tell when they end.
type noisyOutcome struct {
	Acknowledged           [tableCount][]uint64
	Reports, Busy, Limited int
	Odd                    string
}

// sendNoise sends large reports to a collector, as many as go, until ctx ends.
func sendNoise(ctx context.Context, address string, out io.Writer) error {
	l := newLoad(address, loadOptions{
		workers: noisyConns, pause: time.Nanosecond, key: noisyKey, origin: noisyOrigin,
		kind: reportKind{stackBytes: 1000 + rand.IntN(1000)},
	})
	l.start(ctx)
	<-ctx.Done()
	if err := l.finish(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	t := l.snapshot()
	return json.NewEncoder(out).Encode(noisyOutcome{l.acknowledged, t.reports, t.busy, t.limited, t.odd})
}

// startNoise lets the noisy app's browsers begin.
func (f *field) startNoise() (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return f.spawner.start(filepath.Join(f.dir, "noisy.log"), nil, "nice", "-n", "19", self, noisyArg, f.public)
}

// stopNoise ends them and returns what they were told.
func stopNoise(ctx context.Context, p *process) (outcome noisyOutcome, err error) {
	p.signal(os.Interrupt)
	if err := p.wait(ctx, stopPatience); err != nil {
		return outcome, fmt.Errorf("the noisy app: %w: %s", err, p.lastWords())
	}
	if err := json.Unmarshal([]byte(p.said()), &outcome); err != nil {
		return outcome, fmt.Errorf("the noisy app: %w: %s", err, p.lastWords())
	}
	return outcome, nil
}

// appFlood lets one app send as much as it can, over many connections and in
// large reports, while another is used as usual: none of the other's reports is
// refused. Without a limit the two share the processors; with one the flood takes next
// to nothing. The line says how long the other's answers took before and meanwhile.
func appFlood(eventsPerSecond int) func(context.Context, *field) (verdict, error) {
	return func(ctx context.Context, f *field) (verdict, error) { return flooded(ctx, f, eventsPerSecond) }
}

func flooded(ctx context.Context, f *field, eventsPerSecond int) (v verdict, err error) {
	limits := ""
	if eventsPerSecond > 0 {
		limits = fmt.Sprintf(", limits: {events_per_second: %d, burst: %d}", eventsPerSecond, eventsPerSecond)
	}
	if err := f.change(func(s *settings) {
		s.apps = fmt.Sprintf("  - {name: noisy, key: %s, origins: [%q], environment: drill%s}", noisyKey, noisyOrigin, limits)
	}); err != nil {
		return v, err
	}
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	if err := sleep(ctx, f.outage/10); err != nil {
		return v, err
	}
	l.reset() // the first reports find everything cold
	if err := sleep(ctx, f.outage/4); err != nil {
		return v, err
	}
	alone := l.snapshot()
	noise, err := f.startNoise()
	if err != nil {
		return v, err
	}
	defer noise.kill()
	if err := sleep(ctx, f.outage/20); err != nil {
		return v, err
	}
	l.reset()
	err = sleep(ctx, f.outage/4)
	beside := l.snapshot()
	noisy, stopErr := stopNoise(ctx, noise)
	if err := errors.Join(err, stopErr); err != nil {
		return v, err
	}
	if beside.busy+beside.broken > 0 {
		v.problem("reports of the quiet app were refused: %d with 503, %d unanswered", beside.busy, beside.broken)
	}
	if noisy.Odd != "" {
		v.problem("the noisy app was answered %s", noisy.Odd)
	}
	l.absorb(noisy.Acknowledged)
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("p99 of the quiet app: %d ms alone, %d ms beside %d reports of the noisy one (%d refused as busy, %d as above the limit)",
		alone.quantile(0.99).Milliseconds(), beside.quantile(0.99).Milliseconds(), noisy.Reports, noisy.Busy, noisy.Limited)
	return judged, err
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
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

// bareArg makes this program a server that does nothing for the noisy app but answer.
const bareArg = "bare-server"

// helped does what another process of the drill is for, if this is one.
func helped(ctx context.Context) (mine bool, err error) {
	switch {
	case len(os.Args) == 3 && os.Args[1] == noisyArg:
		return true, sendNoise(ctx, os.Args[2], os.Stdout)
	case len(os.Args) == 4 && os.Args[1] == bareArg:
		return true, serveBare(ctx, os.Args[2], os.Args[3] == limitedArg)
	}
	return false, nil
}

// limitedArg has the bare server refuse what comes, as late as the collector does.
const limitedArg, limitedPause = "limited", 250 * time.Millisecond

// serveBare answers reports at an address until ctx ends.
func serveBare(ctx context.Context, address string, limited bool) error {
	server := &http.Server{Addr: address, ReadHeaderTimeout: stopPatience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if limited {
			time.Sleep(limitedPause/2 + rand.N(limitedPause))
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // a client that goes away is none of its business
		_, _ = io.WriteString(w, `{"accepted":1}`)
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// startNoise lets the noisy app's browsers begin to send to an address.
func (f *field) startNoise(address string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return f.spawner.start(filepath.Join(f.dir, "noisy.log"), nil, "nice", "-n", "19", self, noisyArg, address)
}

// elsewhere lets the noisy app send to a bare server for as long as it will to the
// collector, and returns what the quiet app saw of that: what of a flood is felt
// on the same processors, whatever the collector does.
func (f *field) elsewhere(ctx context.Context, l *load, limited bool) (tally, error) {
	ports, err := freePorts(1)
	if err != nil {
		return tally{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return tally{}, fmt.Errorf("find this program: %w", err)
	}
	as := "open"
	if limited {
		as = limitedArg
	}
	bare, err := f.spawner.start(filepath.Join(f.dir, "bare.log"), nil, self, bareArg, local(ports[0]), as)
	if err != nil {
		return tally{}, err
	}
	defer bare.kill()
	noise, err := f.startNoise(local(ports[0]))
	if err != nil {
		return tally{}, err
	}
	defer noise.kill()
	return f.watch(ctx, l)
}

// watch returns how it goes for a load, once what has just begun is under way.
func (f *field) watch(ctx context.Context, l *load) (tally, error) {
	if err := sleep(ctx, f.outage/20); err != nil {
		return tally{}, err
	}
	l.reset()
	err := sleep(ctx, f.outage/4)
	return l.snapshot(), err
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
// to nothing. The line says how long the other's answers took before, while the flood
// went to a bare server on the same machine, and meanwhile.
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
	elsewhere, err := f.elsewhere(ctx, l, eventsPerSecond > 0)
	if err != nil {
		return v, err
	}
	noise, err := f.startNoise(f.public)
	if err != nil {
		return v, err
	}
	defer noise.kill()
	beside, err := f.watch(ctx, l)
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
	judged.detail("p99 of the quiet app: %d ms alone, %d ms while the noisy one sends to another server, %d ms beside %d reports of it (%d refused as busy, %d as above the limit)",
		alone.quantile(0.99).Milliseconds(), elsewhere.quantile(0.99).Milliseconds(), beside.quantile(0.99).Milliseconds(), noisy.Reports, noisy.Busy, noisy.Limited)
	return judged, err
}

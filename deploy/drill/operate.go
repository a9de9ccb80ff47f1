package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sigterm stops the collector as service managers do, under load. What was
// answered must be stored when it has ended.
func sigterm(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	for range max(f.rounds, 1) {
		l.reset()
		l.start(ctx)
		err := f.terminate(ctx, l, &v)
		l.stop()
		if err != nil {
			return v, err
		}
		stored, err := f.compare(ctx, l)
		if err != nil {
			return v, err
		}
		if stored.missing > 0 {
			v.problem("%d events were not stored when it had ended", stored.missing)
		}
		if err := f.serve(ctx); err != nil {
			return v, err
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	return judged, err
}

// terminate sends SIGTERM after a while and watches what is to be seen.
func (f *field) terminate(ctx context.Context, l *load, v *verdict) error {
	if err := sleep(ctx, between(300*time.Millisecond, time.Second)); err != nil {
		return err
	}
	if broken := l.snapshot().broken; broken > 0 {
		v.problem("%d reports unanswered before the end", broken)
	}
	told := time.Now()
	f.collector.signal(syscall.SIGTERM)
	unready := time.Duration(-1)
	err := until(ctx, f.settings.grace+10*time.Second, func(ctx context.Context) (bool, error) {
		if status := f.readiness(ctx); status == http.StatusServiceUnavailable && unready < 0 {
			unready = time.Since(told)
		}
		return !f.collector.alive(), nil
	})
	took := time.Since(told)
	switch {
	case err != nil:
		f.collector.kill()
		v.problem("it did not end within its %s", f.settings.grace)
	case f.collector.err != nil:
		v.problem("it ended with %v: %s", f.collector.err, f.collector.lastWords())
	case took > f.settings.grace:
		v.problem("it took %s to end, its grace is %s", took, f.settings.grace)
	}
	if unready < 0 {
		v.problem("/readyz did not say 503 while it stopped")
	}
	refused := l.snapshot().firstBroken
	v.detail("/readyz 503 after %d ms, first refused connection after %d ms, ended after %d ms",
		unready.Milliseconds(), refused.Sub(told).Milliseconds(), took.Milliseconds())
	return nil
}

// reload sends SIGHUP with an invalid configuration and with a valid one that
// has another app.
func reload(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	l.start(ctx)
	defer l.stop()
	const newKey, newOrigin = "drill-new-77d0aa", "https://new.example"
	invalid := map[string]string{
		"appps":    "appps: []\n",
		"apps[0]":  "apps:\n  - {name: shop, key: short}\n",
		"not YAML": "apps: [\n",
	}
	for what, text := range invalid {
		if err := f.write(f.configFile(), text); err != nil {
			return v, err
		}
		seen := strings.Count(f.collector.said(), "keeping the old configuration")
		f.collector.signal(syscall.SIGHUP)
		err := f.collector.until(ctx, "the configuration is refused", stopPatience, func(context.Context) (bool, error) {
			return strings.Count(f.collector.said(), "keeping the old configuration") > seen, nil
		})
		if err != nil {
			v.problem("invalid configuration (%s): %v", what, err)
		}
	}
	for _, word := range []string{"appps", "apps[0].key"} {
		if !strings.Contains(f.collector.said(), word) {
			v.problem("the log does not name %s", word)
		}
	}
	if err := f.change(func(s *settings) {
		s.apps = fmt.Sprintf("  - {name: new, key: %s, origins: [%q], environment: drill}", newKey, newOrigin)
	}); err != nil {
		return v, err
	}
	f.collector.signal(syscall.SIGHUP)
	if err := f.await(ctx, f.collector, "the configuration was read again"); err != nil {
		return v, err
	}
	fresh := newLoad(f.public, loadOptions{key: newKey, origin: newOrigin, kind: fat()})
	defer fresh.stop()
	if err := fresh.send(ctx, 5); err != nil {
		v.problem("with the new app's key: %v", err)
	}
	l.absorb(fresh)
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("reports were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	return judged, err
}

// otelDown sends the collector's own telemetry to somebody who does not answer.
func otelDown(ctx context.Context, f *field) (v verdict, err error) {
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return v, fmt.Errorf("listen for telemetry: %w", err)
	}
	defer func() { _ = hole.Close() }() // it never accepts
	f.environment = append(f.environment, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+hole.Addr().String(),
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp", "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_METRIC_EXPORT_INTERVAL=100")
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	l.start(ctx)
	defer l.stop()
	if err := sleep(ctx, max(f.outage/4, 3*time.Second)); err != nil {
		return v, err
	}
	v, err = f.judge(ctx, l)
	t := l.snapshot()
	if t.busy+t.broken > 0 {
		v.problem("reports were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	if err == nil {
		told := time.Now()
		if err := f.collector.stop(); err != nil {
			v.problem("it ended with %v: %s", err, f.collector.lastWords())
		}
		v.detail("%d reports, ended in %d ms", t.reports, time.Since(told).Milliseconds())
	}
	return v, err
}

// replays sends the same reports several times at once, and again after a
// restart: every copy is taken, and stored once.
func replays(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	defer l.stop()
	const count, copies = 50, 5
	reports := make([]report, count)
	for i := range reports {
		reports[i] = l.next()
	}
	sendAll := func() {
		for i, r := range reports {
			var senders sync.WaitGroup
			for range copies {
				senders.Go(func() { l.repeat(ctx, r) })
			}
			senders.Wait()
			if i%10 == 0 {
				_ = sleep(ctx, 50*time.Millisecond) // over several batches
			}
		}
	}
	sendAll()
	f.collector.kill()
	if err := f.serve(ctx); err != nil {
		return v, err
	}
	sendAll()
	if err := f.drained(ctx); err != nil {
		return v, err
	}
	f.collector.signal(syscall.SIGTERM)
	if err := f.collector.wait(ctx, stopPatience); err != nil {
		return v, err
	}
	if err := f.serve(ctx); err != nil {
		return v, err
	}
	sendAll()
	if repeats, want := l.snapshot().repeats, 3*copies*count; repeats != want {
		v.problem("%d of %d deliveries were taken", repeats, want)
	}
	for _, r := range reports {
		if !l.deliver(ctx, r) {
			v.problem("a report was not taken: %s", l.snapshot().odd)
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("%d reports, %d deliveries each, over two restarts", count, 3*copies+1)
	return judged, err
}

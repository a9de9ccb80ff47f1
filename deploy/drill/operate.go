package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"
)

// reload sends SIGHUP with an invalid configuration and with a valid one that
// has another app.
func reload(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
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
	l.absorb(fresh.acknowledged)
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("reports were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	return judged, err
}

// replays sends the same reports several times at once, again after restarts and
// again later: every copy is taken, and stored once.
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
	if err := sleep(ctx, f.outage); err != nil { // and late, but within the window
		return v, err
	}
	sendAll()
	if repeats, want := l.snapshot().repeats, 4*copies*count; repeats != want {
		v.problem("%d of %d deliveries were taken", repeats, want)
	}
	for _, r := range reports {
		if !l.deliver(ctx, r) {
			v.problem("a report was not taken: %s", l.snapshot().odd)
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("%d reports, %d deliveries each, over two restarts", count, 4*copies+1)
	return judged, err
}

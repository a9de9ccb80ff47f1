package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// nameFlood sends reports of which each has names of its own: page, release, host
// of the referrer, type of error. The columns of few values keep few, and memory
// stays bounded.
func nameFlood(ctx context.Context, f *field) (v verdict, err error) {
	const cap = 1100 // names that a column may have, with (other) and those of the load
	l, err := f.beginUnderLoad(ctx, loadOptions{workers: 2})
	if err != nil {
		return v, err
	}
	defer l.stop()
	flood := newLoad(f.public, loadOptions{})
	defer flood.stop()
	var next atomic.Int64
	var senders sync.WaitGroup
	for range floodSenders {
		senders.Go(func() {
			for i := int(next.Add(1)); i <= f.rounds && ctx.Err() == nil; i = int(next.Add(1)) {
				flood.deliver(ctx, namedReport(i))
			}
		})
	}
	senders.Wait()
	l.stop()
	l.absorb(flood)
	judged, err := f.judge(ctx, l)
	if err != nil {
		return v, err
	}
	for _, column := range []string{"page", "release", "environment", "type", "url_domain"} {
		values, err := f.database.number(ctx, "SELECT uniqExact("+column+") FROM errors")
		if err != nil {
			return v, err
		}
		if values > cap {
			judged.problem("%s has %d values", column, values)
		}
		judged.detail("%s %d", column, values)
	}
	judged.detail("of %d each", f.rounds)
	return judged, nil
}

// floodSenders send the flood of names.
const floodSenders = 64

// namedReport is a report of one error, with names that no other number has.
func namedReport(number int) report {
	r := oneError()
	word := madeUpWord(number)
	for old, text := range map[string]string{
		`/product/`:            `/` + word + `/` + madeUpWord(number/3) + `/`,
		`"source":"rum"`:       `"source":"rum","release":"` + word + `","environment":"` + word + `"`,
		`"type":"TypeError"`:   `"type":"` + word + `"`,
		`"navigation":`:        `"referrer":"https://` + word + `.example/","navigation":`,
		`"url":"https://shop.`: `"url":"https://` + word + `.shop.`,
	} {
		r.body = bytes.Replace(r.body, []byte(old), []byte(text), 1)
	}
	return r
}

// madeUpWord is a word without digits, for each number another.
func madeUpWord(number int) string {
	word := []byte("w")
	for n := number; n > 0; n /= 26 {
		word = append(word, 'a'+byte(n%26))
	}
	return string(append(word, 'x'))
}

// appFlood lets one app send as much as it can, over many connections and in
// large reports, while another is used as usual: none of the other's reports is
// refused. Without a limit the two share the processors; with one the flood takes next
// to nothing. The line says how long the other's answers took before and meanwhile.
func appFlood(eventsPerSecond int) func(context.Context, *field) (verdict, error) {
	return func(ctx context.Context, f *field) (verdict, error) { return flooded(ctx, f, eventsPerSecond) }
}

func flooded(ctx context.Context, f *field, eventsPerSecond int) (v verdict, err error) {
	const noisyKey, noisyOrigin = "drill-noisy-5e11aa", "https://noisy.example"
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
	alone := l.snapshot()
	l.reset()
	noisy := newLoad(f.public, loadOptions{workers: 256, pause: time.Nanosecond, key: noisyKey, origin: noisyOrigin, kind: reportKind{stackBytes: 1000 + rand.IntN(1000)}})
	noisy.start(ctx)
	if err := sleep(ctx, f.outage/4); err != nil {
		noisy.stop()
		return v, err
	}
	beside := l.snapshot()
	if err := noisy.finish(ctx); err != nil {
		return v, err
	}
	if beside.busy+beside.broken > 0 {
		v.problem("reports of the quiet app were refused: %d with 503, %d unanswered", beside.busy, beside.broken)
	}
	l.absorb(noisy)
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("p99 of the quiet app: %d ms alone, %d ms beside %d reports of the noisy one (%d refused as busy, %d as above the limit)",
		alone.quantile(0.99).Milliseconds(), beside.quantile(0.99).Milliseconds(), noisy.snapshot().reports, noisy.snapshot().busy, noisy.snapshot().limited)
	return judged, err
}

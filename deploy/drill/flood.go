package main

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
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
	l.absorb(flood.acknowledged)
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

package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// wrongClock is what a sender's clock may say.
type wrongClock struct {
	name         string
	sentAt, atMS int64
	// field that the answer must name when it refuses; "" when it accepts.
	field string
	// index of the refused event; -1 for the report.
	index int
}

func wrongClocks(now time.Time) []wrongClock {
	ms := now.UnixMilli()
	const second, year = 1000, 365 * 24 * 3600 * 1000
	return []wrongClock{
		{name: "right", sentAt: ms, atMS: ms - second},
		{name: "ten years ahead", sentAt: ms + 10*year, atMS: ms + 10*year - second},
		{name: "ten years behind", sentAt: ms - 10*year, atMS: ms - 10*year - second},
		{name: "an hour ahead", sentAt: ms + year/365/24, atMS: ms + year/365/24 - second},
		{name: "an hour behind", sentAt: ms - year/365/24, atMS: ms - year/365/24 - second}, // summer time that did not come
		{name: "before 1970", sentAt: -ms, atMS: -ms, field: "sent_at_ms", index: -1},
		{name: "zero", sentAt: 0, atMS: 0, field: "sent_at_ms", index: -1},
		{name: "seconds", sentAt: ms / 1000, atMS: ms / 1000},
		{name: "microseconds", sentAt: ms * 1000, atMS: ms * 1000, field: "sent_at_ms", index: -1},
		{name: "event ten years ahead", sentAt: ms, atMS: ms + 10*year},
		{name: "event ten years behind", sentAt: ms, atMS: ms - 10*year},
		{name: "event before 1970", sentAt: ms, atMS: -5, field: "at_ms", index: 1},
	}
}

// wrongClocksReport sends reports of senders whose clocks are wrong, each with a
// good event of a good clock beside it where there may be one.
func wrongClocksReport(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	defer l.stop()
	began := time.Now()
	for _, c := range wrongClocks(began) {
		f.sendWrong(ctx, l, c, &v)
	}
	if err := l.send(ctx, 5); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	if err != nil {
		return v, err
	}
	judged.add(v)
	outside, err := f.database.number(ctx, "SELECT count() FROM errors WHERE timestamp < received_at - INTERVAL 48 HOUR OR timestamp > received_at + INTERVAL 5 MINUTE")
	if err != nil {
		return v, err
	}
	if outside > 0 {
		judged.problem("%d timestamps are outside of 48 h before and 5 min after the arrival", outside)
	}
	odd, err := f.database.number(ctx, fmt.Sprintf("SELECT count() FROM errors WHERE abs(dateDiff('second', received_at, fromUnixTimestamp64Milli(%d))) > 60", began.UnixMilli()))
	if err != nil {
		return v, err
	}
	if odd > 0 {
		judged.problem("%d arrivals are not by the collector's clock", odd)
	}
	judged.detail("%d clocks", len(wrongClocks(began)))
	return judged, nil
}

// sendWrong sends a report of two errors, of which the second is timed by the
// wrong clock, and takes down what was acknowledged.
func (f *field) sendWrong(ctx context.Context, l *load, c wrongClock, v *verdict) {
	r := newReport(2, reportKind{}) // two errors
	first, second, _ := strings.Cut(string(r.body), "},{")
	first = setNumber(setNumber(first, "at_ms", c.sentAt), "sent_at_ms", c.sentAt)
	r.body = []byte(first + "},{" + setNumber(second, "at_ms", c.atMS))
	status, a, err := l.sender.post(ctx, r.body)
	switch {
	case err != nil:
		v.problem("%s: %v", c.name, err)
		return
	case c.field == "" && (status != http.StatusAccepted || a.Accepted != len(r.events)):
		v.problem("%s: status %d: %s", c.name, status, a.text)
		return
	case c.field == "":
	case len(a.Rejected) != 1 || a.Rejected[0].Field != c.field || a.Rejected[0].Index != c.index:
		v.problem("%s: refused without naming %s of %d: %s", c.name, c.field, c.index, a.text)
		return
	case c.index < 0 && status == http.StatusBadRequest:
		return
	case c.index < 0 || status != http.StatusAccepted:
		v.problem("%s: status %d: %s", c.name, status, a.text)
		return
	default:
		r.events = r.events[:c.index]
	}
	for _, e := range r.events {
		l.acknowledged[e.table] = append(l.acknowledged[e.table], e.id)
	}
}

// setNumber changes the first number of that name in a JSON text.
func setNumber(text, name string, value int64) string {
	before, after, _ := strings.Cut(text, `"`+name+`":`)
	end := strings.IndexFunc(after, func(r rune) bool { return r != '-' && (r < '0' || r > '9') })
	return before + `"` + name + `":` + strconv.FormatInt(value, 10) + after[max(0, end):]
}

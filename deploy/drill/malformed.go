package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// malformedReports sends thousands of bodies that are no reports, or hardly
// any, beside the load. Each gets an answer that says what is wrong; none is a
// failure of the collector's, and neither memory nor log grow with them.
func malformedReports(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	odd := newLoad(f.public, loadOptions{})
	defer odd.stop()
	kinds := malformations()
	const warm = 200 // what each kind needs for the first time is there by then
	var early float64
	for i := range max(f.rounds, warm+1) {
		if i == warm {
			if early, _, err = f.collector.residentMB(); err != nil {
				early = 0 // not told here
			}
		}
		kind := kinds[i%len(kinds)]
		if err := odd.sendMalformed(ctx, kind, &v); err != nil {
			return v, err
		}
	}
	f.judgeGrowth(early, &v)
	l.stop()
	l.absorb(odd.acknowledged)
	judged, err := f.judge(ctx, l)
	if err != nil {
		return v, err
	}
	judged.add(v)
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("others were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	judged.detail("%d bodies of %d kinds", max(f.rounds, warm+1), len(kinds))
	return judged, f.judgeTexts(ctx, &judged)
}

// judgeGrowth holds memory and log against what they were.
func (f *field) judgeGrowth(earlyMB float64, v *verdict) {
	const growthMB, lines = 40, 100
	if late, _, err := f.collector.residentMB(); err == nil && earlyMB > 0 && late > earlyMB+growthMB {
		v.problem("memory grew from %.0f to %.0f MB", earlyMB, late)
	}
	if said := strings.Count(f.collector.said(), "\n"); said > lines {
		v.problem("the log has %d lines", said)
	}
}

// judgeTexts looks for what no text in the tables may hold.
func (f *field) judgeTexts(ctx context.Context, v *verdict) error {
	for t := range tableCount {
		columns, err := f.database.text(ctx, `SELECT arrayStringConcat(groupArray(if(type LIKE 'Map%',
				format('arrayStringConcat(arrayConcat(mapKeys({0}), mapValues({0})))', name), format('ifNull({0}, \'\')', name))), ';')
			FROM system.columns WHERE database = currentDatabase() AND table = '`+t.String()+`' AND type LIKE '%String%'`)
		if err != nil {
			return err
		}
		for column := range strings.SplitSeq(columns, ";") {
			wrong, err := f.database.number(ctx, fmt.Sprintf(`SELECT countIf(NOT isValidUTF8(%[1]s) OR position(%[1]s, '\0') > 0) FROM %[2]s`, column, t))
			if err != nil {
				return err
			}
			if wrong > 0 {
				v.problem("%d texts of %s.%s are no UTF-8 or hold NUL", wrong, t, column)
			}
		}
	}
	return nil
}

// malformation makes something else of a good body of one error.
type malformation struct {
	name string
	make func(body []byte) []byte
}

func malformations() []malformation {
	replace := func(old, text string) func([]byte) []byte {
		return func(body []byte) []byte { return bytes.Replace(body, []byte(old), []byte(text), 1) }
	}
	const count, message = `"count":1`, `"message":"Failed`
	return []malformation{
		{"cut", func(body []byte) []byte { return body[:rand.IntN(len(body))] }},
		{"noise", func(body []byte) []byte { return []byte(noise(len(body))) }},
		{"changed byte", changeByte},
		{"byte order mark", func(body []byte) []byte { return append([]byte("\xef\xbb\xbf"), body...) }},
		{"twice", func(body []byte) []byte { return append(bytes.Clone(body), body...) }},
		{"an array", func(body []byte) []byte { return append(append([]byte{'['}, body...), ']') }},
		{"deep array", replace(count, `"count":1,"x":`+strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000))},
		{"deep objects", replace(count, `"count":1,"x":`+strings.Repeat(`{"a":`, 8000)+"1"+strings.Repeat("}", 8000))},
		{"unclosed", replace(count, `"count":1,"x":`+strings.Repeat("[", 50_000))},
		{"many keys", func(body []byte) []byte {
			var keys strings.Builder
			for i := 0; keys.Len() < 55_000; i++ {
				fmt.Fprintf(&keys, `"k%d":%d,`, i, i)
			}
			return replace(count, keys.String()+count)(body)
		}},
		{"duplicate keys", replace(count, count+`,"count":2,"count":"3"`)},
		{"huge number", replace(count, `"count":1e400`)},
		{"huge integer", replace(count, `"count":`+strings.Repeat("9", 400))},
		{"not a number", replace(count, `"count":NaN`)},
		{"minus zero", replace(count, `"count":-0`)},
		{"fraction", replace(count, `"count":1.5`)},
		{"lone surrogate", replace(message, `"message":"\ud800 Failed`)},
		{"NUL", replace(message, `"message":"\u0000 Failed`)},
		{"raw NUL", replace(message, "\"message\":\"\x00 Failed")},
		{"invalid UTF-8", replace(message, "\"message\":\"\xff\xfe\xc0\xaf Failed")},
		{"line separator", replace(message, "\"message\":\"\\u2028\\u202e\\u001b[31m Failed")},
		{"wrong type", replace(`"v":1`, `"v":"one"`)},
		{"unknown version", replace(`"v":1`, `"v":77`)},
		{"too large", func(body []byte) []byte { return append(bytes.Clone(body), bytes.Repeat([]byte(" "), 64<<10)...) }},
		{"empty", func([]byte) []byte { return nil }},
	}
}

// changeByte changes any byte but those of the event's id, by which it is looked for when
// it is taken all the same.
func changeByte(body []byte) []byte {
	const before, digits = `"events":[{"id":"`, 16
	id := bytes.Index(body, []byte(before)) + len(before)
	at := rand.IntN(len(body) - digits)
	if at >= id {
		at += digits
	}
	changed := bytes.Clone(body)
	changed[at] = byte(rand.Uint32())
	return changed
}

// sendMalformed sends one body of a kind. What is taken all the same counts as
// acknowledged.
func (l *load) sendMalformed(ctx context.Context, kind malformation, v *verdict) error {
	r := oneError()
	status, a, err := l.sender.post(ctx, kind.make(r.body))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.problem("%s: %v", kind.name, err)
	case status/100 == 2 && a.Accepted == 1 && len(a.Rejected) == 0:
		l.acknowledged[errorReports] = append(l.acknowledged[errorReports], r.events[0].id)
	case status != http.StatusBadRequest && status != http.StatusRequestEntityTooLarge:
		v.problem("%s: status %d: %s", kind.name, status, a.text)
	case len(a.Rejected) == 0 || a.Rejected[0].Reason == "":
		v.problem("%s: refused without a reason: %s", kind.name, a.text)
	}
	return nil
}

// oneError is a report of one error.
func oneError() report {
	r := newReport(2, reportKind{})
	first, second, _ := bytes.Cut(r.body, []byte("},{"))
	head, _, _ := bytes.Cut(first, []byte(`"events":[`))
	return report{body: append(append(bytes.Clone(head), `"events":[{`...), second...), events: r.events[1:]}
}

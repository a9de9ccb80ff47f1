package main

import (
	"context"
	"net/http"
	"strings"
)

// absurdity is a field that a report may not have like that, and what the answer
// must say of it.
type absurdity struct{ old, text, field, reason string }

func absurdities() []absurdity {
	const lcp, duration, count = `"lcp_ms":1`, `"duration_ms":4000`, `"load_ms":1`
	long := strings.Repeat("x", 3000)
	return []absurdity{
		{lcp, `"lcp_ms":-1`, "page_view.lcp_ms", "out_of_range"},
		{lcp, `"lcp_ms":1e300`, "page_view.lcp_ms", "out_of_range"},
		{lcp, `"lcp_ms":1790000000000`, "page_view.lcp_ms", "out_of_range"}, // a clock instead of a duration
		{duration, `"duration_ms":20000000`, "page_view.duration_ms", "out_of_range"},
		{duration, `"duration_ms":-4000`, "page_view.duration_ms", "out_of_range"},
		{duration, `"cls":-0.1`, "page_view.cls", "out_of_range"},
		{duration, `"cls":100000`, "page_view.cls", "out_of_range"},
		{duration, `"transfer_size_bytes":-5`, "page_view.transfer_size_bytes", "out_of_range"},
		{duration, `"status_code":100000`, "page_view.status_code", "out_of_range"},
		{count, `"lcp_url":"https://shop.example/` + long + `","load_ms":1`, "page_view.lcp_url", "too_long"},
	}
}

// absurdTimings sends page views with a figure that cannot be: the answer names
// it, that event is left out, and the others of the report are kept.
func absurdTimings(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	defer l.stop()
	for _, a := range absurdities() {
		r := plainView()
		body := strings.Replace(string(r.body), a.old, a.text, 1)
		status, answered, err := l.sender.post(ctx, []byte(body))
		switch {
		case err != nil:
			v.problem("%s: %v", a.text, err)
		case status != http.StatusAccepted || answered.Accepted != len(r.events)-1:
			v.problem("%.40s: status %d: %s", a.text, status, answered.text)
		case len(answered.Rejected) != 1 || answered.Rejected[0] != reject{0, a.field, a.reason}:
			v.problem("%.40s: not refused as %s of %s: %s", a.text, a.reason, a.field, answered.text)
		default:
			for _, e := range r.events[1:] {
				l.acknowledged[e.table] = append(l.acknowledged[e.table], e.id)
			}
		}
	}
	if err := l.send(ctx, 5); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("%d figures", len(absurdities()))
	return judged, err
}

// plainView is a report of a page view of known figures and two requests.
func plainView() report {
	r := newReport(0, reportKind{})
	before, after, _ := strings.Cut(string(r.body), `"page_view":{`)
	_, after, _ = strings.Cut(after, "}")
	r.body = []byte(before + `"page_view":{"phase":"final","load_ms":1,"lcp_ms":1,"duration_ms":4000}` + after)
	return r
}

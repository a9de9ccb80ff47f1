package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"syscall"
)

// intruders send good reports that are not for them to send: with a key that
// nobody has, from another page than the app lists, and with a key that has just
// been taken away, over a connection on which it was good. All are refused, with
// the headers that let a page read why, and none is stored.
func intruders(ctx context.Context, f *field) (v verdict, err error) {
	const revoked = "drill-old-0b11e5"
	if err := f.change(func(s *settings) {
		s.apps = fmt.Sprintf("  - {name: old, key: %s, origins: [%q], environment: drill}", revoked, origin)
	}); err != nil {
		return v, err
	}
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	old := newLoad(f.public, loadOptions{workers: 1, key: revoked, origin: origin, kind: fat()})
	defer old.stop()
	if err := old.send(ctx, 3); err != nil {
		return v, err
	}
	if err := f.change(func(s *settings) { s.apps = "" }); err != nil {
		return v, err
	}
	f.collector.signal(syscall.SIGHUP)
	if err := f.await(ctx, f.collector, "the configuration was read again"); err != nil {
		return v, err
	}
	for _, intruder := range []struct {
		name, key, origin, reason string
		status                    int
	}{
		{"unknown key", "drill-none-ffffff", origin, "unknown_key", http.StatusUnauthorized},
		{"no key", "", origin, "unknown_key", http.StatusUnauthorized},
		{"revoked key", revoked, origin, "unknown_key", http.StatusUnauthorized},
		{"another origin", appKey, "https://evil.example", "forbidden_origin", http.StatusForbidden},
		{"a longer origin", appKey, origin + ".evil.example", "forbidden_origin", http.StatusForbidden},
		{"another scheme", appKey, "http://shop.example", "forbidden_origin", http.StatusForbidden},
		{"origin null", appKey, "null", "forbidden_origin", http.StatusForbidden},
		{"no origin", appKey, "", "forbidden_origin", http.StatusForbidden},
	} {
		s := old.sender // its connection has been let in before
		s.url, s.origin = "http://"+f.public+collectPath+"?key="+intruder.key, intruder.origin
		status, a, err := s.post(ctx, newReport(0, reportKind{}).body)
		if err != nil || status != intruder.status || len(a.Rejected) != 1 || a.Rejected[0].Reason != intruder.reason {
			v.problem("%s: status %d: %s %v", intruder.name, status, a.text, err)
		}
		if intruder.origin != "" && a.allowedOrigin != intruder.origin && a.allowedOrigin != "*" {
			v.problem("%s: the page cannot read the answer", intruder.name)
		}
	}
	if status, a, err := l.sender.post(ctx, bytes.ReplaceAll(newReport(0, reportKind{}).body, []byte(`"source":"rum"`), []byte(`"source":"synthetic"`))); err != nil || status/100 != 4 {
		v.problem("a page that says it is a journey: status %d: %s %v", status, a.text, err)
	}
	l.stop()
	l.absorb(old.acknowledged)
	judged, err := f.judge(ctx, l)
	judged.add(v)
	return judged, err
}

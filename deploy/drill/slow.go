package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Connections that the slow ones hold, and how long the collector may put up
// with them: its time for a request is 15 s.
const (
	idleConnections = 5000
	slowConnections = 300
	slowPatience    = 40 * time.Second
)

// slowSenders hold thousands of connections that say nothing, and hundreds on
// which requests come byte by byte, or break off in the middle. The others are
// served meanwhile, and the slow ones are cut off.
func slowSenders(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	idle, slow := idleConnections, slowConnections
	if f.quick {
		idle, slow = idle/10, slow/10
	}
	var held []net.Conn
	defer func() {
		for _, conn := range held {
			_ = conn.Close()
		}
	}()
	dial := func() (net.Conn, error) {
		conn, err := net.DialTimeout("tcp", f.public, sendPatience)
		if err != nil {
			return nil, fmt.Errorf("connect to the collector: %w", err)
		}
		held = append(held, conn)
		return conn, nil
	}
	for range idle {
		if _, err := dial(); err != nil {
			return v, err
		}
	}
	began := time.Now()
	var dripping sync.WaitGroup
	var mu sync.Mutex
	for i := range slow {
		conn, err := dial()
		if err != nil {
			return v, err
		}
		text := slowRequest(i)
		dripping.Go(func() {
			if !drip(ctx, conn, text) {
				mu.Lock()
				defer mu.Unlock()
				v.problem("a slow request was not cut off within %s", slowPatience)
			}
		})
	}
	dripping.Wait()
	v.detail("%d idle, %d slow, these cut off within %.0f s", idle, slow, time.Since(began).Seconds())
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if t := l.snapshot(); t.busy+t.broken > 0 {
		judged.problem("others were refused: %d with 503, %d unanswered", t.busy, t.broken)
	}
	return judged, err
}

// slowRequest is a request of which a part comes at once and the rest slowly.
func slowRequest(number int) (text string) {
	const head = "POST " + collectPath + "?key=" + appKey + " HTTP/1.1\r\nHost: collector\r\nOrigin: " + origin + "\r\n"
	body := newReport(number, reportKind{}).body
	switch number % 3 {
	case 0: // headers without end
		return head + "X-Slow: "
	case 1:
		return head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body)+1000, body[:len(body)/2])
	default: // chunked, and so of no known length
		return head + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\nffff\r\n", len(body)/2, body[:len(body)/2])
	}
}

// drip sends a text and then a byte a second, until the other side hangs up.
func drip(ctx context.Context, conn net.Conn, text string) bool {
	if _, err := conn.Write([]byte(text)); err != nil {
		return true
	}
	for began := time.Now(); time.Since(began) < slowPatience; {
		if sleep(ctx, time.Second) != nil {
			return false
		}
		if _, err := conn.Write([]byte{'x'}); err != nil {
			return true
		}
	}
	return false
}

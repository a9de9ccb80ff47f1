package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"throughline/deploy/generator"
)

// connections is how many browsers send at a time, each over one connection
// that it keeps.
const connections = 256

// load sends reports to one server. Each of its senders has a stream of bodies
// of its own, so no id ever comes twice.
type load struct {
	url     *url.URL
	senders []*sender
	client  *http.Transport
}

// sender is one browser.
type sender struct {
	load    *load
	bodies  *generator.Bodies
	header  http.Header
	body    []byte
	reading [512]byte
}

// newLoad returns a load whose streams of bodies begin with stream.
func newLoad(addr string, seed, stream uint64) *load {
	l := &load{
		url: &url.URL{Scheme: "http", Host: addr, Path: collectPath, RawQuery: "key=" + benchKey + "&quiet=1"},
		client: &http.Transport{
			MaxIdleConns: connections + 1, MaxIdleConnsPerHost: connections + 1, DisableCompression: true,
			ResponseHeaderTimeout: 30 * time.Second,
		},
	}
	agents := generator.UserAgents()
	for i := range uint64(connections + 1) { // one more for marks
		l.senders = append(l.senders, &sender{load: l, bodies: generator.NewBodies(seed, stream+i), header: http.Header{
			"Content-Type": {"text/plain;charset=UTF-8"},
			"Origin":       {origin},
			"User-Agent":   {agents[i%uint64(len(agents))]},
		}})
	}
	return l
}

// streamsPerLoad is how many streams of bodies a load takes.
const streamsPerLoad = connections + 1

// close ends the connections.
func (l *load) close() { l.client.CloseIdleConnections() }

// errRefused is an answer that says that a report was not kept whole.
var errRefused = errors.New("not kept")

// send makes the next body and sends it.
func (s *sender) send() error {
	s.body = s.bodies.Append(s.body[:0], time.Now())
	request := &http.Request{
		Method: http.MethodPost, URL: s.load.url, Host: s.load.url.Host, Header: s.header,
		Body: io.NopCloser(bytes.NewReader(s.body)), ContentLength: int64(len(s.body)),
	}
	response, err := s.load.client.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	n, err := io.ReadFull(response.Body, s.reading[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.Join(fmt.Errorf("read the answer: %w", err), response.Body.Close())
	}
	if err := response.Body.Close(); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("%w: %s %s", errRefused, response.Status, bytes.TrimSpace(s.reading[:n]))
	}
	return nil
}

// outcome is what became of a load.
type outcome struct {
	answered  int // within the window
	accepted  int // at all: those on their way when the window ended count too
	failed    int
	firstFail error
	latencies []time.Duration
}

func (o *outcome) add(other outcome) {
	o.answered += other.answered
	o.accepted += other.accepted
	o.failed += other.failed
	o.latencies = append(o.latencies, other.latencies...)
	if o.firstFail == nil {
		o.firstFail = other.firstFail
	}
}

// note counts one report.
func (o *outcome) note(err error, took time.Duration, inWindow bool) {
	if err != nil {
		o.failed++
		if o.firstFail == nil {
			o.firstFail = err
		}
		return
	}
	o.accepted++
	if inWindow {
		o.answered++
	}
	o.latencies = append(o.latencies, took)
}

// full sends as much as goes for a window: each sender sends the next report
// when the last is answered.
func (l *load) full(ctx context.Context, window time.Duration) outcome {
	end := time.Now().Add(window)
	return l.together(func(s *sender, _ int) (o outcome) {
		for ctx.Err() == nil && time.Now().Before(end) {
			start := time.Now()
			err := s.send()
			now := time.Now()
			o.note(err, now.Sub(start), now.Before(end))
			if err != nil {
				_ = sleep(ctx, 20*time.Millisecond) // as a client would, but sooner
			}
		}
		return o
	})
}

// paced sends so many reports a second for a window, whatever the answers do.
// A latency counts from when its report should have been sent, so that a server
// that holds up the senders does not look better than it is.
func (l *load) paced(ctx context.Context, perSecond float64, window time.Duration) outcome {
	start := time.Now()
	between := time.Duration(float64(time.Second) * connections / perSecond)
	return l.together(func(s *sender, index int) (o outcome) {
		due := start.Add(between * time.Duration(index) / connections)
		for ; due.Before(start.Add(window)); due = due.Add(between) {
			if sleep(ctx, time.Until(due)) != nil {
				return o
			}
			err := s.send()
			o.note(err, time.Since(due), true)
		}
		return o
	})
}

// together lets all senders but the last, which is for marks, do something at
// once.
func (l *load) together(do func(s *sender, index int) outcome) outcome {
	outcomes := make([]outcome, connections)
	var senders sync.WaitGroup
	for i := range connections {
		senders.Go(func() { outcomes[i] = do(l.senders[i], i) })
	}
	senders.Wait()
	var all outcome
	for _, o := range outcomes {
		all.add(o)
	}
	return all
}

// percentile is the latency that share (0 to 1) of the reports do not exceed,
// in milliseconds. It sorts latencies.
func percentile(latencies []time.Duration, share float64) float64 {
	if len(latencies) == 0 {
		return 0
	}
	slices.Sort(latencies)
	at := min(int(share*float64(len(latencies))), len(latencies)-1)
	return float64(latencies[at].Microseconds()) / 1000
}

// median is the middle of a few figures.
func median(figures []float64) float64 {
	sorted := slices.Sorted(slices.Values(figures))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}

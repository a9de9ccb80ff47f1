package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"math"
	"net/http/httptrace"
	"sync"
	"time"

	"throughline/synthetic"
)

// phase is what a request is at.
type phase int

const (
	idle phase = iota
	lookingUp
	connecting
	greeting // the TLS handshake
	waiting  // for the answer's first byte
	reading
	phases
)

// String says it for people.
func (p phase) String() string {
	return [phases]string{"beginning", "looking the name up", "connecting", "in the TLS handshake", "waiting for the answer", "reading the answer"}[p]
}

// stopwatch measures the phases of a request, summed over redirects. Addresses of
// one host may be tried at once, so it is told by several goroutines.
type stopwatch struct {
	// clock is what certificates are judged by.
	clock func() time.Time

	mu     sync.Mutex
	at     phase
	since  time.Time
	taken  [phases]time.Duration
	days   *int
	ended  bool
	lastly phase
}

// attach lets the watch see what requests with the context do.
func (w *stopwatch) attach(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:  func(string) { w.enter(idle) },
		DNSStart: func(httptrace.DNSStartInfo) { w.enter(lookingUp) },
		DNSDone:  func(httptrace.DNSDoneInfo) { w.leave(lookingUp) },
		ConnectStart: func(string, string) {
			w.enter(connecting)
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				w.leave(connecting)
			}
		},
		TLSHandshakeStart: func() { w.enter(greeting) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			if err == nil {
				w.leave(greeting)
				w.certified(state.VerifiedChains)
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { w.enter(waiting) },
		GotFirstResponseByte: func() { w.enter(reading) },
	})
}

// enter ends the phase that the request is at and begins another, unless that is
// the same: several addresses may be tried one after the other.
func (w *stopwatch) enter(next phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || w.at == next {
		return
	}
	now := time.Now()
	if w.at != idle {
		w.taken[w.at] += now.Sub(w.since)
	}
	w.at, w.since = next, now
}

// leave ends a phase, if the request is at it.
func (w *stopwatch) leave(at phase) {
	w.mu.Lock()
	here := w.at == at
	w.mu.Unlock()
	if here {
		w.enter(idle)
	}
}

// end ends the phase that the request is at, and hears no more: an attempt to
// connect may still be under way.
func (w *stopwatch) end() {
	w.mu.Lock()
	w.lastly = w.at
	w.mu.Unlock()
	w.enter(idle)
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
}

// last is the phase that the request ended in.
func (w *stopwatch) last() phase {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lastly
}

// certified notes how long the certificates hold: of the chains that are good, the
// one that holds longest counts, and of that the first to end.
func (w *stopwatch) certified(chains [][]*x509.Certificate) {
	var until time.Time
	for _, chain := range chains {
		var first time.Time
		for _, certificate := range chain {
			if first.IsZero() || certificate.NotAfter.Before(first) {
				first = certificate.NotAfter
			}
		}
		if first.After(until) {
			until = first
		}
	}
	if until.IsZero() {
		return
	}
	days := daysUntil(until, w.clock())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.days == nil || days < *w.days {
		w.days = &days
	}
}

// daysUntil counts whole days; they are negative once it is over.
func daysUntil(end, now time.Time) int {
	return int(math.Floor(end.Sub(now).Hours() / 24))
}

// timing is what was measured.
func (w *stopwatch) timing(status int) synthetic.HTTPTiming {
	w.mu.Lock()
	defer w.mu.Unlock()
	return synthetic.HTTPTiming{
		StatusCode: status, CertificateDaysLeft: w.days,
		DNS: w.taken[lookingUp], Connect: w.taken[connecting], TLS: w.taken[greeting],
		FirstByte: w.taken[waiting], Transfer: w.taken[reading],
	}
}

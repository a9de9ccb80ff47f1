package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throughline/beacon"
)

// loadOn returns a load on a handler.
func loadOn(t *testing.T, handler http.HandlerFunc) *load {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	l := newLoad(strings.TrimPrefix(server.URL, "http://"), 1, 0)
	t.Cleanup(l.close)
	return l
}

func TestFull_SendsReportsThatDifferAndCountsTheAnswers(t *testing.T) {
	var mu sync.Mutex
	ids := map[string]int{}
	l := loadOn(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		report, rejects, err := beacon.Decode(body)
		if err != nil || len(rejects) > 0 || r.URL.String() != collectPath+"?key="+benchKey+"&quiet=1" || r.Header.Get("Origin") != origin {
			t.Errorf("%v, rejected %v, %s from %s", err, rejects, r.URL, r.Header.Get("Origin"))
		}
		mu.Lock()
		defer mu.Unlock()
		ids[report.View.ID]++
		w.WriteHeader(http.StatusNoContent)
	})
	o := l.full(t.Context(), 100*time.Millisecond)
	if o.failed > 0 || o.accepted == 0 || o.accepted != len(ids) || o.answered > o.accepted || len(o.latencies) != o.accepted {
		t.Errorf("%d failed (%v), %d accepted, %d answered within the window, %d latencies, %d different views",
			o.failed, o.firstFail, o.accepted, o.answered, len(o.latencies), len(ids))
	}
}

func TestFull_CountsAPartlyKeptReportAsFailed(t *testing.T) {
	l := loadOn(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"accepted":2,"rejected":[{}]}`)
	})
	o := l.full(t.Context(), 50*time.Millisecond)
	if o.accepted != 0 || o.failed == 0 || !errors.Is(o.firstFail, errRefused) || !strings.Contains(o.firstFail.Error(), `"accepted":2`) {
		t.Errorf("%d accepted, %d failed, %v", o.accepted, o.failed, o.firstFail)
	}
}

// A server that holds up everything for a while holds up the senders too; the
// reports that they should have sent meanwhile have waited as well.
func TestPaced_CountsFromWhenAReportWasDue(t *testing.T) {
	const stall = 400 * time.Millisecond
	var begun atomic.Pointer[time.Time]
	l := loadOn(t, func(w http.ResponseWriter, _ *http.Request) {
		now := time.Now()
		begun.CompareAndSwap(nil, &now)
		time.Sleep(time.Until(begun.Load().Add(stall)))
		w.WriteHeader(http.StatusNoContent)
	})
	// Every sender has four reports within the stall, and sends one.
	o := l.paced(t.Context(), 4*connections/stall.Seconds(), stall)
	late := 0
	for _, latency := range o.latencies {
		if latency > stall/5 {
			late++
		}
	}
	if o.failed > 0 || late < 2*connections {
		t.Errorf("%d of %d reports were late, %d failed", late, o.accepted, o.failed)
	}
}

func TestPaced_EndsWithItsContext(t *testing.T) {
	l := loadOn(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if o := l.paced(ctx, 1, time.Hour); o.accepted+o.failed > connections {
		t.Errorf("sent %d reports", o.accepted+o.failed)
	}
}

func TestPercentile(t *testing.T) {
	var latencies []time.Duration
	for i := range 100 {
		latencies = append(latencies, time.Duration(100-i)*time.Millisecond)
	}
	for share, want := range map[float64]float64{0: 1, 0.5: 51, 0.99: 100, 1: 100} {
		if got := percentile(latencies, share); got != want {
			t.Errorf("percentile %g: %g ms, want %g", share, got, want)
		}
	}
	if got := percentile(nil, 0.5); got != 0 {
		t.Errorf("of nothing: %g", got)
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		figures []float64
		want    float64
	}{{[]float64{3}, 3}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.figures); got != c.want {
			t.Errorf("median of %v: %g", c.figures, got)
		}
	}
}

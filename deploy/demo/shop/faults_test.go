package shop

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFaultRates(t *testing.T) {
	const draws = 20_000
	for _, share := range []float64{0, 0.15, 0.5, 1} {
		dice := newChance(1)
		hits := 0
		for range draws {
			if dice.hits(share) {
				hits++
			}
		}
		if got := float64(hits) / draws; math.Abs(got-share) > 0.01 {
			t.Errorf("share %g came out as %g", share, got)
		}
	}
}

func TestSeedRepeats(t *testing.T) {
	draw := func(seed uint64) []time.Duration {
		dice := newChance(seed)
		var drawn []time.Duration
		for range 20 {
			drawn = append(drawn, dice.duration(designedDelays().search))
		}
		return drawn
	}
	if !slices.Equal(draw(3), draw(3)) {
		t.Error("one seed gives two sequences")
	}
	if slices.Equal(draw(3), draw(4)) || slices.Equal(draw(0), draw(0)) {
		t.Error("two seeds, or none, give one sequence")
	}
}

func TestDelaysHaveASlowTailAndAnEnd(t *testing.T) {
	dice, d := newChance(1), designedDelays().search
	drawn := make([]time.Duration, 20_000)
	for i := range drawn {
		drawn[i] = dice.duration(d)
	}
	slices.Sort(drawn)
	median, p95, longest := drawn[len(drawn)/2], drawn[len(drawn)*95/100], drawn[len(drawn)-1]
	if median < 170*time.Millisecond || median > 190*time.Millisecond {
		t.Errorf("median %v", median)
	}
	if p95 < 4*median || p95 > 5*median {
		t.Errorf("p95 %v", p95)
	}
	if longest > d.limit {
		t.Errorf("longest %v", longest)
	}
}

func TestWaitEndsWithTheRequest(t *testing.T) {
	s := New(Options{Faults: &Faults{Slowness: 1}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	s.wait(ctx, delay{median: time.Hour, limit: time.Hour})
	if took := time.Since(began); took > time.Minute {
		t.Errorf("waited %v for nobody", took)
	}
}

func TestLimitedEditionFaults(t *testing.T) {
	for _, c := range []struct {
		name            string
		faults          Faults
		stock, jsonGood bool
	}{
		{"sound", Faults{}, true, true},
		{"script error", Faults{ScriptError: 1}, false, true},
		{"rejection", Faults{Rejection: 1}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, Options{Faults: &c.faults})
			_, page := send(t, server.Client(), "GET", server.URL+"/product/"+limitedEdition, "")
			if got := strings.Contains(page, "&#34;stock&#34;"); got != c.stock {
				t.Errorf("the page tells the stock: %v", got)
			}
			reviews, _ := send(t, server.Client(), "GET", server.URL+"/api/reviews/"+limitedEdition, "")
			if got := reviews.Header.Get("Content-Type") == "application/json"; got != c.jsonGood {
				t.Errorf("reviews are JSON: %v", got)
			}
			other, _ := send(t, server.Client(), "GET", server.URL+"/api/reviews/everyday", "")
			if other.Header.Get("Content-Type") != "application/json" {
				t.Error("another product's reviews fail")
			}
		})
	}
}

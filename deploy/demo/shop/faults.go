package shop

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// Faults say how often the shop fails and how slow it is.
type Faults struct {
	// Payment is the share of payments that the payment provider fails, 0 to 1.
	Payment float64
	// ScriptError is the share of views of the limited edition's page whose
	// script throws a TypeError, 0 to 1.
	ScriptError float64
	// Rejection is the share of views of the limited edition's page that end in
	// an unhandled promise rejection, 0 to 1.
	Rejection float64
	// Slowness scales every delay: 1 is as designed, 0 is no delay at all.
	Slowness float64
}

// DefaultFaults are those of a shop whose team has work to do.
func DefaultFaults() Faults {
	return Faults{Payment: 0.15, ScriptError: 0.35, Rejection: 0.25, Slowness: 1}
}

// delay is a log-normal distribution of durations with an upper end, as the
// times of real back ends have: most near the median, a slow tail.
type delay struct {
	median time.Duration
	// sigma is the standard deviation of the logarithm; 0.5 puts the 95th
	// percentile at 2.3 times the median, 0.9 at 4.4 times.
	sigma float64
	limit time.Duration
}

// delays are those of what the shop does for a request.
type delays struct {
	page, image, search, recommendations, reviews, cart, payment, paymentFailure delay
}

func designedDelays() delays {
	const ms = time.Millisecond
	return delays{
		page:            delay{median: 30 * ms, sigma: 0.5, limit: 1000 * ms},
		image:           delay{median: 35 * ms, sigma: 0.8, limit: 2000 * ms},
		search:          delay{median: 180 * ms, sigma: 0.9, limit: 6000 * ms},
		recommendations: delay{median: 500 * ms, sigma: 0.6, limit: 5000 * ms},
		reviews:         delay{median: 60 * ms, sigma: 0.5, limit: 1000 * ms},
		cart:            delay{median: 45 * ms, sigma: 0.6, limit: 2000 * ms},
		payment:         delay{median: 600 * ms, sigma: 0.5, limit: 5000 * ms},
		paymentFailure:  delay{median: 1800 * ms, sigma: 0.3, limit: 5000 * ms},
	}
}

// chance is the shop's source of randomness, safe for concurrent use.
type chance struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newChance(seed uint64) *chance {
	if seed == 0 {
		seed = rand.Uint64()
	}
	return &chance{rng: rand.New(rand.NewPCG(seed, 0))}
}

// hits is true for the given share of calls.
func (c *chance) hits(share float64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.Float64() < share
}

// duration draws one duration from d.
func (c *chance) duration(d delay) time.Duration {
	c.mu.Lock()
	factor := math.Exp(d.sigma * c.rng.NormFloat64())
	c.mu.Unlock()
	return min(time.Duration(float64(d.median)*factor), d.limit)
}

// wait takes as long as one draw of d, or until ctx ends.
func (s *Shop) wait(ctx context.Context, d delay) {
	length := time.Duration(float64(s.chance.duration(d)) * s.faults.Slowness)
	if length <= 0 {
		return
	}
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

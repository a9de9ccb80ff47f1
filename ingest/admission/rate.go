package admission

import (
	"math"
	"sync/atomic"
	"time"
)

// rate is a token bucket in the form of the generic cell rate algorithm (ITU-T
// I.371, annex A): instead of a level it keeps the time at which the bucket will
// be full again. That is one number, so it needs no lock.
type rate struct {
	bounds atomic.Pointer[bounds] // nil is no limit
	fullAt atomic.Int64           // nanoseconds since start
	start  atomic.Pointer[time.Time]
}

type bounds struct {
	perSecond int64
	// depth is how long the bucket takes to fill.
	depth time.Duration
}

// fill is how long the bucket takes to get that many events.
func (b *bounds) fill(events int) time.Duration {
	const most = math.MaxInt64 / int64(time.Second)
	return time.Duration(min(int64(events), most) * int64(time.Second) / b.perSecond)
}

// set puts a limit of events a second into force, 0 for none. The bucket holds
// burst events.
func (r *rate) set(perSecond, burst int) {
	if perSecond <= 0 {
		r.bounds.Store(nil)
		return
	}
	b := &bounds{perSecond: int64(perSecond)}
	b.depth = b.fill(max(burst, 1))
	r.bounds.Store(b)
}

// since is the time since the first call. It goes on evenly when the wall clock
// is set.
func (r *rate) since(now time.Time) int64 {
	start := r.start.Load()
	if start == nil {
		first := now // so that now need not escape
		r.start.CompareAndSwap(nil, &first)
		start = r.start.Load()
	}
	return int64(now.Sub(*start))
}

// wait is how long it takes until there is room for an event; 0 when there is.
func (r *rate) wait(now time.Time) time.Duration {
	b := r.bounds.Load()
	if b == nil {
		return 0
	}
	return max(0, time.Duration(r.fullAt.Load()-r.since(now))+b.fill(1)-b.depth)
}

// take takes events out, more than there are if need be.
func (r *rate) take(now time.Time, events int) {
	b := r.bounds.Load()
	if b == nil {
		return
	}
	at := r.since(now)
	for {
		old := r.fullAt.Load()
		if r.fullAt.CompareAndSwap(old, max(old, at)+int64(b.fill(events))) {
			return
		}
	}
}

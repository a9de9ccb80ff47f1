package admission

import (
	"sync/atomic"
	"time"
)

const day = 24 * time.Hour

// maxQuotaWait is the most that a sender is told to wait for the next day, so
// that it finds out within an hour when its quota has been raised, and so that
// not all come at midnight.
const maxQuotaWait = time.Hour

// quota counts the events of a day. A day begins at midnight UTC. When the clock
// is set to another day, counting begins anew.
type quota struct {
	max atomic.Int64 // events a day; 0 is no limit
	// used is the day and its events in one number, so that it needs no lock: the
	// days since 1970 above, countBits of events below.
	used atomic.Uint64
}

const (
	countBits = 40
	maxCount  = 1<<countBits - 1
	maxDay    = 1<<(64-countBits) - 1
)

func dayOf(now time.Time) uint64 {
	return uint64(min(max(now.Unix()/int64(day/time.Second), 0), maxDay))
}

// wait is how long to wait when the day's events are used up, else 0.
func (q *quota) wait(now time.Time) time.Duration {
	most := q.max.Load()
	if most <= 0 {
		return 0
	}
	used := q.used.Load()
	if used>>countBits != dayOf(now) || int64(used&maxCount) < most {
		return 0
	}
	midnight := now.UTC().Truncate(day).Add(day)
	return min(midnight.Sub(now), maxQuotaWait)
}

// take counts events. It counts without a limit, too: one may come with the next
// configuration, for the day that has begun.
func (q *quota) take(now time.Time, events int) {
	today := dayOf(now)
	for {
		old := q.used.Load()
		count := uint64(0)
		if old>>countBits == today {
			count = old & maxCount
		}
		count = min(count+uint64(max(events, 0)), maxCount)
		if q.used.CompareAndSwap(old, today<<countBits|count) {
			return
		}
	}
}

func (q *quota) count() (time.Time, int64) {
	used := q.used.Load()
	return time.Unix(int64(used>>countBits)*int64(day/time.Second), 0).UTC(), int64(used & maxCount)
}

func (q *quota) restore(on time.Time, events int64) {
	if events > 0 && events <= maxCount {
		q.used.Store(dayOf(on)<<countBits | uint64(events))
	}
}

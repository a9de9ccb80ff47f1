package admission

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
)

// slots bound how many reports are decoded and written at a time. An app alone
// may have them all. While others send, too, it has at most a share, since work
// that has begun is in the way of theirs on the processors, however soon they get
// a slot; the share is as large as the processors can bear. When none is free, the
// next goes to the app that has the fewest of those whose reports wait: apps that
// want more than their equal part get that, and one that wants less waits for one
// report at most.
type slots struct {
	total      int
	share      slotShare
	maxWaiting int
	maxWait    time.Duration

	mu      sync.Mutex
	free    int
	arrived uint64  // how many have waited so far
	crowded []*seat // apps whose reports wait
	// latest is when the last report came, from whom, and sharedAt when the last
	// came that was not from the same app as the one before.
	latest, sharedAt time.Time
	last             *seat
}

// sharedFor is how long an app counts as one that sends.
const sharedFor = time.Minute

// seat is the part of an app in the slots. It is guarded by slots.mu.
type seat struct {
	slots   *slots
	held    int
	waiting []*waiter // in the order in which they came
}

type waiter struct {
	arrival   uint64
	granted   chan struct{} // closed when it has a slot
	grantedAt time.Time     // set before
}

func newSlots(options Options) slots {
	total := cmp.Or(options.Slots, SlotsPerProcessor*runtime.GOMAXPROCS(0))
	return slots{
		total: total, free: total, share: newSlotShare(total),
		maxWaiting: cmp.Or(options.MaxWaiting, 1024),
		maxWait:    cmp.Or(options.MaxWait, time.Second),
	}
}

// Enter takes a slot at that time, for which it may wait. Who gets nil must call
// [Account.Leave]; otherwise it is a *[Refusal]: too many wait already, it took
// too long, or ctx ended.
func (a *Account) Enter(ctx context.Context, now time.Time) error {
	w, full := a.seat.enter(now)
	if full {
		return a.busy("too many reports of the app wait already")
	}
	if w == nil {
		return nil
	}
	timer := time.NewTimer(a.seat.slots.maxWait)
	defer timer.Stop()
	select {
	case <-w.granted:
		a.seat.slots.resumed(time.Now(), w.grantedAt)
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	if a.seat.giveUp(w) {
		return a.busy("no other report was finished in time")
	}
	return nil // it got its slot just now
}

// Leave gives the slot back.
func (a *Account) Leave() {
	p := &a.seat
	s := p.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	p.held--
	s.free++
	for s.free > 0 && len(s.crowded) > 0 {
		next := slices.MinFunc(s.crowded, func(a, b *seat) int {
			return cmp.Or(cmp.Compare(a.held, b.held), turn(p, a, b), cmp.Compare(a.waiting[0].arrival, b.waiting[0].arrival))
		})
		if next.held >= s.most() {
			return // and so has every other
		}
		s.free--
		next.held++
		next.waiting[0].grantedAt = time.Now()
		close(next.waiting[0].granted)
		next.remove(0)
	}
}

// most is how many slots an app may hold now.
func (s *slots) most() int {
	if s.latest.Sub(s.sharedAt) < sharedFor {
		return s.share.slots()
	}
	return s.total
}

// resumed notes that a report which was given a slot goes on.
func (s *slots) resumed(now, granted time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.share.adapt(now, now.Sub(granted))
}

// came notes that a report of an app came.
func (s *slots) came(p *seat, now time.Time) {
	if s.last != p {
		if s.last != nil {
			s.sharedAt = now
		}
		s.last = p
	}
	s.latest = now
}

// turn puts p behind others: it has just had one.
func turn(p, a, b *seat) int {
	switch p {
	case a:
		return +1
	case b:
		return -1
	default:
		return 0
	}
}

// enter takes a slot if the app may have one. Otherwise it returns whom to wait as, or
// full when too many wait.
func (p *seat) enter(now time.Time) (w *waiter, full bool) {
	s := p.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	s.came(p, now)
	if s.free > 0 && len(p.waiting) == 0 && p.held < s.most() {
		s.free--
		p.held++
		return nil, false
	}
	if len(p.waiting) >= s.maxWaiting {
		return nil, true
	}
	s.arrived++
	w = &waiter{arrival: s.arrived, granted: make(chan struct{})}
	if len(p.waiting) == 0 {
		s.crowded = append(s.crowded, p)
	}
	p.waiting = append(p.waiting, w)
	return w, false
}

// giveUp ends waiting; false when w has its slot.
func (p *seat) giveUp(w *waiter) bool {
	s := p.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(p.waiting, w) // the first, mostly: all wait equally long
	if i < 0 {
		return false
	}
	p.remove(i)
	return true
}

func (p *seat) remove(i int) {
	p.waiting = slices.Delete(p.waiting, i, i+1)
	if len(p.waiting) == 0 {
		s := p.slots
		s.crowded = slices.DeleteFunc(s.crowded, func(other *seat) bool { return other == p })
	}
}

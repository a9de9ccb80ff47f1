// Package seen remembers the ids of reports and events for a while, in bounded memory, so
// that what a client delivers twice is stored once.
package seen

import (
	"sync"
	"time"
)

// generations is how many tables share the window. An id is forgotten together
// with its whole table, which is between the window and half as much again
// after it came.
const generations = 3

// Set remembers ids for a window of time, as long as there are not more of
// them than its bound; then the oldest are forgotten early. It is safe for
// concurrent use.
//
// The window is measured by how long the process runs, not by the wall clock:
// when that is set forward by an hour, a delivery that is repeated a moment
// later must still be told.
type Set struct {
	window  time.Duration
	maxIDs  int                  // of one generation
	elapsed func() time.Duration // since New, by a clock that nobody sets

	mu sync.Mutex
	// held are the generations from the newest to the oldest.
	held []*table
	// early is how long the ids lived that were last forgotten for lack of room.
	early time.Duration
}

// New returns an empty set that remembers at most maxIDs ids for at least the
// window, if not more than two thirds of them come within it. It takes 10 to 21 bytes
// of memory for each id that it holds.
func New(window time.Duration, maxIDs int) *Set {
	began := time.Now()
	return &Set{window: window, maxIDs: max(maxIDs/generations, 1), elapsed: func() time.Duration { return time.Since(began) }}
}

// Claim remembers the ids, which come now, and reports which of them it knew
// already: duplicate[i] is set for ids[i], and their number is returned. An id
// that stands twice in ids is a duplicate the second time.
func (s *Set) Claim(ids []uint64, duplicate []bool) (duplicates int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.elapsed()
	s.forget(at)
	for i, id := range ids {
		if s.holds(id) {
			duplicate[i] = true
			duplicates++
			continue
		}
		s.newest(at).add(id)
	}
	return duplicates
}

// Release forgets ids of what could not be kept after all.
func (s *Set) Release(ids []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		for _, t := range s.held {
			t.remove(id)
		}
	}
}

// Stats say how many ids are held, and for how long at least an id is
// remembered: the window, or less while there are too many.
func (s *Set) Stats() (ids int, remembers time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.held {
		ids += t.count
	}
	if s.early > 0 {
		return ids, s.early
	}
	return ids, s.window
}

func (s *Set) holds(id uint64) bool {
	for _, t := range s.held {
		if t.holds(id) {
			return true
		}
	}
	return false
}

// forget drops the generations whose newest id is older than the window.
func (s *Set) forget(now time.Duration) {
	for len(s.held) > 0 {
		oldest := s.held[len(s.held)-1]
		if now-oldest.last <= s.window {
			return
		}
		s.held = s.held[:len(s.held)-1]
		s.early = 0
	}
}

// newest returns the table that takes ids of that time, and begins another
// generation when it is full or old enough.
func (s *Set) newest(at time.Duration) *table {
	if len(s.held) > 0 {
		t := s.held[0]
		if t.count < s.maxIDs && at-t.first < s.window/(generations-1) {
			t.last = max(t.last, at)
			return t
		}
	}
	if len(s.held) == generations {
		s.early = at - s.held[generations-1].last
		s.held = s.held[:generations-1]
	}
	t := newTable(at)
	s.held = append([]*table{t}, s.held...)
	return t
}

// table is a set of ids. It has many parts, each of which grows alone: everybody
// waits while one does, and moving all ids of a large table at once takes 50 ms.
type table struct {
	parts       [tableParts]part
	count       int
	first, last time.Duration // when an id came, by the set's clock
}

// tableParts is how many parts a table has, and smallestPart how many slots each has
// at first: a collector with little traffic needs little memory.
const tableParts, smallestPart = 256, 16

func newTable(at time.Duration) *table {
	t := &table{first: at, last: at}
	for i := range t.parts {
		t.parts[i].slots = make([]uint64, smallestPart)
	}
	return t
}

func (t *table) holds(id uint64) bool {
	value := stored(id)
	p := t.part(value)
	return p.slots[p.find(value)] != 0
}

func (t *table) add(id uint64) {
	value := stored(id)
	t.part(value).add(value)
	t.count++
}

func (t *table) remove(id uint64) {
	value := stored(id)
	if t.part(value).remove(value) {
		t.count--
	}
}

// part is where a stored id belongs: its high bits tell, the low ones its slot.
func (t *table) part(value uint64) *part { return &t.parts[value>>56] }

// stored is how an id stands in a slot, never 0. The ids are random, but a hostile
// sender's may not be, so that they are mixed, by the finalizer of SplitMix64
// (Steele, Lea, Flood, OOPSLA 2014), which is a bijection.
func stored(id uint64) uint64 {
	id = (id ^ id>>30) * 0xbf58476d1ce4e5b9
	id = (id ^ id>>27) * 0x94d049bb133111eb
	id ^= id >> 31
	return max(id, 1)
}

// part is a set of stored ids with open addressing and linear probing.
type part struct {
	slots []uint64 // 0 is empty; the length is a power of two
	count int
}

// find returns the slot of a stored id, or the empty one where it belongs.
func (p *part) find(value uint64) int {
	mask := len(p.slots) - 1
	i := int(value) & mask
	for p.slots[i] != 0 && p.slots[i] != value {
		i = (i + 1) & mask
	}
	return i
}

func (p *part) add(value uint64) {
	if p.count >= len(p.slots)/4*3 {
		p.grow()
	}
	p.slots[p.find(value)] = value
	p.count++
}

func (p *part) grow() {
	old := p.slots
	p.slots = make([]uint64, 2*len(old))
	for _, value := range old {
		if value != 0 {
			p.slots[p.find(value)] = value
		}
	}
}

// remove takes a stored id out, if it is there, and closes the gap, so that no
// probe ends early.
func (p *part) remove(value uint64) bool {
	gap := p.find(value)
	if p.slots[gap] == 0 {
		return false
	}
	p.count--
	mask := len(p.slots) - 1
	for i := (gap + 1) & mask; p.slots[i] != 0; i = (i + 1) & mask {
		home := int(p.slots[i]) & mask
		if (i-home)&mask >= (i-gap)&mask {
			p.slots[gap] = p.slots[i]
			gap = i
		}
	}
	p.slots[gap] = 0
	return true
}

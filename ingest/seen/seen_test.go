package seen

import (
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// claim claims ids when the set's clock is there.
func claim(s *Set, at time.Time, ids ...uint64) int {
	s.elapsed = func() time.Duration { return at.Sub(start) }
	return s.Claim(ids, make([]bool, len(ids)))
}

func TestSet_RemembersForAtLeastTheWindow(t *testing.T) {
	s := New(10*time.Minute, 1000)
	for minute := range 60 {
		now := start.Add(time.Duration(minute) * time.Minute)
		if claim(s, now, uint64(minute)) != 0 {
			t.Errorf("minute %d was known", minute)
		}
		for earlier := max(0, minute-10); earlier <= minute; earlier++ {
			if !holdsAll(s, []uint64{uint64(earlier)}) {
				t.Errorf("minute %d is forgotten after %d minutes", earlier, minute-earlier)
			}
		}
	}
	if ids, remembers := s.Stats(); ids > 20 || remembers != 10*time.Minute {
		t.Errorf("holds %d ids for %s", ids, remembers)
	}
}

func TestSet_TellsDuplicatesWithinOneClaim(t *testing.T) {
	s := New(time.Minute, 100)
	duplicate := make([]bool, 4)
	if n := s.Claim([]uint64{7, 8, 7, 0}, duplicate); n != 1 || !duplicate[2] || duplicate[0] || duplicate[1] || duplicate[3] {
		t.Errorf("%d, %v", n, duplicate)
	}
	if claim(s, start, 0) != 1 {
		t.Error("the id 0 is not remembered")
	}
}

// More ids than the bound: the oldest go first, and Stats say so.
func TestSet_ForgetsTheOldestAtItsBound(t *testing.T) {
	s := New(10*time.Minute, 300)
	for i := range uint64(1000) {
		claim(s, start.Add(time.Duration(i)*time.Second/10), i)
	}
	ids, remembers := s.Stats()
	if ids > 300 || remembers >= 10*time.Minute || remembers <= 0 {
		t.Errorf("holds %d ids, remembers for %s", ids, remembers)
	}
	for i := uint64(801); i < 1000; i++ {
		if !holdsAll(s, []uint64{i}) {
			t.Errorf("%d is forgotten", i)
		}
	}
}

// All the time two thirds of the bound may come within the window, as the last of the
// generations is only as full as the window has been.
func TestSet_RemembersTwoThirdsOfItsBoundForTheWindow(t *testing.T) {
	const bound, window = 3000, 10 * time.Minute
	for perWindow, want := range map[int]time.Duration{bound * 2 / 3: window, bound: 0} {
		s, id := New(window, bound), uint64(0)
		forgotten := 0
		for at := time.Duration(0); at < 5*window; at += window / time.Duration(perWindow) {
			claim(s, start.Add(at), id)
			if first := int(id) - perWindow + 1; first >= 0 && !holdsAll(s, []uint64{uint64(first)}) {
				forgotten++
			}
			id++
		}
		if _, remembers := s.Stats(); (forgotten == 0) != (want == window) || (remembers == window) != (want == window) {
			t.Errorf("%d in a window: %d forgotten early, said to be remembered for %s", perWindow, forgotten, remembers)
		}
	}
}

// Were even the set's own clock to jump back, nothing would be forgotten early.
func TestSet_KeepsItsIDsWhenTheClockIsSetBack(t *testing.T) {
	s := New(10*time.Minute, 1000)
	claim(s, start, 1)
	claim(s, start.Add(-time.Hour), 2)
	if !holdsAll(s, []uint64{1, 2}) {
		t.Error("an id is forgotten")
	}
}

// Against a plain map, over adding, finding, removing and growing.
func TestSet_AgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, model := New(time.Hour, 1<<20), map[uint64]bool{}
		ids := rapid.Uint64Range(0, 1<<rapid.IntRange(1, 14).Draw(t, "bits"))
		for range rapid.IntRange(1, 50).Draw(t, "rounds") {
			batch := rapid.SliceOfN(ids, 1, 300).Draw(t, "ids")
			if rapid.Bool().Draw(t, "release") {
				s.Release(batch)
				for _, id := range batch {
					delete(model, id)
				}
				continue
			}
			duplicate := make([]bool, len(batch))
			s.Claim(batch, duplicate)
			for i, id := range batch {
				if duplicate[i] != model[id] {
					t.Fatalf("id %d: duplicate %v, want %v", id, duplicate[i], model[id])
				}
				model[id] = true
			}
		}
		if held, _ := s.Stats(); held != len(model) {
			t.Fatalf("holds %d ids, want %d", held, len(model))
		}
	})
}

func BenchmarkClaim(b *testing.B) {
	s := New(10*time.Minute, 5_000_000)
	ids, duplicate := make([]uint64, 3), make([]bool, 3)
	for i := range b.N {
		for j := range ids {
			ids[j] = rand.Uint64()
		}
		at := time.Duration(i) * 30 * time.Microsecond
		s.elapsed = func() time.Duration { return at }
		s.Claim(ids, duplicate)
	}
}

func holdsAll(s *Set, ids []uint64) bool {
	for _, id := range ids {
		if !s.holds(id) {
			return false
		}
	}
	return true
}

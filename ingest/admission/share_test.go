package admission

import (
	"testing"
	"testing/synctest"
)

func TestSlotShare_IsWhatTheProcessorsBear(t *testing.T) {
	const total = 256
	s := newSlotShare(total)
	if s.slots() != total/4 {
		t.Fatalf("begins with %d of %d slots", s.slots(), total)
	}
	now := noon
	late := func() { s.adapt(now, longDelay+1) }
	late()
	late() // and all others that were given a slot with it
	if s.slots() != 48 {
		t.Errorf("one delay leaves %d slots, not 48", s.slots())
	}
	for range 100 {
		now = now.Add(shrinkEvery)
		late()
	}
	if s.slots() != total/64 {
		t.Errorf("shrank to %d slots, not to %d", s.slots(), total/64)
	}
	for range 16 {
		s.adapt(now, longDelay)
	}
	if s.slots() != total/64+1 {
		t.Errorf("grew to %d slots by 16 that went on at once, not to %d", s.slots(), total/64+1)
	}
	for range 16 * total {
		s.adapt(now, 0)
	}
	if s.slots() != total/4 {
		t.Errorf("grew to %d slots", s.slots())
	}
	if few := newSlotShare(1); few.slots() != 1 {
		t.Errorf("of one slot the share is %d", few.slots())
	}
}

func TestEnter_TellsHowSoonReportsGoOn(t *testing.T) {
	testQueue(t, Options{Slots: 64}, func(q *queue) {
		share := &q.control.slots.share
		share.now = 8
		q.send(q.t.Context(), "shop")
		for range 64 {
			q.send(q.t.Context(), "flood")
		}
		for range 32 { // whose reports go on at once
			q.account("flood").Leave()
			synctest.Wait()
		}
		if share.now < 8+32*growBy {
			t.Errorf("the share grew from 8 to %g only", share.now)
		}
	})
}

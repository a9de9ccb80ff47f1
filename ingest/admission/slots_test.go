package admission

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"throughline/ingest"
)

// queue lets reports of apps enter and leave, and tells which are in.
type queue struct {
	t       *testing.T
	control *Control
	mu      sync.Mutex
	in      []string
}

func (q *queue) account(app string) *Account { return q.control.Account(app, ingest.Limits{}) }

// send lets a report come, which says that it is in when it is.
func (q *queue) send(ctx context.Context, app string) <-chan error {
	result := make(chan error, 1)
	go func() {
		err := q.account(app).Enter(ctx, time.Now())
		if err == nil {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.in = append(q.in, app)
		}
		result <- err
	}()
	synctest.Wait()
	return result
}

// entered checks who has come in since it was last asked, in this order.
func (q *queue) entered(want ...string) {
	q.t.Helper()
	synctest.Wait()
	q.mu.Lock()
	defer q.mu.Unlock()
	if fmt.Sprint(q.in) != fmt.Sprint(want) {
		q.t.Fatalf("in came %v, want %v", q.in, want)
	}
	q.in = nil
}

func testQueue(t *testing.T, options Options, test func(q *queue)) {
	synctest.Test(t, func(t *testing.T) { test(&queue{t: t, control: New(options)}) })
}

func TestEnter_AnAppAloneHasAllSlots(t *testing.T) {
	testQueue(t, Options{Slots: 3}, func(q *queue) {
		for range 4 {
			q.send(q.t.Context(), "flood")
		}
		q.entered("flood", "flood", "flood")
		q.account("flood").Leave()
		q.entered("flood")
	})
}

// However many reports of a flood wait, the next slot is another app's, and from
// then on the flood has a share only.
func TestEnter_AnotherAppOvertakesAFlood(t *testing.T) {
	testQueue(t, Options{Slots: 8}, func(q *queue) {
		for range 100 {
			q.send(q.t.Context(), "flood")
		}
		q.entered("flood", "flood", "flood", "flood", "flood", "flood", "flood", "flood")
		q.send(q.t.Context(), "shop")
		q.entered()
		q.account("flood").Leave()
		q.entered("shop")
		for range 5 { // until it is down to its share
			q.account("flood").Leave()
			q.entered()
		}
		q.account("flood").Leave()
		q.entered("flood")
		q.send(q.t.Context(), "shop") // which is let in at once
		q.entered("shop")
	})
}

func TestEnter_AnAppThatIsAloneAgainHasAllSlots(t *testing.T) {
	testQueue(t, Options{Slots: 8, MaxWait: time.Hour}, func(q *queue) {
		q.send(q.t.Context(), "shop")
		q.account("shop").Leave()
		for range 12 {
			q.send(q.t.Context(), "flood")
		}
		q.entered("shop", "flood", "flood")
		time.Sleep(sharedFor)
		q.send(q.t.Context(), "flood")
		q.account("flood").Leave() // and another's place is not kept any more
		q.entered("flood", "flood", "flood", "flood", "flood", "flood", "flood")
	})
}

// Two that want all take turns when there are too few for the share of each.
func TestEnter_FloodsTakeTurns(t *testing.T) {
	testQueue(t, Options{Slots: 1}, func(q *queue) {
		for range 10 {
			q.send(q.t.Context(), "a")
		}
		for range 10 {
			q.send(q.t.Context(), "b")
		}
		q.entered("a")
		for range 5 {
			q.account("a").Leave()
			q.entered("b")
			q.account("b").Leave()
			q.entered("a")
		}
	})
}

func TestEnter_WaitsAreShortAndFew(t *testing.T) {
	testQueue(t, Options{Slots: 1, MaxWaiting: 2, MaxWait: time.Second}, func(q *queue) {
		q.send(q.t.Context(), "flood")
		first := q.send(q.t.Context(), "flood")
		time.Sleep(time.Second / 2)
		second := q.send(q.t.Context(), "flood")
		if wait := refusedFor(q.t, <-q.send(q.t.Context(), "flood"), "flood", ingest.RejectBusy); wait != busyRetryAfter {
			t.Errorf("told to wait %s", wait)
		}
		shop := q.send(q.t.Context(), "shop") // whose room to wait in is its own
		time.Sleep(time.Second / 2)
		refusedFor(q.t, <-first, "flood", ingest.RejectBusy)
		q.entered("flood")
		q.account("flood").Leave()
		q.entered("shop")
		q.account("shop").Leave()
		q.entered("flood")
		if err := <-second; err != nil {
			t.Error(err)
		}
		if err := <-shop; err != nil {
			t.Error(err)
		}
	})
}

func TestEnter_EndsWithItsContext(t *testing.T) {
	testQueue(t, Options{Slots: 1}, func(q *queue) {
		q.send(q.t.Context(), "shop")
		ctx, cancel := context.WithCancel(q.t.Context())
		gone := q.send(ctx, "shop")
		cancel()
		refusedFor(q.t, <-gone, "shop", ingest.RejectBusy)
		q.account("shop").Leave()
		q.send(q.t.Context(), "shop")
		q.entered("shop", "shop")
	})
}

// slotsModel is what can happen to slots, and who waits for one.
type slotsModel struct {
	control  *Control
	accounts []*Account
	now      time.Time
	waiters  []*waiter
	owners   []*Account
}

func (m *slotsModel) app(t *rapid.T) *Account { return rapid.SampledFrom(m.accounts).Draw(t, "app") }

func (m *slotsModel) Enter(t *rapid.T) {
	a := m.app(t)
	m.now = m.now.Add(time.Duration(rapid.Int64Range(0, int64(sharedFor)).Draw(t, "pause")))
	waiting := len(a.seat.waiting)
	w, full := a.seat.enter(m.now)
	s := a.seat.slots
	switch {
	case full && waiting < s.maxWaiting:
		t.Fatalf("refused while only %d wait", waiting)
	case w == nil && !full && a.seat.held > s.most():
		t.Fatalf("it got slot %d of %d", a.seat.held, s.most())
	case w != nil && waiting == 0 && s.free > 0 && a.seat.held < s.most():
		t.Fatal("it waits for a slot that it may have")
	case w != nil:
		m.waiters, m.owners = append(m.waiters, w), append(m.owners, a)
	}
}

func (m *slotsModel) Leave(t *rapid.T) {
	a := m.app(t)
	if a.seat.held == 0 {
		t.Skip("it is not in")
	}
	before, wanted := map[*Account]int{}, map[*Account]bool{}
	for _, other := range m.accounts {
		before[other], wanted[other] = other.seat.held, len(other.seat.waiting) > 0
	}
	before[a]--
	a.Leave()
	s := a.seat.slots
	for _, next := range m.accounts {
		for _, other := range m.accounts {
			if next.seat.held > before[next] && len(other.seat.waiting) > 0 && other.seat.held < next.seat.held-1 {
				t.Fatalf("one has %d slots now, and another still waits with %d", next.seat.held, other.seat.held)
			}
		}
		if wanted[next] && len(next.seat.waiting) > 0 && s.free > 0 && next.seat.held < s.most() {
			t.Fatal("it waits for a slot that it may have")
		}
	}
}

func (m *slotsModel) GiveUp(t *rapid.T) {
	if len(m.waiters) == 0 {
		t.Skip("nobody has waited")
	}
	i := rapid.IntRange(0, len(m.waiters)-1).Draw(t, "waiter")
	granted := false
	select {
	case <-m.waiters[i].granted:
		granted = true
	default:
	}
	if m.owners[i].seat.giveUp(m.waiters[i]) && granted {
		t.Fatal("one that has its slot gave up waiting")
	}
}

func (m *slotsModel) Check(t *rapid.T) {
	s, held, crowded := &m.control.slots, 0, 0
	for _, a := range m.accounts {
		held += a.seat.held
		if len(a.seat.waiting) > 0 {
			crowded++
			if s.free > 0 && a.seat.held == 0 {
				t.Fatal("one waits that nobody will let in")
			}
		}
	}
	if held+s.free != s.total || s.free < 0 || len(s.crowded) != crowded {
		t.Fatalf("%d held, %d free, %d apps wait, %d are listed", held, s.free, crowded, len(s.crowded))
	}
}

// Whatever comes, waits and goes: never more are in than there are slots, nobody
// waits for a slot that it may have, the next is one of the app that has the
// fewest, and in the end all slots are free again.
func TestSlots_KeepTheirRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Options{Slots: rapid.IntRange(1, 12).Draw(t, "slots"), MaxWaiting: 4})
		m := &slotsModel{control: c, now: noon}
		for _, app := range []string{"a", "b", "c"} {
			m.accounts = append(m.accounts, c.Account(app, ingest.Limits{}))
		}
		t.Repeat(rapid.StateMachineActions(m))
		for _, a := range m.accounts {
			for len(a.seat.waiting) > 0 {
				a.seat.giveUp(a.seat.waiting[0])
			}
		}
		for _, a := range m.accounts {
			for a.seat.held > 0 {
				a.Leave()
			}
		}
		if c.slots.free != c.slots.total {
			t.Fatalf("in the end %d of %d slots are free", c.slots.free, c.slots.total)
		}
	})
}

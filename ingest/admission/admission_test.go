package admission

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throughline/beacon"
	"throughline/ingest"
)

var noon = time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)

// refusedFor fails the test unless err refuses the app for that reason, and
// returns what the sender is told to wait.
func refusedFor(t *testing.T, err error, app string, reason beacon.Reason) time.Duration {
	t.Helper()
	var refused *Refusal
	if !errors.As(err, &refused) || refused.App != app || refused.Reason != reason || refused.Detail == "" {
		t.Fatalf("got %+v, want a refusal of %s for %s", err, app, reason)
	}
	return refused.RetryAfter
}

func TestRoom_RefillsEvenlyUpToTheBurst(t *testing.T) {
	a := New(Options{}).Account("shop", ingest.Limits{EventsPerSecond: 10, Burst: 20})
	if err := a.Room(noon); err != nil {
		t.Fatalf("a new account has no room: %v", err)
	}
	a.Take(noon, 19, 0)
	if err := a.Room(noon); err != nil {
		t.Errorf("the last event of the burst: %v", err)
	}
	a.Take(noon, 1, 0)
	if wait := refusedFor(t, a.Room(noon), "shop", ingest.RejectRateLimited); wait != 100*time.Millisecond {
		t.Errorf("the next event is due after %s", wait)
	}
	if err := a.Room(noon.Add(100 * time.Millisecond)); err != nil {
		t.Errorf("after what it was told to wait: %v", err)
	}
	later := noon.Add(time.Hour) // no more than the burst gathers
	a.Take(later, 20, 0)
	refusedFor(t, a.Room(later), "shop", ingest.RejectRateLimited)
}

// A report comes in when there is room for one event; it pays for all.
func TestRoom_AnOverdraftIsPaidBack(t *testing.T) {
	a := New(Options{}).Account("shop", ingest.Limits{EventsPerSecond: 100, Burst: 1})
	a.Take(noon, 500, 0)
	if wait := refusedFor(t, a.Room(noon), "shop", ingest.RejectRateLimited); wait != 5*time.Second {
		t.Errorf("500 events at 100/s are paid back after %s", wait)
	}
}

func TestRoom_WithoutLimitsIsAlways(t *testing.T) {
	a := New(Options{}).Account("shop", ingest.Limits{})
	a.Take(noon, 1<<40, 1<<40)
	if err := a.Room(noon); err != nil {
		t.Error(err)
	}
}

func TestAccount_OneAppDoesNotUseUpWhatAnotherMaySend(t *testing.T) {
	c, limits := New(Options{}), ingest.Limits{EventsPerSecond: 1, Burst: 1, EventsPerDay: 1}
	c.Account("shop", limits).Take(noon, 100, 100)
	if err := c.Account("blog", limits).Room(noon); err != nil {
		t.Error(err)
	}
}

// New limits hold at once, for those who have the account already, and what was
// used stays used.
func TestAccount_ChangesLimits(t *testing.T) {
	c := New(Options{})
	a := c.Account("shop", ingest.Limits{})
	a.Take(noon, 1000, 1000)
	c.Account("shop", ingest.Limits{EventsPerDay: 1000})
	refusedFor(t, a.Room(noon), "shop", ingest.RejectQuotaExceeded)
	c.Account("shop", ingest.Limits{EventsPerDay: 1001, EventsPerSecond: 10, Burst: 10})
	if err := a.Room(noon); err != nil {
		t.Error(err)
	}
	a.Take(noon, 10, 0)
	refusedFor(t, a.Room(noon), "shop", ingest.RejectRateLimited)
	c.Account("shop", ingest.Limits{})
	if err := a.Room(noon); err != nil {
		t.Error(err)
	}
}

// The bucket does what one that is counted event by event does.
func TestRate_IsATokenBucket(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.IntRange(1, ingest.MaxEventsPerSecond).Draw(t, "perSecond")
		burst := rapid.IntRange(1, ingest.MaxBurst).Draw(t, "burst")
		var r rate
		r.set(perSecond, burst)
		level, now := float64(burst), noon
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			pause := time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "pause"))
			now = now.Add(pause)
			level = min(float64(burst), level+pause.Seconds()*float64(perSecond))
			wait := r.wait(now)
			const rounding = 0.01 // of an event: its time is whole nanoseconds
			if missing := 1 - level; missing > rounding && wait <= 0 || missing < -rounding && wait > 0 {
				t.Fatalf("%f events are there, and the wait is %s", level, wait)
			}
			if wait < 0 || wait > 0 && r.wait(now.Add(wait)) > 0 {
				t.Fatalf("after the wait of %s there is no room", wait)
			}
			events := rapid.IntRange(0, beacon.MaxEvents).Draw(t, "events")
			r.take(now, events)
			level -= float64(events)
		}
	})
}

func TestQuota_EndsAtMidnightUTC(t *testing.T) {
	zone := time.FixedZone("UTC+9", 9*60*60) // in which the day has ended long ago
	for name, c := range map[string]struct {
		kept int
		at   time.Time
		wait time.Duration
	}{
		"one is left":            {999, noon, 0},
		"none is left":           {1000, noon, maxQuotaWait},
		"overdrawn":              {1400, noon, maxQuotaWait},
		"shortly before its end": {1000, noon.Add(12*time.Hour - time.Minute).In(zone), time.Minute},
		"the last nanosecond":    {1000, noon.Add(12*time.Hour - 1), 1},
		"the next day":           {1000, noon.Add(12 * time.Hour), 0},
		"the clock set back":     {1000, noon.Add(-13 * time.Hour), 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(Options{}).Account("shop", ingest.Limits{EventsPerDay: 1000})
			a.Take(noon, 0, c.kept)
			err := a.Room(c.at)
			if c.wait == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if wait := refusedFor(t, err, "shop", ingest.RejectQuotaExceeded); wait != c.wait {
				t.Errorf("the sender is told to wait %s, want %s", wait, c.wait)
			}
		})
	}
}

func TestSnapshot_IsRestored(t *testing.T) {
	before := New(Options{})
	before.Account("shop", ingest.Limits{}).Take(noon, 5, 3)
	before.Account("shop", ingest.Limits{}).Take(noon, 5, 4)
	before.Account("blog", ingest.Limits{}).Take(noon.Add(24*time.Hour), 1, 1)
	before.Account("silent", ingest.Limits{})
	counts := before.Snapshot()
	if want := []Count{{"blog", "2026-11-10", 1}, {"shop", "2026-11-09", 7}}; !slices.Equal(counts, want) {
		t.Fatalf("snapshot is %v", counts)
	}
	after := New(Options{})
	shop := after.Account("shop", ingest.Limits{EventsPerDay: 7})
	after.Restore(counts)
	refusedFor(t, shop.Room(noon), "shop", ingest.RejectQuotaExceeded)
	refusedFor(t, after.Account("blog", ingest.Limits{EventsPerDay: 1}).Room(noon.Add(24*time.Hour)), "blog", ingest.RejectQuotaExceeded)
	if err := shop.Room(noon.Add(24 * time.Hour)); err != nil {
		t.Errorf("yesterday's count holds today: %v", err)
	}
	if again := after.Snapshot(); !slices.Equal(again, counts) {
		t.Errorf("restored and taken again: %v", again)
	}
}

// What is on disk may be damaged.
func TestRestore_LeavesOutNonsense(t *testing.T) {
	for _, bad := range []Count{
		{"shop", "yesterday", 9}, {"shop", "", 9}, {"shop", "2026-11-09", -9}, {"shop", "2026-11-09", 1 << 62}, {"shop", "2026-02-30", 9},
	} {
		c := New(Options{})
		c.Restore([]Count{bad})
		if counts := c.Snapshot(); len(counts) > 0 {
			t.Errorf("%v was restored as %v", bad, counts)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := New(Options{})
		c.Restore([]Count{{"shop", rapid.String().Draw(t, "day"), rapid.Int64().Draw(t, "events")}})
		c.Account("shop", ingest.Limits{EventsPerDay: 1}).Take(noon, 1, 1)
		if counts := c.Snapshot(); len(counts) != 1 || counts[0] != (Count{"shop", "2026-11-09", 1}) && counts[0].Day != "2026-11-09" {
			t.Fatalf("counts are %v", counts)
		}
	})
}

func TestHold_LeavesRoomForOthers(t *testing.T) {
	c := New(Options{MaxBodyBytes: 1200})
	flood, second, third := c.Account("flood", ingest.Limits{}), c.Account("second", ingest.Limits{}), c.Account("third", ingest.Limits{})
	if err := flood.Hold(600); err != nil {
		t.Errorf("half of all: %v", err)
	}
	refusedFor(t, flood.Hold(1), "flood", ingest.RejectBusy)
	flood.Free(1)
	if err := second.Hold(300); err != nil {
		t.Errorf("the next app's share: %v", err)
	}
	refusedFor(t, second.Hold(1), "second", ingest.RejectBusy)
	second.Free(1)
	if err := third.Hold(100); err != nil {
		t.Errorf("a third app: %v", err)
	}
	flood.Free(600)
	second.Free(300)
	third.Free(100)
	if err := flood.Hold(600); err != nil {
		t.Errorf("after all was given back: %v", err)
	}
}

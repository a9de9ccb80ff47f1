package synthetic

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throughline/beacon"
)

// fakeExecutor notes what it is asked to do; a run takes as long as asked for.
type fakeExecutor struct {
	takes time.Duration
	panic bool

	mu      sync.Mutex
	notes   []note
	running int
	most    int
	// outcomes are those of the runs, in turn; none is a zero result.
	outcomes []beacon.RunOutcome
	filmed   []bool
}

type note struct {
	journey string
	slot    time.Time
	begun   time.Time
	outcome string
}

func (f *fakeExecutor) Run(ctx context.Context, journey *Journey, options RunOptions) Result {
	f.mu.Lock()
	f.running++
	f.most = max(f.most, f.running)
	n := note{journey.Name, options.Slot, time.Now(), "passed"}
	f.mu.Unlock()
	select {
	case <-time.After(f.takes):
	case <-ctx.Done():
		n.outcome = "cancelled"
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running--
	f.notes = append(f.notes, n)
	if f.panic {
		panic("a run")
	}
	f.filmed = append(f.filmed, options.Film)
	if len(f.outcomes) == 0 {
		return Result{}
	}
	outcome := f.outcomes[0]
	f.outcomes = f.outcomes[1:]
	return Result{Outcome: outcome}
}

func (f *fakeExecutor) Skip(_ context.Context, journey *Journey, slot time.Time, reason beacon.RunReason) Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.notes = append(f.notes, note{journey.Name, slot, time.Now(), string(reason)})
	return Result{}
}

func (f *fakeExecutor) count(outcome string) int {
	n := 0
	for _, note := range f.notes {
		if note.outcome == outcome {
			n++
		}
	}
	return n
}

// schedule runs journeys for a time by a fake clock.
func schedule(t *testing.T, fake *fakeExecutor, d time.Duration, options SchedulerOptions) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options.Executor = fake
		scheduler, err := NewScheduler(options)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		scheduler.Run(ctx)
	})
}

func journey(name, schedule string) *Journey { return &Journey{Name: name, Schedule: schedule} }

func TestScheduler_EverySlotOnce(t *testing.T) {
	fake := &fakeExecutor{takes: time.Second}
	schedule(t, fake, 10*time.Minute-time.Second, SchedulerOptions{
		Journeys: []*Journey{journey("minute", "* * * * *"), journey("every", "@every 90s"), journey("by hand", "")},
	})
	slots := map[string][]time.Time{}
	for _, note := range fake.notes {
		if !note.begun.Equal(note.slot) {
			t.Errorf("%s: slot %s began at %s", note.journey, note.slot, note.begun)
		}
		slots[note.journey] = append(slots[note.journey], note.slot)
	}
	if len(slots) != 2 || len(slots["every"]) != 7 || len(slots["minute"]) < 9 {
		t.Errorf("%d slots of minute, %d of every", len(slots["minute"]), len(slots["every"]))
	}
	for name, list := range slots {
		interval := map[string]time.Duration{"minute": time.Minute, "every": 90 * time.Second}[name]
		for i := 1; i < len(list); i++ {
			if gap := list[i].Sub(list[i-1]); gap != interval {
				t.Errorf("%s: slots %s apart", name, gap)
			}
		}
	}
}

func TestScheduler_SpreadsStarts(t *testing.T) {
	var journeys []*Journey
	for i := range 100 {
		journeys = append(journeys, journey(fmt.Sprintf("j%d", i), "* * * * *"))
	}
	for _, test := range []struct {
		offset time.Duration
		starts int
	}{{0, 90}, {-1, 1}} {
		fake := &fakeExecutor{takes: time.Millisecond}
		schedule(t, fake, 2*time.Minute-time.Second, SchedulerOptions{Journeys: journeys, MaxOffset: test.offset, Queue: 100})
		starts := map[time.Time]bool{}
		for _, note := range fake.notes {
			starts[note.slot] = true
			if note.slot.Second() > 10 {
				t.Errorf("slot %s is more than 10 s late", note.slot)
			}
		}
		if len(fake.notes) < 100 || test.starts == 1 && len(starts) != len(fake.notes)/100 || len(starts) < test.starts {
			t.Errorf("offset %s: %d runs at %d times", test.offset, len(fake.notes), len(starts))
		}
	}
}

func TestScheduler_OverlapAndFullQueue(t *testing.T) {
	fake := &fakeExecutor{takes: 150 * time.Second}
	schedule(t, fake, 10*time.Minute-time.Second, SchedulerOptions{
		Journeys: []*Journey{journey("slow", "@every 1m")}, MaxOffset: -1,
	})
	// Due at 0 to 9 min; runs from 0, 3 and 6, and the one from 9 is cancelled.
	if len(fake.notes) != 10 || fake.count("passed") != 3 || fake.count("cancelled") != 1 || fake.count("overlap") != 6 {
		t.Errorf("got %v", fake.notes)
	}
	var journeys []*Journey
	for i := range 10 {
		journeys = append(journeys, journey(fmt.Sprint(i), "@every 1h"))
	}
	fake = &fakeExecutor{takes: time.Minute}
	schedule(t, fake, 30*time.Minute, SchedulerOptions{Journeys: journeys, MaxOffset: -1, Workers: 2, Queue: 3})
	if len(fake.notes) != 10 || fake.count("queue_full") < 5 || fake.count("queue_full") > 7 || fake.most > 2 {
		t.Errorf("got %v, at most %d at once", fake.notes, fake.most)
	}
}

func TestScheduler_LeavesReportsOnEnd(t *testing.T) {
	var journeys []*Journey
	for i := range 5 {
		journeys = append(journeys, journey(fmt.Sprint(i), "@every 1h"))
	}
	fake := &fakeExecutor{takes: time.Hour}
	schedule(t, fake, time.Minute, SchedulerOptions{Journeys: journeys, MaxOffset: -1, Workers: 1})
	if len(fake.notes) != 5 || fake.count("cancelled") != 5 {
		t.Errorf("got %v", fake.notes)
	}
}

func TestScheduler_SurvivesPanics(t *testing.T) {
	fake := &fakeExecutor{panic: true}
	schedule(t, fake, 5*time.Minute-time.Second, SchedulerOptions{
		Journeys: []*Journey{journey("a", "@every 1m")}, Workers: 1, MaxOffset: -1,
	})
	if len(fake.notes) != 5 {
		t.Errorf("%d runs", len(fake.notes))
	}
}

func TestScheduler_FilmsAfterAFailure(t *testing.T) {
	fake := &fakeExecutor{outcomes: []beacon.RunOutcome{beacon.RunFailed, beacon.RunFailed, beacon.RunPassed, beacon.RunAgentError, beacon.RunPassed}}
	schedule(t, fake, 5*time.Minute-time.Second, SchedulerOptions{
		Journeys: []*Journey{journey("a", "@every 1m")}, Workers: 1, MaxOffset: -1,
	})
	if want := []bool{false, true, true, false, false}; !slices.Equal(fake.filmed, want) {
		t.Errorf("filmed %v, want %v", fake.filmed, want)
	}
}

// TestScheduler_ClockJump lets the wall clock leap an hour ahead of the timers.
func TestScheduler_ClockJump(t *testing.T) {
	fake := &fakeExecutor{}
	var start time.Time
	schedule(t, fake, 5*time.Minute-time.Second, SchedulerOptions{
		Journeys: []*Journey{journey("a", "@every 1m")}, MaxOffset: -1,
		Now: func() time.Time {
			now := time.Now()
			if start.IsZero() {
				start = now
			}
			if now.Sub(start) > 2*time.Minute {
				return now.Add(time.Hour)
			}
			return now
		},
	})
	if n := len(fake.notes); n < 5 || n > 7 {
		t.Errorf("%d runs, want no burst", n)
	}
}

// TestScheduler_ClockSetBack puts the wall clock back by an hour.
func TestScheduler_ClockSetBack(t *testing.T) {
	fake := &fakeExecutor{}
	var start time.Time
	schedule(t, fake, 10*time.Minute-time.Second, SchedulerOptions{
		Journeys: []*Journey{journey("every", "@every 1m"), journey("cron", "* * * * *")}, MaxOffset: -1,
		Now: func() time.Time {
			now := time.Now()
			if start.IsZero() {
				start = now
			}
			if now.Sub(start) > 2*time.Minute+30*time.Second {
				return now.Add(-time.Hour)
			}
			return now
		},
	})
	runs := map[string]int{}
	for _, note := range fake.notes {
		runs[note.journey]++
	}
	for name, n := range runs {
		if n < 9 || n > 12 {
			t.Errorf("%s: %d runs, want them to go on", name, n)
		}
	}
	if len(runs) != 2 {
		t.Errorf("got %v", runs)
	}
}

func TestNewScheduler_Bad(t *testing.T) {
	for name, journeys := range map[string][]*Journey{
		"none":        nil,
		"by hand":     {journey("a", "")},
		"invalid":     {journey("a", "@every 0s")},
		"named twice": {journey("a", "@every 1m"), journey("a", "@every 2m")},
	} {
		if _, err := NewScheduler(SchedulerOptions{Journeys: journeys}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestOffset(t *testing.T) {
	if a, b := offset("a", 0, 10*time.Second), offset("a", 0, 10*time.Second); a != b || a < 0 || a >= 10*time.Second {
		t.Errorf("got %s and %s", a, b)
	}
	var short []time.Duration
	for i := range 20 {
		short = append(short, offset(fmt.Sprint(i), 2*time.Second, time.Minute))
	}
	if slices.Max(short) >= 2*time.Second {
		t.Errorf("got %v for an interval of 2 s", short)
	}
}

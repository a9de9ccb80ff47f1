package synthetic

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"throughline/beacon"
)

// Executor runs journeys and reports slots that were not run. [Runner] is one.
type Executor interface {
	Run(ctx context.Context, journey *Journey, options RunOptions) Result
	Skip(ctx context.Context, journey *Journey, slot time.Time, reason beacon.RunReason) Result
}

// SchedulerOptions configures a [Scheduler].
type SchedulerOptions struct {
	// Journeys are run by their schedules; those without one are left out.
	Journeys []*Journey
	Executor Executor
	// BaseURL overrides that of the journeys, if not empty.
	BaseURL string
	// Workers bounds how many journeys run at once; default one per core.
	Workers int
	// Queue bounds how many due runs wait for a worker; default 64. Those that
	// find it full are reported as skipped.
	Queue int
	// MaxOffset bounds by how much a journey's slots are moved so that journeys
	// do not start together: by its name, the same on every start. Default 10 s;
	// negative means not at all.
	MaxOffset time.Duration
	// Now is the clock; default time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// Scheduler runs journeys when they are due. No journey runs twice at once, and
// every slot leaves a run report: of a run, or of why there was none. Slots that
// passed while the machine slept, or that a clock set forward leapt over, leave
// none. When the clock is set back, schedules begin anew by it.
type Scheduler struct {
	executor Executor
	entries  []*entry
	queue    chan job
	workers  int
	baseURL  string
	now      func() time.Time
	log      *slog.Logger
}

// entry is a journey with its next slot. Only Run's goroutine touches due.
type entry struct {
	journey  *Journey
	schedule *Schedule
	offset   time.Duration
	due      time.Time
	// busy is set from when a slot is queued until its run has ended.
	busy atomic.Bool
	// failed says that the last run did; it is of whoever has set busy.
	failed bool
}

type job struct {
	entry *entry
	slot  time.Time
}

// maxSleep bounds how long the scheduler trusts a timer, since those do not
// notice that the wall clock was set.
const maxSleep = 10 * time.Second

// NewScheduler checks the schedules. It fails if one is invalid or two journeys
// have the same name.
func NewScheduler(options SchedulerOptions) (*Scheduler, error) {
	s := &Scheduler{
		executor: options.Executor,
		queue:    make(chan job, positive(options.Queue, 64)),
		workers:  positive(options.Workers, runtime.GOMAXPROCS(0)),
		baseURL:  options.BaseURL,
		now:      options.Now,
		log:      options.Log,
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	maxOffset := options.MaxOffset
	if maxOffset == 0 {
		maxOffset = 10 * time.Second
	}
	names := map[string]bool{}
	for _, journey := range options.Journeys {
		if names[journey.Name] {
			return nil, fmt.Errorf("two journeys are named %q", journey.Name)
		}
		names[journey.Name] = true
		if journey.Schedule == "" {
			continue
		}
		schedule, err := ParseSchedule(journey.Schedule)
		if err != nil {
			return nil, fmt.Errorf("journey %q: schedule: %w", journey.Name, err)
		}
		s.entries = append(s.entries, &entry{
			journey:  journey,
			schedule: schedule,
			offset:   offset(journey.Name, schedule.every, maxOffset),
		})
	}
	if len(s.entries) == 0 {
		return nil, errors.New("no journey has a schedule")
	}
	return s, nil
}

func positive(value, fallback int) int {
	if value > 0 {
		return value
	}
	return fallback
}

// offset is where a journey starts within the bound, by its name.
func offset(name string, every, bound time.Duration) time.Duration {
	if every > 0 {
		bound = min(bound, every)
	}
	if bound <= 0 {
		return 0
	}
	hash := fnv.New64a()
	hash.Write([]byte(name))
	return time.Duration(hash.Sum64() % uint64(bound)).Truncate(time.Millisecond)
}

// Run runs journeys until ctx ends. Then it cancels what runs, and returns when
// every slot that was taken has left its report.
func (s *Scheduler) Run(ctx context.Context) {
	last := s.now().Round(0)
	s.begin(last)
	var workers sync.WaitGroup
	for range s.workers {
		workers.Go(func() { s.work(ctx) })
	}
	for ctx.Err() == nil {
		now := s.now().Round(0)
		if now.Before(last) {
			s.log.Warn("the clock was set back, schedules begin anew", "by", last.Sub(now))
			s.begin(now)
		}
		last = now
		for _, entry := range s.entries {
			if !entry.due.After(now) {
				s.dispatch(ctx, entry)
				entry.plan(now)
			}
		}
		s.sleep(ctx, now)
	}
	close(s.queue)
	workers.Wait()
}

// begin plans every journey's first slot from a time on, where intervals begin.
func (s *Scheduler) begin(at time.Time) {
	for _, entry := range s.entries {
		entry.schedule.anchor = at
		entry.plan(at.Add(-time.Nanosecond))
	}
}

// plan sets the first slot after a time. Slots that passed while the machine
// slept are not made up for.
func (e *entry) plan(after time.Time) {
	e.due = e.schedule.Next(after.Add(-e.offset)).Add(e.offset)
}

// dispatch hands a slot to a worker, or reports why not.
func (s *Scheduler) dispatch(ctx context.Context, entry *entry) {
	if !entry.busy.CompareAndSwap(false, true) {
		s.executor.Skip(ctx, entry.journey, entry.due, beacon.ReasonOverlap)
		return
	}
	select {
	case s.queue <- job{entry: entry, slot: entry.due}:
	default:
		entry.busy.Store(false)
		s.executor.Skip(ctx, entry.journey, entry.due, beacon.ReasonQueueFull)
	}
}

// sleep waits for the next slot.
func (s *Scheduler) sleep(ctx context.Context, now time.Time) {
	wait := maxSleep
	for _, entry := range s.entries {
		wait = min(wait, entry.due.Sub(now))
	}
	timer := time.NewTimer(max(wait, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// work runs what is queued, also what is left when ctx has ended: such runs end
// at once, with a report.
func (s *Scheduler) work(ctx context.Context) {
	for job := range s.queue {
		s.runOne(ctx, job)
	}
}

func (s *Scheduler) runOne(ctx context.Context, job job) {
	defer job.entry.busy.Store(false)
	defer func() {
		if caught := recover(); caught != nil {
			s.log.Error("journey run panicked", "journey", job.entry.journey.Name, "panic", caught)
		}
	}()
	// A film costs the page time, so it is for finding out why it fails again.
	result := s.executor.Run(ctx, job.entry.journey, RunOptions{Slot: job.slot, BaseURL: s.baseURL, Film: job.entry.failed})
	job.entry.failed = result.Outcome == beacon.RunFailed
}

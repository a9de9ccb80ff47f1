package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// machine runs a queue against a model of what it must do, over crashes and
// failing disks.
type machine struct {
	t      *rapid.T
	random *rand.Rand
	disk   *memDisk
	queue  *Queue
	now    atomic.Int64 // Unix seconds
	// records by the number that they hold.
	next      int
	safe      map[int]bool // Wait said that they are
	refused   map[int]bool // Wait said that they are not; a crash may bring them back
	delivered map[int]bool // were in a range that is done
	ranges    map[Position]handedOut
	highest   Position
	state     string // the last one that is durable
	out       *Range
	failing   int // percent of disk operations
	// segment and record are the largest sizes in bytes.
	segment, record int
	spoiled         bool         // something cannot be read
	unreadable      map[int]bool // stand where the disk cannot read; each may come once, or not at all
}

// handedOut is a range as it came.
type handedOut struct {
	to      Position
	records []int
}

const modelSegment = 4096

func newMachine(t *rapid.T, segment, record int) *machine {
	m := &machine{
		t: t, random: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), disk: newMemDisk(),
		safe: map[int]bool{}, refused: map[int]bool{},
		delivered: map[int]bool{}, ranges: map[Position]handedOut{}, unreadable: map[int]bool{},
		segment: segment, record: record,
	}
	m.now.Store(1772323200)
	m.open()
	return m
}

func (m *machine) open() {
	q, err := Open(Options{
		disk: m.disk, MaxBytes: 64 * int64(m.segment), SegmentBytes: int64(m.segment), MaxRecordBytes: m.segment / 4,
		KeepFor: time.Minute, Preamble: []byte("preamble"), Now: func() time.Time { return time.Unix(m.now.Load(), 0) }, Log: quiet(), healEvery: time.Millisecond, readPause: time.Microsecond,
		elapsed: func() time.Duration { return time.Duration(m.now.Load()) * time.Second },
	})
	if err != nil {
		m.t.Fatalf("open: %v", err)
	}
	if q.end < m.highest {
		m.t.Fatalf("the log goes on at %d, which was used up to %d", q.end, m.highest)
	}
	if got := string(q.State()); got != m.state {
		m.t.Fatalf("state %q, want %q", got, m.state)
	}
	m.queue, m.out = q, nil
}

// put enqueues some records and waits for their fate.
func (m *machine) put() {
	type waiting struct {
		number int
		commit *Commit
	}
	var list []waiting
	var mu sync.Mutex
	settled := map[int]error{}
	for range rapid.IntRange(1, 8).Draw(m.t, "records") {
		number := m.next
		m.next++
		record := fmt.Appendf(nil, "%08d%s", number, bytes.Repeat([]byte("x"), rapid.IntRange(0, m.record).Draw(m.t, "size")))
		commit, err := m.queue.Enqueue(record, 1, func(end Position, err error) {
			mu.Lock()
			defer mu.Unlock()
			settled[number] = err
			m.highest = max(m.highest, end)
		})
		if err != nil {
			continue
		}
		list = append(list, waiting{number, commit})
	}
	for _, w := range list {
		err := w.commit.Wait(context.Background())
		mu.Lock()
		told, known := settled[w.number]
		mu.Unlock()
		if !known || (told == nil) != (err == nil) && err == nil {
			m.t.Fatalf("record %d: Wait says %v, settled %v %v", w.number, err, known, told)
		}
		if told == nil {
			m.safe[w.number] = true
		} else {
			m.refused[w.number] = true
		}
	}
}

// take takes the next range, which must be the one that it was before, if it
// was out before.
func (m *machine) take() {
	if m.out != nil {
		return
	}
	ctx := context.Background()
	if held(m.queue) == 0 {
		if !m.spoiled {
			return
		}
		// What could not be read when the log was opened may be readable now.
		soon, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		ctx = soon
	}
	r, err := m.queue.Next(ctx, Cut{MaxEvents: rapid.IntRange(1, 20).Draw(m.t, "cut"), MaxBytes: 1 << 20})
	if err != nil {
		if m.failing == 0 && (!m.spoiled || !errors.Is(err, errIO) && !errors.Is(err, context.DeadlineExceeded)) {
			m.t.Fatalf("next: %v", err)
		}
		return
	}
	m.check(r)
	m.out = &r
}

// check compares a range with what came before in its bounds.
func (m *machine) check(r Range) {
	now := handedOut{to: r.To}
	for _, item := range r.Items {
		now.records = append(now.records, m.number(item))
		if string(item.Preamble) != "preamble" {
			m.t.Fatalf("preamble %q", item.Preamble)
		}
	}
	readable := func(records []int) []int {
		return slices.DeleteFunc(slices.Clone(records), func(number int) bool { return m.unreadable[number] })
	}
	if before, known := m.ranges[r.From]; known && (before.to != now.to || !slices.Equal(readable(before.records), readable(now.records))) {
		m.t.Fatalf("the range from %d is %v, and was %v", r.From, now, before)
	}
	m.ranges[r.From] = now
}

func (m *machine) number(item Item) (number int) {
	if _, err := fmt.Sscanf(string(item.Data[:8]), "%d", &number); err != nil {
		m.t.Fatal(err)
	}
	return number
}

// done deals with the range that is out.
func (m *machine) done() {
	if m.out == nil {
		return
	}
	state := fmt.Sprintf("state %d", rapid.IntRange(0, 1<<30).Draw(m.t, "state"))
	if err := m.queue.Done(*m.out, []byte(state)); err != nil {
		if m.failing == 0 {
			m.t.Fatalf("done: %v", err)
		}
		return
	}
	m.state = state
	for _, item := range m.out.Items {
		number := m.number(item)
		if m.delivered[number] || !m.safe[number] && !m.refused[number] {
			m.t.Fatalf("record %d came again, or from nowhere", number)
		}
		m.delivered[number] = true
	}
	m.out = nil
}

// crash loses what was not synced, and opens what is left.
func (m *machine) crash() {
	failing := m.failing
	m.misbehave(0)
	after := m.disk.crash(m.random)
	if err := m.queue.Release(); err != nil {
		m.t.Fatalf("release: %v", err)
	}
	m.disk = after
	m.open()
	m.misbehave(failing)
}

// misbehave makes so many percent of the disk's operations fail.
func (m *machine) misbehave(percent int) {
	m.failing = percent
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.fail = nil
	if percent > 0 {
		random := rand.New(rand.NewPCG(m.random.Uint64(), 0))
		m.disk.fail = func(string) error {
			if random.IntN(100) < percent {
				return errIO
			}
			return nil
		}
	}
}

// heal makes the disk good again, and the log notice.
func (m *machine) heal() {
	m.misbehave(0)
	var broken *BrokenError
	for errors.As(m.queue.Err(), &broken) {
		time.Sleep(time.Millisecond)
	}
}

// Whatever is done, whenever the power fails or the disk: what was told to be
// safe comes out once, ranges are what they were, the state is the last one,
// and positions are new.
func TestQueue_KeepsItsPromisesOverCrashesAndDiskFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t, modelSegment, 600)
		for range rapid.IntRange(20, 150).Draw(t, "steps") {
			m.now.Add(int64(rapid.IntRange(0, 30).Draw(t, "seconds")))
			switch rapid.IntRange(0, 9).Draw(t, "step") {
			case 0, 1, 2:
				m.put()
			case 3, 4:
				m.take()
			case 5, 6:
				m.done()
			case 7:
				m.crash()
			case 8:
				m.misbehave(rapid.IntRange(0, 40).Draw(t, "percent failing"))
			case 9:
				m.heal()
			}
		}
		m.heal()
		for m.out != nil || held(m.queue) > 0 {
			m.take()
			m.done()
		}
		m.finish()
	})
}

// finish checks that everything came out, but for what could not be read.
func (m *machine) finish() {
	for number := range m.safe {
		if !m.delivered[number] && !m.unreadable[number] {
			m.t.Fatalf("record %d is lost", number)
		}
	}
	if err := m.queue.Release(); err != nil {
		m.t.Fatal(err)
	}
}

// spoil makes a stretch of a segment's frames unreadable, for some reads or for ever.
func (m *machine) spoil() {
	m.heal() // it changes which segments there are
	m.queue.mu.Lock()
	segments := slices.Clone(m.queue.segments)
	m.queue.mu.Unlock()
	if len(segments) == 0 {
		return
	}
	s := rapid.SampledFrom(segments).Draw(m.t, "segment")
	blocks := m.segment / blockBytes
	from := rapid.IntRange(0, blocks-1).Draw(m.t, "first block")
	to := rapid.IntRange(from+1, blocks).Draw(m.t, "behind the last block")
	bad := badStretch{max(s.header, int64(from*blockBytes)), int64(to * blockBytes), rapid.IntRange(0, 3).Draw(m.t, "reads") - 1}
	if bad.left == 0 {
		return
	}
	limit := s.first + Position(s.size-s.header)
	for w := newWalker(&segment{file: &memFile{newMemDisk(), &inode{data: m.disk.content(s.name)}}, first: s.first, header: s.header}, m.queue.id, maxPlausibleBytes, s.first, limit); bad.left < 0; {
		f, err := w.next()
		if err != nil {
			break
		}
		if !f.damaged && s.offset(f.at) < bad.to && s.offset(f.end) > bad.from {
			m.unreadable[m.number(Item{Data: f.data})] = true
		}
	}
	m.disk.spoil(s.name, bad)
	m.spoiled = true
}

// drain takes everything out.
func (m *machine) drain() {
	m.queue.Close()
	for {
		m.done()
		r, err := m.queue.Next(context.Background(), Cut{MaxEvents: 20, MaxBytes: 1 << 20})
		switch {
		case errors.Is(err, io.EOF):
			return
		case err == nil:
			m.check(r)
			m.out = &r
		case !errors.Is(err, errIO):
			m.t.Fatalf("next: %v", err)
		}
		m.now.Add(1)
	}
}

// Wherever the disk cannot read, for a moment or for ever: the log opens,
// everything outside of such a stretch comes out once, and nothing comes twice.
func TestQueue_KeepsItsPromisesAroundUnreadableStretches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t, 8*blockBytes, 3000)
		for range rapid.IntRange(20, 100).Draw(t, "steps") {
			m.now.Add(int64(rapid.IntRange(0, 10).Draw(t, "seconds")))
			switch rapid.IntRange(0, 8).Draw(t, "step") {
			case 0, 1, 2:
				m.put()
			case 3, 4:
				m.take()
			case 5:
				m.done()
			case 6:
				m.crash()
			case 7:
				m.spoil()
			case 8:
				m.heal()
			}
		}
		m.heal()
		m.drain()
		m.finish()
	})
}

func held(q *Queue) int {
	events, _ := q.Held()
	return events
}

package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
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
	ranges    map[Position]string
	highest   Position
	state     string // the last one that is durable
	out       *Range
	failing   int // percent of disk operations
}

const modelSegment = 4096

func (m *machine) open() {
	q, err := Open(Options{
		disk: m.disk, MaxBytes: 64 * modelSegment, SegmentBytes: modelSegment, MaxRecordBytes: 1 << 10,
		KeepFor: time.Minute, Preamble: []byte("preamble"), Now: func() time.Time { return time.Unix(m.now.Load(), 0) }, Log: quiet(), healEvery: time.Millisecond, readPause: time.Microsecond,
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
		record := fmt.Appendf(nil, "%08d%s", number, bytes.Repeat([]byte("x"), rapid.IntRange(0, 600).Draw(m.t, "size")))
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
	if events, _ := m.queue.Held(); events == 0 {
		return
	}
	r, err := m.queue.Next(context.Background(), Cut{MaxEvents: rapid.IntRange(1, 20).Draw(m.t, "cut"), MaxBytes: 1 << 20})
	if err != nil {
		if m.failing == 0 {
			m.t.Fatalf("next: %v", err)
		}
		return
	}
	content := fmt.Sprint(r.To)
	for _, item := range r.Items {
		content += " " + string(item.Data[:8])
		if string(item.Preamble) != "preamble" {
			m.t.Fatalf("preamble %q", item.Preamble)
		}
	}
	if before, known := m.ranges[r.From]; known && before != content {
		m.t.Fatalf("the range from %d is %s, and was %s", r.From, content, before)
	}
	m.ranges[r.From] = content
	m.out = &r
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
		var number int
		if _, err := fmt.Sscanf(string(item.Data[:8]), "%d", &number); err != nil {
			m.t.Fatal(err)
		}
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
		m := &machine{
			t: t, random: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)), disk: newMemDisk(),
			safe: map[int]bool{}, refused: map[int]bool{},
			delivered: map[int]bool{}, ranges: map[Position]string{},
		}
		m.now.Store(1772323200)
		m.open()
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
		for number := range m.safe {
			if !m.delivered[number] {
				t.Fatalf("record %d is lost", number)
			}
		}
		if err := m.queue.Release(); err != nil {
			t.Fatal(err)
		}
	})
}

func held(q *Queue) int {
	events, _ := q.Held()
	return events
}

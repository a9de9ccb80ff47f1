package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// defaultHealEvery is how often a broken log looks whether the disk takes it again.
const defaultHealEvery = time.Second

// Commit is the fate of what was put in together.
type Commit struct {
	done chan struct{}
	err  error
}

// Wait returns once the fate of all the records is known, with nil when they
// are safe. An error says that some are not kept, and settled says which; but
// for that of ctx, after which it is not known.
func (c *Commit) Wait(ctx context.Context) error {
	if ctx.Done() == nil {
		<-c.done
		return c.err
	}
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// group is what will be written at once.
type group struct {
	data    []byte // frames, their headers still empty
	entries []entry
	commit  *Commit
}

// entry is one record of a group.
type entry struct {
	offset, length, events int
	at                     time.Time
	settled                func(end Position, err error)
}

func newGroup() *group { return &group{commit: &Commit{done: make(chan struct{})}} }

func (g *group) add(record []byte, e entry) {
	e.offset, e.length = len(g.data), len(record)
	g.data = append(g.data, make([]byte, frameHeaderBytes)...)
	g.data = append(g.data, record...)
	g.data = append(g.data, make([]byte, e.offset+frameBytes(len(record))-len(g.data))...)
	g.entries = append(g.entries, e)
}

// Enqueue copies a record, which stands for so many events, to the end of the
// log. It does not wait for the disk: the Commit tells when the record is safe.
//
// settled is called once for every record, in the order of the log, before
// Wait returns and before the record is handed out: with the position behind
// the record, or with the error for which it was not kept. It must be quick.
//
// Errors are [ErrFull], [ErrClosed], [ErrTooLarge] and [BrokenError]; then
// settled is not called.
func (q *Queue) Enqueue(record []byte, events int, settled func(end Position, err error)) (*Commit, error) {
	if len(record) > q.o.MaxRecordBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(record))
	}
	q.mu.Lock()
	if err := q.refusal(int64(frameBytes(len(record)))); err != nil {
		q.mu.Unlock()
		return nil, err
	}
	q.pending.add(record, entry{events: events, at: q.o.Now(), settled: settled})
	commit := q.pending.commit
	q.mu.Unlock()
	q.wake()
	return commit, nil
}

// Barrier returns what to wait for until everything that was put in so far has
// been told its fate. Its own fate is that of what was put in last.
func (q *Queue) Barrier() (*Commit, error) {
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return nil, ErrClosed
	}
	commit := q.pending.commit
	q.mu.Unlock()
	q.wake()
	return commit, nil
}

func (q *Queue) wake() {
	select {
	case q.kick <- struct{}{}:
	default:
	}
}

// commitAll writes groups until the queue is released. A group is what came
// since the one before was begun, at least CommitEvery ago: the first after a
// pause is written at once, and under load many share the cost of a write.
func (q *Queue) commitAll() {
	defer close(q.stopped)
	var spare *group // whose memory is used again
	heal := time.NewTicker(cmp.Or(q.o.healEvery, defaultHealEvery))
	defer heal.Stop()
	var begun time.Time
	for {
		select {
		case <-q.kick:
		case <-heal.C:
			q.heal()
			continue
		}
		time.Sleep(q.o.CommitEvery - time.Since(begun))
		begun = time.Now()
		g, ended := q.take(spare)
		q.commit(g)
		if spare = g; ended {
			q.discardReady()
			return
		}
	}
}

// take returns what waits and begins another group, in the spare's memory.
func (q *Queue) take(spare *group) (g *group, ended bool) {
	const keepBytes = 4 << 20
	next := newGroup()
	if spare != nil && cap(spare.data) <= keepBytes {
		clear(spare.entries)
		next.data, next.entries = spare.data[:0], spare.entries[:0]
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	g, q.pending = q.pending, next
	q.committing = int64(len(g.data))
	return g, q.ended
}

// commit writes a group, a segment's worth at a time, and tells its entries.
func (q *Queue) commit(g *group) {
	for start := 0; start < len(g.entries); {
		s, room, err := q.room(frameBytes(g.entries[start].length))
		stop := start
		from := g.entries[start].offset
		for stop < len(g.entries) && g.entries[stop].offset+frameBytes(g.entries[stop].length)-from <= room {
			stop++
		}
		if err == nil {
			err = q.write(s, g, start, stop)
		}
		if err != nil {
			q.fail(g, start, err)
			break
		}
		start = stop
	}
	q.mu.Lock()
	q.committing = 0
	q.signal()
	q.mu.Unlock()
	close(g.commit.done)
}

// room returns the segment that has room for a frame of that size, a new one
// if need be, and how much there is.
func (q *Queue) room(size int) (*segment, int, error) {
	q.mu.Lock()
	broken, s := q.broken, q.writable()
	q.mu.Unlock()
	if broken != nil {
		return nil, 0, &BrokenError{broken}
	}
	if s != nil {
		if room := q.o.SegmentBytes - s.offset(s.end); room >= int64(size) {
			return s, int(room), nil
		}
	}
	s, err := q.begin()
	if err != nil {
		return nil, 0, err
	}
	return s, int(q.o.SegmentBytes - s.offset(s.end)), nil
}

// writable is the segment that takes records, nil if there is none.
func (q *Queue) writable() *segment {
	if !q.open {
		return nil
	}
	return q.segments[len(q.segments)-1]
}

// begin begins a new segment at the end of what is committed. The committer
// calls it, without the lock: the disk may take its time.
func (q *Queue) begin() (*segment, error) {
	q.mu.Lock()
	q.open = false
	end, first := q.end, max(q.end, q.free)
	var empty *segment
	if n := len(q.segments); n > 0 && q.segments[n-1].first == end && q.segments[n-1].end == end {
		empty, q.segments = q.segments[n-1], q.segments[:n-1] // nothing in it counts
	}
	q.mu.Unlock()
	if empty != nil {
		q.discard([]*segment{empty})
	}
	q.prune()
	q.mu.Lock()
	needed := q.diskBytes() + q.o.SegmentBytes
	q.mu.Unlock()
	if needed > q.o.MaxBytes {
		return nil, fmt.Errorf("%w: its segments are not dealt with", ErrFull)
	}
	b, err := q.blank()
	if noRoom(err) && q.sacrifice() {
		b, err = q.blank()
	}
	if err != nil {
		return nil, err
	}
	s, err := b.segment(q.id, end, first, q.o.Now(), q.o.Preamble)
	if err != nil {
		return nil, err
	}
	s.newest = q.o.elapsed()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.segments = append(q.segments, s)
	q.open = true
	q.end = first // what is between is nobody's
	return s, nil
}

// blank returns the file that was made ready for the next segment, or makes
// one, and lets another be made ready.
func (q *Queue) blank() (b blank, err error) {
	if q.making == nil { // the first time, and after a failure
		q.makeReady()
	}
	made := <-q.making
	q.making = nil
	if made.err == nil {
		q.makeReady()
	}
	return made.blank, made.err
}

// making is a blank that is being made.
type making struct {
	blank blank
	err   error
}

// makeReady makes the next segment's file meanwhile. The committer calls it.
func (q *Queue) makeReady() {
	number, ready := q.number, make(chan making, 1)
	q.number++
	q.making = ready
	go func() {
		b, err := makeBlank(q.disk, number, q.o.SegmentBytes)
		ready <- making{b, err}
	}()
}

// discardReady removes the file that was made ready and not used.
func (q *Queue) discardReady() {
	if q.making == nil {
		return
	}
	if made := <-q.making; made.err == nil {
		_ = made.blank.file.Close()
		_ = q.disk.remove(made.blank.name) // otherwise the next start will
	}
}

// write makes the entries from start to stop durable and tells them.
func (q *Queue) write(s *segment, g *group, start, stop int) error {
	from, to := g.entries[start].offset, len(g.data)
	if stop < len(g.entries) {
		to = g.entries[stop].offset
	}
	base := s.end - Position(from)
	for _, e := range g.entries[start:stop] {
		seal(g.data[e.offset:], q.id, base+Position(e.offset), frameHeader{length: e.length, events: e.events, at: e.at})
	}
	if _, err := s.file.WriteAt(g.data[from:to], s.offset(s.end)); err != nil {
		return fmt.Errorf("write segment %s: %w", s.name, err)
	}
	if err := s.file.datasync(); err != nil {
		return fmt.Errorf("sync segment %s: %w", s.name, err)
	}
	events := 0
	for _, e := range g.entries[start:stop] {
		events += e.events
		e.settled(base+Position(e.offset+frameBytes(e.length)), nil)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s.end = base + Position(to)
	s.newest = q.o.elapsed()
	q.end = s.end
	q.events += events
	q.fresh += events
	q.bytes += int64(to - from)
	q.committing -= int64(to - from)
	q.signal()
	return nil
}

// fail tells the entries from start on that they are not kept. The segment is
// abandoned at its committed end: what a failed sync left behind is never
// synced again, since the kernel may have forgotten the failure by then.
func (q *Queue) fail(g *group, start int, err error) {
	q.mu.Lock()
	q.open = false
	var broken *BrokenError
	if !errors.As(err, &broken) {
		q.broken = err
		q.o.Log.Error("the log cannot be written; reports are refused until it can", "error", err)
	}
	q.mu.Unlock()
	g.commit.err = err
	for _, e := range g.entries[start:] {
		e.settled(0, err)
	}
}

// heal looks whether the disk takes a new segment, and takes records again.
func (q *Queue) heal() {
	q.mu.Lock()
	healthy := q.broken == nil
	q.mu.Unlock()
	if healthy {
		return
	}
	_, err := q.begin()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken = err; err == nil {
		q.o.Log.Info("the log can be written again")
	}
}

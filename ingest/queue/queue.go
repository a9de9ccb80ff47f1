// Package queue is a first-in-first-out queue on disk: a log of records that
// are safe before anybody is told so, and that are handed out in frozen ranges
// until each range has been dealt with.
//
// Records go into segment files of fixed size; one goroutine writes them,
// everything that came while the last write was on its way at once, with one
// fdatasync for all of it. A range is on disk as such before it is handed out,
// so that after a crash the very same range comes again. FORMAT.md describes
// the files. The package knows nothing of what it holds.
package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Position is a place in the log, in bytes since its beginning. Positions are
// never used twice, also not after a restart.
type Position uint64

// Errors of [Queue.Enqueue].
var (
	// ErrFull says that the log is at its bound; trying later may do.
	ErrFull = errors.New("the log is full")
	// ErrClosed says that the log takes nothing more.
	ErrClosed = errors.New("the log is closed")
	// ErrTooLarge is a record above the bound.
	ErrTooLarge = errors.New("the record is too large")
	// errNotDone is a second range while one is out.
	errNotDone = errors.New("the range before is not done")
	// ErrLocked says that another process has the directory.
	ErrLocked = errors.New("another process uses the log's directory")
)

// BrokenError says that the disk does not take records now. The log tries again
// by itself.
type BrokenError struct{ Err error }

// Error implements error.
func (e *BrokenError) Error() string { return "the log cannot be written: " + e.Err.Error() }

// Unwrap returns the disk's error.
func (e *BrokenError) Unwrap() error { return e.Err }

// VersionError is a file of a format that this program does not know yet.
type VersionError struct{ Version uint32 }

// Error implements error.
func (e *VersionError) Error() string {
	return fmt.Sprintf("the log has format %d, this program reads up to %d: use a newer one", e.Version, formatVersion)
}

// Options are the settings of a [Queue].
type Options struct {
	Dir string
	// MaxBytes bounds the log on disk; it takes records up to three segments less.
	MaxBytes int64
	// SegmentBytes is the size of a segment file.
	SegmentBytes int64
	// MaxRecordBytes bounds a record; it must fit into a segment.
	MaxRecordBytes int
	// KeepFor is how long records are kept for [Queue.Scan] that have been dealt
	// with, as long as there is room.
	KeepFor time.Duration
	// Preamble stands at the head of every segment and comes back with its records.
	Preamble []byte
	Now      func() time.Time
	Log      *slog.Logger

	// Of tests:
	disk      disk          // nil is Dir
	healEvery time.Duration // 0 is defaultHealEvery
}

// Queue is safe for concurrent use by any number of producers and one consumer.
type Queue struct {
	o       Options
	id      logID
	disk    disk
	keeping sync.Mutex // one checkpoint at a time
	locked  *os.File   // nil without a real directory
	found   Recovery
	stopped chan struct{} // closed when the committer has ended
	number  uint64        // of the next segment file; the committer's
	making  chan making   // delivers the next segment's file; the committer's

	mu       sync.Mutex
	segments []*segment // in order; the last one is written, unless broken
	open     bool       // the last segment takes records
	broken   error      // why nothing is taken; nil when it is
	closed   bool       // nothing is taken any more
	ended    bool       // nothing is committed any more
	pending  *group     // what waits to be committed
	kick     chan struct{}
	changed  chan struct{} // closed and replaced when there is more, or no more
	ranged   []byte        // the records of the range that is out; the consumer's
	// cursor ≤ handed ≤ end: dealt with, handed out, committed.
	kept        checkpoint
	handed, end Position
	free        Position // where the next segment begins at the least
	handedOut   bool     // a range is, and not done
	events      int      // between cursor and end
	bytes       int64    // between cursor and end
	fresh       int      // events between handed and end
	committing  int64    // bytes that are on their way to the disk
}

// maxPlausibleBytes bounds what is read as a record. It does not depend on the
// options, which may have been others when the record was written.
const maxPlausibleBytes = 64 << 20

// maxPendingBytes bounds what waits in memory for the disk, but for one record.
const maxPendingBytes = 16 << 20

// maxKeptBytes of memory are used again for the next range.
const maxKeptBytes = 32 << 20

// Open takes the directory and recovers what is in it. Only one process can;
// for others it fails with [ErrLocked]. A log of a newer format is a
// [VersionError]; nothing is touched then.
func Open(o Options) (_ *Queue, err error) {
	q := &Queue{
		o: o, disk: o.disk, pending: newGroup(), stopped: make(chan struct{}),
		kick: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	q.o.MaxRecordBytes = min(o.MaxRecordBytes, int(o.SegmentBytes)-len(segmentHeader(q.id, 0, 0, time.Time{}, o.Preamble))-2*frameHeaderBytes)
	if q.disk == nil {
		if q.locked, err = lock(o.Dir); err != nil {
			return nil, err
		}
		q.disk = directory{o.Dir}
	}
	r, err := recoverLog(q.disk, maxPlausibleBytes)
	if err == nil {
		err = makeCheckpoints(q.disk)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the log in %s: %w", o.Dir, err), q.unlock())
	}
	q.id, q.segments, q.kept, q.found = r.checkpoint.id, r.segments, r.checkpoint, r.Recovery
	q.number = r.number
	q.handed, q.end = r.checkpoint.cursor, r.end
	// Files that are damaged or gone may have held more than is known.
	q.free = r.free + Position(int64(1+len(r.SetAside))*o.SegmentBytes)
	q.events, q.bytes, q.fresh = r.Events, r.bytes, r.Events
	go q.commitAll()
	return q, nil
}

func (q *Queue) unlock() error {
	if q.locked == nil {
		return nil
	}
	return q.locked.Close()
}

// ID names the log: 16 hexadecimal characters that stay the same over restarts.
func (q *Queue) ID() string { return q.id.String() }

// Recovered says what was found at the start.
func (q *Queue) Recovered() Recovery { return q.found }

// State is what the last [Queue.Done] or [Queue.Checkpoint] kept, nil in a new log.
func (q *Queue) State() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.kept.state
}

// Held is how many events and bytes have not been dealt with.
func (q *Queue) Held() (events int, sizeBytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events, q.bytes
}

// Err says why nothing is taken now; nil when it is.
func (q *Queue) Err() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refusal(ordinaryBytes)
}

// ordinaryBytes is more than almost every record takes.
const ordinaryBytes = 64 << 10

// refusal says why a record of that size cannot be taken.
func (q *Queue) refusal(sizeBytes int64) error {
	switch {
	case q.closed:
		return ErrClosed
	case q.broken != nil:
		return &BrokenError{q.broken}
	// Segments are kept whole: one may be partly dealt with, one partly written,
	// and one is made ready.
	case q.bytes+q.committing+int64(len(q.pending.data))+sizeBytes > q.o.MaxBytes-3*q.o.SegmentBytes:
		return ErrFull
	case len(q.pending.data) > maxPendingBytes: // the disk takes longer than they come
		return ErrFull
	}
	return nil
}

// Close refuses further records; what is held can still be taken.
func (q *Queue) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.signal()
}

// Release ends everything and gives the directory back. What was not dealt
// with stays there.
func (q *Queue) Release() error {
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		<-q.stopped
		return nil
	}
	q.closed, q.ended = true, true
	q.signal()
	q.mu.Unlock()
	q.wake()
	<-q.stopped
	q.keeping.Lock() // a checkpoint that is being written
	defer q.keeping.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := errors.Join(closeAll(q.segments), q.unlock()); err != nil {
		return fmt.Errorf("release the log: %w", err)
	}
	return nil
}

func (q *Queue) signal() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Item is one record.
type Item struct {
	At, End  Position
	Data     []byte // valid until its range is done, or the scan goes on
	Preamble []byte
	Events   int
	// Acknowledged records have been dealt with; only [Queue.Scan] shows them.
	Acknowledged bool
}

// Scan shows every record that the log still holds, oldest first, also those
// that have been dealt with. It is for the time before the first record is put in.
func (q *Queue) Scan(each func(Item) error) error {
	q.mu.Lock()
	segments, cursor := append([]*segment(nil), q.segments...), q.kept.cursor
	q.mu.Unlock()
	for _, s := range segments {
		for w := newWalker(s, q.id, maxPlausibleBytes, s.first, s.end); ; {
			f, err := w.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("read segment %s: %w", s.name, err)
			}
			if f.damaged {
				continue
			}
			item := Item{At: f.at, End: f.end, Data: f.data, Preamble: s.preamble, Events: f.events, Acknowledged: f.at < cursor}
			if err := each(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// Cut says when waiting records become a range: at MaxEvents or MaxBytes, or
// when the first of them has waited for MaxAge.
type Cut struct {
	MaxEvents int
	MaxBytes  int64
	MaxAge    time.Duration
}

// Range is a frozen run of records.
type Range struct {
	// From and To are its bounds; the range of the same bounds always has the
	// same records.
	From, To Position
	Items    []Item
	Oldest   time.Time // when its first record came
	Events   int
}

// Next waits for the next range. After [Queue.Close] it returns what is held
// without delay, and then io.EOF. There is one range at a time: it must be
// given to [Queue.Done] before the next; after a restart it comes again.
func (q *Queue) Next(ctx context.Context, cut Cut) (Range, error) {
	for ctx.Err() == nil {
		s, wait, changed, err := q.ready(cut)
		if err != nil {
			return Range{}, err
		}
		if s != nil {
			r, err := q.freeze(s, cut)
			if err != nil || r.To > r.From {
				return r, err
			}
			continue // the segment ended; the next one follows
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
	return Range{}, ctx.Err()
}

// ready returns the segment that the next range is in, or how long to wait.
func (q *Queue) ready(cut Cut) (*segment, time.Duration, <-chan struct{}, error) {
	const noDeadline = time.Hour
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.handedOut {
		return nil, 0, nil, errNotDone
	}
	if q.handed >= q.end {
		if q.ended || q.closed && len(q.pending.entries) == 0 && q.committing == 0 {
			return nil, 0, nil, io.EOF
		}
		return nil, noDeadline, q.changed, nil
	}
	s := q.segmentAt(q.handed)
	if s == nil || s.first > q.handed { // a gap
		q.skipTo(s)
		return nil, 0, q.changed, nil
	}
	if q.kept.frozen > q.handed || q.closed || q.fresh >= cut.MaxEvents || int64(q.end-q.handed) >= cut.MaxBytes {
		return s, 0, nil, nil
	}
	age := q.o.Now().Sub(q.oldest(s))
	if age >= cut.MaxAge || age < 0 { // a clock that was set back keeps nobody waiting
		return s, 0, nil, nil
	}
	return nil, cut.MaxAge - age, q.changed, nil
}

// segmentAt returns the segment with the first record at or behind a position.
func (q *Queue) segmentAt(at Position) *segment {
	for _, s := range q.segments {
		if s.end > at {
			return s
		}
	}
	return nil
}

// skipTo moves behind a gap in the log.
func (q *Queue) skipTo(s *segment) {
	q.handed = q.end
	if s != nil {
		q.handed = s.first
	}
}

// oldest is when the first record came that has not been handed out.
func (q *Queue) oldest(s *segment) time.Time {
	header := make([]byte, frameHeaderBytes)
	if _, err := s.file.ReadAt(header, s.offset(q.handed)); err != nil {
		return time.Time{}
	}
	h, ok := readFrameHeader(header, q.id, q.handed, maxPlausibleBytes)
	if !ok {
		return time.Time{} // damaged: no reason to wait
	}
	return h.at
}

// freeze reads the next range from a segment and keeps its bounds. An empty
// range says that the segment has ended.
func (q *Queue) freeze(s *segment, cut Cut) (Range, error) {
	q.mu.Lock()
	from, limit, frozen := q.handed, min(s.end, q.end), q.kept.frozen
	q.mu.Unlock()
	if frozen > from {
		cut = Cut{MaxEvents: int(^uint(0) >> 1), MaxBytes: 1 << 62}
		limit = min(limit, frozen)
	}
	r, err := q.read(s, from, limit, cut)
	if err != nil {
		return Range{}, err
	}
	if frozen <= from && r.To > from {
		if err := q.keep(func(c *checkpoint) { c.frozen = r.To }); err != nil {
			return Range{}, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.handed, q.handedOut = r.To, r.To > r.From
	q.fresh -= r.Events
	if r.To >= q.end {
		q.fresh = 0 // damaged records were counted and never came
	}
	return r, nil
}

// read returns the records between two positions of a segment, as many as the
// cut allows, but one at least.
func (q *Queue) read(s *segment, from, limit Position, cut Cut) (Range, error) {
	r := Range{From: from, To: from}
	data := q.ranged[:0]
	for w := newWalker(s, q.id, maxPlausibleBytes, from, limit); ; {
		f, err := w.next()
		if errors.Is(err, io.EOF) {
			r.To = limit
			break
		}
		if err != nil {
			return Range{}, fmt.Errorf("read segment %s: %w", s.name, err)
		}
		if len(r.Items) > 0 && (r.Events+f.events > cut.MaxEvents || int64(f.end-from) > cut.MaxBytes) {
			break
		}
		r.To = f.end
		if f.damaged {
			continue
		}
		if len(r.Items) == 0 {
			r.Oldest = f.frameHeader.at
		}
		data = append(data, f.data...)
		r.Events += f.events
		r.Items = append(r.Items, Item{At: f.at, End: f.end, Preamble: s.preamble, Events: f.events, Data: data[len(data)-len(f.data):]})
	}
	if cap(data) <= maxKeptBytes {
		q.ranged = data
	}
	// data may have moved while it grew.
	for i, at := 0, 0; i < len(r.Items); i++ {
		size := len(r.Items[i].Data)
		r.Items[i].Data = data[at : at+size : at+size]
		at += size
	}
	return r, nil
}

// Done keeps that a range has been dealt with, together with the caller's
// state, and only then lets go of segments. When it fails, it is to be called again.
func (q *Queue) Done(r Range, state []byte) error {
	err := q.keep(func(c *checkpoint) { c.cursor, c.frozen, c.state = r.To, max(r.To, c.frozen), state })
	if err != nil {
		return err
	}
	q.mu.Lock()
	q.handedOut = false
	q.events -= r.Events
	q.bytes = max(0, q.bytes-int64(r.To-r.From))
	if r.To >= q.end {
		q.events, q.bytes = 0, 0
	}
	q.mu.Unlock()
	q.prune()
	return nil
}

// Checkpoint keeps the caller's state.
func (q *Queue) Checkpoint(state []byte) error {
	return q.keep(func(c *checkpoint) { c.state = state })
}

// keep changes the checkpoint, durably.
func (q *Queue) keep(change func(*checkpoint)) error {
	q.keeping.Lock()
	defer q.keeping.Unlock()
	q.mu.Lock()
	next, ended := q.kept, q.ended
	q.mu.Unlock()
	if ended {
		return ErrClosed // the directory may be another's
	}
	change(&next)
	next.sequence++
	if err := writeCheckpoint(q.disk, next); err != nil {
		return fmt.Errorf("keep what the log has handed out: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.kept = next
	return nil
}

// prune removes segments that have been dealt with and are old, or whose room
// is needed. What cannot be removed now is removed after the next start.
func (q *Queue) prune() {
	if unneeded := q.unneeded(false); len(unneeded) > 0 {
		q.discard(unneeded)
	}
}

// sacrifice removes what has been dealt with and is only kept for a restart,
// for the disk is full; false if there is nothing.
func (q *Queue) sacrifice() bool {
	kept := q.unneeded(true)
	if len(kept) == 0 {
		return false
	}
	q.o.Log.Warn("the disk is full: repeated deliveries of earlier reports may not be recognised after a restart", "segments", len(kept))
	q.discard(kept)
	return true
}

// discard removes segments.
func (q *Queue) discard(segments []*segment) {
	var errs []error
	for _, s := range segments {
		if err := q.disk.remove(s.name); !missing(err) {
			errs = append(errs, err)
		}
		errs = append(errs, s.file.Close())
	}
	if err := errors.Join(append(errs, q.disk.sync())...); err != nil {
		q.o.Log.Warn("could not remove segments of the log that are done with", "error", err)
	}
}

// unneeded takes the segments to remove out of the list; full says that there
// is no room on the disk for those that are only kept for a while.
func (q *Queue) unneeded(full bool) (list []*segment) {
	now := q.o.Now()
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.segments) > 1 || len(q.segments) == 1 && !q.open {
		s := q.segments[0]
		room := q.o.MaxBytes - int64(len(q.segments)+2)*q.o.SegmentBytes
		if s.end > q.kept.cursor || !full && now.Sub(s.newest) < q.o.KeepFor && room >= 0 {
			break
		}
		list, q.segments = append(list, s), q.segments[1:]
	}
	return list
}

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
	"cmp"
	"errors"
	"fmt"
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
	// CommitEvery is the least time between the beginnings of two groups; 0 begins
	// one as soon as the one before is written.
	CommitEvery time.Duration
	// KeepFor is how long at least records are kept for [Queue.Scan] that have been
	// dealt with, as long as there is room. It is measured by how long the process
	// runs, so a restart begins it anew, and setting the wall clock does nothing.
	KeepFor time.Duration
	// Preamble stands at the head of every segment and comes back with its records.
	Preamble []byte
	Now      func() time.Time // the wall clock
	Log      *slog.Logger

	// Of tests:
	disk      disk                 // nil is Dir
	healEvery time.Duration        // 0 is defaultHealEvery
	elapsed   func() time.Duration // by a clock that nobody sets; nil: since Open
	readPause time.Duration        // 0 is defaultReadPause
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
	doubt    doubt         // the consumer's
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

// Open takes the directory and recovers what is in it, around everything that
// is damaged or cannot be read. Only one process can; for others it fails with
// [ErrLocked]. A log of a newer format is a [VersionError]; nothing is touched then.
func Open(o Options) (_ *Queue, err error) {
	q := &Queue{
		o: o, disk: o.disk, pending: newGroup(), stopped: make(chan struct{}),
		kick: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	q.o.MaxRecordBytes = min(o.MaxRecordBytes, int(o.SegmentBytes)-len(segmentHeader(q.id, 0, 0, time.Time{}, o.Preamble))-2*frameHeaderBytes)
	if o.elapsed == nil {
		began := time.Now()
		q.o.elapsed = func() time.Duration { return time.Since(began) }
	}
	if q.disk == nil {
		if q.locked, err = lock(o.Dir); err != nil {
			return nil, err
		}
		q.disk = directory{o.Dir}
	}
	r, err := recoverLog(q.disk, maxPlausibleBytes, cmp.Or(o.readPause, defaultReadPause))
	if err == nil {
		err = r.makeCheckpoints(q.disk)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the log in %s: %w", o.Dir, err), q.unlock())
	}
	q.id, q.segments, q.kept, q.found = r.checkpoint.id, r.segments, r.checkpoint, r.Recovery
	q.number = r.number
	q.handed, q.end = r.checkpoint.cursor, r.end
	// Files that are damaged or gone may have held more than is known.
	q.free = r.free + Position(int64(1+r.aside)*o.SegmentBytes)
	q.events, q.bytes, q.fresh = r.Events, r.bytes, r.Events
	for _, s := range q.segments {
		s.newest = q.o.elapsed()
	}
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

// Recovered says what was found at the start, and what damage since.
func (q *Queue) Recovered() Recovery {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.found
}

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

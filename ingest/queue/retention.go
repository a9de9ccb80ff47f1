package queue

import (
	"errors"
	"syscall"
)

// prune removes segments that have been dealt with and are old, or whose room
// is needed. What cannot be removed now is removed after the next start.
func (q *Queue) prune() {
	if unneeded := q.unneeded(false); len(unneeded) > 0 {
		q.discard(unneeded)
	}
}

// sacrifice removes what has been dealt with and is only kept for a restart, if
// a failure says that the disk is full; false if there is nothing.
func (q *Queue) sacrifice(failure error) bool {
	if !errors.Is(failure, syscall.ENOSPC) && !errors.Is(failure, syscall.EDQUOT) {
		return false
	}
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
		room := q.o.MaxBytes - q.diskBytes() - 2*q.o.SegmentBytes // the next one, and one that is made ready
		if s.end > q.kept.cursor || !full && now.Sub(s.newest) < q.o.KeepFor && room >= 0 {
			break
		}
		list, q.segments = append(list, s), q.segments[1:]
	}
	return list
}

// diskBytes is what the segments take.
func (q *Queue) diskBytes() (sizeBytes int64) {
	for _, s := range q.segments {
		sizeBytes += s.size
	}
	return sizeBytes
}

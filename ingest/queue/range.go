package queue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// maxKeptBytes of memory are used again for the next range.
const maxKeptBytes = 32 << 20

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
	frozen    bool // the range has been cut before; its end is known
}

// ends says that what was found behind a range does not belong to it. What
// cannot be read is a range of its own; FORMAT.md says why.
func (c Cut) ends(r Range, f found) bool {
	switch {
	case c.frozen || r.To == r.From:
		return false
	case (r.unreadable == nil) != (f.unreadable == nil):
		return true
	}
	return len(r.Items) > 0 && (r.Events+f.events > c.MaxEvents || int64(f.end-r.From) > c.MaxBytes)
}

// Range is a frozen run of records.
type Range struct {
	// From and To are its bounds; the range of the same bounds always has the
	// same records, unless the disk cannot read them any more.
	From, To Position
	Items    []Item
	Oldest   time.Time // when its first record came
	Events   int

	unreadable  error // why the disk did not give all of it; nil if it did
	unread      int64 // bytes of it
	damagedAt   Position
	damaged     int64 // bytes
	damageSpots int
}

// Next waits for the next range. After [Queue.Close] it returns what is held
// without delay, and then io.EOF. There is one range at a time: it must be
// given to [Queue.Done] before the next; after a restart it comes again.
//
// While the disk cannot read the range it fails; calling it again may help, and
// after some seconds what cannot be read is taken for lost.
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
		cut = Cut{frozen: true}
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
	q.note(s, r)
	q.handed, q.handedOut = r.To, r.To > r.From
	q.fresh = max(0, q.fresh-r.Events)
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
		if cut.ends(r, f) {
			break
		}
		r.To = f.end
		if f.damaged {
			r.skip(f)
			continue
		}
		if len(r.Items) == 0 {
			r.Oldest = f.frameHeader.at
		}
		data = append(data, f.data...)
		r.Events += f.events
		r.Items = append(r.Items, Item{At: f.at, End: f.end, Preamble: s.preamble, Events: f.events, Data: data[len(data)-len(f.data):]})
	}
	switch {
	case r.unreadable == nil:
		q.doubt = doubt{}
	case !q.doubt.givesUp(from, r.unread, q.o.Now()):
		return Range{}, fmt.Errorf("read segment %s behind %d: %w", s.name, from, r.unreadable)
	}
	if cap(data) <= maxKeptBytes {
		q.ranged = data
	}
	r.place(data)
	return r, nil
}

// place points the items to their records, which may have moved while data grew.
func (r *Range) place(data []byte) {
	for i, at := 0, 0; i < len(r.Items); i++ {
		size := len(r.Items[i].Data)
		r.Items[i].Data = data[at : at+size : at+size]
		at += size
	}
}

// skip counts damage among the records of a range.
func (r *Range) skip(f found) {
	if f.unreadable != nil {
		r.unreadable = f.unreadable
		r.unread += int64(f.end - f.at)
	}
	if r.damageSpots == 0 {
		r.damagedAt = f.at
	}
	r.damageSpots++
	r.damaged += int64(f.end - f.at)
}

// note counts and tells of damage that was not there when the log was opened.
func (q *Queue) note(s *segment, r Range) {
	s.met += r.damaged
	if s.met <= s.skipped {
		return
	}
	q.found.SkippedSpots += r.damageSpots
	q.found.SkippedBytes += s.met - s.skipped
	s.skipped = s.met
	q.o.Log.Error("a part of the log is damaged; its records are lost",
		"segment", s.name, "position", r.damagedAt, "bytes", r.damaged, "spots", r.damageSpots, "error", r.unreadable)
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
	q.events = max(0, q.events-r.Events) // more may be readable than when the log was opened
	q.bytes = max(0, q.bytes-int64(r.To-r.From))
	if r.To >= q.end {
		q.events, q.bytes = 0, 0
	}
	q.mu.Unlock()
	q.prune()
	return nil
}

package queue

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Recovery is what was found when the log was opened, and what damage since.
type Recovery struct {
	Segments     int
	Records      int // that wait to be dealt with
	Events       int // in those records
	SkippedBytes int64
	SkippedSpots int // damaged places and gaps
	// SetAside are files that are no segment of this log, or that cannot be read;
	// they were renamed.
	SetAside []string
	// CheckpointLost says that what has been dealt with before is not known, so
	// that records may come again in other ranges.
	CheckpointLost bool
}

// LogValue implements slog.LogValuer.
func (r Recovery) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("segments", r.Segments), slog.Int("records", r.Records), slog.Int("events", r.Events),
		slog.Int64("skipped_bytes", r.SkippedBytes), slog.Int("skipped_spots", r.SkippedSpots),
		slog.Any("set_aside", r.SetAside), slog.Bool("checkpoint_lost", r.CheckpointLost))
}

// recovered is the state of a log as its files tell it.
type recovered struct {
	checkpoint checkpoint
	segments   []*segment // in order
	number     uint64     // of the next segment file
	end        Position   // behind the last frame
	free       Position   // where the log goes on: nothing was ever written there
	bytes      int64      // between cursor and end
	aside      int        // segments that were set aside, also by earlier starts
	unreadable []string   // files of checkpoints
	readPause  time.Duration
	Recovery
}

// recoverLog reads a directory. What it returns depends on nothing but the
// files; it renames files that it cannot read and removes segments without use.
// A file that tells of others is read again for a while, with that pause between.
func recoverLog(d disk, maxRecordBytes int, readPause time.Duration) (r recovered, err error) {
	r.readPause = readPause
	if err := r.loadCheckpoint(d); err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, closeAll(r.segments))
		}
	}()
	if err := r.openSegments(d); err != nil {
		return r, err
	}
	if r.checkpoint.id == (logID{}) {
		if _, err := rand.Read(r.checkpoint.id[:]); err != nil {
			return r, fmt.Errorf("draw the id of a log: %w", err)
		}
	}
	for i, s := range r.segments {
		if i+1 < len(r.segments) {
			s.end = max(s.first, r.segments[i+1].previous)
		}
		if err := r.examine(s, i+1 == len(r.segments), maxRecordBytes); err != nil {
			return r, err
		}
	}
	r.Segments = len(r.segments)
	r.end = max(r.checkpoint.cursor, r.checkpoint.frozen)
	r.free = r.end
	if len(r.segments) > 0 {
		first, last := r.segments[0], r.segments[len(r.segments)-1]
		r.end = max(r.end, last.end)
		if r.CheckpointLost || r.checkpoint.sequence == 0 {
			r.checkpoint.cursor, r.checkpoint.frozen = first.first, first.first
		}
		return r, r.settle(last)
	}
	return r, nil
}

// settle cuts off what the last segment does not use, since the next start will
// begin another one, and makes durable what was found in it, which may be in
// memory only. It finds what was possibly used once.
func (r *recovered) settle(last *segment) error {
	r.free = max(r.end, last.first+(Position(max(0, last.size-last.header))+frameAlign-1)&^(frameAlign-1))
	used := min(last.size, last.offset(last.end))
	err := last.file.truncate(used)
	if err == nil {
		err = last.file.datasync()
	}
	if err != nil {
		return fmt.Errorf("settle segment %s: %w", last.name, err)
	}
	last.size = used
	return nil
}

// candidate is a file with the name of a segment.
type candidate struct {
	name    string
	file    file
	id      logID
	segment *segment // nil if it is none
	err     error
}

// openSegments opens every segment of this log and sets aside what is none.
// Before a file is touched all have been looked at.
func (r *recovered) openSegments(d disk) error {
	names, err := d.list()
	if err != nil {
		return fmt.Errorf("list the log's segments: %w", err)
	}
	var list []candidate
	for _, name := range names {
		number, ok := segmentNumber(strings.TrimSuffix(name, setAsideSuffix))
		if !ok {
			continue
		}
		r.number = max(r.number, number+1)
		if strings.HasSuffix(name, setAsideSuffix) {
			r.aside++
			continue
		}
		c := candidate{name: name}
		if c.file, err = d.open(name, false); err != nil {
			return fmt.Errorf("open segment %s: %w", name, err)
		}
		c.id, c.segment, c.err = readSegmentHeader(patient{c.file, r.readPause})
		var version *VersionError
		if errors.As(c.err, &version) {
			return errors.Join(fmt.Errorf("open segment %s: %w", name, c.err), c.file.Close())
		}
		if c.err == nil {
			c.segment.name, c.segment.number, c.segment.file = name, number, c.file
		}
		if c.err == nil && r.checkpoint.id == (logID{}) {
			r.checkpoint.id = c.id // without a checkpoint, the first segment tells
		}
		list = append(list, c)
	}
	for _, c := range list {
		if err := r.take(d, c); err != nil {
			return err
		}
	}
	// An empty segment begins where its successor does.
	slices.SortFunc(r.segments, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.number, b.number))
	})
	return nil
}

// take takes a file for a segment of this log, removes it if it is unused, or
// sets it aside.
func (r *recovered) take(d disk, c candidate) error {
	switch {
	case c.err == nil && c.id == r.checkpoint.id:
		r.segments = append(r.segments, c.segment)
		return nil
	case errors.Is(c.err, errUnused):
		if err := errors.Join(c.file.Close(), d.remove(c.name)); err != nil {
			return fmt.Errorf("remove unused segment %s: %w", c.name, err)
		}
		return nil
	}
	if err := errors.Join(c.file.Close(), d.rename(c.name, c.name+setAsideSuffix)); err != nil {
		return fmt.Errorf("set segment %s aside: %w", c.name, err)
	}
	r.SetAside = append(r.SetAside, c.name)
	r.aside++
	r.SkippedSpots++
	return nil
}

// examine finds the end of the last segment, and counts what waits.
func (r *recovered) examine(s *segment, last bool, maxRecordBytes int) error {
	var err error
	if s.size, err = s.file.size(); err != nil {
		return fmt.Errorf("measure segment %s: %w", s.name, err)
	}
	limit := s.end
	if last {
		limit = s.first + Position(max(0, s.size-s.header))&^(frameAlign-1)
	}
	end := s.first
	for w := newWalker(s, r.checkpoint.id, maxRecordBytes, s.first, limit); ; {
		f, err := w.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read segment %s: %w", s.name, err)
		}
		end = f.end
		if f.damaged {
			r.skip(s, f.at, f.end)
			continue
		}
		if f.at >= r.checkpoint.cursor {
			r.Records++
			r.Events += f.events
			r.bytes += int64(f.end - f.at)
		}
	}
	if last {
		// What could not be read when a range was handed out may be zeros now: it
		// keeps its bounds.
		s.end = max(end, min(r.checkpoint.frozen, limit))
	} else if end < s.end {
		r.skip(s, end, s.end)
	}
	return nil
}

// skip counts lost bytes, unless they were dealt with before.
func (r *recovered) skip(s *segment, at, end Position) {
	if end > r.checkpoint.cursor {
		r.SkippedSpots++
		r.SkippedBytes += int64(end - at)
		s.skipped += int64(end - at)
	}
}

func closeAll(segments []*segment) error {
	var errs []error
	for _, s := range segments {
		errs = append(errs, s.file.Close())
	}
	return errors.Join(errs...)
}

package queue

import (
	"io"
	"slices"
)

// found is one thing that a walk comes by: a record, or bytes that are none.
type found struct {
	at, end Position
	frameHeader
	data    []byte // of a record; valid until the walk goes on
	damaged bool   // bytes between at and end are lost; events says how many, if that is known
	// unreadable is why the disk did not give some of the damaged bytes; nil when it did.
	unreadable error
}

// walker reads the frames of one segment in order. Damage is skipped up to the
// next frame; since a frame's header is sealed with its position, nothing else
// is taken for one. What cannot be read is damage.
type walker struct {
	segment        *segment
	id             logID
	maxRecordBytes int
	at, limit      Position
	window         []byte   // bytes of the file that were read
	windowAt       Position // of its first
	unread         []stretch
}

// stretch is a part of the log that cannot be read.
type stretch struct {
	from, to Position
	err      error
}

func newWalker(s *segment, id logID, maxRecordBytes int, from, limit Position) *walker {
	return &walker{segment: s, id: id, maxRecordBytes: maxRecordBytes, at: from, limit: limit}
}

// peek returns n bytes at a position, or fewer where the file or the limit ends.
func (w *walker) peek(at Position, n int) ([]byte, error) {
	n = min(n, int(min(w.limit-at, 1<<30)))
	if at >= w.windowAt && at+Position(n) <= w.windowAt+Position(len(w.window)) {
		return w.window[at-w.windowAt:][:n], nil
	}
	size := int(min(Position(max(n, readAheadBytes)), w.limit-at))
	if cap(w.window) < size {
		w.window = make([]byte, size)
	}
	w.unread = slices.DeleteFunc(w.unread, func(s stretch) bool { return s.to <= w.at })
	read, err := readAround(w.segment.file, w.window[:size], w.segment.offset(at), func(from, to int, err error) {
		w.unread = append(w.unread, stretch{at + Position(from), at + Position(to), err})
	})
	if err != nil {
		return nil, err
	}
	w.window, w.windowAt = w.window[:read], at
	return w.window[:min(n, read)], nil
}

// next returns what comes next, or io.EOF where only zeros or nothing are left.
func (w *walker) next() (found, error) {
	header, err := w.peek(w.at, frameHeaderBytes)
	if err != nil {
		return found{}, err
	}
	h, ok := readFrameHeader(header, w.id, w.at, w.maxRecordBytes)
	if !ok {
		return w.resync()
	}
	f := found{at: w.at, end: w.at + Position(frameBytes(h.length)), frameHeader: h}
	frame, err := w.peek(w.at, frameHeaderBytes+h.length)
	if err != nil {
		return found{}, err
	}
	if len(frame) < frameHeaderBytes+h.length || castagnoli(0, frame[frameHeaderBytes:]) != h.payloadCRC {
		f = w.damage(w.at, min(f.end, w.limit), f.events)
	} else {
		f.data = frame[frameHeaderBytes:]
	}
	w.at = f.end
	return f, nil
}

// resync looks for the next frame behind bytes that are none. Zeros up to the
// end of the segment are what was reserved and never written.
func (w *walker) resync() (found, error) {
	start, lost := w.at, w.at // lost: behind the last byte that is not zero
	for at := w.at; at < w.limit; at += frameAlign {
		bytes, err := w.peek(at, frameHeaderBytes)
		if err != nil {
			return found{}, err
		}
		if len(bytes) == 0 {
			break
		}
		if _, ok := readFrameHeader(bytes, w.id, at, w.maxRecordBytes); ok {
			w.at = at
			return w.damage(start, at, 0), nil
		}
		if anySet(bytes[:min(len(bytes), frameAlign)]) {
			lost = at + frameAlign
		}
	}
	f := w.damage(start, min(lost, w.limit), 0)
	w.at = w.limit
	if lost > start {
		return f, nil
	}
	return found{}, io.EOF
}

// damage returns lost bytes, with so many events as far as that is known.
func (w *walker) damage(at, end Position, events int) found {
	f := found{at: at, end: end, damaged: true}
	f.events = events
	for _, s := range w.unread {
		if s.from < end && s.to > at {
			f.unreadable = s.err
		}
	}
	return f
}

func anySet(bytes []byte) bool {
	for _, b := range bytes {
		if b != 0 {
			return true
		}
	}
	return false
}

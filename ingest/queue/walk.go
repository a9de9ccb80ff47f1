package queue

import (
	"errors"
	"io"
)

// found is one thing that a walk comes by: a record, or bytes that are none.
type found struct {
	at, end Position
	frameHeader
	data    []byte // of a record; valid until the walk goes on
	damaged bool   // bytes between at and end are lost; events says how many, if that is known
}

// walker reads the frames of one segment in order. Damage is skipped up to the
// next frame; since a frame's header is sealed with its position, nothing else
// is taken for one.
type walker struct {
	segment        *segment
	id             logID
	maxRecordBytes int
	at, limit      Position
	window         []byte   // bytes of the file that were read
	windowAt       Position // of its first
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
	read, err := w.segment.file.ReadAt(w.window[:size], w.segment.offset(at))
	if err != nil && !errors.Is(err, io.EOF) {
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
		f.damaged = true
		f.end = min(f.end, w.limit)
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
			return found{at: start, end: at, damaged: true}, nil
		}
		if anySet(bytes[:min(len(bytes), frameAlign)]) {
			lost = at + frameAlign
		}
	}
	w.at = w.limit
	if lost > start {
		return found{at: start, end: min(lost, w.limit), damaged: true}, nil
	}
	return found{}, io.EOF
}

func anySet(bytes []byte) bool {
	for _, b := range bytes {
		if b != 0 {
			return true
		}
	}
	return false
}

package sourcemap

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"slices"
)

const (
	// sortWindow is how many segments may be waiting to be brought into order.
	// Generators write them in order, almost always.
	sortWindow = 4096
	// maxTexts bounds the memory that an upload takes: 12 bytes for each source
	// and name, and what a source's path has until the map is read.
	maxTexts = 1 << 19
)

// writer makes an index of what is read of a map. It holds one entry for each
// block, source and name, and some thousand segments.
type writer struct {
	to       *bufio.Writer
	fault    func(format string, args ...any) error
	maxBytes int64
	offset   int64

	waiting  []segment
	unsorted bool

	block          []byte
	blockCount     int
	first, last    segment // of the block; last is that of all blocks if it is empty
	state          segmentState
	segments       int
	blocks         []byte // the tables
	sources, names textTable
}

// textTable is the table of sources or of names.
type textTable struct {
	entries []byte
	count   int64
}

func newWriter(to io.Writer, maxBytes int64, fault func(string, ...any) error) *writer {
	return &writer{to: bufio.NewWriterSize(to, 64<<10), maxBytes: min(maxBytes, math.MaxUint32), fault: fault}
}

// write appends a piece to the file.
func (w *writer) write(piece []byte) error {
	if w.offset+int64(len(piece)) > w.maxBytes {
		return ErrFull
	}
	n, err := w.to.Write(piece)
	w.offset += int64(n)
	return err
}

// text appends a text and its entry to a table.
func (w *writer) text(table *textTable, text string, flags uint32) error {
	if w.sources.count+w.names.count == maxTexts {
		return w.fault("more than %d sources and names", maxTexts)
	}
	table.entries = binary.LittleEndian.AppendUint32(table.entries, uint32(w.offset))
	table.entries = binary.LittleEndian.AppendUint32(table.entries, uint32(len(text))|flags)
	table.entries = binary.LittleEndian.AppendUint32(table.entries, checksum([]byte(text)))
	table.count++
	return w.write([]byte(text))
}

// add takes the next segment.
func (w *writer) add(s segment) error {
	if n := len(w.waiting); n > 0 && w.waiting[n-1].after(s.line, s.column) {
		w.unsorted = true
	}
	if w.waiting = append(w.waiting, s); len(w.waiting) < sortWindow {
		return nil
	}
	return w.encode(sortWindow / 2)
}

// encode moves the first of the waiting segments to blocks.
func (w *writer) encode(count int) error {
	if w.unsorted {
		inOrder(w.waiting)
		w.unsorted = false
	}
	for _, s := range w.waiting[:count] {
		if err := w.encodeOne(s); err != nil {
			return err
		}
	}
	w.waiting = w.waiting[:copy(w.waiting, w.waiting[count:])]
	return nil
}

func inOrder(segments []segment) {
	slices.SortStableFunc(segments, func(a, b segment) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
}

// encodeOne moves a segment to the block. Of several at one place the first
// counts, as in other readers of source maps.
func (w *writer) encodeOne(s segment) error {
	if w.segments > 0 {
		if w.last.after(s.line, s.column) {
			return w.fault("mappings: line %d, column %d stands more than %d segments behind its place", s.line, s.column, sortWindow/2)
		}
		if w.last.line == s.line && w.last.column == s.column {
			return nil
		}
	}
	if w.blockCount == blockSegments {
		if err := w.endBlock(); err != nil {
			return err
		}
	}
	if w.blockCount == 0 {
		w.first, w.state = s, segmentState{}
	}
	w.block = w.state.encode(w.block, s)
	w.last = s
	w.blockCount++
	w.segments++
	return nil
}

func (w *writer) endBlock() error {
	if w.blockCount == 0 {
		return nil
	}
	w.block = binary.LittleEndian.AppendUint32(w.block, checksum(w.block))
	for _, value := range []uint32{w.first.line, w.first.column, uint32(w.offset), uint32(len(w.block))} {
		w.blocks = binary.LittleEndian.AppendUint32(w.blocks, value)
	}
	err := w.write(w.block)
	w.block, w.blockCount = w.block[:0], 0
	return err
}

// finish writes the rest of the index, and completes info.
func (w *writer) finish(info *Info) error {
	if err := w.encode(len(w.waiting)); err != nil {
		return err
	}
	if err := w.endBlock(); err != nil {
		return err
	}
	f := footer{
		piecesBytes: uint32(w.offset), sources: uint32(w.sources.count), names: uint32(w.names.count),
		blocks: uint32(len(w.blocks) / blockEntryBytes), tablesSum: checksum(w.sources.entries, w.names.entries, w.blocks),
	}
	info.Sources, info.Segments = int(w.sources.count), w.segments
	description, err := json.Marshal(info)
	if err != nil {
		return err
	}
	f.descriptionBytes, f.descriptionSum = uint32(len(description)), checksum(description)
	info.SizeBytes = f.sizeBytes()
	for _, part := range [][]byte{w.sources.entries, w.names.entries, w.blocks, description, f.encode()} {
		if err := w.write(part); err != nil {
			return err
		}
	}
	return w.to.Flush()
}

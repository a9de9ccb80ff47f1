package sourcemap

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"sort"
)

// An index is a file that answers where a place of a script comes from, with a
// few reads and next to no memory:
//
//	pieces       blocks of segments and texts, in the order in which they came
//	sources      an entry each: offset, length and flags, checksum of the text
//	names        the same
//	blocks       an entry each: line and column of its first segment, offset, length
//	description  an Info in JSON
//	footer       how many of each there are, checksums of the tables and of the
//	             description, magic and version
//
// Numbers of fixed size are little-endian, checksums are CRC-32C. A block holds
// up to blockSegments segments as differences to the one before, in the order of
// line and column, no two at the same place, and ends with its checksum. What an
// index says is checked when it is read: the disk may have changed it.
const (
	blockSegments = 128
	// maxSegmentBytes is six numbers of up to 35 bits.
	maxSegmentBytes = 6 * binary.MaxVarintLen32
	maxBlockBytes   = blockSegments*maxSegmentBytes + checksumBytes
	checksumBytes   = 4

	textEntryBytes  = 12
	blockEntryBytes = 16
	footerBytes     = 36
	// maxTextBytes is where names and paths of sources are cut.
	maxTextBytes        = 1 << 10
	maxDescriptionBytes = 64 << 10

	magic         = "tlsrcmp"
	formatVersion = 1

	flagIgnored = 1 << 31 // of a source: not the app's own
	flagNull    = 1 << 30 // of a source: the map does not name it
	lengthMask  = flagNull - 1
)

// errDamaged is an index that says what no index can say.
var errDamaged = errors.New("the index is damaged")

// errVersion is an index of another version of the program.
var errVersion = errors.New("the index has a format of another version")

func checksum(parts ...[]byte) (sum uint32) {
	for _, part := range parts {
		sum = crc32.Update(sum, crc32.MakeTable(crc32.Castagnoli), part)
	}
	return sum
}

// footer says what an index holds.
type footer struct {
	piecesBytes, sources, names, blocks, tablesSum, descriptionBytes, descriptionSum uint32
}

func (f footer) encode() []byte {
	to := make([]byte, 0, footerBytes)
	for _, value := range []uint32{f.piecesBytes, f.sources, f.names, f.blocks, f.tablesSum, f.descriptionBytes, f.descriptionSum} {
		to = binary.LittleEndian.AppendUint32(to, value)
	}
	return append(append(to, magic...), formatVersion)
}

func decodeFooter(data [footerBytes]byte) (f footer, err error) {
	const version = footerBytes - 1
	if string(data[version-len(magic):version]) != magic {
		return f, errDamaged
	}
	if data[version] != formatVersion {
		return f, errVersion
	}
	for i, value := range []*uint32{&f.piecesBytes, &f.sources, &f.names, &f.blocks, &f.tablesSum, &f.descriptionBytes, &f.descriptionSum} {
		*value = binary.LittleEndian.Uint32(data[4*i:])
	}
	if f.descriptionBytes > maxDescriptionBytes {
		return f, errDamaged
	}
	return f, nil
}

// Where the tables begin.
func (f footer) sourcesAt() int64 { return int64(f.piecesBytes) }
func (f footer) namesAt() int64   { return f.sourcesAt() + textEntryBytes*int64(f.sources) }
func (f footer) blocksAt() int64  { return f.namesAt() + textEntryBytes*int64(f.names) }

func (f footer) descriptionAt() int64 { return f.blocksAt() + blockEntryBytes*int64(f.blocks) }
func (f footer) sizeBytes() int64 {
	return f.descriptionAt() + int64(f.descriptionBytes) + footerBytes
}

// index reads an index file. It is safe for concurrent use.
type index struct {
	footer
	file io.ReaderAt
}

// openIndex reads the footer of an index of that size.
func openIndex(file io.ReaderAt, sizeBytes int64) (*index, error) {
	if sizeBytes < footerBytes {
		return nil, errDamaged
	}
	var data [footerBytes]byte
	if err := readAt(file, data[:], sizeBytes-footerBytes); err != nil {
		return nil, err
	}
	f, err := decodeFooter(data)
	if err == nil && f.sizeBytes() != sizeBytes {
		err = errDamaged
	}
	return &index{f, file}, err
}

func readAt(file io.ReaderAt, data []byte, offset int64) error {
	n, err := file.ReadAt(data, offset)
	switch {
	case n == len(data):
		return nil
	case errors.Is(err, io.EOF):
		return errDamaged
	}
	return fmt.Errorf("read the index: %w", err)
}

// verify reads the tables once and fails if they are not as they were written.
// Blocks and texts are checked when they are read.
func (x *index) verify() error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, io.NewSectionReader(x.file, x.sourcesAt(), x.descriptionAt()-x.sourcesAt())); err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	if sum.Sum32() != x.tablesSum {
		return errDamaged
	}
	return nil
}

// describe returns what the index is of.
func (x *index) describe() (info Info, err error) {
	data := make([]byte, x.descriptionBytes)
	if err := readAt(x.file, data, x.descriptionAt()); err != nil {
		return info, err
	}
	if checksum(data) != x.descriptionSum || json.Unmarshal(data, &info) != nil {
		return info, errDamaged
	}
	return info, nil
}

// resolve returns where the code at a place of the script comes from. Lines and
// columns count from 0, here and in the answer.
func (x *index) resolve(line, column uint32) (p Position, ok bool, err error) {
	block, err := x.block(line, column)
	if err != nil || block == nil {
		return p, false, err
	}
	s, ok, err := find(block, line, column)
	if err != nil || !ok || s.source == none {
		return p, false, err
	}
	text, flags, err := x.text(x.sourcesAt(), x.sources, s.source)
	if err != nil || flags&flagNull != 0 {
		return p, false, err
	}
	p = Position{Source: text, Line: int(s.sourceLine), Column: int(s.sourceColumn), Ignored: flags&flagIgnored != 0}
	if s.name != none {
		p.Name, _, err = x.text(x.namesAt(), x.names, s.name)
	}
	return p, err == nil, err
}

// block reads the block that the last segment before or at a place is in; nil if
// there is none.
func (x *index) block(line, column uint32) ([]byte, error) {
	const atOnce = 64 // entries that are read together in the end
	low, high := 0, int(x.blocks)
	var data [atOnce * blockEntryBytes]byte
	later := func(entry []byte) bool {
		first := segment{line: binary.LittleEndian.Uint32(entry), column: binary.LittleEndian.Uint32(entry[4:])}
		return first.after(line, column)
	}
	for high-low > atOnce {
		middle := (low + high) / 2
		if err := readAt(x.file, data[:blockEntryBytes], x.blocksAt()+int64(middle)*blockEntryBytes); err != nil {
			return nil, err
		}
		if later(data[:]) {
			high = middle
		} else {
			low = middle
		}
	}
	entries := data[:(high-low)*blockEntryBytes]
	if err := readAt(x.file, entries, x.blocksAt()+int64(low)*blockEntryBytes); err != nil {
		return nil, err
	}
	after := sort.Search(high-low, func(i int) bool { return later(entries[i*blockEntryBytes:]) })
	if after == 0 {
		return nil, nil
	}
	entry := entries[(after-1)*blockEntryBytes:]
	offset, length := binary.LittleEndian.Uint32(entry[8:]), binary.LittleEndian.Uint32(entry[12:])
	if length <= checksumBytes || length > maxBlockBytes || int64(offset)+int64(length) > x.sourcesAt() {
		return nil, errDamaged
	}
	block := make([]byte, length)
	if err := readAt(x.file, block, int64(offset)); err != nil {
		return nil, err
	}
	content := block[:length-checksumBytes]
	if checksum(content) != binary.LittleEndian.Uint32(block[len(content):]) {
		return nil, errDamaged
	}
	return content, nil
}

// text reads a text by its number in a table.
func (x *index) text(table int64, count uint32, number int64) (text string, flags uint32, err error) {
	if number < 0 || number >= int64(count) {
		return "", 0, errDamaged
	}
	var entry [textEntryBytes]byte
	if err := readAt(x.file, entry[:], table+number*textEntryBytes); err != nil {
		return "", 0, err
	}
	offset, length, sum := binary.LittleEndian.Uint32(entry[:]), binary.LittleEndian.Uint32(entry[4:]), binary.LittleEndian.Uint32(entry[8:])
	flags = length &^ lengthMask
	if length &= lengthMask; length > maxTextBytes || int64(offset)+int64(length) > x.sourcesAt() {
		return "", 0, errDamaged
	}
	data := make([]byte, length)
	if err := readAt(x.file, data, int64(offset)); err != nil {
		return "", 0, err
	}
	if checksum(data) != sum {
		return "", 0, errDamaged
	}
	return string(data), flags, nil
}

// find returns the last segment of a block that is before or at a place and on
// its line.
func find(block []byte, line, column uint32) (found segment, ok bool, err error) {
	s := segment{source: none, name: none}
	var previous segmentState
	for len(block) > 0 {
		if s, block, err = previous.decode(block); err != nil {
			return found, false, err
		}
		if s.after(line, column) {
			break
		}
		found, ok = s, s.line == line
	}
	return found, ok, nil
}

// segmentState is what the segments of a block are differences to. It begins
// with zeros in each block, so that a block can be read alone.
type segmentState struct {
	line, column, source, sourceLine, sourceColumn, name int64
}

// The lowest bits of the first number of a segment say what it has.
const (
	hasSource = 1 << iota
	hasName
	kindBits = iota
)

// encode appends a segment as varints: lines since the last one and kind, column
// (since the last one, if on the same line), and for what it has the differences
// of source, line, column and name.
func (p *segmentState) encode(to []byte, s segment) []byte {
	lines := int64(s.line) - p.line
	if lines != 0 {
		p.column = 0
	}
	kind := int64(0)
	if s.source != none {
		kind |= hasSource
	}
	if s.name != none {
		kind |= hasName
	}
	to = binary.AppendVarint(to, lines<<kindBits|kind)
	to = binary.AppendVarint(to, int64(s.column)-p.column)
	p.line, p.column = int64(s.line), int64(s.column)
	if s.source != none {
		to = binary.AppendVarint(to, s.source-p.source)
		to = binary.AppendVarint(to, int64(s.sourceLine)-p.sourceLine)
		to = binary.AppendVarint(to, int64(s.sourceColumn)-p.sourceColumn)
		p.source, p.sourceLine, p.sourceColumn = s.source, int64(s.sourceLine), int64(s.sourceColumn)
	}
	if s.name != none {
		to = binary.AppendVarint(to, s.name-p.name)
		p.name = s.name
	}
	return to
}

// decode reads what encode appended and returns what follows it.
func (p *segmentState) decode(from []byte) (s segment, rest []byte, err error) {
	add := func(difference int64, to *int64) {
		if *to += difference; *to < 0 || *to > math.MaxInt32 {
			*to, err = 0, errDamaged
		}
	}
	next := func() (difference int64) {
		difference, n := binary.Varint(from)
		if n <= 0 || n > binary.MaxVarintLen32 {
			err = errDamaged
			return 0
		}
		from = from[n:]
		return difference
	}
	lines := next()
	kind := lines & (1<<kindBits - 1)
	if lines >>= kindBits; lines != 0 {
		p.column = 0
	}
	add(lines, &p.line)
	add(next(), &p.column)
	s = segment{line: uint32(p.line), column: uint32(p.column), source: none, name: none}
	if kind&hasSource != 0 {
		add(next(), &p.source)
		add(next(), &p.sourceLine)
		add(next(), &p.sourceColumn)
		s.source, s.sourceLine, s.sourceColumn = p.source, uint32(p.sourceLine), uint32(p.sourceColumn)
	}
	if kind&hasName != 0 {
		add(next(), &p.name)
		s.name = p.name
	}
	return s, from, err
}

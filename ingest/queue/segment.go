package queue

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// formatVersion is that of segments and checkpoints.
const formatVersion = 1

const (
	segmentMagic      = "TLNE-LOG"
	segmentSuffix     = ".log"
	segmentStartBytes = 16 // of the header, the same in every version
	segmentFixedBytes = 52 // of the header, before the preamble
	maxSegmentHeader  = 1 << 20
	readAheadBytes    = 256 << 10
	checksumBytes     = 4
	setAsideSuffix    = ".bad"
	nameDigits        = 12
)

// logID tells logs apart.
type logID [8]byte

func (id logID) String() string { return hex.EncodeToString(id[:]) }

// segment is one file of the log.
type segment struct {
	name     string
	number   uint64 // of the file
	file     file
	previous Position // where the frames of the segment before end
	first    Position // of its first frame
	end      Position // frames at or behind it do not count
	header   int64    // bytes before the first frame
	size     int64    // of the file
	preamble []byte
	newest   time.Duration // when its last record was written, by the clock of retention
	// skipped are the damaged bytes that were counted, met those among them
	// that ranges have come by.
	skipped, met int64
}

func segmentName(number uint64) string {
	return fmt.Sprintf("%0*d%s", nameDigits, number, segmentSuffix)
}

// segmentNumber is the number in a segment's name; false for other files.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != nameDigits {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil
}

// offset is where a position stands in the file.
func (s *segment) offset(at Position) int64 { return s.header + int64(at-s.first) }

// segmentHeader returns the bytes before the first frame.
func segmentHeader(id logID, previous, first Position, created time.Time, preamble []byte) []byte {
	length := (segmentFixedBytes + len(preamble) + checksumBytes + frameAlign - 1) &^ (frameAlign - 1)
	header := make([]byte, length)
	copy(header, segmentMagic)
	binary.LittleEndian.PutUint32(header[8:], formatVersion)
	binary.LittleEndian.PutUint32(header[12:], uint32(length))
	copy(header[16:], id[:])
	binary.LittleEndian.PutUint64(header[24:], uint64(first))
	binary.LittleEndian.PutUint64(header[32:], uint64(created.UnixMilli()))
	binary.LittleEndian.PutUint32(header[40:], uint32(len(preamble)))
	binary.LittleEndian.PutUint64(header[44:], uint64(previous))
	copy(header[segmentFixedBytes:], preamble)
	binary.LittleEndian.PutUint32(header[length-checksumBytes:], castagnoli(0, header[:length-checksumBytes]))
	return header
}

// errUnused is a segment file that was made ready and never used.
var errUnused = errors.New("an unused segment")

// errNotASegment is a file whose header cannot be read.
var errNotASegment = errors.New("not a readable segment of a log")

// readSegmentHeader reads the header of a segment file. A newer format is a
// [VersionError]; it is believed only when the checksum fits, since a version
// that is damaged is no version.
func readSegmentHeader(f file) (id logID, s *segment, err error) {
	start := make([]byte, segmentStartBytes)
	n, err := f.ReadAt(start, 0)
	if !anySet(start[:n]) {
		return id, nil, readUnused(f)
	}
	if err != nil || string(start[:8]) != segmentMagic {
		return id, nil, errNotASegment
	}
	length := binary.LittleEndian.Uint32(start[12:])
	if length > maxSegmentHeader || length < segmentStartBytes+checksumBytes {
		return id, nil, errNotASegment
	}
	header := make([]byte, length)
	if _, err := f.ReadAt(header, 0); err != nil {
		return id, nil, errNotASegment
	}
	if binary.LittleEndian.Uint32(header[length-checksumBytes:]) != castagnoli(0, header[:length-checksumBytes]) {
		return id, nil, errNotASegment
	}
	if version := binary.LittleEndian.Uint32(header[8:]); version > formatVersion {
		return id, nil, &VersionError{version}
	}
	s, err = parseSegmentHeader(header)
	if err != nil {
		return id, nil, err
	}
	s.file = f
	copy(id[:], header[16:])
	return id, s, nil
}

// parseSegmentHeader returns what a header says whose checksum fits.
func parseSegmentHeader(header []byte) (*segment, error) {
	if len(header) < segmentFixedBytes+checksumBytes {
		return nil, errNotASegment
	}
	preamble := binary.LittleEndian.Uint32(header[40:])
	if int64(preamble) > int64(len(header)-segmentFixedBytes-checksumBytes) {
		return nil, errNotASegment
	}
	return &segment{
		previous: Position(binary.LittleEndian.Uint64(header[44:])),
		first:    Position(binary.LittleEndian.Uint64(header[24:])), header: int64(len(header)),
		preamble: header[segmentFixedBytes : segmentFixedBytes+preamble],
	}, nil
}

// readUnused says whether a file is unused: all of it is zeros.
func readUnused(f file) error {
	chunk := make([]byte, readAheadBytes)
	for at := int64(0); ; at += int64(len(chunk)) {
		n, err := f.ReadAt(chunk, at)
		switch {
		case anySet(chunk[:n]):
			return errNotASegment
		case errors.Is(err, io.EOF):
			return errUnused
		case err != nil:
			return fmt.Errorf("look whether a segment is unused: %w", err)
		}
	}
}

// blank is a file that will be a segment: its blocks are on disk, all zeros, and
// so is its name. What is written into it later changes nothing but those
// blocks, so that syncing it never waits for other writers of the file system.
type blank struct {
	name   string
	number uint64
	file   file
	size   int64
	disk   disk
}

// makeBlank makes a file of that size. It takes its time, to leave the disk to
// others between its writes.
func makeBlank(d disk, number uint64, sizeBytes int64) (blank, error) {
	b := blank{name: segmentName(number), number: number, size: sizeBytes, disk: d}
	var err error
	if b.file, err = d.open(b.name, true); err != nil {
		return blank{}, fmt.Errorf("create segment %s: %w", b.name, err)
	}
	err = b.file.preallocate(sizeBytes)
	zeros := make([]byte, min(sizeBytes, 1<<20))
	for at := int64(0); at < sizeBytes && err == nil; at += int64(len(zeros)) {
		if _, err = b.file.WriteAt(zeros[:min(int64(len(zeros)), sizeBytes-at)], at); err == nil {
			err = b.file.datasync()
		}
	}
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		_ = d.remove(b.name) // it holds nothing
		return blank{}, errors.Join(fmt.Errorf("create segment %s: %w", b.name, err), b.file.Close())
	}
	return b, nil
}

// segment makes a blank the segment that begins at that position, durably.
// previous is where the frames of the segment before end.
func (b blank) segment(id logID, previous, first Position, now time.Time, preamble []byte) (*segment, error) {
	header := segmentHeader(id, previous, first, now, preamble)
	_, err := b.file.WriteAt(header, 0)
	if err == nil {
		err = b.file.datasync()
	}
	if err != nil {
		_ = b.disk.remove(b.name) // nothing would count it, and the next attempt makes another
		return nil, errors.Join(fmt.Errorf("begin segment %s: %w", b.name, err), b.file.Close())
	}
	return &segment{name: b.name, number: b.number, file: b.file, size: b.size, previous: previous, first: first, end: first, header: int64(len(header)), preamble: preamble}, nil
}

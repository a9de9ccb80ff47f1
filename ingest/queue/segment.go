package queue

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// formatVersion is that of segments and checkpoints.
const formatVersion = 1

const (
	segmentMagic       = "TLNE-LOG"
	segmentSuffix      = ".log"
	segmentFixedBytes  = 44 // of the header, before the preamble
	maxSegmentHeader   = 1 << 20
	readAheadBytes     = 256 << 10
	checksumBytes      = 4
	setAsideSuffix     = ".bad"
	positionNameDigits = 20
)

// logID tells logs apart.
type logID [8]byte

func (id logID) String() string { return hex.EncodeToString(id[:]) }

// segment is one file of the log.
type segment struct {
	name     string
	file     file
	first    Position // of its first frame
	end      Position // frames at or behind it do not count
	header   int64    // bytes before the first frame
	preamble []byte
	newest   time.Time // when its last record was enqueued, as far as known
}

func segmentName(first Position) string {
	return fmt.Sprintf("%0*d%s", positionNameDigits, uint64(first), segmentSuffix)
}

func isSegment(name string) bool {
	return len(name) == positionNameDigits+len(segmentSuffix) && strings.HasSuffix(name, segmentSuffix)
}

// offset is where a position stands in the file.
func (s *segment) offset(at Position) int64 { return s.header + int64(at-s.first) }

// segmentHeader returns the bytes before the first frame.
func segmentHeader(id logID, first Position, created time.Time, preamble []byte) []byte {
	length := (segmentFixedBytes + len(preamble) + checksumBytes + frameAlign - 1) &^ (frameAlign - 1)
	header := make([]byte, length)
	copy(header, segmentMagic)
	binary.LittleEndian.PutUint32(header[8:], formatVersion)
	binary.LittleEndian.PutUint32(header[12:], uint32(length))
	copy(header[16:], id[:])
	binary.LittleEndian.PutUint64(header[24:], uint64(first))
	binary.LittleEndian.PutUint64(header[32:], uint64(created.UnixMilli()))
	binary.LittleEndian.PutUint32(header[40:], uint32(len(preamble)))
	copy(header[segmentFixedBytes:], preamble)
	binary.LittleEndian.PutUint32(header[length-checksumBytes:], castagnoli(0, header[:length-checksumBytes]))
	return header
}

// errNotASegment is a file whose header cannot be read.
var errNotASegment = errors.New("not a readable segment of a log")

// readSegmentHeader reads the header of a segment file. A newer format is a
// [VersionError].
func readSegmentHeader(f file) (id logID, s *segment, err error) {
	fixed := make([]byte, segmentFixedBytes)
	if _, err := f.ReadAt(fixed, 0); err != nil || string(fixed[:8]) != segmentMagic {
		return id, nil, errNotASegment
	}
	if version := binary.LittleEndian.Uint32(fixed[8:]); version > formatVersion {
		return id, nil, &VersionError{version}
	}
	length := binary.LittleEndian.Uint32(fixed[12:])
	preamble := binary.LittleEndian.Uint32(fixed[40:])
	if length > maxSegmentHeader || length < segmentFixedBytes+checksumBytes || preamble > length-segmentFixedBytes-checksumBytes {
		return id, nil, errNotASegment
	}
	header := make([]byte, length)
	if _, err := f.ReadAt(header, 0); err != nil {
		return id, nil, errNotASegment
	}
	if binary.LittleEndian.Uint32(header[length-checksumBytes:]) != castagnoli(0, header[:length-checksumBytes]) {
		return id, nil, errNotASegment
	}
	copy(id[:], header[16:])
	return id, &segment{
		file: f, first: Position(binary.LittleEndian.Uint64(header[24:])), header: int64(length),
		preamble: header[segmentFixedBytes : segmentFixedBytes+preamble],
		newest:   time.UnixMilli(int64(binary.LittleEndian.Uint64(header[32:]))),
	}, nil
}

// createSegment makes the file of a segment that begins at that position, all
// of its size reserved, durably.
func createSegment(d disk, id logID, first Position, sizeBytes int64, now time.Time, preamble []byte) (*segment, error) {
	name := segmentName(first)
	f, err := d.open(name, true)
	if err != nil {
		return nil, fmt.Errorf("create segment %s: %w", name, err)
	}
	header := segmentHeader(id, first, now, preamble)
	err = f.preallocate(sizeBytes)
	if err == nil {
		_, err = f.WriteAt(header, 0)
	}
	if err == nil {
		err = f.datasync()
	}
	if err == nil {
		err = d.sync()
	}
	if err != nil {
		_ = d.remove(name) // it holds nothing
		return nil, errors.Join(fmt.Errorf("create segment %s: %w", name, err), f.Close())
	}
	return &segment{name: name, file: f, first: first, end: first, header: int64(len(header)), preamble: preamble, newest: now}, nil
}

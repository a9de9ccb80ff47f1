package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// frame is one record in a segment file; ingest/queue/FORMAT.md describes them.
type frame struct {
	file         string
	from, to     int // bytes of the file
	record       int // where the record begins
	events       int
	recordLength int
}

const (
	segmentMagic     = "TLNE-LOG"
	formatVersionAt  = 8 // also in checkpoints
	segmentLengthAt  = 12
	frameHeaderBytes = 24
	frameAlign       = 8
)

// segments are the files of the log, oldest first, without one that has been
// made ready and is not used yet.
func (f *field) segments() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(f.queueDir(), "*.log"))
	if err != nil {
		return nil, fmt.Errorf("look at the log: %w", err)
	}
	var used []string
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may have been removed
			return nil, fmt.Errorf("look at the log: %w", err)
		}
		if bytes.HasPrefix(data, []byte(segmentMagic)) {
			used = append(used, file)
		}
	}
	return used, nil
}

// checksumAt is where the checksum of a segment's header, or of a checkpoint,
// stands: at its end, behind what the length at one place in both tells.
func checksumAt(data []byte) int {
	length := int(binary.LittleEndian.Uint32(data[segmentLengthAt:]))
	if bytes.HasPrefix(data, []byte(segmentMagic)) {
		return length - 4
	}
	const checkpointFixed = 48
	return checkpointFixed + length
}

// readFrames returns the records of a segment.
func readFrames(file string) ([]frame, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("look at the log: %w", err)
	}
	if len(data) < segmentLengthAt+4 || string(data[:len(segmentMagic)]) != segmentMagic {
		return nil, fmt.Errorf("%s is no segment", file)
	}
	var frames []frame
	for at := int(binary.LittleEndian.Uint32(data[segmentLengthAt:])); at+frameHeaderBytes <= len(data); {
		length := int(binary.LittleEndian.Uint32(data[at+4:]))
		end := at + (frameHeaderBytes+length+frameAlign-1)/frameAlign*frameAlign
		if length == 0 || end > len(data) {
			break
		}
		frames = append(frames, frame{
			file: file, from: at, to: end, record: at + frameHeaderBytes,
			events: int(binary.LittleEndian.Uint32(data[at+8:])), recordLength: length,
		})
		at = end
	}
	return frames, nil
}

// withEvents leaves out records that hold none.
func withEvents(frames []frame) []frame {
	var some []frame
	for _, fr := range frames {
		if fr.events > 0 {
			some = append(some, fr)
		}
	}
	return some
}

func eventsIn(frames []frame) int {
	count := 0
	for _, fr := range frames {
		count += fr.events
	}
	return count
}

// edit changes the bytes of a file.
func edit(file string, change func([]byte) []byte) error {
	data, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, change(data), 0o600)
	}
	if err != nil {
		return fmt.Errorf("damage the log: %w", err)
	}
	return nil
}

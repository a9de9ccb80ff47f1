package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	checkpointMagic = "TLNE-CKP"
	checkpointFixed = 48 // bytes before the state
	// maxStateBytes is more than the ledger of a thousand apps takes.
	maxStateBytes = 16 << 20
)

// checkpointNames are the files that take turns, so that a write which is cut
// off leaves the one before.
func checkpointNames() [2]string { return [2]string{"checkpoint.0", "checkpoint.1"} }

// checkpoint is what the log knows besides its records.
type checkpoint struct {
	id       logID
	sequence uint64
	// cursor is behind the last record that was dealt with.
	cursor Position
	// frozen is the end of the range that is being dealt with, or the cursor.
	frozen Position
	state  []byte
}

func (c checkpoint) encode() []byte {
	data := make([]byte, checkpointFixed, checkpointFixed+len(c.state)+checksumBytes)
	copy(data, checkpointMagic)
	binary.LittleEndian.PutUint32(data[8:], formatVersion)
	binary.LittleEndian.PutUint32(data[12:], uint32(len(c.state)))
	copy(data[16:], c.id[:])
	binary.LittleEndian.PutUint64(data[24:], c.sequence)
	binary.LittleEndian.PutUint64(data[32:], uint64(c.cursor))
	binary.LittleEndian.PutUint64(data[40:], uint64(c.frozen))
	data = append(data, c.state...)
	return binary.LittleEndian.AppendUint32(data, castagnoli(0, data))
}

var (
	// errNoCheckpoint is a file without a readable checkpoint.
	errNoCheckpoint = errors.New("no readable checkpoint")
	// errUnreadable is one that the disk cannot read.
	errUnreadable = errors.New("the disk cannot read it")
)

func readCheckpoint(f file) (c checkpoint, err error) {
	fixed := make([]byte, checkpointFixed)
	if _, err := f.ReadAt(fixed, 0); unread(err) {
		return c, errUnreadable
	} else if err != nil || string(fixed[:8]) != checkpointMagic {
		return c, errNoCheckpoint
	}
	length := int64(binary.LittleEndian.Uint32(fixed[12:]))
	if length > maxStateBytes {
		return c, errNoCheckpoint
	}
	data := make([]byte, checkpointFixed+length+checksumBytes)
	if _, err := f.ReadAt(data, 0); unread(err) {
		return c, errUnreadable
	} else if err != nil {
		return c, errNoCheckpoint
	}
	body := data[:checkpointFixed+length]
	if binary.LittleEndian.Uint32(data[len(body):]) != castagnoli(0, body) {
		return c, errNoCheckpoint
	}
	// Only now, since a version that is damaged is no version.
	if version := binary.LittleEndian.Uint32(body[8:]); version > formatVersion {
		return c, &VersionError{version}
	}
	copy(c.id[:], body[16:])
	c.sequence = binary.LittleEndian.Uint64(body[24:])
	c.cursor = Position(binary.LittleEndian.Uint64(body[32:]))
	c.frozen = Position(binary.LittleEndian.Uint64(body[40:]))
	c.state = body[checkpointFixed:]
	return c, nil
}

// makeCheckpoints makes the files that are missing, so that writing one never
// depends on the directory, and makes durable what is in them. A file that the
// disk cannot read is set aside: writing into it would fail as well, since the
// kernel reads what stands around what it writes.
func (r *recovered) makeCheckpoints(d disk) error {
	for _, name := range r.unreadable {
		if err := d.rename(name, name+setAsideSuffix); err != nil {
			return fmt.Errorf("set %s aside: %w", name, err)
		}
		r.SetAside = append(r.SetAside, name)
	}
	for _, name := range checkpointNames() {
		f, err := d.open(name, false)
		if missing(err) {
			f, err = d.open(name, true)
		}
		if err == nil {
			// The newest may be in memory only, and the next one goes over the other.
			err = errors.Join(f.datasync(), f.Close())
		}
		if err != nil {
			return fmt.Errorf("make %s: %w", name, err)
		}
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("make the files of checkpoints: %w", err)
	}
	return nil
}

// loadCheckpoint finds the newest readable checkpoint of a disk, or that there
// are files and none of them can be read.
func (r *recovered) loadCheckpoint(d disk) error {
	written, readable := 0, 0
	for _, name := range checkpointNames() {
		f, err := d.open(name, false)
		if missing(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open %s: %w", name, err)
		}
		c, err := readCheckpoint(patient{f, r.readPause})
		size, sizeErr := f.size()
		if err := errors.Join(sizeErr, f.Close()); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		var version *VersionError
		switch {
		case errors.As(err, &version):
			return fmt.Errorf("read %s: %w", name, err)
		case errors.Is(err, errUnreadable):
			r.unreadable = append(r.unreadable, name)
		case err == nil:
			readable++
			if c.sequence >= r.checkpoint.sequence {
				r.checkpoint = c
			}
		}
		if size > 0 {
			written++
		}
	}
	r.CheckpointLost = written > 0 && readable == 0
	return nil
}

// writeCheckpoint makes c durable in the file whose turn it is.
func writeCheckpoint(d disk, c checkpoint) (err error) {
	name := checkpointNames()[c.sequence%2]
	f, err := d.open(name, false)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	_, err = f.WriteAt(c.encode(), 0)
	if err == nil {
		err = f.datasync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

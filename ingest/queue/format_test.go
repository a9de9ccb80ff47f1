package queue

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// newer makes a segment's header, or a checkpoint, one of the next version:
// all versions have length and checksum in the same place.
func newer(content []byte) []byte {
	end := int(binary.LittleEndian.Uint32(content[12:])) // of a segment's header
	if string(content[:8]) == checkpointMagic {
		end += checkpointFixed + checksumBytes
	}
	binary.LittleEndian.PutUint32(content[8:], formatVersion+1)
	binary.LittleEndian.PutUint32(content[end-checksumBytes:], castagnoli(0, content[:end-checksumBytes]))
	return content
}

// threeSegments returns a disk with a log of three segments and the names of
// their files; held[i] are the records in the file of names[i].
func threeSegments(t *testing.T) (d *memDisk, names []string, held [][]int) {
	t.Helper()
	d = newMemDisk()
	q, err := Open(inMemory(d))
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Checkpoint([]byte("state")); err != nil {
		t.Fatal(err)
	}
	for number := 0; len(q.segments) < 3 || number%10 != 0; number++ {
		mustPut(t, q, number, number+1)
		last := q.segments[len(q.segments)-1].name
		if !slices.Contains(names, last) {
			names, held = append(names, last), append(held, nil)
		}
		held[len(held)-1] = append(held[len(held)-1], number)
	}
	mustRelease(t, q)
	return d, names, held
}

// A flipped bit in a segment's header costs the records of that segment, and
// the file is kept; whatever bit it is, the log opens.
func TestOpen_LosesOneSegmentByAnyBitOfItsHeader(t *testing.T) {
	whole, names, held := threeSegments(t)
	for i, name := range names {
		content := whole.content(name)
		want := slices.Concat(slices.Concat(held[:i]...), slices.Concat(held[i+1:]...), []int{4711})
		for bit := range 8 * frameOf(0) {
			d := newMemDisk()
			for other := range whole.files {
				d.on(other, whole.content(other))
			}
			damaged := slices.Clone(content)
			damaged[bit/8] ^= 1 << (bit % 8)
			d.on(name, damaged)
			var items []Item
			for _, data := range useUp(t, d) {
				items = append(items, Item{Data: data})
			}
			if got := numbers(items); !slices.Equal(got, want) {
				t.Fatalf("bit %d of %s: came out %v, want %v", bit, name, got, want)
			}
			if !slices.Equal(d.content(name+setAsideSuffix), damaged) {
				t.Fatalf("bit %d of %s: the file was not kept as it was", bit, name)
			}
		}
	}
}

// A flipped bit in a checkpoint costs the step that it stood for: what was dealt
// with before stays so, and what was handed out comes again.
func TestOpen_LosesOneStepByAnyBitOfACheckpoint(t *testing.T) {
	whole, segment := written(t)
	for _, name := range checkpointNames() {
		content := whole.content(name)
		length := checkpointFixed + int(binary.LittleEndian.Uint32(content[12:])) + checksumBytes
		for bit := range 8 * length {
			d := newMemDisk()
			d.on(segment, whole.content(segment))
			for _, other := range checkpointNames() {
				d.on(other, whole.content(other))
			}
			d.files[name].data[bit/8] ^= 1 << (bit % 8)
			q, err := Open(inMemory(d))
			if err != nil {
				t.Fatalf("bit %d of %s: %v", bit, name, err)
			}
			if q.Recovered().CheckpointLost || string(q.State()) != "state" {
				t.Fatalf("bit %d of %s: recovered %+v, state %q", bit, name, q.Recovered(), q.State())
			}
			if got := drain(t, q); !slices.Equal(got, run(3, 10)) {
				t.Fatalf("bit %d of %s: came out %v", bit, name, got)
			}
			mustRelease(t, q)
		}
	}
}

// A newer version may have put anything between the fields that all versions have.
func TestOpen_KnowsANewerFormatOfAnyLength(t *testing.T) {
	for _, length := range []int{segmentStartBytes + checksumBytes, segmentFixedBytes, 200} {
		d := newMemDisk()
		header := make([]byte, length)
		copy(header, segmentMagic)
		binary.LittleEndian.PutUint32(header[12:], uint32(length))
		for i := segmentStartBytes; i < length; i++ {
			header[i] = 0xff
		}
		d.on(segmentName(0), newer(header))
		var version *VersionError
		if _, err := Open(inMemory(d)); !errors.As(err, &version) {
			t.Errorf("a header of %d bytes: %v", length, err)
		}
	}
}

package geo

import (
	"encoding/binary"
	"slices"
)

// ranges cut addresses into pieces of which the same is told. An entry is where
// a range starts, in keyBytes bytes, and the index of its value, in valueBytes;
// both little endian. Entries are sorted, a range ends where the next one starts,
// and the first starts at 0. An IPv6 address counts by its first 64 bits: those
// behind tell hosts of one network apart.
type ranges struct {
	keyBytes int // 4 or 8
	entries  []byte
	// marks are the starts of every markEvery-th entry: few enough to stay in the
	// processor's cache, so that a search misses it a few times instead of twenty.
	marks []uint64
}

const (
	valueBytes = 4
	markEvery  = 256
)

func (r *ranges) count() int { return len(r.entries) / (r.keyBytes + valueBytes) }

func (r *ranges) start(i int) uint64 {
	if r.keyBytes == 4 {
		return uint64(binary.LittleEndian.Uint32(r.entries[i*(4+valueBytes):]))
	}
	return binary.LittleEndian.Uint64(r.entries[i*(8+valueBytes):])
}

func (r *ranges) value(i int) uint32 {
	return binary.LittleEndian.Uint32(r.entries[i*(r.keyBytes+valueBytes)+r.keyBytes:])
}

// find returns the value of the range that key is in.
func (r *ranges) find(key uint64) uint32 {
	mark, marked := slices.BinarySearch(r.marks, key)
	if !marked {
		mark-- // the last that is below
	}
	if mark < 0 {
		return 0 // there are no ranges
	}
	low := mark * markEvery
	high := min(low+markEvery, r.count())
	for high-low > 1 { // the range is one of low to high-1
		middle := (low + high) / 2
		if r.start(middle) <= key {
			low = middle
		} else {
			high = middle
		}
	}
	return r.value(low)
}

// add appends a range; they come in order. One of which the same is told as of the
// last prolongs that.
func (r *ranges) add(start uint64, value uint32) {
	if count := r.count(); count > 0 && r.value(count-1) == value {
		return
	}
	if r.keyBytes == 4 {
		r.entries = binary.LittleEndian.AppendUint32(r.entries, uint32(start))
	} else {
		r.entries = binary.LittleEndian.AppendUint64(r.entries, start)
	}
	r.entries = binary.LittleEndian.AppendUint32(r.entries, value)
}

// finish is for after the last range; find finds none before.
func (r *ranges) finish() {
	for i := 0; i < r.count(); i += markEvery {
		r.marks = append(r.marks, r.start(i))
	}
}

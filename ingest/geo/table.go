package geo

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/netip"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// table is what a file tells, of every address. It does not change.
type table[V comparable] struct {
	kind   string // the file's own name for what it is
	built  time.Time
	values []V // the first is the zero value: nothing is known
	v4, v6 ranges
}

// find returns what is told of an address; nothing if the table is nil.
func (t *table[V]) find(addr netip.Addr) V {
	if t == nil {
		var nothing V
		return nothing
	}
	var value uint32
	if addr.Is4() {
		bits := addr.As4()
		value = t.v4.find(uint64(binary.BigEndian.Uint32(bits[:])))
	} else {
		bits := addr.As16()
		value = t.v6.find(binary.BigEndian.Uint64(bits[:]))
	}
	runtime.KeepAlive(t) // or the ranges may be freed meanwhile
	return t.values[value]
}

func (t *table[V]) rangeCount() int { return t.v4.count() + t.v6.count() }

// maxMetadataBytes is how far before the end of a file its metadata may begin
// (MaxMind DB file format, version 2.0, "Database Metadata").
const maxMetadataBytes = 128 << 10

const metadataMarker = "\xab\xcd\xefMaxMind.com"

// newTable reads a file, which is not used afterwards. Now and then forget is
// called: what was read may leave memory, to come back unchanged when it is read
// again. The error is a *badContent, or that of ctx.
func newTable[V comparable](ctx context.Context, content []byte, forget func(), decode func(maxminddb.Result) (V, error)) (_ *table[V], err error) {
	// A mapped file that gets shorter faults where it is read behind its end. And
	// these bytes come from elsewhere: whatever they make of a reader, the
	// collector goes on.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = bad("cannot be read: %v", fault)
		}
	}()
	if !bytes.Contains(content[max(0, len(content)-maxMetadataBytes):], []byte(metadataMarker)) {
		return nil, bad("is not in the MaxMind DB format, or its end is missing")
	}
	file, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, bad("%v", err)
	}
	w, err := newWalk(ctx, content, forget, file, decode)
	if err != nil {
		return nil, err
	}
	t := &table[V]{kind: file.Metadata.DatabaseType, built: file.Metadata.BuildTime().UTC()}
	t.v4, t.v6 = reserveRanges(t, w.nodes, 4), reserveRanges(t, w.nodes, 8)
	if err := w.fill(&t.v4, &t.v6); err != nil {
		return nil, err
	}
	if t.values = w.values; len(t.values) == 1 {
		return nil, bad("tells nothing of use here of any network; its type is %.100q", t.kind)
	}
	t.v4.finish()
	t.v6.finish()
	return t, nil
}

// reserveRanges returns empty ranges with room for all leaves of a tree of so many
// nodes, in memory that is freed with the table.
func reserveRanges[V comparable](t *table[V], nodes uint, keyBytes int) ranges {
	room := reserve((int(nodes) + 1) * (keyBytes + valueBytes)) // a binary tree has one leaf more
	if room != nil {
		runtime.AddCleanup(t, unmap, room)
	}
	return ranges{keyBytes: keyBytes, entries: room[:0]}
}

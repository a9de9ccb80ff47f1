package geo

import (
	"context"

	"github.com/oschwald/maxminddb-golang/v2"
)

// walk goes through the search tree of a file in the order of addresses. It does
// what the library's iterator does not: it ends soon whatever the tree looks like,
// and leaves little of a mapped file in memory.
//
// A node has two records, for the next bit 0 and 1. A record below the number of
// nodes is a node; that number itself says that nothing is known; one above it,
// by 16 at least, is an offset of the data section (MaxMind DB file format, version
// 2.0, "Binary Search Tree Section").
type walk[V comparable] struct {
	ctx     context.Context
	content []byte
	forget  func()
	file    *maxminddb.Reader
	decode  func(maxminddb.Result) (V, error)
	nodes   uint
	// ipv4 is the record below which the IPv4 addresses are. Elsewhere in an IPv6
	// tree it is an alias of them, such as 6to4, which is left out.
	ipv4    uint
	visits  uint
	values  []V
	index   map[V]uint32    // into values
	decoded []decodedRecord // by pointer: many networks have the same
}

// decodedRecord remembers the value of what a record of the tree points to.
type decodedRecord struct {
	pointer uint32 // never 0
	value   uint32
}

// maxDecoded bounds what is remembered while a file is read: 8 MB.
const maxDecoded = 1 << 20

// dataSeparator is the space between tree and data.
const dataSeparator = 16

// maxValues bounds the memory of names: there are some 5,000 regions in ISO 3166-2,
// and some 120,000 autonomous systems in use.
const maxValues = 1 << 18

// Bits of an IPv6 address: before the IPv4 addresses of a tree, and that ranges
// tell apart.
const (
	bitsBeforeIPv4 = 96
	bitsOfNetwork  = 64
)

func newWalk[V comparable](ctx context.Context, content []byte, forget func(), file *maxminddb.Reader, decode func(maxminddb.Result) (V, error)) (*walk[V], error) {
	var nothing V
	w := &walk[V]{
		ctx: ctx, content: content, forget: forget, file: file, decode: decode, nodes: file.Metadata.NodeCount,
		values: []V{nothing}, index: map[V]uint32{nothing: 0},
	}
	version, recordBits := file.Metadata.IPVersion, file.Metadata.RecordSize
	if version != 4 && version != 6 || recordBits != 24 && recordBits != 28 && recordBits != 32 || w.nodes == 0 {
		return nil, bad("has a search tree of no known kind: IP version %d, %d bits, %d nodes", version, recordBits, w.nodes)
	}
	w.decoded = make([]decodedRecord, min(w.nodes, maxDecoded))
	if version == 6 {
		for bit := 0; bit < bitsBeforeIPv4 && w.ipv4 < w.nodes; bit++ {
			w.ipv4, _ = w.children(w.ipv4)
		}
	}
	return w, nil
}

// fill makes the ranges of the whole tree.
func (w *walk[V]) fill(v4, v6 *ranges) error {
	if err := w.below(v4, w.ipv4, 0, 32, 0); err != nil || w.file.Metadata.IPVersion == 4 {
		return err
	}
	w.visits = 0
	return w.below(v6, 0, 0, bitsOfNetwork, 128-bitsOfNetwork)
}

// below adds the ranges below a record. Addresses there begin with start, and
// bits of them are open yet; behind those come beyond more that count for nothing.
func (w *walk[V]) below(into *ranges, record uint, start uint64, bits, beyond int) error {
	if bits == 0 {
		for ; beyond > 0 && w.isNode(record, into); beyond-- {
			record, _ = w.children(record)
		}
	}
	if !w.isNode(record, into) {
		value, err := w.value(record)
		if err == nil {
			into.add(start, value)
		}
		return err
	}
	// A walk through a tree comes to each node once.
	if bits == 0 || w.visits == w.nodes {
		return bad("is damaged: its search tree is none")
	}
	if w.visits++; w.visits%forgetEvery == 0 {
		w.forget()
		if err := w.ctx.Err(); err != nil {
			return err
		}
	}
	left, right := w.children(record)
	if err := w.below(into, left, start, bits-1, beyond); err != nil {
		return err
	}
	return w.below(into, right, start|1<<(bits-1), bits-1, beyond)
}

// forgetEvery is after how many nodes the pages of a mapped file are given back.
// They stay in the system's cache; only this process does not count them as its.
const forgetEvery = 1 << 13

// isNode says whether a record leads on. Among IPv6 addresses the IPv4 ones do not.
func (w *walk[V]) isNode(record uint, into *ranges) bool {
	return record < w.nodes && (into.keyBytes == 4 || record != w.ipv4)
}

// children returns the records of a node. The library has checked that the file
// has room for all nodes.
func (w *walk[V]) children(node uint) (left, right uint) {
	switch w.file.Metadata.RecordSize {
	case 24:
		b := w.content[node*6:][:6]
		return bigEndian24(b), bigEndian24(b[3:])
	case 28: // the byte in the middle has the highest four bits of both
		b := w.content[node*7:][:7]
		return uint(b[3]>>4)<<24 | bigEndian24(b), uint(b[3]&15)<<24 | bigEndian24(b[4:])
	default:
		b := w.content[node*8:][:8]
		return uint(b[0])<<24 | bigEndian24(b[1:]), uint(b[4])<<24 | bigEndian24(b[5:])
	}
}

func bigEndian24(b []byte) uint { return uint(b[0])<<16 | uint(b[1])<<8 | uint(b[2]) }

// value returns the index of what a record that is no node tells.
func (w *walk[V]) value(record uint) (uint32, error) {
	if record <= w.nodes { // nothing, or the IPv4 addresses among the others
		return 0, nil
	}
	if record < w.nodes+dataSeparator {
		return 0, bad("is damaged: its search tree points between tree and data")
	}
	known := &w.decoded[record%uint(len(w.decoded))]
	if uint(known.pointer) == record {
		return known.value, nil
	}
	told, err := w.decode(w.file.LookupOffset(uintptr(record - w.nodes - dataSeparator)))
	if err != nil {
		return 0, bad("is damaged, or of a layout that is not known: %v", err)
	}
	value, ok := w.index[told]
	if !ok {
		if len(w.values) == maxValues {
			return 0, bad("tells more than %d different things", maxValues)
		}
		value = uint32(len(w.values))
		w.values, w.index[told] = append(w.values, told), value
	}
	*known = decodedRecord{uint32(record), value}
	return value, nil
}

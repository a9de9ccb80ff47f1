package generator

// ids makes 64-bit ids that look random and never repeat: a counter, put
// through a permutation.
type ids struct{ next uint64 }

// newIDs returns the ids of one stream of a seed. Streams of a seed have no id
// in common while none takes more than 2^40.
func newIDs(seed, stream uint64) ids { return ids{mix(seed) + stream<<40} }

// mix is the finalizer of SplitMix64, a permutation of the 64-bit numbers.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// id returns the next id.
func (i *ids) id() uint64 {
	i.next++
	return mix(i.next)
}

// hex returns the next id as the wire wants it.
func (i *ids) hex() string { return string(appendHex(make([]byte, 0, 16), i.id())) }

// trace returns a trace id of two ids.
func (i *ids) trace() string {
	return string(appendHex(appendHex(make([]byte, 0, 32), i.id()), i.id()))
}

// appendHex appends 16 hexadecimal digits.
func appendHex(dst []byte, id uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[id>>shift&0xf])
	}
	return dst
}

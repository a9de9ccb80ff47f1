package client

// generations is a map of bounded size that forgets what was not used for longest,
// roughly: what is used moves to the young half, and when that is full the old
// half is dropped. Keys are hashes. It needs a lock.
type generations[V any] struct {
	max        int // of each half; at least 1 is kept
	young, old map[uint64]V
}

// get returns what was put, and keeps it young.
func (g *generations[V]) get(key uint64) (value V, ok bool) {
	if value, ok = g.young[key]; ok {
		return value, true
	}
	if value, ok = g.old[key]; ok {
		g.put(key, value)
	}
	return value, ok
}

func (g *generations[V]) put(key uint64, value V) {
	if _, ok := g.young[key]; !ok && len(g.young) >= g.max {
		g.turn()
	}
	if g.young == nil {
		g.young = make(map[uint64]V)
	}
	g.young[key] = value
}

// turn drops the old half and makes the young half the old one.
func (g *generations[V]) turn() { g.old, g.young = g.young, nil }

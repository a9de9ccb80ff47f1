package sourcemap

import "container/list"

// recent remembers the values that were used last, up to a number of them. It is
// not safe for concurrent use.
type recent[K comparable, V any] struct {
	capacity int
	order    *list.List // of recentItem, the last used first
	byKey    map[K]*list.Element
	left     func(V) // is told of each value that is not remembered any more
}

type recentItem[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](capacity int, left func(V)) *recent[K, V] {
	return &recent[K, V]{capacity: capacity, order: list.New(), byKey: map[K]*list.Element{}, left: left}
}

func (r *recent[K, V]) get(key K) (value V, ok bool) {
	element, ok := r.byKey[key]
	if !ok {
		return value, false
	}
	r.order.MoveToFront(element)
	return element.Value.(recentItem[K, V]).value, true
}

// put remembers a value in the place of what the key had.
func (r *recent[K, V]) put(key K, value V) {
	r.remove(key)
	r.byKey[key] = r.order.PushFront(recentItem[K, V]{key, value})
	if r.order.Len() > r.capacity {
		r.remove(r.order.Back().Value.(recentItem[K, V]).key)
	}
}

func (r *recent[K, V]) remove(key K) {
	if element, ok := r.byKey[key]; ok {
		delete(r.byKey, key)
		r.order.Remove(element)
		r.left(element.Value.(recentItem[K, V]).value)
	}
}

func (r *recent[K, V]) clear() {
	for r.order.Len() > 0 {
		r.remove(r.order.Front().Value.(recentItem[K, V]).key)
	}
}

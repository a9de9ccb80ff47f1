package shop

import (
	"container/list"
	"crypto/rand"
	"sync"
)

const (
	// maxCarts bounds the carts kept; the one unused longest goes first.
	maxCarts = 5_000
	// maxQuantity bounds how many of one product a cart holds.
	maxQuantity = 20
)

// line is one product in a cart, and how many of it.
type line struct {
	productID string
	quantity  int
}

// carts keeps the carts of visitors, safe for concurrent use.
type carts struct {
	mu     sync.Mutex
	limit  int
	byID   map[string]*list.Element
	recent *list.List // of *cart, the one used last at the front
}

type cart struct {
	id    string
	lines []line
}

func newCarts(limit int) *carts {
	return &carts{limit: limit, byID: map[string]*list.Element{}, recent: list.New()}
}

// newCartID returns an id that nobody can guess.
func newCartID() string { return rand.Text() }

// lines returns what is in the cart; nothing for one that is not known.
func (c *carts) lines(id string) []line {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.byID[id]
	if !ok {
		return nil
	}
	c.recent.MoveToFront(found)
	return append([]line(nil), found.Value.(*cart).lines...)
}

// add puts one more of the product into the cart, up to maxQuantity, and
// returns how many things are in it then.
func (c *carts) add(id, productID string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	target := c.open(id)
	for i := range target.lines {
		if target.lines[i].productID == productID {
			target.lines[i].quantity = min(target.lines[i].quantity+1, maxQuantity)
			return count(target.lines)
		}
	}
	target.lines = append(target.lines, line{productID: productID, quantity: 1})
	return count(target.lines)
}

// remove takes the product out of the cart and returns how many things are left.
func (c *carts) remove(id, productID string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.byID[id]
	if !ok {
		return 0
	}
	target := found.Value.(*cart)
	kept := target.lines[:0]
	for _, l := range target.lines {
		if l.productID != productID {
			kept = append(kept, l)
		}
	}
	target.lines = kept
	return count(kept)
}

// empty forgets the cart.
func (c *carts) empty(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.byID[id]; ok {
		c.recent.Remove(found)
		delete(c.byID, id)
	}
}

// open returns the cart, a new one if it is not known, and makes room for it.
// The caller holds the lock.
func (c *carts) open(id string) *cart {
	if found, ok := c.byID[id]; ok {
		c.recent.MoveToFront(found)
		return found.Value.(*cart)
	}
	for c.recent.Len() >= c.limit {
		oldest := c.recent.Back()
		c.recent.Remove(oldest)
		delete(c.byID, oldest.Value.(*cart).id)
	}
	fresh := &cart{id: id}
	c.byID[id] = c.recent.PushFront(fresh)
	return fresh
}

func count(lines []line) int {
	total := 0
	for _, l := range lines {
		total += l.quantity
	}
	return total
}

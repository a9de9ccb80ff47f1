package shop

import (
	"fmt"
	"sync"
	"time"
)

// maxOrders bounds the orders kept; the oldest goes first.
const maxOrders = 5_000

// order is what was paid for. It holds nothing about who paid: the demo has
// no use for it.
type order struct {
	Number     string
	Lines      []cartLine
	TotalCents int
	PlacedAt   time.Time
}

// orders keeps the last orders, safe for concurrent use.
type orders struct {
	mu     sync.Mutex
	limit  int
	placed int // ever
	byID   map[string]order
}

func newOrders(limit int) *orders {
	return &orders{limit: limit, byID: map[string]order{}}
}

func orderNumber(n int) string { return fmt.Sprintf("MC-%d", 10_000+n) }

// place keeps an order and returns its number.
func (o *orders) place(lines []cartLine, at time.Time) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.placed++
	delete(o.byID, orderNumber(o.placed-o.limit))
	number := orderNumber(o.placed)
	o.byID[number] = order{Number: number, Lines: lines, TotalCents: total(lines), PlacedAt: at}
	return number
}

func (o *orders) get(number string) (order, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found, ok := o.byID[number]
	return found, ok
}

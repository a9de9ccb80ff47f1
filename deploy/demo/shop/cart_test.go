package shop

import (
	"testing"
	"time"
)

func TestCartsAreBounded(t *testing.T) {
	c := newCarts(2)
	c.add("one", "camp")
	c.add("two", "camp")
	c.lines("one") // used last
	c.add("three", "camp")
	if len(c.lines("two")) != 0 || len(c.lines("one")) != 1 || len(c.lines("three")) != 1 {
		t.Error("the cart unused longest should have gone")
	}
	if len(c.byID) != 2 || c.recent.Len() != 2 {
		t.Errorf("%d carts kept", len(c.byID))
	}
}

func TestQuantityIsBounded(t *testing.T) {
	c := newCarts(2)
	for range maxQuantity + 5 {
		c.add("one", "camp")
	}
	if got := c.add("one", "camp"); got != maxQuantity {
		t.Errorf("%d in the cart", got)
	}
}

func TestUnknownCart(t *testing.T) {
	c := newCarts(2)
	c.empty("nobody")
	if c.remove("nobody", "camp") != 0 || c.lines("nobody") != nil || len(c.byID) != 0 {
		t.Error("asking for a cart made one")
	}
}

func TestOrdersAreBounded(t *testing.T) {
	o := newOrders(2)
	first := o.place(nil, time.Unix(0, 0))
	o.place(nil, time.Unix(1, 0))
	third := o.place(nil, time.Unix(2, 0))
	if _, ok := o.get(first); ok || len(o.byID) != 2 {
		t.Errorf("%d orders kept", len(o.byID))
	}
	if found, ok := o.get(third); !ok || found.Number != third {
		t.Errorf("the last order is not there: %v", found)
	}
}

package stack

import (
	"strings"
	"testing"
)

// BenchmarkError reads, groups and judges one error: the usual one of ten frames, and
// the largest stacks and messages that the wire takes, made to hurt.
func BenchmarkError(b *testing.B) {
	const stackBytes, messageBytes = 16 << 10, 2 << 10
	fill := func(text string, size int) string { return strings.Repeat(text, size/len(text)+1)[:size] }
	usual := "TypeError: Cannot read properties of undefined (reading 'price')\n" +
		strings.Repeat("    at Cart.total (https://shop.example/static/cart.4f7c2a9b.js:1:20481)\n", 10)
	for _, c := range []struct{ name, message, stack string }{
		{"chrome", "Cannot read properties of undefined (reading 'price')", usual},
		{"own_message", "Order 4711 of 2026-11-28 not found", usual},
		{"firefox", "too much recursion", strings.Repeat("total@https://shop.example/static/cart.4f7c2a9b.js:1:20475\n", 10)},
		{"largest", fill("Order 4711 ", messageBytes), fill("    at f (https://shop.example/static/cart.4f7c2a9b.js:1:2)\n", stackBytes)},
		{"hostile_eval", fill("'", messageBytes), fill("    at (eval at x (", stackBytes)},
		{"hostile_lines", fill("1.", messageBytes), fill("\n", stackBytes)},
		{"hostile_at", fill("a1b2", messageBytes), fill("@", stackBytes)},
		{"hostile_long_line", fill("“", messageBytes), "    at f (" + fill("https://", stackBytes) + ":1:2)"},
		{"hostile_path", fill("[a", messageBytes), "    at f (https://a.example" + fill("/1", stackBytes) + ".js:1:2)"},
		{"hostile_host", fill(" is ", messageBytes), "    at f (https://" + fill("a.", stackBytes) + "/x.js:1:2)"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				frames := Parse(c.stack, "shop.example")
				Group("TypeError", c.message, frames)
				Noise("TypeError", c.message, frames)
			}
		})
	}
}

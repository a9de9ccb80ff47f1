package ingest

import "testing"

func TestAllowsOrigin(t *testing.T) {
	shop := App{Origins: []string{"https://shop.example", "https://*.shop.example", "http://localhost:3000"}}
	ported := App{Origins: []string{"https://*.shop.example:8443"}}
	anyone := App{Origins: []string{"*"}}
	for _, c := range []struct {
		app    *App
		origin string
		want   bool
	}{
		{&shop, "https://shop.example", true},
		{&shop, "https://www.shop.example", true},
		{&shop, "https://a.b.shop.example", true},
		{&shop, "http://localhost:3000", true},
		{&shop, "http://shop.example", false},
		{&shop, "http://www.shop.example", false},
		{&shop, "https://shop.example:8443", false},
		{&shop, "https://evilshop.example", false},
		{&shop, "https://shop.example.evil", false},
		{&shop, "https://.shop.example", false},
		{&shop, "https://user@www.shop.example", false},
		{&shop, "https://evil.example/.shop.example", false},
		{&shop, "https://evil.example#.shop.example", false},
		{&shop, "https://evil.example:1.shop.example", false},
		{&shop, "https://a b.shop.example", false},
		{&ported, "https://www.shop.example:8443", true},
		{&ported, "https://www.shop.example", false},
		{&shop, "null", false},
		{&shop, "", false},
		{&anyone, "https://any.example", true},
		{&anyone, "null", true},
		{&anyone, "", false},
	} {
		if got := c.app.AllowsOrigin(c.origin); got != c.want {
			t.Errorf("%v.AllowsOrigin(%q) = %v", c.app.Origins, c.origin, got)
		}
	}
}

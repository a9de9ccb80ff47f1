package synthetic

import (
	"net/url"
	"testing"
)

func TestFitsHost(t *testing.T) {
	for _, test := range []struct {
		host, address string
		want          bool
	}{
		{"shop.example", "https://shop.example/", true},
		{"shop.example", "https://SHOP.example:8443/", true},
		{"Shop.Example", "http://shop.example/", true},
		{"shop.example", "https://www.shop.example/", false},
		{"shop.example", "https://shop.example.evil.example/", false},
		{"shop.example", "https://evil.example/shop.example/", false},
		{"shop.example", "https://shop.example@evil.example/", false},
		{"shop.example", "ftp://shop.example/", false},
		{"*.shop.example", "https://www.shop.example/", true},
		{"*.shop.example", "https://a.b.shop.example/", true},
		{"*.shop.example", "https://shop.example/", false},
		{"*.shop.example", "https://evilshop.example/", false},
		{"*", "https://shop.example/", false},
		{"shop.example:8443", "https://shop.example:8443/", true},
		{"shop.example:443", "https://shop.example/", true},
		{"shop.example:80", "https://shop.example/", false},
		{"[::1]:80", "http://[::1]/", true},
		{"[::1]", "http://[::1]:81/", true},
		{"::1", "http://[::1]:81/", false},
	} {
		u, err := url.Parse(test.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := FitsHost(test.host, u); got != test.want {
			t.Errorf("%s at %s: %t", test.address, test.host, got)
		}
	}
}

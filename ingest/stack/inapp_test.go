package stack

import (
	"slices"
	"strings"
	"testing"
)

func TestInApp_IsOurCode(t *testing.T) {
	for _, c := range []struct {
		url, pageHost string
		want          bool
	}{
		{"https://shop.example/a.js", "shop.example", true},
		{"https://cdn.shop.example:8443/a.js", "www.shop.example", true},
		{"https://SHOP.example/a.js", "shop.example", true},
		{"https://shop.co.uk/a.js", "other.co.uk", false},
		{"https://a.github.io/a.js", "b.github.io", false},
		{"https://10.0.0.1/a.js", "10.0.0.1", true},
		{"https://10.0.0.2/a.js", "1.0.0.2", false},
		{"http://localhost:3000/a.js", "localhost", true},
		{"https://[::1]:80/a.js", "[::1]", true},
		{"https://shop.example/a.js", "", true},
		{"https://cdn.jsdelivr.net/a.js", "", false},
		{"https://www.googletagmanager.com/gtm.js", "", false},
		{"https://www.youtube.com/a.js", "www.youtube.com", true},
		{"https://notunpkg.com/a.js", "", true},
		{"blob:https://shop.example/9b2f0c1e", "shop.example", true},
		{"blob:https://other.example/9b2f0c1e", "shop.example", false},
		{"webpack://shop/./src/a.ts", "shop.example", true},
		{"webpack://shop/./src/runtime.js", "shop.example", true},
		{"webpack://shop/webpack/bootstrap", "shop.example", false},
		{"webpack://shop/./node_modules/a/b.js", "shop.example", false},
		{"src/a.ts", "shop.example", true},
		{"https://" + strings.Repeat("a.", 128) + "shop.example/a.js", "shop.example", false}, // no host is as long
		{"https://shop.example/vendors~main.3f2a9c1b.js", "shop.example", false},
		{"https://shop.example/vendor-react-DiwrgTda.js", "shop.example", false},
		{"https://shop.example/react-cart.js", "shop.example", true},
		{"https://shop.example/react-dom.production.min.js", "shop.example", false},
		{"https://shop.example/jquery-3.7.1.slim.min.js?x", "shop.example", false},
		{"https://shop.example/a.js?from=/node_modules/", "shop.example", true},
		{"chrome-extension://abc/a.js", "", false},
		{"safari-web-extension://abc/a.js", "", false},
		{"webkit-masked-url://hidden/", "", false},
		{"user-script:3", "", false},
		{"", "", false},
	} {
		if got := InApp(c.url, c.pageHost); got != c.want {
			t.Errorf("%s on %s: %v", c.url, c.pageHost, got)
		}
	}
}

func TestLists_AreSorted(t *testing.T) {
	for name, list := range map[string][]string{
		"thirdParties": thirdParties, "libraryFiles": libraryFiles, "libraryQualifiers": libraryQualifiers, "scriptExtensions": scriptExtensions,
	} {
		if !slices.IsSorted(list) {
			t.Errorf("%s is searched by halving, but not sorted", name)
		}
	}
}

package stack

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Each directory below testdata/groups is a group as a person would make it.
func TestGroup_GroupsAsAPersonWould(t *testing.T) {
	groups := map[uint64]string{}
	first := map[string]fixture{}
	for _, f := range readFixtures(t, "groups/*/*.txt") {
		directory := filepath.Dir(f.name)
		fingerprint := f.group()
		if known, ok := first[directory]; !ok {
			first[directory] = f
		} else if known.group() != fingerprint {
			t.Errorf("%s and %s differ:\n%s\n%s", known.name, f.name, describe(known), describe(f))
		}
		if other, ok := groups[fingerprint]; ok && other != directory {
			t.Errorf("%s and %s are one:\n%s", other, directory, describe(f))
		}
		groups[fingerprint] = directory
	}
}

// describe says what a fingerprint is made of.
func describe(f fixture) string {
	m := readMessage(f.errorType, f.message)
	topFile, places := placesOf(f.frames())
	return fmt.Sprintf("%+v %x %x", m, topFile, places)
}

// A change of any of these parts the groups that people know.
func TestGroup_StaysTheSameForEver(t *testing.T) {
	const stack = "    at Cart.total (https://shop.example/static/cart.4f7c2a9b.js:1:20481)\n    at show (https://shop.example/static/cart.4f7c2a9b.js:2:1)"
	for message, want := range map[string]uint64{
		"":                   13308521315483839369,
		"Order 4711 is late": 12679637466686229121,
		"Cannot read properties of undefined (reading 'price')": 15460320024934122785,
	} {
		if got := Group("TypeError", message, Parse(stack, "shop.example")); got != want {
			t.Errorf("%q: %d, want %d", message, got, want)
		}
	}
	if got, want := Group("", "", nil), uint64(14449180224813337751); got != want {
		t.Errorf("nothing: %d, want %d", got, want)
	}
}

// The sum is the published one of FNV-1a, with its zero byte at the end.
func TestFingerprint_IsFNV1a(t *testing.T) {
	const foobarAndZero = 0x34531ca7168b8f38 // of the authors' test vectors
	if got := newFingerprint().text("foobar"); got != foobarAndZero {
		t.Errorf("%x", uint64(got))
	}
	if newFingerprint().bytes([]byte("foobar")) != foobarAndZero {
		t.Error("bytes and text differ")
	}
}

// What builds, hosts and visitors change does not matter; type, words and place do.
func TestGroup_DependsOnWhatLasts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hash := rapid.StringMatching(`[0-9a-f]{4}[0-9][0-9a-f]{3,15}`)
		number := rapid.IntRange(0, 1_000_000)
		group := func(errorType, verb, function, file string) uint64 {
			host := rapid.SampledFrom([]string{"shop.example", "www.shop.example", "cdn.shop.example:8443"}).Draw(t, "host")
			stack := fmt.Sprintf("    at %s (https://%s/assets/%s.%s.js:%d:%d)\n    at x (https://%[2]s/assets/%[3]s.%[4]s.js:1:1)",
				function, host, file, hash.Draw(t, "hash"), number.Draw(t, "line")+1, number.Draw(t, "column")+1)
			message := fmt.Sprintf("Could not %s item %d of %q", verb, number.Draw(t, "item"), hash.Draw(t, "name"))
			return Group(errorType, message, Parse(stack, "shop.example"))
		}
		base := group("Error", "load", "loadItem", "items")
		if base != group("Error", "load", "loadItem", "items") {
			t.Fatal("two of one group differ")
		}
		for i, other := range []uint64{
			group("DataError", "load", "loadItem", "items"),
			group("Error", "save", "loadItem", "items"),
			group("Error", "load", "keepItem", "items"),
			group("Error", "load", "loadItem", "cart"),
		} {
			if base == other {
				t.Fatalf("difference %d is lost", i)
			}
		}
	})
}

// A frame of a foreign library, or of the browser, above ours changes nothing.
func TestGroup_LooksAtOurFrames(t *testing.T) {
	const ours = "    at show (https://shop.example/js/cart.js:1:2)"
	want := Group("Error", "x", Parse(ours, "shop.example"))
	for _, foreign := range []string{
		"    at Array.map (<anonymous>)",
		"    at run (https://shop.example/node_modules/x/index.js:1:2)",
		"    at run (https://unpkg.com/x.js:1:2)",
	} {
		if Group("Error", "x", Parse(foreign+"\n"+ours, "shop.example")) != want {
			t.Errorf("%s counts", foreign)
		}
		if Group("Error", "x", Parse(foreign+"\n"+strings.ReplaceAll(ours, "show", "hide"), "shop.example")) == want {
			t.Errorf("below %s nothing counts", foreign)
		}
	}
}

func TestFunctionName_IsWhatAllBrowsersTell(t *testing.T) {
	for name, want := range map[string]string{
		"Cart.total": "total", "total": "total", "Cart.prototype.total": "total", "cart/this.total": "total",
		"new Cart": "Cart", "get price": "price", "Cart.#total": "#total",
		"HTMLButtonElement.<anonymous>": "", "cart/total/<": "", "": "", "t": "", "$e": "", "e.map": "map",
		"eval": "", "global code": "", "4567": "", "Object../src/cart.js": "", "./src/cart.js/<": "", "handlers[0]": "handlers",
		"<static_initializer>": "", "bound total": "total", "wasm-function[12]": "wasm-function",
	} {
		if got := functionName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

func TestAppendPath_LeavesWhatLasts(t *testing.T) {
	for url, want := range map[string]string{
		"https://a.example/static/app.js":                                              "app.js/static",
		"https://b.example/x/static/app.3f2a9c1b.js?v=3#x":                             "app.js/static",
		"https://a.example/static/app.3f2a9c1b.min.js":                                 "app.js/static",
		"https://a.example/static/app-BxK3_d9f.js":                                     "app.js/static",
		"https://a.example/static/app-B-k3_d9f.js":                                     "app.js/static",
		"https://a.example/static/app-DiwrgTda.js":                                     "app.js/static",
		"https://a.example/v1.2.3/static/2026-11-28/app.js":                            "app.js/static",
		"https://a.example/static/9b2f0c1e-5a44-4c1f-9d0e-3f5a7b8c9d0e/app.js":         "app.js/static",
		"https://a.example/static/[id]/app.js":                                         "app.js/static",
		"https://a.example/x" + strings.Repeat("/1", 2*maxSkippedSegments) + "/app.js": "app.js",
		"https://a.example/app-checkout.js":                                            "app.checkout.js",
		"https://a.example/3f2a9c1b.js":                                                "*.js",
		"https://a.example/123.3f2a9c1b.js":                                            "*.js",
		"https://a.example/main.3f2a9c1b.chunk.js":                                     "main.chunk.js",
		"https://a.example/jquery-3.7.1.js":                                            "jquery.js",
		"webpack://shop/./src/cart/Total.tsx":                                          "Total.tsx/cart",
		"webpack:///./src/cart/Total.tsx":                                              "Total.tsx/cart",
		"../../src/cart/Total.tsx":                                                     "Total.tsx/cart",
		"cart.service.ts":                                                              "cart.service.ts",
		"https://a.example/":                                                           "(document)",
		"https://a.example/product/blue-shoes":                                         "(document)",
		"https://a.example/index.html":                                                 "(document)",
		"blob:https://shop.example/9b2f0c1e-5a44-4c1f-9d0e-3f5a7b8c9d0e":               "(document)",
		"https://a.example/m.wasm:wasm-function[3]:0x10":                               "m.wasm",
	} {
		if got := string(appendPath(nil, url)); got != want {
			t.Errorf("%s is %s, want %s", url, got, want)
		}
	}
}

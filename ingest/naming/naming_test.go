package naming

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func fixed() time.Time { return time.Unix(1_790_000_000, 0) }

func TestPage_NamesPathsAsAPersonWould(t *testing.T) {
	for path, want := range map[string]string{
		"":                  "/",
		"/":                 "/",
		"//":                "/",
		"/cart":             "/cart",
		"/cart/":            "/cart",
		"//cart//items":     "/cart/items",
		"/Cart":             "/Cart",
		"/index.html":       "/index.html",
		"/order/48213":      "/order/*",
		"/order/48213/edit": "/order/*/edit",
		"/order/DE-2041-77": "/order/*",
		"/user/123e4567-e89b-12d3-a456-426614174000/settings": "/user/*/settings",
		"/commit/3f2a9c1b":                         "/commit/*",
		"/commit/d41d8cd98f00b204e9800998ecf8427e": "/commit/*",
		"/u/jane@example.com":                      "/u/*",
		"/u/[email]":                               "/u/*",
		"/o/[id]/x":                                "/o/*/x",
		"/2026/11/28/what-happened":                "/*/*/*/what-happened",
		"/archive/2026-11-28":                      "/archive/*",
		"/news/article-1048576.html":               "/news/*.html",
		"/page/2":                                  "/page/*",
		"/api/v2/search":                           "/api/v2/search",
		"/oauth2/callback":                         "/oauth2/callback",
		"/docs/http2/h264/mp3":                     "/docs/http2/h264/mp3",
		"/docs/step-1":                             "/docs/step-1",
		"/en-US/help/returns":                      "/en-US/help/returns",
		"/de/hilfe/r%C3%BCckgabe":                  "/de/hilfe/rückgabe",
		"/s/caf%C3%A9%20au%20lait":                 "/s/*",
		"/x/%ff%fe":                                "/x/*",
		"/x/100%":                                  "/x/*",
		"/x/%2Fetc%2Fpasswd":                       "/x/*",
		"/v/dQw4w9WgXcQ":                           "/v/*",
		"/r/x7Kq2b9":                               "/r/*",
		"/cart;jsessionid=1A2B3C":                  "/cart",
		"/t/aGVsbG8gd29ybGQhIQ":                    "/t/*",
		"/blue-ceramic-mug":                        "/blue-ceramic-mug",
		"/checkout/thanks/A8F3-22":                 "/checkout/thanks/*",
		"/a/b/c/d/e/f/g/h/i/j":                     "/a/b/c/d/e/f/g/h/**",
		"/" + strings.Repeat("long-", 20):          "/*",
		// Shops.
		"/en-us/products/iphone-15-pro":         "/en-us/products/iphone-15-pro",
		"/dp/B07XJ8C8F5/ref=sr_1_1":             "/dp/*/*",
		"/p/blue-mug-20481":                     "/p/*",
		"/black-friday-2026":                    "/black-friday-2026",
		"/checkout/pay/cus_NffrFeUfNV2Hib":      "/checkout/pay/*",
		"/b2b/orders/INV-2026-0001":             "/b2b/orders/*",
		"/orders/2027-0815":                     "/orders/*",
		"/wishlist/01ARZ3NDEKTSV4RRFFQ69G5FAV/": "/wishlist/*",
		// News.
		"/politics/2026/11/28/1048576/index.html": "/politics/*/*/*/*/index.html",
		"/sport/live.php":                         "/sport/live.php",
		"/wm-2026/tabelle":                        "/wm-2026/tabelle",
		"/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8-%D1%8D%D0%BA%D0%BE%D0%BD%D0%BE%D0%BC%D0%B8%D0%BA%D0%B8": "/новости-экономики",
		"/новости-экономики": "/новости-экономики",
		"/新聞/第3章":            "/新聞/第3章",
		// Documentation.
		"/docs/k8s/v1beta1/rbac":            "/docs/k8s/v1beta1/rbac",
		"/docs/log4j2/i18n":                 "/docs/log4j2/i18n",
		"/docs/html5-css3-es6":              "/docs/html5-css3-es6",
		"/@scope/package":                   "/*/package",
		"/.well-known/openid-configuration": "/.well-known/openid-configuration",
		// SaaS and single pages.
		"/acme/projects/clh3k2j4x0000/board":        "/acme/projects/*/board",
		"/w/V1StGXR8_Z5jdHi6B-myT/settings/members": "/w/*/settings/members",
		"/app/tickets/ABC-1234":                     "/app/tickets/*",
		"/app/users/getUserAccountById":             "/app/users/getUserAccountById",
		"/reset/eyJhbGciOiJIUzI1NiJ9.e30.x":         "/reset/*",
		"/files/5e884898da28047151d0e56f8dc62927":   "/files/*",
		// What no browser sends.
		"/a/./../b":         "/a/*/*/b",
		"/a/\x00b/\xff\xfe": "/a/*/*",
		"/a/%252e%252e":     "/a/*",
		"/a/\u202e\u200b":   "/a/*",
	} {
		if got := New().Of("shop").Page(path); got != want {
			t.Errorf("%q is named %q, want %q", path, got, want)
		}
	}
}

// slug is a word without a digit, for each number another.
func slug(i int) string {
	return "about-" + string([]byte{'a' + byte(i/676%26), 'a' + byte(i/26%26), 'a' + byte(i%26)})
}

func TestPage_LearnsSlugs(t *testing.T) {
	a := New().Of("shop")
	for i := range maxChildren {
		if path := "/product/" + slug(i); a.Page(path) != path {
			t.Fatalf("%s is named %s", path, a.Page(path))
		}
		a.Page("/product/" + slug(i) + "/reviews")
	}
	for _, c := range [][2]string{
		{"/product/" + slug(999), "/product/*"},
		{"/product/" + slug(0), "/product/*"}, // from now on
		{"/product/" + slug(0) + "/reviews", "/product/*/reviews"},
		{"/product/" + slug(999) + "/reviews", "/product/*/reviews"},
		{"/product", "/product"},
		{"/category/" + slug(0), "/category/" + slug(0)},
	} {
		if got := a.Page(c[0]); got != c[1] {
			t.Errorf("%s is named %s, want %s", c[0], got, c[1])
		}
	}
}

// Articles right below the root do not take the site's sections with them.
func TestPage_KeepsTheSectionsOfASite(t *testing.T) {
	a := New().Of("blog")
	for range 50 {
		for _, path := range []string{"/", "/about", "/search", "/tag/go", "/tag/css", "/author/jane", "/author/joe"} {
			a.Page(path)
		}
	}
	for i := range 1000 {
		a.Page("/" + slug(i))
	}
	for path, want := range map[string]string{
		"/about": "/about", "/search": "/search", "/tag/go": "/tag/go", "/author/joe": "/author/joe",
		"/" + slug(3): "/*", "/" + slug(5000): "/*", "/": "/",
	} {
		if got := a.Page(path); got != want {
			t.Errorf("%s is named %s, want %s", path, got, want)
		}
	}
}

// A name that was given is only ever replaced by one with wildcards in it where
// there were segments, so that what was once one stays one.
func TestPage_NamesOnlyGetCoarser(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		segment := rapid.OneOf(rapid.SampledFrom([]string{"cart", "42", "x.html", "7.html"}), rapid.Map(rapid.IntRange(0, 60), slug))
		path := rapid.Map(rapid.SliceOfN(segment, 0, 10), func(s []string) string { return "/" + strings.Join(s, "/") })
		a, names := New().Of("shop"), map[string]string{}
		for _, path := range rapid.SliceOfN(path, 0, 400).Draw(rt, "paths") {
			names[path] = a.Page(path)
		}
		// Some positions become wild only now.
		for i := range 2 * maxChildren {
			a.Page("/" + slug(i%30) + "/" + slug(i))
		}
		for path, before := range names {
			if after := a.Page(path); before != Other && !isCoarser(before, after) {
				rt.Fatalf("%s was named %s, and is named %s", path, before, after)
			}
		}
	})
}

// isCoarser says whether every segment of a name is in the other, or a wildcard.
func isCoarser(before, after string) bool {
	fine, coarse := strings.Split(before, "/"), strings.Split(after, "/")
	if len(fine) != len(coarse) {
		return false
	}
	for i := range fine {
		if coarse[i] != fine[i] && coarse[i] != wildcard {
			return false
		}
	}
	return true
}

// Below the wildcard, too, a place that has had too many segments has none of
// its own any more, whichever of them came first.
func TestPage_JoinsWhatFollowsTheSegmentsItGivesUp(t *testing.T) {
	a := New().Of("shop")
	for i := range maxChildren + 1 {
		a.Page("/category/" + slug(i) + "/" + slug(2*i))
		a.Page("/category/" + slug(i) + "/" + slug(2*i+1) + "/reviews")
	}
	for i := range 4 * maxChildren {
		if got := a.Page("/category/" + slug(i) + "/" + slug(i)); got != "/category/*/*" {
			t.Fatalf("product %d is named %s", i, got)
		}
	}
	if got := a.Page("/category/x/y/reviews"); got != "/category/*/*/reviews" || a.pages.held != 2 {
		t.Errorf("reviews are named %s, there are %d names", got, a.pages.held)
	}
}

// Paths with ids in them come once: their names are found without becoming more.
func TestPage_RemembersNoMorePathsThanItMay(t *testing.T) {
	a := New().Of("shop")
	for i := range 3 * maxRemembered {
		if got := a.Page(fmt.Sprint("/order/", i)); got != "/order/*" {
			t.Fatalf("order %d is named %s", i, got)
		}
	}
	remembered := 0
	a.pages.remembered.Load().Range(func(any, any) bool { remembered++; return true })
	if remembered != maxRemembered || a.pages.held != 1 || a.pages.nodes != 2 {
		t.Errorf("%d paths, %d names, %d places", remembered, a.pages.held, a.pages.nodes)
	}
}

// A million paths that nobody would type: memory is bounded, and another app
// does not notice.
func TestPage_SurvivesAFlood(t *testing.T) {
	n := New()
	flooded, other := n.Of("flooded"), n.Of("other")
	other.Page("/cart")
	paths := 1_000_000
	if testing.Short() {
		paths = 100_000
	}
	for i := range paths {
		flooded.Page("/" + slug(i/676) + "/" + slug(i) + "/" + slug(i*7) + "/" + slug(i/3))
	}
	if held, _ := flooded.pages.count(); held > maxPages || flooded.pages.nodes > maxNodes || flooded.pages.rememberedCount.Load() > maxRemembered {
		t.Errorf("%d names, %d places, %d paths", held, flooded.pages.nodes, flooded.pages.rememberedCount.Load())
	}
	if got := other.Page("/cart"); got != "/cart" || other.pages.held != 1 {
		t.Errorf("another app's page is named %s, it has %d", got, other.pages.held)
	}
}

// Beyond the bound of apps the rest share what one may have.
func TestOf_BoundsApps(t *testing.T) {
	n := New()
	for i := range maxApps {
		n.Of(fmt.Sprint("app ", i))
	}
	for i := range maxValues {
		n.Of(fmt.Sprint("late ", i)).Cap(Release, fmt.Sprint(i), fixed())
	}
	if got := n.Of("later").Cap(Release, "1.0", fixed()); got != Other || len(n.apps) != maxApps {
		t.Errorf("the release is %s, there are %d apps", got, len(n.apps))
	}
	if got := n.Of("app 7").Cap(Release, "1.0", fixed()); got != "1.0" {
		t.Errorf("the release of an app within the bound is %s", got)
	}
}

// Names are asked for, learned, counted and kept at the same time.
func TestNames_AreSafeForConcurrentUse(t *testing.T) {
	n := New()
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2000 {
				a := n.Of(fmt.Sprint("app ", i%3))
				a.Page("/product/" + slug(i))
				a.Page("/" + slug(i*7+g) + "/reviews")
				a.Cap(Release, fmt.Sprint(i), fixed().AddDate(0, 0, i/100))
				if i%500 != 0 {
					continue
				}
				if _, err := n.Snapshot(); err != nil || len(n.Counts()) == 0 {
					t.Errorf("snapshot: %v; counts: %v", err, n.Counts())
				}
			}
		})
	}
	all.Wait()
	for name, app := range n.apps {
		pages, nodes := app.pages.root.count()
		if pages != app.pages.held || nodes != app.pages.nodes {
			t.Errorf("%s has %d names and %d places, and counts %d and %d", name, pages, nodes, app.pages.held, app.pages.nodes)
		}
		if got := app.Page("/product/" + slug(9999)); got != "/product/*" && got != "/*/*" {
			t.Errorf("a product of %s is named %s", name, got)
		}
	}
}

func TestCap_KeepsTheFirstAndCountsTheRest(t *testing.T) {
	now := fixed()
	n := New()
	a := n.Of("shop")
	for i := range maxValues + 10 {
		want := fmt.Sprint("1.0.", i)
		if i >= maxValues {
			want = Other
		}
		if got := a.Cap(Release, fmt.Sprint("1.0.", i), now); got != want {
			t.Fatalf("release %d is %s, want %s", i, got, want)
		}
	}
	if got := a.Cap(Environment, "Chrome", now); got != "Chrome" || a.Cap(Release, "", now) != "" {
		t.Errorf("another column: %s", got)
	}
	want := []Count{{"shop", "release", maxValues, 10}, {"shop", "environment", 1, 0}}
	if diff := cmp.Diff(want, n.Counts()); diff != "" {
		t.Error(diff)
	}
	// A year of releases is no flood: those out of use make room.
	now = now.AddDate(0, 0, forgetAfterDays+1)
	a.Cap(Release, "1.0.7", now) // still in use
	now = now.AddDate(0, 0, 1)
	if got := a.Cap(Release, "2.0.0", now); got != "2.0.0" || a.Cap(Release, "1.0.7", now) != "1.0.7" || a.columns[Release].held != 2 {
		t.Errorf("a release a month later is %s, there are %d", got, a.columns[Release].held)
	}
}

// Whatever has come, a restart changes no name.
func TestRestore_NamesAsBefore(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		segment := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "cart", "42", "x.html", "*", "**"}), rapid.Map(rapid.IntRange(0, 2000), slug))
		path := rapid.Map(rapid.SliceOfN(segment, 0, 10), func(s []string) string { return "/" + strings.Join(s, "/") })
		paths := rapid.SliceOfN(path, 0, 300).Draw(rt, "paths")
		n := New()
		for _, p := range paths {
			n.Of("shop").Page(p)
			n.Of("shop").Cap(Release, p, fixed())
		}
		snapshot, err := n.Snapshot()
		if err != nil {
			rt.Fatal(err)
		}
		again := New()
		if err := again.Restore(snapshot); err != nil {
			rt.Fatal(err)
		}
		for _, p := range paths {
			before, after := n.Of("shop").Page(p), again.Of("shop").Page(p)
			if before != after {
				rt.Fatalf("%s was named %s, and is named %s", p, before, after)
			}
		}
	})
}

func TestKeep_WritesWhatIsLearned(t *testing.T) {
	file := filepath.Join(t.TempDir(), "names.json")
	quiet := slog.New(slog.DiscardHandler)
	synctest.Test(t, func(t *testing.T) {
		n, err := Open(file, quiet)
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			n.Keep(ctx, file, time.Minute, quiet)
		}()
		n.Of("shop").Page("/cart")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), "cart") {
			t.Errorf("after a while: %s, %v", data, err)
		}
		n.Of("shop").Cap(Release, "1.2.3", fixed())
		end()
		<-ended
	})
	n, err := Open(file, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if held, _ := n.Of("shop").pages.count(); held != 1 || n.Of("shop").columns[Release].held != 1 {
		t.Errorf("%d names are back", held)
	}
}

func TestOpen_SetsAsideWhatItCannotRead(t *testing.T) {
	for name, content := range map[string]string{
		"bad_cut": `{"version":1,"apps":{"sh`, "bad_version": `{"version":99}`, "bad_empty": ``, "bad_type": `{"version":1,"apps":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "names.json")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			n, err := Open(file, slog.New(slog.DiscardHandler))
			if err != nil || len(n.Counts()) != 0 {
				t.Fatalf("%v, %v", n, err)
			}
			if aside, err := os.ReadFile(file + ".unreadable"); err != nil || string(aside) != content {
				t.Errorf("set aside: %s, %v", aside, err)
			}
		})
	}
}

func FuzzPage(f *testing.F) {
	for _, path := range []string{"/", "/a/b", "/%", "/%25/%41", "//;x", "/2026/x", "/" + strings.Repeat("a/", 50), "\xff/\x00"} {
		f.Add(path)
	}
	a := New().Of("shop")
	f.Fuzz(func(t *testing.T, path string) {
		name := a.Page(path)
		if again := a.Page(path); again != name {
			t.Errorf("%q is named %q, then %q", path, name, again)
		}
		if name == Other {
			return
		}
		segments := strings.Split(name, "/")
		if segments[0] != "" || len(segments) > maxDepth+2 || !isPrintable(name) || strings.ContainsAny(name, "\x00\n\x7f%;?#\"<") {
			t.Errorf("%q is named %q", path, name)
		}
		for i, segment := range segments[1:] {
			// A name leads to itself, as its segments do.
			if i < maxDepth && (generic(segment) != segment || segment == "" && name != "/") || utf8.RuneCountInString(segment) > maxRunes+len(".action") {
				t.Errorf("%q is named %q: %q", path, name, segment)
			}
		}
	})
}

// namesBelow are the names of the pages at a place and below.
func namesBelow(n *node) (names []string) {
	if n.page {
		names = append(names, n.name)
	}
	for _, child := range n.children {
		names = append(names, namesBelow(child)...)
	}
	return names
}

func FuzzRestore(f *testing.F) {
	n := New()
	n.Of("shop").Page("/product/42")
	n.Of("shop").Cap(Environment, "Linux", fixed())
	good, err := n.Snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"apps":{"a":{"pages":{"c":{"a/b":{"p":true},"**":{"p":true},"%41":{"p":true},"..":{"p":true},"A":{"c":{"":{"p":true}}}}}}}}`))
	f.Add([]byte(`{"version":1,"apps":{"a":{"pages":{"c":{"":null,"*":{"w":true,"c":{"x":{"p":true}}}}},"columns":{"os":{"":-1}}}}}`))
	f.Fuzz(func(t *testing.T, snapshot []byte) {
		n := New()
		if n.Restore(snapshot) != nil {
			return
		}
		for name, app := range n.apps {
			if app.pages.nodes > maxNodes {
				t.Errorf("%s has %d places", name, app.pages.nodes)
			}
			for _, page := range namesBelow(app.pages.root) {
				if got := app.Page(page); got != page {
					t.Errorf("%q is named %q", page, got)
				}
			}
			app.Page("/a/b/c")
			app.Cap(Environment, "x", fixed())
		}
		if again, err := n.Snapshot(); err != nil || New().Restore(again) != nil {
			t.Errorf("%s, %v", again, err)
		}
	})
}

func BenchmarkNames(b *testing.B) {
	n := New()
	paths := make([]string, 500)
	for i := range paths {
		paths[i] = "/product/" + slug(i)
		n.Of("shop").Page(paths[i])
	}
	b.Run("page", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				n.Of("shop").Page(paths[i%len(paths)])
			}
		})
	})
	b.Run("page, new id", func(b *testing.B) {
		b.ReportAllocs()
		orders := make([]string, 1<<17)
		for i := range orders {
			orders[i] = fmt.Sprintf("/account/orders/%08d/items", i)
		}
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				n.Of("shop").Page(orders[i%len(orders)])
			}
		})
	})
	b.Run("page, new slug", func(b *testing.B) {
		b.ReportAllocs()
		products := make([]string, 1<<17)
		for i := range products {
			products[i] = fmt.Sprintf("/category/%s-%s", slug(i), slug(i/676))
		}
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				n.Of("shop").Page(products[i%len(products)])
			}
		})
	})
	b.Run("page, of too many", func(b *testing.B) {
		full := n.Of("full")
		for i := 0; full.pages.held < maxPages; i++ {
			full.Page("/" + slug(i/40) + "/" + slug(i))
		}
		b.ReportAllocs()
		for b.Loop() {
			full.Page("/help/shipping/abroad")
		}
	})
	b.Run("cap", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				n.Of("shop").Cap(Release, "2.7.1", fixed())
			}
		})
	})
}

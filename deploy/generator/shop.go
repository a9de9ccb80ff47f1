package generator

import (
	"fmt"
	"time"

	"throughline/ingest"
)

// Shop is the app that is measured when no other is given.
func Shop() ingest.App {
	define := func(name, owner string, satisfied time.Duration, page, method, path string) ingest.Transaction {
		t := ingest.Transaction{Name: name, Owner: owner, Satisfied: satisfied}
		if page != "" {
			t.Complete.Page = &ingest.Pattern{}
			*t.Complete.Page = mustPattern(page)
		} else {
			t.Complete.Request = &ingest.RequestPattern{Method: method, Path: mustPattern(path)}
		}
		return t
	}
	return ingest.App{
		Name: "shop", Key: "shop-web-4f7c2a", Origins: []string{"https://shop.example"}, Environment: "production",
		Transactions: []ingest.Transaction{
			define("Open home page", "storefront", 2*time.Second, "/", "", ""),
			define("View product", "catalogue", 2500*time.Millisecond, "/product/*", "", ""),
			define("Browse category", "catalogue", 2500*time.Millisecond, "/category/*", "", ""),
			define("Search", "search", time.Second, "", "GET", "/api/search"),
			define("Sign in", "accounts", time.Second, "", "POST", "/api/session"),
			define("Add to cart", "checkout", 500*time.Millisecond, "", "POST", "/api/cart/items"),
			define("Pay", "payments", 1500*time.Millisecond, "", "POST", "/api/payments"),
			define("Checkout", "payments", 2500*time.Millisecond, "/checkout/thanks/*", "", ""),
			define("Read help", "support", 2*time.Second, "/help/**", "", ""),
		},
	}
}

// mustPattern reads a pattern of ours.
func mustPattern(text string) ingest.Pattern {
	p, err := ingest.ParsePattern(text)
	if err != nil {
		panic(fmt.Sprintf("pattern of the shop: %v", err)) // a test would have seen it
	}
	return p
}

// page is a template that many pages are made from.
type page struct {
	name string
	path string // {word} stands for what the words of that name hold
	// entry is how often visits begin here, and how often people come here from
	// anywhere.
	entry float64
	// next are the pages that people go to from here, with weights; * is anywhere.
	next     string
	serverMS float64 // the back end's median
	sizeKB   float64 // of the document
	scriptMS float64 // main-thread work until loaded, on a good desktop
	hero     string  // path of the largest image; "" if the largest paint is text
	element  string  // of the largest paint
	loads    string  // endpoints called while it loads, with chances
	acts     string  // endpoints that its users cause, with chances
}

// pages are those of the shop.
func pages() []page {
	return append(append(storefrontPages(), checkoutPages()...), otherPages()...)
}

func storefrontPages() []page {
	const hero, tile, title = "main>section.hero>img", "main>ul.grid>li:nth-child(1)>a>img", "main>h1"
	return []page{
		{"home", "/", 30, "category:30 product:24 search:12 sale:8 new:5 *:14", 62, 31, 240, "/media/hero/autumn.avif", hero, "menu:.5 recommendations:.9 offers:.6", "suggest:.15"},
		{"category", "/category/{category}", 14, "product:52 category:22 search:6 *:14", 110, 46, 260, "/media/tile/{product}.webp", tile, "facets:.9 prices:.8", "more:.35"},
		{"product", "/product/{product}", 28, "product:26 category:20 cart:17 search:6 compare:2 *:14", 88, 38, 310, "/media/product/{product}.webp", "main>figure>picture>img", "stock:1 recommendations:.8 reviews:.6", "add:.17 wish:.04 reviews:.1"},
		{"search", "/search", 5, "product:58 search:22 category:8 *:10", 140, 34, 230, "/media/tile/{product}.webp", tile, "search:1 facets:.5", "suggest:.5 search:.2"},
		{"sale", "/sale", 5, "product:55 sale-theme:18 category:14 *:10", 95, 44, 260, "/media/hero/sale.avif", hero, "prices:.9 offers:.8", "more:.3"},
		{"sale-theme", "/sale/{theme}", 2, "product:60 sale:14 category:12 *:10", 98, 42, 250, "/media/tile/{product}.webp", tile, "prices:.9", "more:.3"},
		{"new", "/new", 2.5, "product:58 category:18 *:12", 90, 40, 240, "/media/tile/{product}.webp", tile, "prices:.8", "more:.3"},
		{"bestsellers", "/bestsellers", 2, "product:62 category:16 *:12", 84, 40, 240, "/media/tile/{product}.webp", tile, "prices:.8", "more:.25"},
		{"brands", "/brands", 0.8, "brand:60 category:14 *:14", 60, 28, 120, "", title, "", ""},
		{"brand", "/brands/{brand}", 2.5, "product:60 brands:12 category:12 *:12", 96, 40, 230, "/media/brand/{brand}.webp", hero, "prices:.7", "more:.2"},
		{"compare", "/compare/{product}/{product}", 0.4, "product:70 *:16", 150, 36, 280, "/media/tile/{product}.webp", tile, "stock:.9", ""},
		{"gift-cards", "/gift-cards", 0.8, "cart:26 home:20 *:30", 55, 26, 170, "/media/hero/gift.avif", hero, "", "add:.2"},
		{"wishlist", "/wishlist/{code}", 0.6, "product:60 cart:14 *:16", 92, 30, 200, "/media/tile/{product}.webp", tile, "stock:.6", "add:.2"},
	}
}

func checkoutPages() []page {
	const title = "main>h1"
	return []page{
		{"cart", "/cart", 1.5, "address:46 product:20 category:9 *:12", 105, 24, 210, "", title, "cart:1 shipping:.4", "quantity:.3 coupon:.08 remove:.1"},
		{"address", "/checkout/address", 0.05, "delivery:78 cart:9 *:5", 96, 20, 200, "", title, "session:.5 cart:.6", "validate:.8"},
		{"delivery", "/checkout/delivery", 0.02, "payment:84 address:8 *:4", 120, 20, 190, "", title, "shipping:1", ""},
		{"payment", "/checkout/payment", 0.02, "thanks:74 payment:10 delivery:5 cart:3 *:3", 130, 26, 330, "", title, "methods:1", "pay:.92"},
		{"thanks", "/checkout/thanks/{order}", 0.02, "home:34 orders:16 *:20", 180, 22, 180, "", title, "recommendations:.6", ""},
		{"login", "/login", 1.4, "account:40 cart:22 address:14 *:14", 48, 14, 150, "", title, "", "login:.86 reset:.06"},
		{"register", "/register", 0.5, "account:48 cart:22 *:16", 50, 16, 160, "", title, "", "register:.7"},
		{"reset", "/password/reset", 0.3, "login:70 *:10", 46, 12, 110, "", title, "", "reset:.8"},
		{"account", "/account", 1.2, "orders:42 wishlist:12 settings:14 *:18", 112, 22, 190, "", title, "session:1 orders:.7", ""},
		{"orders", "/account/orders", 1.2, "order:58 account:12 *:16", 165, 24, 190, "", title, "orders:1", "more:.1"},
		{"order", "/account/orders/{order}", 0.8, "orders:30 product:20 returns:12 *:18", 140, 22, 180, "", title, "tracking:.8", ""},
		{"settings", "/account/settings", 0.2, "account:45 addresses:20 *:18", 90, 20, 180, "", title, "session:1", "save:.5"},
		{"addresses", "/account/addresses", 0.2, "account:50 settings:14 *:18", 92, 18, 170, "", title, "session:.8", "save:.5 validate:.5"},
	}
}

func otherPages() []page {
	const title, picture = "main>h1", "main>article>figure>img"
	return []page{
		{"help", "/help", 1, "article:52 contact:16 *:20", 44, 20, 90, "", title, "", "suggest:.2"},
		{"article", "/help/{topic}", 2.2, "article:20 contact:14 help:16 *:24", 46, 24, 90, "", "main>article>p:nth-child(2)", "", ""},
		{"contact", "/help/contact", 0.6, "help:22 home:22 *:24", 48, 18, 120, "", title, "", "message:.4"},
		{"returns", "/help/returns", 0.7, "order:26 contact:16 *:24", 45, 20, 90, "", title, "", ""},
		{"shipping-help", "/help/shipping", 0.8, "product:24 cart:14 *:24", 45, 20, 90, "", title, "", ""},
		{"stores", "/stores", 0.7, "store:60 home:14 *:16", 66, 26, 260, "/media/map/overview.webp", "main>div.map>img", "stores:1", "stores:.4"},
		{"store", "/stores/{city}", 1.1, "stores:26 home:20 *:20", 58, 24, 230, "/media/store/{city}.webp", picture, "stores:.6", ""},
		{"blog", "/blog", 0.8, "post:66 home:12 *:14", 52, 34, 130, "/media/blog/{post}.webp", picture, "", ""},
		{"post", "/blog/{post}", 4, "post:24 product:26 blog:14 *:16", 56, 42, 150, "/media/blog/{post}.webp", picture, "recommendations:.5", "newsletter:.02"},
		{"author", "/blog/author/{author}", 0.2, "post:70 *:14", 50, 26, 110, "", title, "", ""},
		{"about", "/about", 0.5, "home:28 stores:14 careers:12 *:20", 40, 22, 90, "/media/about/team.webp", picture, "", ""},
		{"careers", "/careers", 0.5, "job:62 about:12 *:12", 44, 20, 90, "", title, "", ""},
		{"job", "/careers/{job}", 0.5, "careers:48 about:14 *:10", 46, 22, 90, "", title, "", ""},
		{"privacy", "/privacy", 0.3, "home:30 *:30", 36, 40, 60, "", title, "", ""},
		{"terms", "/terms", 0.3, "home:30 *:30", 36, 46, 60, "", title, "", ""},
		{"missing", "/{missing}", 0.5, "home:46 search:20 *:14", 52, 12, 80, "", title, "", "suggest:.2"},
	}
}

// endpoint is a part of the shop's API.
type endpoint struct {
	name, method, path string
	serverMS, sizeKB   float64
	errors             float64 // share that fails with a server error on a good day
	client             float64 // share that is answered with a client error
	clientStatus       int
	xhr                bool // called by XMLHttpRequest, else by fetch
}

// endpoints are those of the shop.
func endpoints() []endpoint {
	return []endpoint{
		{"menu", "GET", "/api/menu", 18, 4.2, .0006, 0, 0, false},
		{"recommendations", "GET", "/api/recommendations", 165, 6.1, .003, 0, 0, false},
		{"offers", "GET", "/api/offers", 62, 3.4, .001, 0, 0, false},
		{"facets", "GET", "/api/facets", 84, 2.8, .0008, 0, 0, false},
		{"prices", "POST", "/api/prices", 46, 2.1, .0008, 0, 0, false},
		{"more", "GET", "/api/products", 120, 18, .0012, 0, 0, false},
		{"stock", "GET", "/api/stock/{product}", 38, 0.4, .0015, .002, 404, false},
		{"reviews", "GET", "/api/products/{product}/reviews", 92, 5.2, .002, .001, 404, false},
		{"suggest", "GET", "/api/suggest", 34, 1.1, .0006, .001, 429, true},
		{"search", "GET", "/api/search", 210, 9.8, .0025, .001, 400, false},
		{"add", "POST", "/api/cart/items", 70, 1.2, .0012, .011, 409, true},
		{"quantity", "PATCH", "/api/cart/items/{code}", 64, 1.3, .001, .004, 409, true},
		{"remove", "DELETE", "/api/cart/items/{code}", 58, 0.9, .0008, .001, 404, true},
		{"coupon", "POST", "/api/cart/coupon", 76, 0.5, .001, .31, 422, true},
		{"cart", "GET", "/api/cart", 54, 2.2, .0009, 0, 0, true},
		{"wish", "POST", "/api/wishlist", 52, 0.3, .001, .08, 401, false},
		{"shipping", "POST", "/api/shipping/quote", 240, 0.9, .006, .004, 422, false},
		{"methods", "GET", "/api/payments/methods", 66, 0.8, .001, 0, 0, false},
		{"pay", "POST", "/api/payments", 620, 0.6, .009, .034, 402, false},
		{"validate", "POST", "/api/addresses/validate", 130, 0.4, .003, .05, 422, false},
		{"session", "GET", "/api/session", 26, 0.5, .0005, .12, 401, false},
		{"login", "POST", "/api/session", 180, 0.6, .0012, .13, 401, false},
		{"register", "POST", "/api/accounts", 230, 0.6, .002, .09, 422, false},
		{"reset", "POST", "/api/password/reset", 150, 0.2, .001, .02, 429, false},
		{"orders", "GET", "/api/orders", 175, 4.6, .0018, .02, 401, false},
		{"tracking", "GET", "/api/orders/{order}/tracking", 310, 1.2, .011, .01, 404, false},
		{"save", "PUT", "/api/account", 88, 0.5, .001, .03, 422, false},
		{"stores", "GET", "/api/stores", 74, 5.6, .0008, 0, 0, false},
		{"message", "POST", "/api/messages", 160, 0.2, .002, .03, 422, false},
		{"newsletter", "POST", "/api/newsletter", 140, 0.2, .002, .06, 409, false},
	}
}

package shop

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const script = "http://127.0.0.1:8080/t/demo-shop-key.js"

// serve runs a shop without delays.
func serve(t *testing.T, options Options) *httptest.Server {
	t.Helper()
	if options.Faults == nil {
		options.Faults = &Faults{}
	}
	server := httptest.NewServer(New(options))
	t.Cleanup(server.Close)
	return server
}

// visitor returns a client with its own cookies.
func visitor(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// send makes a request and returns the answer with its body read.
func send(t *testing.T, client *http.Client, method, url, body string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func TestPagesCarryTheScriptFirstAndAllowItsOrigin(t *testing.T) {
	server := serve(t, Options{ScriptURL: script, Release: "1.4.2"})
	for _, path := range []string{"/", "/search?q=mug", "/product/everyday", "/cart", "/checkout"} {
		response, body := send(t, server.Client(), "GET", server.URL+path, "")
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, response.StatusCode)
		}
		if want := "<head>\n<script async src=\"" + script + "\" data-release=\"1.4.2\"></script>\n"; !strings.Contains(body, want) {
			t.Errorf("%s: the head does not begin with %s", path, want)
		}
		csp := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self' http://127.0.0.1:8080;", "connect-src 'self' http://127.0.0.1:8080;"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %q", path, csp, want)
			}
		}
	}
}

func TestPagesAskNobodyElse(t *testing.T) {
	server := serve(t, Options{})
	elsewhere := regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`)
	for _, path := range []string{"/", "/search?q=mug", "/product/moonrise", "/static/style.css"} {
		_, body := send(t, server.Client(), "GET", server.URL+path, "")
		if found := elsewhere.FindString(body); found != "" || strings.Contains(body, "url(") {
			t.Errorf("%s refers to another origin: %q", path, found)
		}
		if path != "/static/style.css" && regexp.MustCompile(`<script[^>]*>[^<]|style="`).MatchString(body) {
			t.Errorf("%s has inline script or style, which its policy forbids", path)
		}
	}
}

func TestShopWithoutMonitor(t *testing.T) {
	for name, url := range map[string]string{
		"none": "", "relative": "/t/key.js", "other scheme": "javascript:alert(1)", "no host": "http:///t.js", "not a URL": "http://[::1",
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, Options{ScriptURL: url})
			response, body := send(t, server.Client(), "GET", server.URL+"/", "")
			if strings.Contains(body, "<script") {
				t.Error("the page has a script tag")
			}
			if csp := response.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'self';") {
				t.Errorf("policy allows more than the shop: %q", csp)
			}
		})
	}
}

func TestBuyAMug(t *testing.T) {
	server, client := serve(t, Options{}), visitor(t)
	for want := 1; want <= 2; want++ {
		_, body := send(t, client, "POST", server.URL+"/api/cart", `{"product":"summit"}`)
		if body != fmt.Sprintf("{\"count\":%d}\n", want) {
			t.Fatalf("add to cart: %s", body)
		}
	}
	send(t, client, "POST", server.URL+"/api/cart", `{"product":"camp"}`)
	if _, body := send(t, client, "DELETE", server.URL+"/api/cart/camp", ""); body != "{\"count\":2}\n" {
		t.Errorf("remove from cart: %s", body)
	}
	for _, path := range []string{"/cart", "/checkout"} {
		if _, body := send(t, client, "GET", server.URL+path, ""); !strings.Contains(body, "€39.00") {
			t.Errorf("%s does not show the total", path)
		}
	}
	response, body := send(t, client, "POST", server.URL+"/api/pay", `{"name":"Ada","email":"ada@example.com","address":"1 Kiln Lane"}`)
	var paid struct{ Order string }
	if err := json.Unmarshal([]byte(body), &paid); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("pay: status %d, %s", response.StatusCode, body)
	}
	_, thanks := send(t, client, "GET", server.URL+"/thanks/"+paid.Order, "")
	if !strings.Contains(thanks, paid.Order) || strings.Contains(thanks, "Ada") {
		t.Error("the confirmation should show the order and not who placed it")
	}
	if _, cart := send(t, client, "GET", server.URL+"/cart", ""); !strings.Contains(cart, `data-test="empty"`) {
		t.Error("the cart is not empty after the order")
	}
}

func TestCartsAreSeparate(t *testing.T) {
	server, one, other := serve(t, Options{}), visitor(t), visitor(t)
	send(t, one, "POST", server.URL+"/api/cart", `{"product":"summit"}`)
	if _, body := send(t, other, "GET", server.URL+"/cart", ""); !strings.Contains(body, `data-test="empty"`) {
		t.Error("a visitor sees another's cart")
	}
}

func TestPaymentFails(t *testing.T) {
	server, client := serve(t, Options{Faults: &Faults{Payment: 1}}), visitor(t)
	send(t, client, "POST", server.URL+"/api/cart", `{"product":"summit"}`)
	response, body := send(t, client, "POST", server.URL+"/api/pay", `{"name":"Ada","email":"ada@example.com","address":"1 Kiln Lane"}`)
	if response.StatusCode != http.StatusBadGateway || !strings.Contains(body, "You have not been charged") {
		t.Errorf("status %d, %s", response.StatusCode, body)
	}
	if _, cart := send(t, client, "GET", server.URL+"/cart", ""); !strings.Contains(cart, "Summit Mug") {
		t.Error("the cart is lost with a failed payment")
	}
}

func TestAPIRefuses(t *testing.T) {
	server, client := serve(t, Options{}), visitor(t)
	send(t, client, "POST", server.URL+"/api/cart", `{"product":"summit"}`)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"no such product", "POST", "/api/cart", `{"product":"teapot"}`, 422, `"field":"product"`},
		{"not JSON", "POST", "/api/cart", `product=summit`, 400, "not valid JSON"},
		{"too large", "POST", "/api/cart", `{"product":"` + strings.Repeat("x", maxBodyBytes) + `"}`, 413, "too much"},
		{"no name", "POST", "/api/pay", `{"name":" ","email":"a@example.com","address":"x"}`, 422, `"field":"name"`},
		{"no address", "POST", "/api/pay", `{"name":"A","email":"a@example.com"}`, 422, `"field":"address"`},
		{"not an e-mail address", "POST", "/api/pay", `{"name":"A","email":"nope","address":"x"}`, 422, `"field":"email"`},
		{"long name", "POST", "/api/pay", `{"name":"` + strings.Repeat("é", maxFieldRunes+1) + `","email":"a@example.com","address":"x"}`, 422, `"field":"name"`},
		{"long search", "GET", "/api/search?q=" + strings.Repeat("x", maxFieldRunes+1), "", 400, `"field":"q"`},
		{"no such reviews", "GET", "/api/reviews/teapot", "", 404, "no such thing"},
		{"no such endpoint", "POST", "/api/refund", "{}", 404, "no such thing"},
		{"no such page", "GET", "/teapot", "", 404, "We could not find that"},
		{"no such product page", "GET", "/product/teapot", "", 404, "We could not find that"},
		{"no such order", "GET", "/thanks/MC-1", "", 404, "We could not find that"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, body := send(t, client, c.method, server.URL+c.path, c.body)
			if response.StatusCode != c.status || !strings.Contains(body, c.want) {
				t.Errorf("status %d, %s; want %d with %q", response.StatusCode, body, c.status, c.want)
			}
		})
	}
	t.Run("empty cart", func(t *testing.T) {
		response, _ := send(t, visitor(t), "POST", server.URL+"/api/pay", `{"name":"A","email":"a@example.com","address":"x"}`)
		if response.StatusCode != http.StatusConflict {
			t.Errorf("status %d", response.StatusCode)
		}
	})
}

func TestOtherOriginsCannotPost(t *testing.T) {
	server := serve(t, Options{})
	request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/api/cart", strings.NewReader(`{"product":"summit"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestSearch(t *testing.T) {
	server := serve(t, Options{})
	for query, want := range map[string]int{"mug": 11, "MUG+dipped": 2, "stripe": 1, "teapot": 0, "": 0, "+": 0} {
		_, body := send(t, server.Client(), "GET", server.URL+"/api/search?q="+query, "")
		var found struct{ Results []Product }
		if err := json.Unmarshal([]byte(body), &found); err != nil {
			t.Fatal(err)
		}
		if found.Results == nil || len(found.Results) != want {
			t.Errorf("%q: %d results, want %d: %s", query, len(found.Results), want, body)
		}
	}
	_, page := send(t, server.Client(), "GET", server.URL+`/search?q=%22%3E%3Cscript%3Ealert(1)`, "")
	if strings.Contains(page, "<script>alert") {
		t.Error("the page repeats a query as markup")
	}
}

func TestRecommendationsAreThreeOthers(t *testing.T) {
	server := serve(t, Options{})
	for _, p := range catalog() {
		_, body := send(t, server.Client(), "GET", server.URL+"/api/recommendations?product="+p.ID, "")
		var found struct{ Products []Product }
		if err := json.Unmarshal([]byte(body), &found); err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{p.ID: true}
		for _, other := range found.Products {
			ids[other.ID] = true
		}
		if len(found.Products) != 3 || len(ids) != 4 {
			t.Errorf("%s: %v", p.ID, found.Products)
		}
	}
}

func TestAssets(t *testing.T) {
	server := serve(t, Options{})
	names := []string{"/static/style.css", "/static/api.js", "/static/product.js", "/static/favicon.svg", "/img/shelf.jpg"}
	for _, p := range catalog() {
		names = append(names, "/img/"+p.ID+".svg")
	}
	for _, name := range names {
		response, body := send(t, server.Client(), "GET", server.URL+name, "")
		if response.StatusCode != http.StatusOK || body == "" {
			t.Errorf("%s: status %d", name, response.StatusCode)
		}
		if strings.HasSuffix(name, ".svg") {
			checkXML(t, name, body)
		}
		request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("If-None-Match", response.Header.Get("ETag"))
		again, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: status %d", name, again.StatusCode)
		}
	}
	if response, _ := send(t, server.Client(), "GET", server.URL+"/static/shop.go", ""); response.StatusCode != http.StatusNotFound {
		t.Errorf("unknown asset: status %d", response.StatusCode)
	}
}

func checkXML(t *testing.T, name, body string) {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewReader([]byte(body)))
	for {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
}

func TestManyVisitorsAtOnce(t *testing.T) {
	server := serve(t, Options{Faults: &Faults{Payment: 0.5, ScriptError: 0.5, Rejection: 0.5, Slowness: 0.001}})
	var all sync.WaitGroup
	for range 8 {
		client := visitor(t)
		all.Go(func() {
			for range 10 {
				send(t, client, "GET", server.URL+"/product/moonrise", "")
				send(t, client, "POST", server.URL+"/api/cart", `{"product":"moonrise"}`)
				send(t, client, "GET", server.URL+"/api/reviews/moonrise", "")
				response, body := send(t, client, "POST", server.URL+"/api/pay", `{"name":"A","email":"a@example.com","address":"x"}`)
				if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusBadGateway {
					t.Errorf("pay: status %d, %s", response.StatusCode, body)
				}
			}
		})
	}
	all.Wait()
}

package visitors

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/deploy/demo/shop"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// visited counts what visitors ask the shop for.
type visited struct {
	mu    sync.Mutex
	paths map[string]int
	shop  http.Handler
}

func (v *visited) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.paths[r.Method+" "+r.URL.Path]++
	v.mu.Unlock()
	v.shop.ServeHTTP(w, r)
}

func (v *visited) count(request string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.paths[request]
}

func openShop(t *testing.T, faults shop.Faults) (*visited, string) {
	t.Helper()
	v := &visited{paths: map[string]int{}, shop: shop.New(shop.Options{Faults: &faults})}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return v, server.URL
}

func openBrowser(t *testing.T) func(context.Context, synthetic.PageOptions) (Page, error) {
	t.Helper()
	path, err := chrome.Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	browser, err := chrome.Launch(t.Context(), chrome.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := browser.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(ctx context.Context, options synthetic.PageOptions) (Page, error) {
		return browser.NewPage(ctx, options)
	}
}

// quick is a person in a hurry with all the patience in the world.
func quick(errand func(*visitor, context.Context) error) person {
	return person{device: devices()[0], thinks: time.Millisecond, patience: 20 * time.Second, errand: errand}
}

func runErrand(t *testing.T, who person, url string) error {
	t.Helper()
	page, err := openBrowser(t)(t.Context(), who.device.options())
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{person: who, page: page, shop: url, draw: rand.New(rand.NewPCG(1, 2))}
	err = who.errand(v, t.Context())
	if closeErr := page.Close(t.Context()); closeErr != nil {
		t.Error(closeErr)
	}
	return err
}

func TestErrands_DoWhatTheySay(t *testing.T) {
	for name, c := range map[string]struct {
		errand func(*visitor, context.Context) error
		path   string // the end of the errand
	}{
		"buy":                 {(*visitor).buy, "POST /api/pay"},
		"search":              {(*visitor).search, "GET /api/search"},
		"browse":              {(*visitor).browse, "GET /api/recommendations"},
		"see limited edition": {(*visitor).seeLimitedEdition, "POST /api/cart"},
	} {
		t.Run(name, func(t *testing.T) {
			seen, url := openShop(t, shop.Faults{})
			if err := runErrand(t, quick(c.errand), url); err != nil {
				t.Fatal(err)
			}
			if seen.count(c.path) == 0 {
				t.Errorf("the shop saw no %s: %v", c.path, seen.paths)
			}
		})
	}
}

func TestBuy_TriesAgainAndThenGivesUp(t *testing.T) {
	seen, url := openShop(t, shop.Faults{Payment: 1})
	if err := runErrand(t, quick((*visitor).buy), url); err != errGaveUp {
		t.Errorf("a shop that takes no payment: %v", err)
	}
	if got := seen.count("POST /api/pay"); got != 3 {
		t.Errorf("paid %d times", got)
	}
}

func TestSearch_TheImpatientGiveUp(t *testing.T) {
	who := quick((*visitor).search)
	who.patience = 300 * time.Millisecond
	stuck := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/search") {
			<-r.Context().Done()
			return
		}
		shop.New(shop.Options{Faults: &shop.Faults{}}).ServeHTTP(w, r)
	}))
	defer stuck.Close()
	if err := runErrand(t, who, stuck.URL); err != errGaveUp {
		t.Errorf("a search without an answer: %v", err)
	}
}

func TestRun_ComesAndGoesUntilTold(t *testing.T) {
	seen, url := openShop(t, shop.Faults{})
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	start := time.Now()
	Run(ctx, Options{Open: openBrowser(t), BaseURL: url, AtOnce: 2, Seed: 1, Log: slog.New(slog.DiscardHandler)})
	if took := time.Since(start); took < 4*time.Second || took > 12*time.Second {
		t.Errorf("ran for %v", took)
	}
	if seen.count("GET /")+seen.count("GET /product/moonrise") == 0 {
		t.Errorf("nobody came: %v", seen.paths)
	}
}

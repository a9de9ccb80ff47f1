//go:build linux

package chrome

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"throughline/synthetic"
)

const (
	firstTrace  = "0af7651916cd43dd8448eb211c80319c"
	secondTrace = "11111111111111111111111111111111"
)

var traceparent = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-01$`)

// newCrossing is a site that asks itself and, by another name, a stranger.
func newCrossing(t testing.TB) *ear {
	t.Helper()
	allowed := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Headers") != "" {
			w.WriteHeader(http.StatusForbidden) // as a server that knows of no headers
		}
	}
	site := newEar(t, map[string]http.HandlerFunc{
		"/": markup(`<link rel=stylesheet href="/own.css"><img src="//localhost:PORT/strange.png?u=http://127.0.0.1:PORT/">
			<script>Promise.all([fetch("/own", {headers: {"X-Page": "1"}}), fetch("//localhost:PORT/strange"), fetch("/leaves"),
				fetch("/traced", {headers: {traceparent: "00-22222222222222222222222222222222-2222222222222222-00"}})])
				.then(() => { document.title = "all" }, e => { document.title = "failed: " + e })</script>`),
		"/strange": allowed, "/arrived": allowed,
		"/leaves": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://localhost:"+r.Host[strings.LastIndexByte(r.Host, ':')+1:]+"/arrived", http.StatusFound)
		},
	})
	site.Config.Handler = replacePort(site)
	return site
}

// one returns the one request to a path.
func (e *ear) one(t *testing.T, path string) *http.Request {
	t.Helper()
	requests := e.requests(path)
	if len(requests) == 0 {
		t.Fatalf("nobody asked for %s", path)
	}
	return requests[len(requests)-1]
}

// A trace goes to the hosts that are listed, to no other, and stops no request.
func TestTrace(t *testing.T) {
	t.Parallel()
	site, browser := newCrossing(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{TraceHosts: []string{"127.0.0.1"}})
	page.BeginStep(0, firstTrace)
	visit(t, page, site.URL+"/")
	wantTitle(t, page, "all")
	spans := map[string]bool{}
	for _, path := range []string{"/", "/own.css", "/own", "/leaves"} {
		parts := traceparent.FindStringSubmatch(site.one(t, path).Header.Get("Traceparent"))
		if parts == nil || parts[1] != firstTrace || spans[parts[2]] {
			t.Errorf("%s was sent %q", path, site.one(t, path).Header.Get("Traceparent"))
			continue
		}
		spans[parts[2]] = true
	}
	for _, path := range []string{"/strange", "/strange.png", "/arrived"} {
		if got := site.one(t, path).Header.Get("Traceparent"); got != "" {
			t.Errorf("%s was sent %q", path, got)
		}
	}
	if own := site.one(t, "/own"); own.Header.Get("X-Page") != "1" || own.Header.Get("Referer") != site.URL+"/" {
		t.Errorf("the page's own headers are %v", own.Header)
	}
	if got := site.one(t, "/traced").Header.Get("Traceparent"); !strings.HasPrefix(got, "00-2222") {
		t.Errorf("the page's own trace was replaced by %q", got)
	}
	page.BeginStep(1, secondTrace)
	visit(t, page, site.URL+"/next")
	if got := site.one(t, "/next").Header.Get("Traceparent"); !strings.Contains(got, secondTrace) {
		t.Errorf("the next step sends %q", got)
	}
}

// A header that may be a credential goes to its hosts only, and into no record.
func TestHeaders(t *testing.T) {
	t.Parallel()
	site, browser := newCrossing(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{
		Headers:  []synthetic.Header{{Name: "X-Key", Value: "hush", Hosts: []string{"127.0.0.1"}}, {Name: "X-Page", Value: "2", Hosts: []string{"127.0.0.1"}}},
		Evidence: synthetic.EvidenceOptions{Queries: true},
	})
	visit(t, page, site.URL+"/")
	wantTitle(t, page, "all")
	for _, path := range []string{"/", "/own.css", "/own", "/leaves"} {
		if got := site.one(t, path).Header; got.Get("X-Key") != "hush" || len(got.Values("X-Page")) != 1 || got.Get("X-Page") != "2" || got.Get("Traceparent") != "" {
			t.Errorf("%s was sent %v", path, got)
		}
	}
	for _, path := range []string{"/strange", "/strange.png", "/arrived"} {
		if got := site.one(t, path).Header.Get("X-Key"); got != "" {
			t.Errorf("%s was sent %q", path, got)
		}
	}
	for _, exchange := range page.Record().Exchanges {
		for _, line := range append(exchange.Request, exchange.Response...) {
			if line.Value == "hush" {
				t.Errorf("the credential is recorded: %+v", exchange)
			}
		}
	}
	if patterns := (&shared{guard: newGuard(nil)}).intercepted(); len(patterns) != 0 {
		t.Errorf("intercepts %v for nothing", patterns)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/cmd/throughline/config"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// site is a page worth measuring: an image that comes late, a slow request, and
// a button that breaks.
func site(t *testing.T) (url string, setScript func(string)) {
	t.Helper()
	script := ""
	mux := http.NewServeMux()
	mux.HandleFunc("GET /product/{id}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>Mug</title>
<script async src="%s" data-release="1.4.2"></script></head><body><h1>Mug</h1>
<img id="hero" src="/hero.png?token=secret" width="900" height="500" alt="A mug">
<button id="break">Break</button>
<script>
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    window.lcpMS = entry.startTime;
    window.heroPainted = entry.id === "hero";
  }
}).observe({ type: "largest-contentful-paint", buffered: true });
document.getElementById("break").onclick = function breakIt() { window.nothing.here(); };
fetch("/api/recommendations?token=secret").then((r) => r.json()).then(() => { window.ready = true; });
</script></body></html>`, script)
	})
	mux.HandleFunc("GET /policy/{id}", func(w http.ResponseWriter, _ *http.Request) {
		collector, _, _ := strings.Cut(script, "/t/")
		w.Header().Set("Content-Security-Policy", "script-src 'none'; report-uri "+collector+"/v1/reports?key=shop-web-4f7c2a")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><title>Policy</title><script src="/blocked.js?token=secret"></script>`)
	})
	hero := noise(900, 500)
	mux.HandleFunc("GET /hero.png", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(150 * time.Millisecond)
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(hero)
	})
	mux.HandleFunc("GET /api/recommendations", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(120 * time.Millisecond)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprint(w, `[]`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, func(address string) { script = address }
}

// noise is a PNG with enough in it to count as content for LCP.
func noise(width, height int) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	draw := rand.New(rand.NewPCG(1, 2))
	for i := range picture.Pix {
		picture.Pix[i] = byte(draw.Uint32() | 0x80)
	}
	var encoded bytes.Buffer
	_ = png.Encode(&encoded, picture) // fails only when the writer does
	return encoded.Bytes()
}

const e2eToken = "0123456789abcdef"

// startCollector starts the real thing on ports of its own. It ends with the test.
func startCollector(t *testing.T, origin string) *collector {
	t.Helper()
	co, stop := startStoppable(t, origin, t.Output())
	t.Cleanup(func() {
		if err := stop(nil); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return co
}

// startStoppable starts a collector and returns what stops it; its database
// answers until the test ends.
func startStoppable(t *testing.T, origin string, log io.Writer) (co *collector, stop func(cause error) error) {
	t.Helper()
	c := config.Default()
	c.Listen, c.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	c.ClickHouse.Embedded.NativePort, c.ClickHouse.Embedded.HTTPPort = 0, 0
	c.DataDir = t.TempDir()
	c.AgentToken = e2eToken
	c.Batch.MaxAge = config.Duration(50 * time.Millisecond)
	c.ShutdownDelay = config.Duration(time.Second)
	c.Apps = []config.App{{Name: "shop", Key: "shop-web-4f7c2a", Origins: []string{origin}, Environment: "test"}}
	c.Transactions = []config.Transaction{{
		Name: "View product", App: "shop", Objectives: config.Objectives{Satisfied: config.Duration(2 * time.Second)},
		Complete: config.Matcher{Page: "/product/*"},
	}}
	if problems := c.Validate(); len(problems) > 0 {
		t.Fatal(problems)
	}
	co, err := newCollector(t.Context(), c, environment{stdout: &screen{}, stderr: &screen{}, getenv: os.Getenv, now: time.Now}, newLog(log, config.Log{Level: "warn"}))
	if err != nil {
		t.Fatal(err)
	}
	if err := co.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- co.run(ctx) }()
	t.Cleanup(func() {
		if err := co.close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return co, func(cause error) error { cancel(cause); return <-ended }
}

// openAsPerson opens a page in a browser that nothing tells from a person's. It is
// closed with the page.
func openAsPerson(t *testing.T) (page *chrome.Page, leave func()) {
	t.Helper()
	path, err := chrome.Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	browser, err := chrome.Launch(t.Context(), chrome.Options{
		Path: path, UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err = browser.NewPage(t.Context(), synthetic.PageOptions{
		InitScript: "Object.defineProperty(navigator, 'webdriver', { get: () => false })",
	})
	if err != nil {
		t.Fatal(err)
	}
	return page, func() {
		if err := page.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := browser.Close(); err != nil {
			t.Error(err)
		}
	}
}

// visit opens the product page as a user, breaks it and leaves. It returns the
// LCP that the page itself saw.
func visit(t *testing.T, url string) (lcpMS float64) {
	t.Helper()
	page, leave := openAsPerson(t)
	defer leave()
	if status, err := page.Navigate(t.Context(), url+"/product/42?token=secret#secret"); err != nil || status != http.StatusOK {
		t.Fatalf("open: %d, %v", status, err)
	}
	if err := page.WaitForExpression(t.Context(), "window.ready && window.heroPainted && window.throughline"); err != nil {
		t.Fatal(err)
	}
	raw, err := page.Evaluate(t.Context(), "window.lcpMS")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &lcpMS); err != nil {
		t.Fatal(err)
	}
	if _, err := page.Click(t.Context(), synthetic.CSS("#break"), synthetic.ClickOptions{}); err != nil {
		t.Fatal(err)
	}
	return lcpMS
}

// row waits until the query has a row and returns its first column as text.
func row(t *testing.T, co *collector, sql string) string {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var value string
		rows := 0
		err := co.database.Load().store.Query(t.Context(), "SELECT toString(x) FROM ("+sql+")", nil, func(scan func(...any) error) error {
			rows++
			return scan(&value)
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows > 0 {
			return value
		}
		if time.Now().After(deadline) {
			t.Fatalf("no row for %s", sql)
		}
	}
}

// The whole line: a real page in a real browser, a journey, and what both left
// in the real database.
func TestEndToEnd(t *testing.T) {
	url, setScript := site(t)
	co := startCollector(t, url)
	collectorURL := localURL(co.public)
	setScript(collectorURL + "/t/shop-web-4f7c2a.js")
	ownLCP := visit(t, url)

	t.Run("page view", func(t *testing.T) {
		const view = " FROM whole_page_views WHERE source = 'rum' AND lcp_ms IS NOT NULL AND load_ms IS NOT NULL"
		var lcpMS, loadMS float64
		if _, err := fmt.Sscan(row(t, co, "SELECT concat(toString(lcp_ms), ' ', toString(load_ms)) AS x"+view), &lcpMS, &loadMS); err != nil {
			t.Fatal(err)
		}
		if math.Abs(lcpMS-ownLCP) > 1 || lcpMS < 150 {
			t.Errorf("LCP is %.1f ms, the page itself saw %.1f", lcpMS, ownLCP)
		}
		if loadMS < 150 {
			t.Errorf("load is %.1f ms, the image alone takes 150", loadMS)
		}
		got := row(t, co, "SELECT concat(app, '|', transaction, '|', release, '|', environment, '|', browser, '|', bot, '|', url_path, '|', lcp_element, '|', lcp_url) AS x"+view)
		if want := "shop|View product|1.4.2|test|Chrome||/product/42|#hero|" + url + "/hero.png"; got != want {
			t.Errorf("page view is\n%s, want\n%s", got, want)
		}
	})
	t.Run("error", func(t *testing.T) {
		got := row(t, co, "SELECT concat(transaction, '|', type, '|', message, '|', stack) AS x FROM errors WHERE source = 'rum'")
		for _, part := range []string{"View product|TypeError|", "reading 'here'", "breakIt", "/product/42:"} {
			if !strings.Contains(got, part) {
				t.Errorf("error lacks %q: %s", part, got)
			}
		}
	})
	t.Run("request", func(t *testing.T) {
		var durationMS float64
		var status int
		got := row(t, co, "SELECT concat(toString(duration_ms), ' ', toString(status_code)) AS x FROM requests WHERE source = 'rum' AND transaction = 'View product' AND url_path = '/api/recommendations'")
		if _, err := fmt.Sscan(got, &durationMS, &status); err != nil {
			t.Fatal(err)
		}
		if durationMS < 120 || durationMS > 2000 || status != 200 {
			t.Errorf("request took %.1f ms with status %d", durationMS, status)
		}
	})
	t.Run("transaction", func(t *testing.T) {
		got := row(t, co, "SELECT concat(transaction, '|', outcome, '|', apdex_zone, '|', toString(wait_ms >= 150)) AS x FROM transactions WHERE source = 'rum'")
		if got != "View product|completed|satisfied|1" {
			t.Errorf("transaction is %s", got)
		}
	})
	t.Run("what the browser reports by itself", func(t *testing.T) { checkPolicy(t, co, url) })
	t.Run("journey", func(t *testing.T) { checkJourney(t, co, url, collectorURL) })
	t.Run("overview", func(t *testing.T) {
		rows, err := co.overview(t.Context())
		if err != nil || len(rows) != 2 {
			t.Fatalf("overview: %+v, %v", rows, err)
		}
		for i, source := range []string{"rum", "synthetic"} {
			if rows[i].Source != source || rows[i].Transaction != "View product" || rows[i].Instances == 0 || rows[i].P75LCPMS == nil || rows[i].Errors == 0 {
				t.Errorf("overview of %s: %+v", source, rows[i])
			}
		}
	})
	t.Run("no secrets", func(t *testing.T) { checkNoSecrets(t, co) })
	t.Run("admin side", func(t *testing.T) { checkAdmin(t, localURL(co.admin)) })
}

// checkPolicy opens a page whose policy stops a script.
func checkPolicy(t *testing.T, co *collector, url string) {
	page, leave := openAsPerson(t)
	defer leave()
	if status, err := page.Navigate(t.Context(), url+"/policy/42?token=secret"); err != nil || status != http.StatusOK {
		t.Fatalf("open: %d, %v", status, err)
	}
	got := row(t, co, "SELECT concat(app, '|', kind, '|', type, '|', message, '|', page, '|', url_path, '|', browser, '|', bot) AS x FROM errors WHERE kind = 'csp-violation'")
	if want := "shop|csp-violation|script-src-elem|script-src-elem blocked " + url + "/blocked.js|/policy/*|/policy/42|Chrome|"; got != want {
		t.Errorf("the violation is\n%s, want\n%s", got, want)
	}
}

func checkJourney(t *testing.T, co *collector, url, collectorURL string) {
	t.Setenv("THROUGHLINE_AGENT_TOKEN", e2eToken)
	journey := writeFile(t, "journey.yaml", `name: See a mug
steps:
  - {name: Open, navigate: /product/7}
  - {name: See it, waitForExpression: window.heroPainted}
  - {name: Break it, click: "#break"}
`)
	code, out, stderr := command(t.Context(), "journey", "run", journey, "--base-url", url, "--collector", collectorURL, "--key", "shop-web-4f7c2a", "--location", "lab")
	if code != exitOK || !strings.Contains(out, "passed in") || !strings.Contains(out, "Break it") {
		t.Fatalf("journey run: %d\n%s%s", code, out, stderr)
	}
	for query, want := range map[string]string{
		"SELECT concat(journey, '|', location, '|', outcome, '|', toString(steps_done), '|', transaction) AS x FROM journey_runs":                                                                                                                                                                       "See a mug|lab|passed|3|View product",
		"SELECT arrayStringConcat(arraySort(groupUniqArray(concat(browser, '|', device, '|', bot))), ' ') AS x FROM (SELECT 'run' AS kind, browser, device, bot FROM journey_runs UNION ALL SELECT 'view', browser, device, bot FROM page_views WHERE source = 'synthetic') HAVING uniqExact(kind) = 2": "Chrome|desktop|",
		"SELECT concat(step, '|', step_type, '|', outcome, '|', url_path, '|', transaction) AS x FROM journey_steps WHERE step_index = 0":                                                                                                                                                               "Open|navigate|passed|/product/7|View product",
		"SELECT concat(step, '|', step_type, '|', outcome, '|', url_path, '|', transaction) AS x FROM journey_steps WHERE step_index = 2":                                                                                                                                                               "Break it|click|passed|/product/7|View product",
		"SELECT concat(transaction, '|', journey, '|', toString(lcp_ms > 150)) AS x FROM whole_page_views WHERE source = 'synthetic' AND lcp_ms IS NOT NULL":                                                                                                                                            "View product|See a mug|1",
		"SELECT concat(transaction, '|', journey, '|', type) AS x FROM errors WHERE source = 'synthetic'":                                                                                                                                                                                               "View product|See a mug|TypeError",
		"SELECT concat(transaction, '|', outcome, '|', journey) AS x FROM transactions WHERE source = 'synthetic'":                                                                                                                                                                                      "View product|completed|See a mug",
		"SELECT toString(uniqExact(run_id)) AS x FROM (SELECT 'run' AS kind, run_id FROM journey_runs UNION ALL SELECT 'step', run_id FROM journey_steps UNION ALL SELECT 'view', run_id FROM page_views WHERE source = 'synthetic') HAVING uniqExact(kind) = 3":                                        "1",
	} {
		if got := row(t, co, query); got != want {
			t.Errorf("%s\n is %s\nwant %s", query, got, want)
		}
	}
}

// An agent on a schedule leaves a run for each slot, in its own words.
func TestAgent_RunsJourneysOnTheirSchedule(t *testing.T) {
	url, setScript := site(t)
	co := startCollector(t, url)
	setScript(localURL(co.public) + "/t/shop-web-4f7c2a.js")
	journey := writeFile(t, "journey.yaml", "name: Look\nschedule: '@every 1s'\nsteps:\n  - navigate: /product/1\n")
	settings := writeFile(t, "agent.yaml", fmt.Sprintf(`agent_token: %q
apps:
  - {name: shop, key: shop-web-4f7c2a, origins: [%q]}
journeys: {files: [%q], app: shop, collector: %q, location: lab, base_url: %q, spread: 0s}
`, e2eToken, url, journey, localURL(co.public), url))

	if code, out, stderr := command(t.Context(), "check", "--config", settings); code != exitOK || !strings.Contains(out, "1 journeys") {
		t.Fatalf("check: %d\n%s%s", code, out, stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var log screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"agent", "--config", settings}, environment{stdout: &log, stderr: &log, getenv: os.Getenv, now: time.Now})
	}()
	row(t, co, "SELECT count() AS x FROM journey_runs WHERE outcome = 'passed' AND journey = 'Look' AND location = 'lab' HAVING x >= 2")
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d\n%s", code, log.String())
	}
}

// A run whose report the collector does not take is not a success.
func TestJourneyRun_SaysWhenTheCollectorRefuses(t *testing.T) {
	url, _ := site(t)
	co := startCollector(t, url)
	journey := writeFile(t, "journey.yaml", "name: Look\nsteps:\n  - navigate: /product/1\n")
	t.Setenv("THROUGHLINE_AGENT_TOKEN", "a wrong one, of enough length")
	code, out, stderr := command(t.Context(), "journey", "run", journey, "--base-url", url, "--collector", localURL(co.public), "--key", "shop-web-4f7c2a")
	if code != exitNotRun || !strings.Contains(out, "passed in") || !strings.Contains(stderr, "not everything was taken: map[refused:") {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
	if strings.Contains(stderr, "a wrong one") {
		t.Error("the token is in the log")
	}
}

// checkNoSecrets looks for the query strings of the page in every text column.
func checkNoSecrets(t *testing.T, co *collector) {
	var columns [][2]string
	err := co.database.Load().store.Query(t.Context(), "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%'", nil, func(scan func(...any) error) error {
		var c [2]string
		err := scan(&c[0], &c[1])
		columns = append(columns, c)
		return err
	})
	if err != nil || len(columns) < 50 {
		t.Fatalf("text columns: %d, %v", len(columns), err)
	}
	for _, c := range columns {
		if got := row(t, co, fmt.Sprintf("SELECT countIf(position(ifNull(toString(%s), ''), 'secret') > 0) AS x FROM %s", c[1], c[0])); got != "0" {
			t.Errorf("a secret is in %s.%s", c[0], c[1])
		}
	}
}

func checkAdmin(t *testing.T, url string) {
	for path, want := range map[string]string{
		"/livez":        "ok",
		"/readyz":       "ok",
		"/metrics":      `throughline_ingest_events_total{app="shop",reason="",stage="stored"}`,
		"/metrics?":     `throughline_ingest_insert_duration_seconds_count{error="false"}`,
		"/metrics?x":    `http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="202",http_route="/v1/events"}`,
		"/api/overview": `"transaction":"View product"`,
		"/":             `<a href="metrics">Metrics</a>`,
	} {
		response, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d, lacks %s, %v", path, response.StatusCode, want, err)
		}
	}
}

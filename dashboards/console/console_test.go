package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"throughline/dashboards"
	"throughline/dashboards/console"
)

func figure(f float64) *float64 { return &f }

// rows are a transaction as real users see it and one that nobody attempted,
// with a name that tries to be markup.
func rows() []dashboards.OverviewRow {
	return []dashboards.OverviewRow{
		{
			App: "shop", Transaction: "Checkout", Source: "rum", Instances: 1234, Completed: 1230, ApdexSamples: 1200,
			Apdex: figure(0.842), ApdexTargetMS: figure(2000), P75WaitMS: figure(1840), PageViews: 1300, LCPSamples: 7, P75LCPMS: figure(2310.4), Errors: 12,
		},
		{App: "shop", Transaction: `<img src=x onerror="document.title='owned'">`, Source: "synthetic"},
	}
}

func serve(t *testing.T, options console.Options) *httptest.Server {
	t.Helper()
	if options.Overview == nil {
		options.Overview = func(context.Context) ([]dashboards.OverviewRow, error) { return rows(), nil }
	}
	server := httptest.NewServer(console.Handler(options))
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestOverviewAnswer(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 4, 31, 0, time.UTC)
	server := serve(t, console.Options{Now: func() time.Time { return at }, Window: 15 * time.Minute})
	response, body := get(t, server.URL+"/api/overview")
	if response.Header.Get("Content-Type") != "application/json" || response.Header.Get("Cache-Control") != "no-store" || response.Header.Get("X-Console-Build") == "" {
		t.Errorf("headers %v", response.Header)
	}
	var got struct {
		AsOf     time.Time `json:"as_of"`
		WindowMS int64     `json:"window_ms"`
		Rows     []map[string]any
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if !got.AsOf.Equal(at) || got.WindowMS != 900_000 || len(got.Rows) != 2 {
		t.Fatalf("answer %s", body)
	}
	for field, want := range map[string]any{
		"transaction": "Checkout", "source": "rum", "app": "shop", "instances": 1234.0, "p75_wait_ms": 1840.0,
		"apdex_text": "0.84 [2.0]", "rating": "fair", "small_group": false, "errors": 12.0,
	} {
		if got.Rows[0][field] != want {
			t.Errorf("%s is %v, want %v", field, got.Rows[0][field], want)
		}
	}
	for field, want := range map[string]any{"apdex": nil, "p75_lcp_ms": nil, "apdex_text": "NS", "rating": "", "small_group": false} {
		if value, there := got.Rows[1][field]; !there || value != want {
			t.Errorf("without samples, %s is %v, want %v", field, value, want)
		}
	}
}

func TestNoRowsIsAnEmptyList(t *testing.T) {
	server := serve(t, console.Options{Overview: func(context.Context) ([]dashboards.OverviewRow, error) { return nil, nil }})
	if _, body := get(t, server.URL+"/api/overview"); !strings.Contains(body, `"rows":[]`) {
		t.Error(body)
	}
}

func TestFailureIsSaidAndItsReasonIsLogged(t *testing.T) {
	var log strings.Builder
	asked := 0
	server := serve(t, console.Options{
		Now: func() time.Time { return time.Unix(1, 0) },
		Overview: func(context.Context) ([]dashboards.OverviewRow, error) {
			asked++
			return nil, errors.New("dial 10.0.0.7: refused")
		},
		Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	get(t, server.URL+"/api/overview")
	response, body := get(t, server.URL+"/api/overview")
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, headers %v", response.StatusCode, response.Header)
	}
	if strings.Contains(body, "10.0.0.7") || !strings.Contains(body, "did not answer") {
		t.Errorf("body %s", body)
	}
	server.Close()
	if strings.Count(log.String(), "10.0.0.7") != 1 || asked != 1 {
		t.Errorf("asked %d times for two viewers within two seconds, log %q", asked, log.String())
	}
}

func TestManyViewersAreOneQuery(t *testing.T) {
	var queries atomic.Int32
	begun, release := make(chan struct{}), make(chan struct{})
	var now atomic.Int64
	server := serve(t, console.Options{
		Now: func() time.Time { return time.Unix(now.Load(), 0) },
		Overview: func(ctx context.Context) ([]dashboards.OverviewRow, error) {
			if queries.Add(1) == 1 {
				close(begun)
				<-release
			}
			return rows(), ctx.Err()
		},
	})
	// The first viewer leaves while the query runs; the others still get it.
	leaving, leave := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(leaving, "GET", server.URL+"/api/overview", nil)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	})
	<-begun
	for range 10 {
		all.Go(func() {
			if response, body := get(t, server.URL+"/api/overview"); response.StatusCode != http.StatusOK {
				t.Errorf("status %d, %s", response.StatusCode, body)
			}
		})
	}
	leave()
	close(release)
	all.Wait()
	get(t, server.URL+"/api/overview")
	if n := queries.Load(); n != 1 {
		t.Errorf("%d queries for viewers at the same time", n)
	}
	now.Add(3)
	get(t, server.URL+"/api/overview")
	if n := queries.Load(); n != 2 {
		t.Errorf("%d queries after the figures got old", n)
	}
}

func TestEveryAnswerIsSecured(t *testing.T) {
	server := serve(t, console.Options{})
	for _, path := range append(assets(t, server.URL), "/", "/api/overview", "/nothing") {
		response, body := get(t, server.URL+path)
		csp := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || response.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", path, response.Header)
		}
		if regexp.MustCompile(`<script[^>]*>[^<]|<style|style="|onclick|https?://[^w]`).MatchString(body) && strings.HasPrefix(body, "<!doctype") {
			t.Errorf("%s has inline code or style, or refers elsewhere", path)
		}
	}
}

// assets returns the paths of what the page loads.
func assets(t *testing.T, url string) []string {
	t.Helper()
	_, page := get(t, url+"/")
	var paths []string
	for _, found := range regexp.MustCompile(`(?:src|href)="(assets/[^"]+)"`).FindAllStringSubmatch(page, -1) {
		paths = append(paths, "/"+found[1])
	}
	if len(paths) != 3 {
		t.Fatalf("the page loads %v", paths)
	}
	return paths
}

func TestCaching(t *testing.T) {
	server := serve(t, console.Options{})
	for _, path := range append(assets(t, server.URL), "/") {
		response, _ := get(t, server.URL+path)
		want := "public, max-age=31536000, immutable"
		if path == "/" {
			want = "no-cache"
		}
		if got := response.Header.Get("Cache-Control"); response.StatusCode != http.StatusOK || got != want {
			t.Errorf("%s: status %d, Cache-Control %q, want %q", path, response.StatusCode, got, want)
		}
		again, _ := get(t, server.URL+path, "If-None-Match", response.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: status %d", path, again.StatusCode)
		}
	}
}

func TestOnlyGet(t *testing.T) {
	server := serve(t, console.Options{})
	response, err := http.Post(server.URL+"/api/overview", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestLinks(t *testing.T) {
	server := serve(t, console.Options{Links: []console.Link{{Name: "Metrics & more", URL: "metrics"}, {Name: "Bad", URL: "javascript:alert(1)"}}})
	_, page := get(t, server.URL+"/")
	if !strings.Contains(page, `<a href="metrics">Metrics &amp; more</a>`) || strings.Contains(page, "javascript:") {
		t.Error(page)
	}
}

// browse returns the page as Chromium has it after a few seconds.
func browse(t *testing.T, url string) string {
	t.Helper()
	browser := os.Getenv("THROUGHLINE_CHROME")
	for _, name := range []string{"chromium-headless-shell", "chrome-headless-shell", "chromium", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && browser == "" {
			browser = found
		}
	}
	if browser == "" {
		t.Fatal("this test needs a Chromium: install chromium-headless-shell or set THROUGHLINE_CHROME")
	}
	arguments := []string{"--headless", "--user-data-dir=" + t.TempDir(), "--virtual-time-budget=5000", "--dump-dom", url}
	if os.Geteuid() == 0 {
		arguments = append([]string{"--no-sandbox"}, arguments...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	page, err := exec.CommandContext(ctx, browser, arguments...).Output()
	if err != nil {
		t.Fatalf("run %s: %v", browser, err)
	}
	return string(page)
}

func TestPageInABrowser(t *testing.T) {
	below := http.NewServeMux() // served below a prefix, as behind a proxy
	below.Handle("/console/", http.StripPrefix("/console", console.Handler(console.Options{
		Overview: func(context.Context) ([]dashboards.OverviewRow, error) { return rows(), nil },
	})))
	server := httptest.NewServer(below)
	defer server.Close()
	page := browse(t, server.URL+"/console/")
	for _, want := range []string{
		`Checkout<small>shop</small>`,
		`<td class="apdex fair" role="cell" data-label="Apdex"><span>0.84 [2.0]</span><small>fair</small>`,
		`<span>1,234</span>`, `<span>1,230</span><small>99.6 %</small>`, `<span>1.8 s</span><small>n = 1,234</small>`,
		`<td class="n few" role="cell" data-label="LCP, p75"><span>2.3 s</span><small>n = 7</small>`,
		`<span>NS</span>`, `&lt;img src=x onerror=`, "Last hour, as of",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "<title>owned") {
		t.Error("a transaction's name became markup")
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestPageInABrowserWithoutFigures(t *testing.T) {
	t.Run("none yet", func(t *testing.T) {
		server := serve(t, console.Options{Overview: func(context.Context) ([]dashboards.OverviewRow, error) { return nil, nil }})
		if page := browse(t, server.URL+"/"); !strings.Contains(page, `<p id="empty">`) {
			t.Error(page)
		}
	})
	t.Run("failure", func(t *testing.T) {
		server := serve(t, console.Options{Overview: func(context.Context) ([]dashboards.OverviewRow, error) { return nil, errors.New("down") }})
		if page := browse(t, server.URL+"/"); !strings.Contains(page, "The database did not answer. The collector's log says more. Trying again.</p>") || strings.Contains(page, `<p id="empty">`) {
			t.Error(page)
		}
	})
}

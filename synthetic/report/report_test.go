package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"throughline/beacon"
)

// fakeCollector answers with what is due and keeps what it took.
type fakeCollector struct {
	mu      sync.Mutex
	answers []func(http.ResponseWriter)
	bodies  [][]byte
	headers []http.Header
	queries []string
}

func (f *fakeCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bodies = append(f.bodies, body)
	f.headers = append(f.headers, r.Header)
	f.queries = append(f.queries, r.Method+" "+r.URL.String())
	if len(f.answers) > 0 {
		answer := f.answers[0]
		f.answers = f.answers[1:]
		answer(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fakeCollector) tries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.bodies)
}

// RoundTrip lets the fake stand in for the network, so that tests with a fake
// clock need no socket.
func (f *fakeCollector) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	recorder := httptest.NewRecorder()
	f.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

func status(code int, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		io.WriteString(w, "token=s3cret")
	}
}

func runReport(name string) beacon.Report {
	return beacon.Report{
		Version: beacon.Version, Source: beacon.SourceSynthetic,
		Journey: &beacon.JourneyContext{Name: name, RunID: "0123456789abcdef", Location: "here"},
		Events:  []beacon.Event{{ID: "0123456789abcdef", AtMS: 1, JourneyRun: &beacon.JourneyRun{Outcome: beacon.RunPassed}}},
	}
}

func pageReport(name string) beacon.Report {
	report := runReport(name)
	report.View = &beacon.View{ID: "0123456789abcdef", URL: "https://shop.example/", Navigation: beacon.NavigationNavigate}
	return report
}

func start(t *testing.T, options Options) *Client {
	t.Helper()
	if options.Collector == "" {
		options.Collector = "https://collect.example/base/"
	}
	options.Key = "app-key"
	client, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func report(t *testing.T, client *Client, reports ...beacon.Report) {
	t.Helper()
	for _, r := range reports {
		if err := client.Report(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReport_OverHTTP(t *testing.T) {
	var fake fakeCollector
	server := httptest.NewServer(&fake)
	defer server.Close()
	client := start(t, Options{Collector: server.URL, Token: "s3cret"})
	report(t, client, pageReport("a"), runReport("a"))
	if err := client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if fake.tries() != 2 || fake.queries[0] != "POST /v1/events?key=app-key" {
		t.Fatalf("got %v", fake.queries)
	}
	if h := fake.headers[0]; beacon.CheckAgentToken(h.Get("Authorization"), "s3cret", time.Now()) != nil || h.Get("Content-Type") != "application/json" {
		t.Errorf("got headers %v", h)
	}
	var got beacon.Report
	if err := json.Unmarshal(fake.bodies[1], &got); err != nil || got.SentAtMS == 0 || got.Events[0].JourneyRun == nil {
		t.Errorf("got %s, %v", fake.bodies[1], err)
	}
	if err := client.Report(t.Context(), runReport("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("a report after Close: %v", err)
	}
}

func TestReport_RetriesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		fake := &fakeCollector{answers: []func(http.ResponseWriter){
			status(503), status(429, "Retry-After", "7"), status(500), status(200), status(401), status(204),
		}}
		client := start(t, Options{
			HTTP: &http.Client{Transport: fake}, Token: "s3cret",
			Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		begun := time.Now()
		report(t, client, runReport("first"), runReport("second"), runReport("third"))
		if err := client.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		// 500 ms, then 7 s instead of 1 s, then 2 s.
		if took := time.Since(begun); took != 9500*time.Millisecond {
			t.Errorf("took %s", took)
		}
		var names []string
		for _, body := range fake.bodies {
			var got beacon.Report
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			names = append(names, got.Journey.Name)
		}
		if got := strings.Join(names, " "); got != "first first first first second third" {
			t.Errorf("sent %s", got)
		}
		if drops := client.Drops(); drops[DropRefused] != 1 || len(drops) != 1 {
			t.Errorf("drops %v", drops)
		}
		if !strings.Contains(log.String(), "reason=refused") || strings.Contains(log.String(), "s3cret") {
			t.Errorf("log: %s", &log)
		}
	})
}

func TestReport_NetworkError(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	var log bytes.Buffer
	client := start(t, Options{Collector: server.URL, Token: "s3cret", Log: slog.New(slog.NewTextHandler(&log, nil))})
	report(t, client, runReport("a"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := client.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if client.Drops()[DropClosed] != 1 {
		t.Errorf("drops %v", client.Drops())
	}
	if text := log.String(); !strings.Contains(text, "refused") || strings.Contains(text, "app-key") || strings.Contains(text, "s3cret") {
		t.Errorf("log: %s", text)
	}
}

func TestReport_Expires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeCollector{}
		for range 100 {
			fake.answers = append(fake.answers, status(503))
		}
		client := start(t, Options{HTTP: &http.Client{Transport: fake}, MaxAge: 10 * time.Minute})
		report(t, client, runReport("a"))
		if err := client.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if client.Drops()[DropExpired] != 1 || fake.tries() < 10 || fake.tries() > 20 {
			t.Errorf("drops %v after %d tries", client.Drops(), fake.tries())
		}
	})
}

func TestReport_BufferFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeCollector{answers: []func(http.ResponseWriter){status(503)}}
		client := start(t, Options{HTTP: &http.Client{Transport: fake}, Capacity: 3})
		report(t, client, pageReport("1"), pageReport("2"), pageReport("3"))
		synctest.Wait()
		if err := client.Report(t.Context(), pageReport("4")); !errors.Is(err, ErrFull) {
			t.Errorf("a page's report when full: %v", err)
		}
		report(t, client, runReport("5"), runReport("6"))
		if err := client.Report(t.Context(), runReport("7")); !errors.Is(err, ErrFull) {
			t.Errorf("a run report when full of runs: %v", err)
		}
		if err := client.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if client.Drops()[DropBufferFull] != 4 || fake.tries() != 4 {
			t.Errorf("drops %v after %d tries", client.Drops(), fake.tries())
		}
	})
}

func TestReport_TooLarge(t *testing.T) {
	fake := &fakeCollector{}
	client := start(t, Options{HTTP: &http.Client{Transport: fake}})
	large := runReport("a")
	large.Events[0].JourneyRun.Message = strings.Repeat("x", beacon.MaxAgentBodyBytes)
	report(t, client, large, runReport("b"))
	if err := client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if client.Drops()[DropTooLarge] != 1 || fake.tries() != 1 {
		t.Errorf("drops %v after %d tries", client.Drops(), fake.tries())
	}
}

func TestReport_NoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirect was followed")
	}))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client := start(t, Options{Collector: server.URL, Token: "s3cret"})
	report(t, client, runReport("a"))
	if err := client.Close(t.Context()); err != nil || client.Drops()[DropRefused] != 1 {
		t.Errorf("got %v, drops %v", err, client.Drops())
	}
}

func TestNew_BadOptions(t *testing.T) {
	for name, options := range map[string]Options{
		"no collector": {Key: "k"},
		"relative":     {Key: "k", Collector: "/events"},
		"ftp":          {Key: "k", Collector: "ftp://collect.example"},
		"credentials":  {Key: "k", Collector: "https://user:hush@collect.example"},
		"query":        {Key: "k", Collector: "https://collect.example?a=b"},
		"no key":       {Collector: "https://collect.example"},
	} {
		if _, err := New(options); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := NewScript(options.Collector, "/t", options.Key, nil); err == nil {
			t.Errorf("%s: a script without error", name)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for header, want := range map[string]time.Duration{
			"": 0, "x": 0, "-1": 0, "3": 3 * time.Second, "99999999999": 5 * time.Minute, "86400": 5 * time.Minute,
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
		} {
			if got := retryAfter(header); got != want {
				t.Errorf("%q: got %s, want %s", header, got, want)
			}
		}
	})
}

func TestScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var requests []string
		text, broken := "script 1", true
		transport := roundTrip(func(r *http.Request) *http.Response {
			requests = append(requests, r.URL.Path+" "+r.Header.Get("If-None-Match"))
			recorder := httptest.NewRecorder()
			switch {
			case broken:
				recorder.WriteHeader(http.StatusBadGateway)
			case r.Header.Get("If-None-Match") == strconv.Quote(text):
				recorder.WriteHeader(http.StatusNotModified)
			default:
				recorder.Header().Set("ETag", strconv.Quote(text))
				io.WriteString(recorder, text)
			}
			return recorder.Result()
		})
		script, err := NewScript("https://collect.example", "/t", "app-key", &http.Client{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := script.Text(t.Context()); err == nil || !strings.Contains(err.Error(), "status 502") {
			t.Errorf("without any script: %v", err)
		}
		if _, err := script.Text(t.Context()); err == nil || len(requests) != 1 {
			t.Errorf("right after a failure: %v after %v", err, requests)
		}
		broken = false
		time.Sleep(failedFor)
		want := func(text string, asked int) {
			t.Helper()
			if got, err := script.Text(t.Context()); got != text || err != nil || len(requests) != asked {
				t.Errorf("got %q, %v after %v", got, err, requests)
			}
		}
		want("script 1", 2)
		want("script 1", 2)
		time.Sleep(freshFor)
		want("script 1", 3)
		if requests[2] != `/t/app-key.js "script 1"` {
			t.Errorf("asked %v", requests)
		}
		time.Sleep(freshFor)
		text = "script 2"
		want("script 2", 4)
		time.Sleep(freshFor)
		broken = true
		want("script 2", 5)
		want("script 2", 5)
	})
}

type roundTrip func(*http.Request) *http.Response

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

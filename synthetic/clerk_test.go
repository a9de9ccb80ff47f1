package synthetic_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

// newTill serves a page whose payment fails, and one that hangs.
func newTill(t testing.TB) *httptest.Server {
	t.Helper()
	pages := map[string]string{
		"/pay": `<title>Pay</title><button onclick="console.error('card 4711 refused'); fetch('/api/pay?card=4711', {method: 'POST'})
			.then(() => { document.title = 'answered' })">Pay</button><script>alert('cookies?')</script>`,
		"/hang": `<title>Hang</title><button onclick="setTimeout(() => { for (;;); }, 100)">Hang</button>`,
	}
	mux := http.NewServeMux()
	for path, body := range pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Set-Cookie", "session=4711")
			fmt.Fprint(w, "<!doctype html>", body)
		})
	}
	mux.HandleFunc("POST /api/pay", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	till := httptest.NewServer(mux)
	t.Cleanup(func() { till.CloseClientConnections(); till.Close() })
	return till
}

const payInVain = `
name: Pay
steps:
  - navigate: /pay
  - click: text/Pay
  - {timeout: 2s, waitForElement: "#thanks"}
`

// shelf is a Keeper that keeps in memory.
type shelf struct {
	mu   sync.Mutex
	kept []synthetic.Evidence
	err  error
}

func (s *shelf) Keep(_ context.Context, evidence synthetic.Evidence) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = append(s.kept, evidence)
	return "shelf://" + evidence.RunID, s.err
}

func named(t *testing.T, artifacts []synthetic.Artifact, name string) synthetic.Artifact {
	t.Helper()
	for _, artifact := range artifacts {
		if artifact.Name == name {
			return artifact
		}
	}
	t.Fatalf("no %s in %v", name, names(artifacts))
	return synthetic.Artifact{}
}

func names(artifacts []synthetic.Artifact) []string {
	var names []string
	for _, artifact := range artifacts {
		names = append(names, artifact.Name)
	}
	return names
}

func TestRun_EvidenceOfAFailure(t *testing.T) {
	till, shelf := newTill(t), &shelf{}
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) { o.Keeper = shelf })
	result := runner.Run(t.Context(), load(t, payInVain), synthetic.RunOptions{BaseURL: till.URL})
	if got := strings.Join(names(result.Artifacts), " "); got != "step-03.jpg console.json run.har" {
		t.Fatalf("got %s", got)
	}
	want := "no element found by #thanks"
	if run := sink.run(); run.Outcome != beacon.RunFailed || !strings.HasPrefix(run.Message, want) {
		t.Errorf("got %+v", run)
	}
	picture := named(t, result.Artifacts, "step-03.jpg")
	if picture.Step != 2 || picture.ContentType != "image/jpeg" || !bytes.HasPrefix(picture.Data, []byte("\xff\xd8\xff")) {
		t.Errorf("got %+v", picture)
	}
	console := string(named(t, result.Artifacts, "console.json").Data)
	if !strings.Contains(console, "card 4711 refused") || !strings.Contains(console, "alert dismissed: cookies?") {
		t.Errorf("console: %s", console)
	}
	wantHAR(t, named(t, result.Artifacts, "run.har").Data, map[string]int{till.URL + "/pay": 200, till.URL + "/api/pay": 500})
	if len(shelf.kept) != 1 || result.EvidenceURL != "shelf://"+result.RunID {
		t.Fatalf("kept %d, at %q", len(shelf.kept), result.EvidenceURL)
	}
	kept := shelf.kept[0]
	if kept.RunID != result.RunID || kept.Journey != "Pay" || kept.Location != "here" || kept.Outcome != beacon.RunFailed ||
		!kept.Started.Equal(result.Started) || len(kept.Artifacts) != 3 {
		t.Errorf("got %+v", kept)
	}
}

// wantHAR checks that a file is what HAR 1.2 asks for, and what it tells.
func wantHAR(t *testing.T, data []byte, want map[string]int) {
	t.Helper()
	var file struct {
		Log map[string]json.RawMessage
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	var entries []map[string]json.RawMessage
	if err := json.Unmarshal(file.Log["entries"], &entries); err != nil || string(file.Log["version"]) != `"1.2"` {
		t.Fatalf("not a HAR: %v %s", err, data)
	}
	got := map[string]int{}
	for _, entry := range entries {
		url, status := wantHAREntry(t, entry)
		got[url] = status
	}
	for url, status := range want {
		if got[url] != status {
			t.Errorf("%s has %d, want %d", url, got[url], status)
		}
	}
}

func wantHAREntry(t *testing.T, entry map[string]json.RawMessage) (url string, status int) {
	t.Helper()
	var request, response struct {
		URL    string
		Status int
	}
	for part, fields := range map[string][]string{
		"request":  {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"},
		"response": {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize", "bodySize"},
		"timings":  {"send", "wait", "receive"},
		"cache":    nil,
	} {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(entry[part], &object); err != nil {
			t.Errorf("%s: %v", part, err)
		}
		for _, field := range fields {
			if value, ok := object[field]; !ok || string(value) == "null" {
				t.Errorf("%s has no %s", part, field)
			}
		}
	}
	var started time.Time
	var took float64
	var timings map[string]float64
	if err := errors.Join(json.Unmarshal(entry["startedDateTime"], &started), json.Unmarshal(entry["time"], &took),
		json.Unmarshal(entry["timings"], &timings), json.Unmarshal(entry["request"], &request), json.Unmarshal(entry["response"], &response)); err != nil {
		t.Error(err)
	}
	sum := 0.0
	for phase, ms := range timings {
		if phase != "ssl" && ms >= 0 {
			sum += ms
		}
	}
	if took < 0 || took-sum > 0.01 || sum-took > 0.01 {
		t.Errorf("%s takes %g ms, its phases %g", request.URL, took, sum)
	}
	return request.URL, response.Status
}

// The request that failed is named by the step that it made fail.
func TestRun_NamesTheRequestThatFailed(t *testing.T) {
	till := newTill(t)
	runner, sink := newRunner(t, nil)
	journey := load(t, "name: Pay\nsteps:\n  - navigate: /pay\n  - {timeout: 3s, click: {selectors: text/Pay, assertedEvents: [{type: navigation, url: /thanks}]}}")
	runner.Run(t.Context(), journey, synthetic.RunOptions{BaseURL: till.URL})
	want := "the expected navigation did not happen; POST " + till.URL + "/api/pay answered 500"
	if run := sink.run(); run.Message != want {
		t.Errorf("got %q", run.Message)
	}
}

func TestRun_EvidenceByChoice(t *testing.T) {
	shop, till := newShop(t), newTill(t)
	runner, _ := newRunner(t, nil)
	for name, test := range map[string]struct {
		journey string
		base    string
		options synthetic.RunOptions
		want    string
	}{
		"a run that passes leaves none": {"name: J\nsteps: [navigate: /]", shop.URL, synthetic.RunOptions{}, ""},
		"always": {
			"name: J\nsteps: [navigate: /, navigate: /wait]", shop.URL,
			synthetic.RunOptions{Screenshots: synthetic.Always, Records: synthetic.Always},
			"step-01.jpg step-02.jpg console.json run.har",
		},
		"never":                  {payInVain, till.URL, synthetic.RunOptions{Screenshots: synthetic.Never, Records: synthetic.Never}, ""},
		"a step over its budget": {"name: J\nsteps: [navigate: /, {navigate: /wait, budget: 1ms}]", shop.URL, synthetic.RunOptions{}, "step-02.jpg console.json run.har"},
		"a page over its budget": {"name: J\nbudgets: {lcp: 1ms}\nsteps: [navigate: /]", shop.URL, synthetic.RunOptions{}, "console.json run.har"},
		"film":                   {payInVain, till.URL, synthetic.RunOptions{Screenshots: synthetic.Never, Records: synthetic.Never, Film: true}, "film-0001.jpg"},
	} {
		t.Run(name, func(t *testing.T) {
			test.options.BaseURL = test.base
			result := runner.Run(t.Context(), load(t, test.journey), test.options)
			if got := strings.Join(names(result.Artifacts), " "); got != test.want && (test.want != "film-0001.jpg" || !strings.HasPrefix(got, test.want)) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRun_ScreenshotOfAHangingPage(t *testing.T) {
	till := newTill(t)
	runner, sink := newRunner(t, nil)
	begun := time.Now()
	result := runner.Run(t.Context(), load(t, "name: J\nsteps: [navigate: /hang, click: text/Hang, {timeout: 1s, waitForElement: '#never'}]"),
		synthetic.RunOptions{BaseURL: till.URL})
	if run := sink.run(); run.Outcome != beacon.RunFailed || run.DurationMS > 5000 {
		t.Errorf("got %+v", run)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	named(t, result.Artifacts, "step-03.jpg")
}

// A keeper that fails is logged, and the run is what it was.
func TestRun_KeeperFails(t *testing.T) {
	till, shelf := newTill(t), &shelf{err: errors.New("the disk is full")}
	var log bytes.Buffer
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Keeper, o.Log = shelf, slog.New(slog.NewTextHandler(&log, nil))
	})
	result := runner.Run(t.Context(), load(t, payInVain), synthetic.RunOptions{BaseURL: till.URL})
	if sink.run().Outcome != beacon.RunFailed || result.EvidenceURL != "" || !strings.Contains(log.String(), "the disk is full") {
		t.Errorf("got %+v, at %q; log: %s", sink.run(), result.EvidenceURL, &log)
	}
}

// BenchmarkRun_Evidence tells what evidence and traces cost a run of three pages.
func BenchmarkRun_Evidence(b *testing.B) {
	shop := newShop(b)
	plain, _ := newRunner(b, nil)
	traced, _ := newRunner(b, func(o *synthetic.RunnerOptions) { o.TraceHosts = []string{"127.0.0.1"} })
	journey := load(b, "name: J\nsteps: [navigate: /, navigate: /results, navigate: /wait]")
	none := synthetic.RunOptions{Screenshots: synthetic.Never, Records: synthetic.Never}
	for _, way := range []struct {
		name    string
		runner  *synthetic.Runner
		options synthetic.RunOptions
	}{
		{"none", plain, none},
		{"records", plain, synthetic.RunOptions{Screenshots: synthetic.Never, Records: synthetic.Always}},
		{"screenshots", plain, synthetic.RunOptions{Screenshots: synthetic.Always, Records: synthetic.Never}},
		{"film", plain, synthetic.RunOptions{Screenshots: synthetic.Never, Records: synthetic.Never, Film: true}},
		{"traced", traced, none},
	} {
		b.Run(way.name, func(b *testing.B) {
			way.options.BaseURL = shop.URL
			var took []time.Duration
			for b.Loop() {
				begun := time.Now()
				if result := way.runner.Run(b.Context(), journey, way.options); result.Outcome != beacon.RunPassed {
					b.Fatalf("%+v", result)
				}
				took = append(took, time.Since(begun))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/4].Microseconds())/1000, "p25-ms")
		})
	}
}

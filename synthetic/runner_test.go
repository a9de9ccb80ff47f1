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
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// sink is a Reporter that keeps what it is given. What the collector would not
// take fails the test.
type sink struct {
	t  testing.TB
	mu sync.Mutex
	// runs and pages are the reports of runs and of pages.
	runs, pages []beacon.Report
}

func (s *sink) Report(_ context.Context, report beacon.Report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := json.Marshal(report)
	if err != nil {
		s.t.Error(err)
	}
	if _, rejects, err := beacon.Decode(body); err != nil || len(rejects) > 0 {
		s.t.Errorf("the collector would refuse %s: %v %v", body, err, rejects)
	}
	if report.View == nil {
		s.runs = append(s.runs, report)
	} else {
		s.pages = append(s.pages, report)
	}
	return nil
}

// run returns the one run report.
func (s *sink) run() *beacon.JourneyRun {
	s.t.Helper()
	if len(s.runs) != 1 || len(s.runs[0].Events) == 0 || s.runs[0].Events[0].JourneyRun == nil {
		s.t.Fatalf("got %+v, want one run report", s.runs)
	}
	return s.runs[0].Events[0].JourneyRun
}

// pageBeacon stands in for the beacon: it reports a view when a page is opened
// and again when it is left.
const pageBeacon = `(() => {
	const id = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (b) => b.toString(16).padStart(2, "0")).join("");
	const view = id(), at = Date.now(), session = id();
	const send = (phase) => globalThis[__throughline_inject.binding](JSON.stringify({v: 1, sent_at_ms: Date.now(),
		source: "synthetic", session_id: session, view: {id: view, url: location.origin + location.pathname, navigation: "navigate"},
		events: [{id: id(), at_ms: at, page_view: {phase, lcp_ms: phase === "final" ? 12 : undefined}}]}));
	send("early");
	addEventListener("beforeunload", () => send("final"), {once: true});
})();`

func newShop(t testing.TB) *httptest.Server {
	t.Helper()
	pages := map[string]string{
		"/{$}":     `<form action="/results"><input name=q id=q><button>Find</button></form><a href="/broken">Broken</a>`,
		"/results": `<ul><li class=result>Mug</ul><button onclick="history.pushState({},'','/cart');document.title='cart';document.body.insertAdjacentHTML('beforeend','<p id=done>1 mug')">Add to cart</button>`,
		"/hostile": `<script>const tell=globalThis[__throughline_inject.binding];tell("{");tell("[]");tell("x".repeat(70000));
			tell(JSON.stringify({v:1,sent_at_ms:1,source:"rum",events:[{id:"0123456789abcdef",at_ms:1,journey_run:{outcome:"passed",slot_at_ms:1,steps:1}}]}));
			for(let i=0;i<150;i++)tell("null")</script>`,
		"/wait": `<h1>Wait</h1>`,
	}
	mux := http.NewServeMux()
	for path, body := range pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<!doctype html><title>%s</title><body>%s", strings.Trim(path, "/{$}"), body)
		})
	}
	shop := httptest.NewServer(mux)
	t.Cleanup(func() { shop.CloseClientConnections(); shop.Close() })
	return shop
}

// newRunner returns a runner with a real browser that must leave nothing behind.
func newRunner(t testing.TB, change func(*synthetic.RunnerOptions)) (*synthetic.Runner, *sink) {
	t.Helper()
	path, err := chrome.Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	sink := &sink{t: t}
	options := synthetic.RunnerOptions{
		Launch:   chrome.Opener(chrome.Options{Path: path, ProfileRoot: root}),
		Script:   func(context.Context) (string, error) { return pageBeacon, nil },
		Reporter: sink, Location: "here", Environment: "test", SDK: "throughline-agent/test",
	}
	if change != nil {
		change(&options)
	}
	runner := synthetic.NewRunner(options)
	t.Cleanup(func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
		if left, _ := filepath.Glob(filepath.Join(root, "*")); len(left) > 0 {
			t.Errorf("profiles left: %v", left)
		}
	})
	return runner, sink
}

func load(t testing.TB, text string) *synthetic.Journey {
	t.Helper()
	journey, err := synthetic.Load("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return journey
}

const buyMug = `
name: Buy a mug
base_url: http://replaced.invalid/
steps:
  - {name: Open the shop, navigate: "/?campaign=secret"}
  - change: {selectors: "#q", value: hush}
  - name: Search
    keyDown: {key: Enter, assertedEvents: [{type: navigation, url: "/results?q=hush", title: results}]}
  - waitForElement: .result
  - click: {selectors: text/Add to cart, assertedEvents: [{type: navigation, url: /cart, title: cart}]}
  - waitForElement: "#done"
  - waitForExpression: document.title === "cart"
`

func TestRun_Passes(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, nil)
	var steps []synthetic.StepResult
	slot := time.Now().Add(-time.Second)
	result := runner.Run(t.Context(), load(t, buyMug), synthetic.RunOptions{
		Slot: slot, BaseURL: shop.URL, OnStep: func(step synthetic.StepResult) { steps = append(steps, step) },
	})
	if result.Outcome != beacon.RunPassed || len(result.Steps) != 7 || len(steps) != 7 || result.LostPages != 0 {
		t.Fatalf("got %+v", result)
	}
	run := sink.run()
	if run.Outcome != beacon.RunPassed || run.StepsDone != 7 || run.QueueMS < 1000 || run.SlotAtMS != slot.UnixMilli() ||
		!strings.Contains(run.Browser, "Chrome/") {
		t.Errorf("got %+v", run)
	}
	total := 0.0
	for i, event := range sink.runs[0].Events[1:] {
		if event.JourneyStep.Index != i || event.JourneyStep.URL == "" {
			t.Errorf("step %d: got %+v", i, event.JourneyStep)
		}
		total += event.JourneyStep.DurationMS
	}
	if total > run.DurationMS+0.1 {
		t.Errorf("steps take %g ms, the run %g", total, run.DurationMS)
	}
	// Two documents, each reported when opened and when left.
	if len(sink.pages) != 4 {
		t.Errorf("%d reports of pages", len(sink.pages))
	}
	for _, page := range sink.pages {
		if page.Source != beacon.SourceSynthetic || *page.Journey != *sink.runs[0].Journey || page.Journey.RunID != result.RunID {
			t.Errorf("not stamped: %+v", page)
		}
	}
	text := fmt.Sprintf("%+v %+v", sink.runs, result)
	if data, _ := json.Marshal(sink.runs); strings.Contains(string(data)+text, "hush") || strings.Contains(string(data), "secret") {
		t.Errorf("a typed value or a query shows in %s", data)
	}
}

func TestRun_Fails(t *testing.T) {
	shop := newShop(t)
	for name, test := range map[string]struct {
		steps  string
		reason beacon.RunReason
		words  string
		failed string
		done   int
	}{
		"status":     {"[navigate: /, {name: Gone, navigate: /absent}, navigate: /]", beacon.ReasonNavigation, "HTTP status 404", "Gone", 1},
		"refused":    {"[navigate: 'http://127.0.0.1:1/']", beacon.ReasonNavigation, "net::ERR_", "navigate http://127.0.0.1:1/", 0},
		"missing":    {"[navigate: /, {timeout: 1s, click: '#buy'}]", beacon.ReasonElementNotFound, "#buy", "click #buy", 1},
		"assertion":  {"[navigate: /, {timeout: 1s, waitForExpression: 'false'}]", beacon.ReasonAssertion, "stays false", "waitForExpression", 1},
		"title":      {"[{timeout: 2s, navigate: {url: /wait, assertedEvents: [{type: navigation, title: Shop}]}}]", beacon.ReasonAssertion, `title is "wait"`, "navigate /wait", 0},
		"other page": {"[{timeout: 2s, navigate: {url: /wait, assertedEvents: [{type: navigation, url: /}]}}]", beacon.ReasonAssertion, "arrived at", "navigate /wait", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runner, sink := newRunner(t, nil)
			result := runner.Run(t.Context(), load(t, "name: J\nsteps: "+test.steps), synthetic.RunOptions{BaseURL: shop.URL})
			run := sink.run()
			if run.Outcome != beacon.RunFailed || run.Reason != test.reason || !strings.Contains(run.Message, test.words) {
				t.Errorf("got %s %s %q", run.Outcome, run.Reason, run.Message)
			}
			if run.FailedStep != test.failed || run.StepsDone != test.done || len(result.Steps) != test.done+1 {
				t.Errorf("failed at %q after %d steps, %d begun", run.FailedStep, run.StepsDone, len(result.Steps))
			}
		})
	}
}

func TestRun_Timeouts(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, nil)
	begun := time.Now()
	runner.Run(t.Context(), load(t, "name: J\ntimeout: 700ms\nsteps: [navigate: /, waitForElement: '#absent', navigate: /]"),
		synthetic.RunOptions{BaseURL: shop.URL})
	run := sink.run()
	if run.Outcome != beacon.RunFailed || run.Reason != beacon.ReasonTimeout || !strings.Contains(run.Message, "run's time is over") || run.StepsDone != 1 {
		t.Errorf("got %+v", run)
	}
	if took := time.Since(begun); took > 5*time.Second || run.DurationMS < 690 || run.DurationMS > 900 {
		t.Errorf("took %s, the steps %g ms", took, run.DurationMS)
	}
}

func TestRun_Cancelled(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	runner.Run(ctx, load(t, "name: J\nsteps: [navigate: /wait, waitForElement: '#absent']"), synthetic.RunOptions{
		BaseURL: shop.URL, OnStep: func(synthetic.StepResult) { time.AfterFunc(50*time.Millisecond, cancel) },
	})
	if run := sink.run(); run.Outcome != beacon.RunAgentError || run.Reason != beacon.ReasonCancelled || len(sink.pages) != 2 {
		t.Errorf("got %+v and %d pages: what the page said on leaving must not be lost", run, len(sink.pages))
	}
	sink.runs = nil
	result := runner.Run(ctx, load(t, buyMug), synthetic.RunOptions{})
	if run := sink.run(); run.Outcome != beacon.RunAgentError || run.Reason != beacon.ReasonCancelled || len(result.Steps) != 0 {
		t.Errorf("a run that begins cancelled: %+v", run)
	}
}

func TestRun_NoBaseURL(t *testing.T) {
	runner, sink := newRunner(t, nil)
	runner.Run(t.Context(), load(t, "name: J\nsteps: [navigate: /]"), synthetic.RunOptions{})
	if run := sink.run(); run.Outcome != beacon.RunAgentError || !strings.Contains(run.Message, "no base URL") {
		t.Errorf("got %+v", run)
	}
}

func TestRun_HostilePage(t *testing.T) {
	shop := newShop(t)
	var log bytes.Buffer
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	result := runner.Run(t.Context(), load(t, "name: J\nsteps: [navigate: /hostile]"), synthetic.RunOptions{BaseURL: shop.URL})
	if sink.run().Outcome != beacon.RunPassed || len(sink.pages) != 2 || result.LostPages < 100 {
		t.Errorf("got %+v, %d pages, %d lost", sink.run(), len(sink.pages), result.LostPages)
	}
	if strings.Count(log.String(), "report of a page dropped") != 1 {
		t.Errorf("log: %s", &log)
	}
}

func TestRun_WithoutBeacon(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Script = func(context.Context) (string, error) { return "", errors.New("the collector is down") }
	})
	runner.Run(t.Context(), load(t, "name: J\nsteps: [navigate: /]"), synthetic.RunOptions{BaseURL: shop.URL})
	if sink.run().Outcome != beacon.RunPassed || len(sink.pages) != 0 {
		t.Errorf("got %+v", sink.run())
	}
}

func TestSkip(t *testing.T) {
	runner, sink := newRunner(t, nil)
	slot := time.Now().Add(-time.Minute)
	runner.Skip(t.Context(), load(t, buyMug), slot, beacon.ReasonOverlap)
	if run := sink.run(); run.Outcome != beacon.RunSkipped || run.Reason != beacon.ReasonOverlap || run.SlotAtMS != slot.UnixMilli() || run.Steps != 7 {
		t.Errorf("got %+v", run)
	}
}

// faulty injects faults between the runner and a real browser.
type faulty struct {
	synthetic.Browser
	open func() error
	step func()
}

func (f faulty) NewPage(ctx context.Context, options synthetic.PageOptions) (synthetic.Page, error) {
	if f.open != nil {
		if err := f.open(); err != nil {
			return nil, err
		}
	}
	page, err := f.Browser.NewPage(ctx, options)
	return faultyPage{page, f.step}, err
}

type faultyPage struct {
	synthetic.Page
	step func()
}

func (p faultyPage) In(context.Context, synthetic.Place) (synthetic.Surface, error) { return p, nil }

func (p faultyPage) WaitForExpression(ctx context.Context, expression string) error {
	if p.step != nil {
		p.step()
	}
	return p.Page.WaitForExpression(ctx, expression)
}

func TestRun_BrowserDies(t *testing.T) {
	shop := newShop(t)
	for name, test := range map[string]struct {
		deaths  int
		outcome beacon.RunOutcome
	}{"once": {1, beacon.RunPassed}, "always": {9, beacon.RunAgentError}} {
		t.Run(name, func(t *testing.T) {
			launches, deaths := 0, test.deaths
			runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
				launch := o.Launch
				o.Launch = func(ctx context.Context) (synthetic.Browser, error) {
					launches++
					browser, err := launch(ctx)
					die := func() {
						if deaths--; deaths >= 0 {
							browser.Close()
						}
					}
					return faulty{Browser: browser, step: die}, err
				}
			})
			journey := load(t, "name: J\nsteps: [navigate: /, waitForExpression: 'true']")
			runner.Run(t.Context(), journey, synthetic.RunOptions{BaseURL: shop.URL})
			if run := sink.run(); run.Outcome != test.outcome || launches != 2 || len(sink.runs[0].Events) != 3 {
				t.Errorf("got %+v after %d launches, %d events", run, launches, len(sink.runs[0].Events))
			}
			if test.outcome == beacon.RunAgentError && sink.run().Reason != beacon.ReasonBrowserFailed {
				t.Errorf("got %s", sink.run().Reason)
			}
			if test.outcome == beacon.RunPassed && len(sink.pages) != 2 {
				t.Errorf("%d reports of pages, want only those of the run that counts", len(sink.pages))
			}
		})
	}
}

// TestRun_KeepsBrowser sends the browser where it will not go: other journeys
// must keep it.
func TestRun_KeepsBrowser(t *testing.T) {
	launches := 0
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		launch := o.Launch
		o.Launch = func(ctx context.Context) (synthetic.Browser, error) { launches++; return launch(ctx) }
	})
	journey := load(t, "name: J\nsteps: [navigate: 'http://127.0.0.1:99999/']")
	for range 2 {
		sink.runs = nil
		runner.Run(t.Context(), journey, synthetic.RunOptions{})
		if run := sink.run(); run.Outcome != beacon.RunFailed || run.Reason != beacon.ReasonNavigation || launches != 1 {
			t.Errorf("got %+v after %d launches", run, launches)
		}
	}
}

func TestRun_NoBrowser(t *testing.T) {
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Launch = func(context.Context) (synthetic.Browser, error) { return nil, errors.New("no chrome here") }
	})
	runner.Run(t.Context(), load(t, buyMug), synthetic.RunOptions{})
	if run := sink.run(); run.Outcome != beacon.RunAgentError || run.Reason != beacon.ReasonBrowserFailed || !strings.Contains(run.Message, "no chrome here") {
		t.Errorf("got %+v", run)
	}
}

func TestRun_Panics(t *testing.T) {
	runner, sink := newRunner(t, func(o *synthetic.RunnerOptions) {
		launch := o.Launch
		o.Launch = func(ctx context.Context) (synthetic.Browser, error) {
			browser, err := launch(ctx)
			return faulty{Browser: browser, step: func() { panic("oops") }}, err
		}
	})
	result := runner.Run(t.Context(), load(t, "name: J\nsteps: [waitForExpression: 'true']"), synthetic.RunOptions{})
	if run := sink.run(); run.Outcome != beacon.RunAgentError || !strings.Contains(run.Message, "oops") || result.Outcome != run.Outcome {
		t.Errorf("got %+v", run)
	}
}

func TestRun_Flat(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, nil)
	journey := load(t, "name: J\nsteps: [navigate: /]")
	runs := func(n int) {
		for range n {
			runner.Run(t.Context(), journey, synthetic.RunOptions{BaseURL: shop.URL})
		}
	}
	runs(2)
	before := runtime.NumGoroutine()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { runs(5) })
	}
	both.Wait()
	for deadline := time.Now().Add(3 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
	if len(sink.runs) != 12 || len(sink.pages) != 24 {
		t.Errorf("%d runs, %d reports of pages", len(sink.runs), len(sink.pages))
	}
}

// BenchmarkRun tells what a run costs beyond the page's own time: the time from
// the start of Run to its end, less that of the steps.
func BenchmarkRun(b *testing.B) {
	shop := newShop(b)
	runner, _ := newRunner(b, nil)
	journey := load(b, "name: J\nsteps: [navigate: /]")
	run := func() time.Duration {
		begun := time.Now()
		result := runner.Run(b.Context(), journey, synthetic.RunOptions{BaseURL: shop.URL})
		if result.Outcome != beacon.RunPassed {
			b.Fatalf("%+v", result)
		}
		return time.Since(begun) - result.Duration
	}
	run()
	var overhead []time.Duration
	for b.Loop() {
		overhead = append(overhead, run())
	}
	slices.Sort(overhead)
	b.ReportMetric(float64(overhead[len(overhead)/2].Microseconds())/1000, "overhead-p50-ms")
	b.ReportMetric(float64(overhead[len(overhead)*95/100].Microseconds())/1000, "overhead-p95-ms")
	b.ReportMetric(60/(b.Elapsed().Seconds()/float64(len(overhead))), "runs/min")
}

func TestRun_SlowMoIsNotTheRunsTime(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, nil)
	const pause = 400 * time.Millisecond
	var begun []int
	start := time.Now()
	result := runner.Run(t.Context(), load(t, "name: J\ntimeout: 3s\nsteps: [navigate: /, waitForElement: '#q', waitForElement: '#q']"), synthetic.RunOptions{
		BaseURL: shop.URL, SlowMo: pause, OnBegin: func(index int) { begun = append(begun, index) },
	})
	took := time.Since(start)
	if sink.run().Outcome != beacon.RunPassed || took < 2*pause || took-result.Duration < 2*pause {
		t.Errorf("took %s, of which the run %s: %+v", took, result.Duration, sink.run())
	}
	if !slices.Equal(begun, []int{0, 1, 2}) {
		t.Errorf("begun %v", begun)
	}
}

func TestRun_TellsWhichAlternativeWon(t *testing.T) {
	shop := newShop(t)
	runner, _ := newRunner(t, nil)
	result := runner.Run(t.Context(), load(t, "name: J\nsteps: [navigate: /, click: {selectors: [aria/Absent, '#q']}, click: '#q']"), synthetic.RunOptions{BaseURL: shop.URL})
	if len(result.Steps) != 3 || result.Steps[1].Selector != "#q" || result.Steps[1].Alternative != 1 || result.Steps[2].Alternative != 0 {
		t.Errorf("got %+v", result.Steps)
	}
}

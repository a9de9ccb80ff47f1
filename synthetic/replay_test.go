package synthetic_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"throughline/beacon"
	"throughline/synthetic"
)

// newReplaySite serves the pages that the recordings go through.
func newReplaySite(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir("testdata/pages")))
	mux.HandleFunc("GET /never", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Write([]byte("data: 1\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	site := httptest.NewServer(mux)
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	return site
}

// recording loads one for a site.
func recording(t *testing.T, name, base string) *synthetic.Journey {
	t.Helper()
	file := filepath.Join("testdata", "recordings", name+".json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	journey, err := synthetic.Load(file, []byte(strings.ReplaceAll(string(data), "{{base}}", base)))
	if err != nil {
		t.Fatal(err)
	}
	return journey
}

// TestReplay replays recordings of the kinds of steps and of what users do with
// them, each in a page of its own. A recording checks with its own expressions what
// its steps did; its title says which behaviour it is about. Of those that must
// fail, the last step does.
func TestReplay(t *testing.T) {
	t.Parallel()
	site := newReplaySite(t)
	runner, _ := newRunner(t, func(o *synthetic.RunnerOptions) { o.Script, o.Reporter = nil, nowhere{} })
	faults := map[string]struct {
		reason beacon.RunReason
		words  string
	}{
		"bad_close":         {beacon.ReasonCommandRefused, "an earlier step closed the tab"},
		"bad_race":          {beacon.ReasonTimeout, "no element found by aria/Nothing; <button#hidden> found by #hidden cannot be used: hidden; the element found by #under is covered by <div#veil>; no element found by xpath///nothing; no element found by #none >>> b"},
		"bad_missing":       {beacon.ReasonElementNotFound, "no element found by #none, aria/None"},
		"bad_shadow":        {beacon.ReasonElementNotFound, "no element found by #closed >>> #secret, pierce/#secret, text/Secret"},
		"bad_url":           {beacon.ReasonAssertion, "arrived at " + site.URL + "/next.html, expected " + site.URL + "/other.html"},
		"bad_title":         {beacon.ReasonAssertion, `the title is "Next", expected "Other"`},
		"bad_no_navigation": {beacon.ReasonAssertion, "the expected navigation did not happen"},
		"bad_count":         {beacon.ReasonAssertion, "3 found by .item, expected >= 4"},
		"bad_attributes":    {beacon.ReasonAssertion, "the 3 found by .item do not all have the expected properties and attributes"},
		"bad_visible":       {beacon.ReasonAssertion, "3 found by .item, expected otherwise"},
		"bad_selector":      {beacon.ReasonTimeout, "li[: "},
		"bad_expression":    {beacon.ReasonAssertion, "the expression stays false"},
		"bad_option":        {beacon.ReasonTimeout, "<select#pick> found by #pick has no option of that value that can be chosen"},
		"bad_date":          {beacon.ReasonTimeout, "<input#date> found by #date cannot be used: the value is none of its type date"},
		"bad_file":          {beacon.ReasonTimeout, "<input#file> found by #file cannot be used: files cannot be chosen"},
		"bad_key":           {beacon.ReasonCommandRefused, `no key is named "Abracadabra"`},
		"bad_status":        {beacon.ReasonNavigation, "HTTP status 404"},
		"bad_hang":          {beacon.ReasonTimeout, "the page did not respond in time"},
	}
	files, err := filepath.Glob("testdata/recordings/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	// A group ends with its parallel tests, before the runner is closed.
	t.Run("recordings", func(t *testing.T) {
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".json")
			want, bad := faults[name]
			if bad != strings.HasPrefix(name, "bad_") {
				t.Errorf("%s: no fault is expected of it, or one that it must not have", name)
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				journey := recording(t, name, site.URL)
				result := runner.Run(t.Context(), journey, synthetic.RunOptions{})
				if !bad {
					if result.Outcome != beacon.RunPassed || len(result.Steps) != len(journey.Steps) {
						t.Errorf("step %d: %s %s %s: %s", len(result.Steps), result.Outcome, result.Reason, result.FailedStep, result.Message)
					}
					return
				}
				if len(result.Steps) != len(journey.Steps) || result.Reason != want.reason || !strings.HasPrefix(result.Message, want.words) {
					t.Errorf("step %d: %s %s %q, want %s %q", len(result.Steps), result.Outcome, result.Reason, result.Message, want.reason, want.words)
				}
			})
		}
	})
}

// TestReplay_Close closes the page in a step: what it says on leaving is not lost,
// and that there is nothing left to take a picture of is no fault.
func TestReplay_Close(t *testing.T) {
	t.Parallel()
	site := newReplaySite(t)
	runner, sink := newRunner(t, nil)
	result := runner.Run(t.Context(), recording(t, "close", site.URL), synthetic.RunOptions{Screenshots: synthetic.Always, Records: synthetic.Always})
	if run := sink.run(); run.Outcome != beacon.RunPassed || run.StepsDone != 2 || len(sink.pages) != 2 {
		t.Errorf("got %+v and %d reports of pages", run, len(sink.pages))
	}
	var names []string
	for _, artifact := range result.Artifacts {
		names = append(names, artifact.Name)
	}
	if got := strings.Join(names, " "); got != "step-01.jpg console.json run.har" {
		t.Errorf("kept %s", got)
	}
	result = runner.Run(t.Context(), recording(t, "click", site.URL), synthetic.RunOptions{})
	if result.Outcome != beacon.RunPassed {
		t.Errorf("a run after it: %s", result.Message)
	}
}

// nowhere is a Reporter that keeps nothing.
type nowhere struct{}

func (nowhere) Report(context.Context, beacon.Report) error { return nil }

package demo_test

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/deploy/demo"
	"throughline/deploy/demo/shop"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

const home = "http://127.0.0.1:8090"

// journeys returns the journeys by file name, with another address for the shop.
func journeys(t *testing.T, address string) map[string]*synthetic.Journey {
	t.Helper()
	files, err := fs.Glob(demo.Journeys, "journeys/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no journeys: %v", err)
	}
	loaded := map[string]*synthetic.Journey{}
	for _, file := range files {
		content, err := fs.ReadFile(demo.Journeys, file)
		if err != nil {
			t.Fatal(err)
		}
		journey, err := synthetic.Load(file, bytes.ReplaceAll(content, []byte(home), []byte(address)))
		if err != nil {
			t.Fatal(err)
		}
		loaded[file] = journey
	}
	return loaded
}

func TestJourneysCanBeScheduled(t *testing.T) {
	names := map[string]string{}
	for file, journey := range journeys(t, home) {
		if other := names[journey.Name]; other != "" {
			t.Errorf("%s and %s are both called %q", file, other, journey.Name)
		}
		names[journey.Name] = file
		if strings.HasSuffix(file, ".json") {
			continue // recordings have neither a base URL nor a schedule
		}
		if journey.BaseURL != home {
			t.Errorf("%s: base URL %q", file, journey.BaseURL)
		}
		if _, err := synthetic.ParseSchedule(journey.Schedule); err != nil || journey.Schedule == "" {
			t.Errorf("%s: schedule %q: %v", file, journey.Schedule, err)
		}
	}
}

// ledger takes the reports of runs.
type ledger struct{}

func (ledger) Report(context.Context, beacon.Report) error { return nil }

// run runs every journey through a shop with the given faults.
func run(t *testing.T, faults shop.Faults) map[string]synthetic.Result {
	t.Helper()
	server := httptest.NewServer(shop.New(shop.Options{Faults: &faults}))
	defer server.Close()
	path, err := chrome.Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	runner := synthetic.NewRunner(synthetic.RunnerOptions{
		Launch:   chrome.Opener(chrome.Options{Path: path, ProfileRoot: t.TempDir(), Log: slog.New(slog.DiscardHandler)}),
		Reporter: ledger{}, Location: "here", Log: slog.New(slog.DiscardHandler),
	})
	defer func() {
		if err := runner.Close(); err != nil {
			t.Error(err)
		}
	}()
	results := map[string]synthetic.Result{}
	for file, journey := range journeys(t, server.URL) {
		for i := range journey.Steps { // this shop is quick: do not wait long for what does not come
			journey.Steps[i].Timeout = min(journey.Steps[i].Timeout, 4*time.Second)
		}
		results[file] = runner.Run(t.Context(), journey, synthetic.RunOptions{})
	}
	return results
}

func TestJourneysPassInASoundShop(t *testing.T) {
	for file, result := range run(t, shop.Faults{Slowness: 0.05}) {
		if result.Outcome != beacon.RunPassed {
			t.Errorf("%s: %s at step %q: %s: %s", file, result.Outcome, result.FailedStep, result.Reason, result.Message)
		}
	}
}

func TestOnlyTheCheckoutFailsWithThePayment(t *testing.T) {
	for file, result := range run(t, shop.Faults{Payment: 1, ScriptError: 1, Rejection: 1}) {
		want, step := beacon.RunPassed, ""
		if strings.HasSuffix(file, "checkout.yaml") {
			want, step = beacon.RunFailed, "See the confirmation"
		}
		if result.Outcome != want || result.FailedStep != step {
			t.Errorf("%s: %s at step %q: %s: %s", file, result.Outcome, result.FailedStep, result.Reason, result.Message)
		}
	}
}

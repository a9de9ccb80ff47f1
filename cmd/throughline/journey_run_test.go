package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// smallShop serves a page, one that breaks the first time, and one that has no end.
func smallShop(t *testing.T) *httptest.Server {
	t.Helper()
	var visits atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, `<!doctype html><title>Shop</title><button id=buy>Buy</button>`)
	})
	mux.HandleFunc("GET /moody", func(w http.ResponseWriter, _ *http.Request) {
		if visits.Add(1) == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = fmt.Fprint(w, "moody")
	})
	shop := httptest.NewServer(mux)
	t.Cleanup(shop.Close)
	return shop
}

const (
	goodJourney  = "name: Good\nsteps:\n  - {name: Open, navigate: /}\n  - click: [aria/Absent, '#buy']\n"
	badJourney   = "name: Bad\nsteps:\n  - {name: Open, navigate: /}\n  - {name: Pay, timeout: 300ms, click: '#pay'}\n  - waitForElement: '#paid'\n"
	moodyJourney = "name: Moody\nsteps:\n  - {name: Open, navigate: /moody}\n"
)

func TestJourneyRun_PassesFailsAndTells(t *testing.T) {
	shop := smallShop(t)
	report := filepath.Join(t.TempDir(), "report.xml")
	code, out, stderr := command(t.Context(), "journey", "run", writeFile(t, "good.yaml", goodJourney), writeFile(t, "bad.yaml", badJourney),
		"--base-url", shop.URL, "--junit", report)
	if code != exitFailed {
		t.Errorf("exit %d\n%s", code, stderr)
	}
	for _, want := range []string{
		"Good\n  ✓ ", "click aria/Absent (found by #buy)", "passed in", "  Pay\n", "tried: click #pay\n", "element_not_found: no element found by", "#pay",
		"at " + shop.URL, "--screenshots DIR keeps screenshots", "2 journeys: 1 passed, 1 failed in ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the terminal lacks %q:\n%s", want, out)
		}
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	checkJUnit(t, text)
	if !strings.Contains(string(text), `tests="5" failures="1" errors="0"`) {
		t.Errorf("the report reads\n%s", text)
	}
}

func TestJourneyRun_JSONStandsAloneOnStandardOutput(t *testing.T) {
	shop := smallShop(t)
	code, out, stderr := command(t.Context(), "journey", "run", writeFile(t, "good.yaml", goodJourney), "--base-url", shop.URL, "--json", "--location", "lab")
	var run jsonRun
	if err := json.Unmarshal([]byte(out), &run); err != nil || code != exitOK {
		t.Fatalf("exit %d, %v\n%s", code, err, out)
	}
	if run.Outcome != "passed" || run.Location != "lab" || len(run.Steps) != 2 || run.Steps[1].Selector != "#buy" || *run.Steps[1].Alternative != 1 ||
		len(run.Pages) != 1 || run.Pages[0].TTFBMS == nil || time.Since(run.StartedAt) > time.Hour {
		t.Errorf("got %+v", run)
	}
	if !strings.Contains(stderr, "1 journey: 1 passed in ") {
		t.Errorf("people read\n%s", stderr)
	}
}

func TestJourneyRun_Retries(t *testing.T) {
	journey := writeFile(t, "moody.yaml", moodyJourney)
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"none":          {nil, exitFailed, "1 failed"},
		"flaky":         {[]string{"--retries=2"}, exitOK, "Moody (again, retry 1)\n"},
		"flaky counted": {[]string{"--retries=2"}, exitOK, "1 journey: 1 flaky in"},
		"flaky fails":   {[]string{"--retries=1", "--fail-on-flaky"}, exitFailed, "flaky, passed at attempt 2"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, _ := command(t.Context(), append([]string{"journey", "run", journey, "--base-url", smallShop(t).URL}, test.args...)...)
			if code != test.code || !strings.Contains(out, test.says) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, test.code, test.says, out)
			}
		})
	}
}

func TestJourneyRun_RetriesWhatCouldNotBeRun(t *testing.T) {
	t.Setenv("THROUGHLINE_CHROME", "/bin/false")
	code, out, _ := command(t.Context(), "journey", "run", writeFile(t, "good.yaml", goodJourney), "--retries=1")
	if code != exitNotRun || !strings.Contains(out, "Good (again, retry 1)") || !strings.Contains(out, "1 journey: 1 agent error in") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestJourneyRun_CtrlCKeepsWhatWasMeasured(t *testing.T) {
	shop := smallShop(t)
	report := filepath.Join(t.TempDir(), "report.xml")
	waits := writeFile(t, "waits.yaml", "name: Waits\nsteps:\n  - {name: Open, navigate: /}\n  - {timeout: 5m, waitForElement: '#never'}\n")
	ctx, cancel := context.WithCancel(t.Context())
	var out, people screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"journey", "run", waits, writeFile(t, "good.yaml", goodJourney), "--base-url", shop.URL, "--junit", report, "--json", "--retries=3"},
			environment{stdout: &out, stderr: &people, getenv: os.Getenv, now: time.Now})
	}()
	people.waitFor(t, "Open")
	cancel()
	if code := <-ended; code != exitNotRun {
		t.Errorf("exit %d", code)
	}
	if text := people.String(); !strings.Contains(text, "cancelled") || !strings.Contains(text, "2 journeys: 1 agent error, 1 not run") || strings.Contains(text, "again") {
		t.Errorf("people read\n%s", text)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	checkJUnit(t, text)
	if !strings.Contains(string(text), `type="cancelled"`) || strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"reason":"cancelled"`) {
		t.Errorf("the reports read\n%s\n%s", text, out.String())
	}
}

func TestJourneyRun_RefusesOptions(t *testing.T) {
	journey := writeFile(t, "good.yaml", goodJourney)
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"variable without value": {[]string{"--var=x"}, exitBadInput, "--var must be name=value"},
		"budget's name":          {[]string{"--budget=lcpp=1s"}, exitBadInput, "--budget:1: lcpp: unknown key"},
		"budget's value":         {[]string{"--budget=lcp=fast"}, exitBadInput, "--budget:1: lcp: must be a duration"},
		"budget's file":          {[]string{"--budget=/nowhere.yaml"}, exitBadInput, "--budget: open /nowhere.yaml"},
		"retries":                {[]string{"--retries=11"}, exitBadInput, "--retries must be from 0 to 10"},
		"pause":                  {[]string{"--slow-mo=2h"}, exitBadInput, "--slow-mo must be from 0s to 1m0s"},
		"always where":           {[]string{"--screenshots-always"}, exitBadInput, "--screenshots-always needs --screenshots"},
		"no directory":           {[]string{"--junit=/nowhere/report.xml"}, exitBadInput, "--junit: /nowhere is not a directory"},
		"no place for evidence":  {[]string{"--screenshots", filepath.Join(journey, "x")}, exitBadInput, "--screenshots: "},
		"no display":             {[]string{"--headed"}, exitNotRun, "no display to show a browser on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DISPLAY", "")
			t.Setenv("WAYLAND_DISPLAY", "")
			code, _, stderr := command(t.Context(), append([]string{"journey", "run", journey}, test.args...)...)
			if code != test.code || !strings.Contains(stderr, test.says) {
				t.Errorf("exit %d, says %q; want %d and %q", code, stderr, test.code, test.says)
			}
		})
	}
}

func TestJourneyRun_Variables(t *testing.T) {
	shop := smallShop(t)
	journey := writeFile(t, "good.yaml", "name: Good\nvariables: {button: none, user: {env: THE_USER}}\nsteps:\n  - {name: Open, navigate: /}\n  - {timeout: 2s, click: '${button}'}\n")
	other := writeFile(t, "other.yaml", goodJourney)
	for name, test := range map[string]struct {
		args []string
		code int
		says string
	}{
		"given":   {[]string{"--var=button=#buy", "--var=user=anna=b"}, exitOK, "2 passed"},
		"missing": {[]string{"--var=button=#buy"}, exitBadInput, "Good: variable user: the environment variable THE_USER is not set"},
		"unknown": {[]string{"--var=user=anna", "--var=size=1"}, exitBadInput, "--var: no journey has a variable size"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, stderr := command(t.Context(), append([]string{"journey", "run", journey, other, "--base-url", shop.URL}, test.args...)...)
			if code != test.code || !strings.Contains(out+stderr, test.says) {
				t.Errorf("exit %d, want %d and %q:\n%s%s", code, test.code, test.says, out, stderr)
			}
		})
	}
}

// A check without a browser needs none to be installed.
func TestJourneyRun_WithoutABrowser(t *testing.T) {
	t.Setenv("THROUGHLINE_CHROME", "/nowhere/chrome")
	check := writeFile(t, "health.yaml", "name: Health\nhttp: {url: /, expect: {body_contains: Buy}}\n")
	code, out, stderr := command(t.Context(), "journey", "run", check, "--base-url", smallShop(t).URL)
	if code != exitOK || !strings.Contains(out, "  request GET /\n") || !strings.Contains(out, "HTTP 200, connect ") {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
}

func TestJourneyRun_KeepsScreenshots(t *testing.T) {
	shop, dir := smallShop(t), t.TempDir()
	code, out, _ := command(t.Context(), "journey", "run", writeFile(t, "bad.yaml", badJourney), "--base-url", shop.URL, "--screenshots", dir, "--retries=1")
	files, err := filepath.Glob(filepath.Join(dir, "Bad-*", "step-02.jpg"))
	if code != exitFailed || err != nil || len(files) != 2 {
		t.Fatalf("exit %d, %v, %v\n%s", code, files, err, out)
	}
	for _, file := range files {
		if !strings.Contains(out, "screenshot: "+file+"\n") || !strings.Contains(out, "evidence in "+filepath.Dir(file)+"\n") {
			t.Errorf("the terminal does not tell of %s:\n%s", file, out)
		}
	}
	if films, err := filepath.Glob(filepath.Join(dir, "Bad-*", "film-*.jpg")); err != nil || len(films) == 0 {
		t.Errorf("what is run again is not filmed: %v", err)
	}
}

func TestJourneyRun_Budgets(t *testing.T) {
	shop, report := smallShop(t), filepath.Join(t.TempDir(), "report.xml")
	journey := writeFile(t, "good.yaml", "budgets: {ttfb: 15m}\n"+goodJourney)
	loose := writeFile(t, "budgets.yaml", "ttfb: 10m\ncls: 100\n")
	if code, out, stderr := command(t.Context(), "journey", "run", journey, "--base-url", shop.URL, "--budget", loose); code != exitOK {
		t.Errorf("exit %d\n%s%s", code, out, stderr)
	}
	code, out, _ := command(t.Context(), "journey", "run", journey, "--base-url", shop.URL, "--budget", loose, "--budget=ttfb=1ms", "--budget=fcp=1ms", "--junit", report)
	if code != exitFailed || !strings.Contains(out, "(assertion): over budget: "+shop.URL) {
		t.Errorf("exit %d\n%s", code, out)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	checkJUnit(t, text)
	if !strings.Contains(string(text), `<testcase name="(run)" classname="Good"`) {
		t.Errorf("the report reads\n%s", text)
	}
}

func TestJourneyRun_CompletesFiles(t *testing.T) {
	_, out, _ := command(t.Context(), "__complete", "journey", "run", "x")
	if !strings.HasPrefix(out, "yaml\nyml\njson\n:8\n") {
		t.Errorf("a shell is offered %q", out)
	}
}

package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"throughline/dashboards"
)

// freePorts are the options that keep a demo out of everybody's way.
func freePorts(args ...string) []string {
	return append([]string{
		"demo", "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--shop-listen=127.0.0.1:0",
		"--clickhouse-native-port=0", "--clickhouse-http-port=0",
	}, args...)
}

// shortTempDir is a directory for temporary files of its own, with a path that is
// short enough for the browser to keep its own below its profile.
func shortTempDir(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("", "tl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("TMPDIR", dir)
}

// The newcomer's way: everything at once, real browsers and all.
func TestDemo_MeasuresVisitorsAndJourneysAndEndsByItself(t *testing.T) {
	shortTempDir(t)
	code, out, stderr := command(t.Context(), freePorts("--duration=20s", "--json")...)
	if code != exitOK {
		t.Fatalf("exit %d\n%s\n%s", code, out, stderr)
	}
	var result demoResult
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatalf("standard output is not the result alone: %v\n%s", err, out)
	}
	if result.PageViews == 0 || result.JourneyRuns == 0 || len(result.Transactions) == 0 {
		t.Errorf("result: %+v", result)
	}
	for _, want := range []string{"shop            http://127.0.0.1:", "\nafter 1", "in the end:", "Apdex"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("the terminal lacks %q:\n%s", want, stderr)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDemo_CtrlCEndsItAtOnce(t *testing.T) {
	shortTempDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	var out screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, freePorts(), environment{stdout: &out, stderr: &out, getenv: os.Getenv, now: time.Now})
	}()
	out.waitFor(t, "Throughline is running")
	cancel()
	select {
	case code := <-ended:
		if code != exitOK {
			t.Errorf("exit %d\n%s", code, out.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("still running\n%s", out.String())
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDemoResult_SaysWhichPartProducedNothing(t *testing.T) {
	both := []dashboards.OverviewRow{{Source: "rum", Instances: 1}, {Source: "synthetic", Instances: 1}}
	for name, c := range map[string]struct {
		result demoResult
		says   string // "" for a complete one
	}{
		"complete":     {demoResult{PageViews: 1, JourneyRuns: 1, Transactions: both}, ""},
		"no visitors":  {demoResult{JourneyRuns: 1, Transactions: both}, "no real-user data"},
		"no journeys":  {demoResult{PageViews: 1, Transactions: both}, "no journey run"},
		"no rum rows":  {demoResult{PageViews: 1, JourneyRuns: 1, Transactions: both[1:]}, "no business transaction of visitors"},
		"no synthetic": {demoResult{PageViews: 1, JourneyRuns: 1, Transactions: both[:1]}, "no business transaction of journeys"},
	} {
		err := c.result.complete()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRenderTable_AlignsAndColoursOnRequest(t *testing.T) {
	good, poor, wait := 0.97, 0.4, 1234.0
	rows := []dashboards.OverviewRow{
		{Transaction: "Pay", Source: "rum", Instances: 250, Completed: 200, Apdex: &poor, ApdexSamples: 250, P75WaitMS: &wait, Errors: 3},
		{Transaction: "Home", Source: "synthetic", Instances: 7, Completed: 7, Apdex: &good, ApdexSamples: 7},
	}
	plain := renderTable(rows, false)
	if strings.Contains(plain, "\x1b") || !strings.Contains(plain, "1.2 s") || !strings.Contains(plain, "0.97*") || !strings.Contains(plain, "–") {
		t.Errorf("plain:\n%s", plain)
	}
	coloured := renderTable(rows, true)
	if !strings.Contains(coloured, red.EscapeSeq()+"0.40") || !strings.Contains(coloured, green.EscapeSeq()+"0.97*") {
		t.Errorf("coloured:\n%q", coloured)
	}
	if got := renderTable(nil, true); got != "nothing measured yet" {
		t.Errorf("without rows: %s", got)
	}
}

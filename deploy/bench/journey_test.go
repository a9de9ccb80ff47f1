package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestJourneyAgent_MeasuresAndWaits(t *testing.T) {
	site := httptest.NewServer(benchSite())
	t.Cleanup(site.Close)
	in, endIn := io.Pipe()
	out, outWriter := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- runJourneyAgent(t.Context(), in, outWriter, []string{site.URL, "2", "100ms", "100ms"})
		_ = outWriter.Close()
	}()
	lines := bufio.NewScanner(out)
	var figures agentFigures
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &figures) != nil {
		t.Fatalf("the agent says %q; %v", lines.Text(), <-ended)
	}
	if len(figures.OverheadsMS) != 2 || figures.overhead(0.5) <= 0 || figures.Checks < 1 || figures.Workers < 1 || figures.WindowS < 0.1 {
		t.Errorf("got %+v", figures)
	}
	if !lines.Scan() || lines.Text() != "held" {
		t.Errorf("the agent says %q", lines.Text())
	}
	_ = endIn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestCompareWithBare_BothArrive(t *testing.T) {
	site := httptest.NewServer(benchSite())
	t.Cleanup(site.Close)
	if ratio, err := compareWithBare(t.Context(), site.URL, 1); err != nil || ratio <= 0 {
		t.Errorf("got %g, %v", ratio, err)
	}
}

func TestJourneyResult_IsOneLine(t *testing.T) {
	r := journeyResult{
		agent:   agentFigures{OverheadsMS: []float64{10, 30, 20}, Checks: 30, WindowS: 2, Workers: 4, Cores: 2},
		agentMB: 31.04, treeMB: 199.6, cdpRatio: 1.049,
	}
	const want = "overhead_p50_ms=20.0 overhead_p95_ms=30.0 checks_per_min_per_core=450 agent_rss_mb=31.0 tree_pss_mb_4=200 raw_cdp_ratio=1.05"
	if got := r.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestMemory_IsTold(t *testing.T) {
	if share := shareMB(os.Getpid()); share < 1 {
		t.Errorf("this process has %g MB", share)
	}
	if peak, err := peakMemoryMB(os.Getpid()); err != nil || peak < shareMB(os.Getpid())/2 {
		t.Errorf("at most %g MB, %v", peak, err)
	}
	if shareMB(-1) != 0 {
		t.Error("what is not there has memory")
	}
}

// Processes stand still while their memory is added up, and go on afterwards.
func TestTree_GoesOn(t *testing.T) {
	child := exec.Command("sh", "-c", "sleep 60 & wait")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	pid := child.Process.Pid
	t.Cleanup(func() {
		for _, p := range halt(pid) {
			_ = syscall.Kill(p, syscall.SIGKILL)
		}
		_ = child.Process.Kill()
		_ = child.Wait()
	})
	for len(childrenOf(pid)) == 0 {
		time.Sleep(time.Millisecond)
	}
	sleeper := childrenOf(pid)[0]
	state := func() string {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", sleeper))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[0]
	}
	if total := treeMB(pid); total <= 0 {
		t.Errorf("it has %g MB", total)
	}
	if got := state(); got == "T" {
		t.Error("it stands still")
	}
	if tree := halt(pid); len(tree) != 1 || tree[0] != sleeper {
		t.Errorf("stopped %v, not %d", tree, sleeper)
	}
	for state() != "T" {
		time.Sleep(time.Millisecond)
	}
}

func TestRunJourney_RefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range []string{"journey x", "journey --runs 0", "journey --window 0s", "journey-agent", "journey-agent a b c d"} {
		if err := run(context.Background(), strings.Fields(args)); !errors.Is(err, errUsage) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

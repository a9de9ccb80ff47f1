package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVerify_ToleratesNoRowTooFewOrTooMany(t *testing.T) {
	for name, c := range map[string]struct {
		found found
		says  string
	}{
		"all there":      {found{rows: 30, ids: 30, views: 10, rolledUp: 10}, ""},
		"missing":        {found{rows: 29, ids: 29, views: 10, rolledUp: 10}, "1 of 30 rows are missing"},
		"double":         {found{rows: 32, ids: 30, views: 10, rolledUp: 10}, "2 rows are double"},
		"hidden":         {found{rows: 30, ids: 29, views: 10, rolledUp: 10}, "1 of 30 rows are missing"},
		"not told":       {found{rows: 31, ids: 31, views: 10, rolledUp: 10}, "1 rows more than were acknowledged"},
		"merged views":   {found{rows: 30, ids: 30, views: 9, rolledUp: 10}, "9 page views, want 10"},
		"rollup differs": {found{rows: 30, ids: 30, views: 10, rolledUp: 20}, "the rollup counts 20 page views, want 10"},
	} {
		err := verify(c.found, 10)
		if said := errors.Join(err, errors.New("")).Error(); (err == nil) != (c.says == "") || !strings.Contains(said, c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestCeiling_ReadsAndAnswersNothing(t *testing.T) {
	logDir := filepath.Join(t.TempDir(), "log")
	for name, dir := range map[string]string{"bare": "", "with a log": logDir} {
		t.Run(name, func(t *testing.T) { askCeiling(t, dir) })
	}
	log, err := openLog(logDir)
	if err != nil {
		t.Fatal(err)
	}
	if found := log.Recovered(); found.Events != 1 {
		t.Errorf("%d bodies are in the log", found.Events)
	}
	if err := log.Release(); err != nil {
		t.Error(err)
	}
}

func askCeiling(t *testing.T, logDir string) {
	in, endIn := io.Pipe()
	out, outWriter := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serveCeiling(in, outWriter, logDir) }()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	url := "http://" + strings.TrimSpace(string(line[:n])) + collectPath + "?key=x"
	response, err := http.Post(url, "text/plain", strings.NewReader(strings.Repeat("x", 1500)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || response.Body.Close() != nil || response.StatusCode != http.StatusNoContent || len(body) > 0 {
		t.Errorf("%s %q %v", response.Status, body, err)
	}
	_ = endIn.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestMarks_TellTheSlowest(t *testing.T) {
	now := time.Now()
	m := marks{answered: map[string]time.Time{"/marker/1": now.Add(-2 * time.Second), "/marker/2": now.Add(-time.Second), "/marker/3": now}}
	if left := m.found([][]string{{"/marker/2"}, {"/marker/1"}, {"/marker/of-others"}}); left != 1 || m.slowest < 2*time.Second || m.slowest > time.Minute {
		t.Errorf("%d left, slowest %s", left, m.slowest)
	}
	if left := m.found([][]string{{"/marker/1"}}); left != 1 {
		t.Errorf("%d left when nothing new was found", left)
	}
}

func TestIngestResult_IsOneLine(t *testing.T) {
	r := ingestResult{
		ceilingRPS: []float64{50_000, 60_000, 10}, rps: []float64{30_000, 40_000, 50}, latencies: []time.Duration{4 * time.Millisecond},
		halfLoadP99MS: 7.25, queryable: 1300 * time.Millisecond, expected: 10, found: found{rows: 30}, memoryMB: 99.6, bytesPerEvent: 51.04,
	}
	const want = "ceiling_rps=50000 throughline_rps=30000 ratio=0.600 p50_ms=4.00 p99_ms=4.00 half_load_p99_ms=7.25 queryable_ms=1300 " +
		"rows_expected=30 rows_found=30 rss_mb=100 bytes_per_event=51.0"
	if got := r.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestRun_RefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{nil, {"fly"}, {"ingest", "--repeats", "0"}, {"ingest", "x"}} {
		if err := run(context.Background(), args); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

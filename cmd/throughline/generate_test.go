package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/cmd/throughline/config"
	"throughline/ingest"
)

// generate runs the command at a time.
func generate(t *testing.T, now time.Time, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs screen
	code = run(t.Context(), append([]string{"generate"}, args...), environment{
		stdout: &out, stderr: &errs, getenv: os.Getenv, now: func() time.Time { return now },
	})
	return code, out.String(), errs.String()
}

// aMonday is some time after noon.
func aMonday() time.Time { return time.Date(2026, 3, 2, 12, 30, 0, 0, time.UTC) }

func TestGenerate_WritesReportsThatTheCollectorTakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports.ndjson")
	if code, _, stderr := generate(t, aMonday(), "--days", "1", "--page-views", "200", "--output", file); code != exitOK {
		t.Fatal(stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reports := 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			At     time.Time
			App    string
			Report json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if _, rejects, err := beacon.Decode(line.Report); err != nil || len(rejects) > 0 || line.App != "shop" || line.At.Hour() >= 12 && line.At.Day() == 2 {
			t.Fatalf("%v, rejected %v, app %s at %s", err, rejects, line.App, line.At)
		}
		reports++
	}
	if reports < 400 {
		t.Errorf("%d reports", reports)
	}
}

// sinkOf keeps the rows of batches by token, and is interrupted after some.
type sinkOf struct {
	batches map[string]string
	left    int
	stop    context.CancelFunc
}

func (s *sinkOf) Write(ctx context.Context, batch ingest.Batch) error {
	if s.left--; s.left < 0 {
		s.stop()
		<-ctx.Done()
		return ctx.Err()
	}
	var rows strings.Builder
	for _, record := range batch.Records {
		rows.WriteString(record.App)
		rows.Write(record.Rows)
	}
	s.batches[batch.Token] = rows.String()
	return nil
}

func TestGenerate_GoesOnAfterAnInterruption(t *testing.T) {
	store := func(left int, batches map[string]string) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		o := generateOptions{seed: 3, days: 1, pageViews: 3_000, end: "2026-03-02T00:00:00Z"}
		plan, err := o.plan(config.Config{}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		g, err := newGeneration(environment{stderr: &screen{}, now: time.Now}, plan)
		if err != nil {
			t.Fatal(err)
		}
		g.batchRows = 5_000
		return g.store(ctx, &sinkOf{batches, left, cancel})
	}
	whole, parts := map[string]string{}, map[string]string{}
	if err := store(100, whole); err != nil || len(whole) < 3 {
		t.Fatalf("%d batches, %v", len(whole), err)
	}
	if err := store(1, parts); err == nil || !strings.Contains(err.Error(), "--end 2026-03-02T00:00:00Z go on") || len(parts) != 1 {
		t.Fatalf("interrupted after %d batches: %v", len(parts), err)
	}
	if err := store(100, parts); err != nil {
		t.Fatal(err)
	}
	for token, rows := range whole {
		if parts[token] != rows {
			t.Errorf("batch %s differs", token)
		}
	}
	if len(parts) != len(whole) {
		t.Errorf("%d batches, want %d", len(parts), len(whole))
	}
}

func TestGenerate_WritesOnceHoweverOftenItRuns(t *testing.T) {
	data := t.TempDir()
	now := time.Now() // else the rows would be too old to be kept
	var rows int
	for range 2 {
		code, stdout, stderr := generate(t, now, "--days", "1", "--page-views", "2000", "--journeys-every", "2h", "--data-dir", data,
			"--clickhouse-native-port", "0", "--clickhouse-http-port", "0", "--log-level", "warn")
		if code != exitOK {
			t.Fatal(stderr)
		}
		number, _, _ := strings.Cut(stdout, " ")
		var err error
		if rows, err = strconv.Atoi(number); err != nil || rows < 6000 || !strings.Contains(stdout, "failing endpoint") {
			t.Fatalf("says %q", stdout)
		}
	}
	c := config.Default()
	c.DataDir = data
	c.ClickHouse.Embedded.NativePort, c.ClickHouse.Embedded.HTTPPort = 0, 0
	running, err := startEngine(t.Context(), c.EngineDir(), c.ClickHouse.Embedded, newLog(&screen{}, c.Log))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := running.Close(); err != nil {
			t.Error(err)
		}
	}()
	var union []string
	for _, table := range []string{"page_views", "requests", "errors", "transactions", "actions", "measures", "resources", "journey_runs", "journey_steps"} {
		union = append(union, "SELECT count() AS n FROM throughline."+table)
	}
	answer, err := running.Query(t.Context(), "SELECT sum(n) FROM ("+strings.Join(union, " UNION ALL ")+")")
	if err != nil {
		t.Fatal(err)
	}
	// Merges make one row of the two reports of a page view.
	if got, err := strconv.Atoi(strings.TrimSpace(answer)); err != nil || got > rows || got < rows-2100 {
		t.Errorf("%d rows stored of %d", got, rows)
	}
	answer, err = running.Query(t.Context(), "SELECT sum(events) FROM throughline.ingest_log WHERE stage = 'stored'")
	if err != nil || strings.TrimSpace(answer) != strconv.Itoa(rows) {
		t.Errorf("the ledger has %s, want %d, %v", answer, rows, err)
	}
}

func TestGenerate_RefusesWhatItCannotMakeUp(t *testing.T) {
	for _, args := range [][]string{
		{"--days", "0"},
		{"--end", "tomorrow"},
		{"--traced", "2"},
		{"--page-views", "0"},
		{"x"},
		{"--output", "", "--end", "2025-11-01T00:00:00Z"}, // the database keeps 90 days
	} {
		if code, _, stderr := generate(t, aMonday(), append([]string{"--output", "-"}, args...)...); code != exitBadInput || stderr == "" {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

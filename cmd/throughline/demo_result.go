package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"throughline/dashboards"
)

// demoResult is what a demo has measured.
type demoResult struct {
	DurationMS   int64                    `json:"duration_ms"`
	PageViews    uint64                   `json:"page_views"`   // of real users
	JourneyRuns  uint64                   `json:"journey_runs"` // skipped slots not counted
	Transactions []dashboards.OverviewRow `json:"transactions"`
}

const demoCounts = `
SELECT (SELECT uniqExact(page_view_id) FROM page_views WHERE source = 'rum' AND bot = '' AND received_at >= fromUnixTimestamp64Milli({started_ms:Int64})),
       (SELECT countIf(outcome != 'skipped') FROM journey_runs WHERE received_at >= fromUnixTimestamp64Milli({started_ms:Int64}))`

func (d *demo) result(ctx context.Context) (demoResult, error) {
	r := demoResult{DurationMS: time.Since(d.started).Milliseconds()}
	started := map[string]string{"started_ms": strconv.FormatInt(d.started.UnixMilli(), 10)}
	err := d.collector.database.Load().store.Query(ctx, demoCounts, started, func(scan func(...any) error) error {
		return scan(&r.PageViews, &r.JourneyRuns)
	})
	if err != nil {
		return demoResult{}, fmt.Errorf("count what the demo measured: %w", err)
	}
	r.Transactions, err = d.overview(ctx)
	return r, err
}

func (r demoResult) print(env environment, out io.Writer, asJSON bool) error {
	_, err := fmt.Fprintf(out, "\nin the end: %d page views of visitors, %d journey runs\n%s\n", r.PageViews, r.JourneyRuns, renderTable(r.Transactions, mayColour(out, env.getenv)))
	if err != nil || !asJSON {
		return err
	}
	encoder := json.NewEncoder(env.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// complete says which part of the line produced nothing.
func (r demoResult) complete() error {
	var missing []string
	if r.PageViews == 0 {
		missing = append(missing, "no real-user data: no page view of a visitor was stored")
	}
	if r.JourneyRuns == 0 {
		missing = append(missing, "no journey run was stored")
	}
	bySource := map[string]uint64{}
	for _, row := range r.Transactions {
		bySource[row.Source] += row.Instances
	}
	for source, who := range map[string]string{"rum": "visitors", "synthetic": "journeys"} {
		if bySource[source] == 0 {
			missing = append(missing, "no rows: no business transaction of "+who+" was stored")
		}
	}
	if len(missing) > 0 {
		return errors.New("the demo is incomplete: " + strings.Join(missing, "; "))
	}
	return nil
}

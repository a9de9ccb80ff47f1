package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// verdict is what became of what was acknowledged.
type verdict struct {
	acknowledged int // events
	found        int // of them, in the tables
	duplicated   int // rows beyond the first of each event
	missing      int
	// lossExpected is how many may be missing, and must be: what a fault destroyed.
	lossExpected int
	skipped      bool     // the fault could not be provoked here
	problems     []string // what else went wrong
	details      []string
}

// problem notes what must not be.
func (v *verdict) problem(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// detail notes what is worth knowing.
func (v *verdict) detail(format string, args ...any) {
	v.details = append(v.details, fmt.Sprintf(format, args...))
}

func (v *verdict) failed() bool {
	return len(v.problems) > 0 || v.duplicated > 0 || v.missing != v.lossExpected
}

// add takes over what another verdict found.
func (v *verdict) add(other verdict) {
	v.acknowledged += other.acknowledged
	v.found += other.found
	v.duplicated += other.duplicated
	v.missing += other.missing
	v.lossExpected += other.lossExpected
	v.problems = append(v.problems, other.problems...)
	v.details = append(v.details, other.details...)
}

// line is the verdict as one line.
func (v *verdict) line(name string) string {
	word := "ok"
	switch {
	case v.failed():
		word = "FAILED"
	case v.skipped:
		word = "skipped"
	}
	return strings.TrimSpace(fmt.Sprintf("%-18s acknowledged=%d found=%d duplicated=%d missing=%d verdict=%s  %s",
		name, v.acknowledged, v.found, v.duplicated, v.missing, word, strings.Join(append(slices.Clone(v.problems), v.details...), "; ")))
}

// drainPatience is how long the log may take to become empty once all is well.
const drainPatience = 2 * time.Minute

// judge delivers what the load could not, waits until everything is stored, and
// compares. The collector must run.
func (f *field) judge(ctx context.Context, l *load) (verdict, error) {
	var v verdict
	if err := l.finish(ctx); err != nil {
		return v, err
	}
	if err := f.drained(ctx); err != nil {
		return v, err
	}
	v, err := f.compare(ctx, l)
	if err != nil {
		return v, err
	}
	return v, f.compareLedger(ctx, &v)
}

// compare looks for what was acknowledged in the tables and in what is derived
// from them.
func (f *field) compare(ctx context.Context, l *load) (v verdict, err error) {
	for t := range tableCount {
		rows, err := f.database.rowsOf(ctx, t.String())
		if err != nil {
			return v, err
		}
		found := 0
		for _, id := range l.acknowledged[t] {
			if rows[id] > 0 {
				found++
			}
		}
		for _, count := range rows {
			v.duplicated += count - 1
		}
		v.acknowledged += len(l.acknowledged[t])
		v.found += found
		v.missing += len(l.acknowledged[t]) - found
		if strange := len(rows) - found; strange > 0 {
			v.problem("%d rows of %s that nobody was told of", strange, t)
		}
	}
	if odd := l.snapshot().odd; odd != "" {
		v.problem("a client was answered %s", odd)
	}
	return v, f.compareRollups(ctx, &v)
}

// compareRollups holds what is summed up, by key, against the rows.
func (f *field) compareRollups(ctx context.Context, v *verdict) error {
	const whose = "app, source, bot, transaction, hour, device, country"
	for _, r := range []struct{ rollup, table, keys, sums, counts string }{
		{"rollup_page_views", "page_views", whose, "sum(lcp_samples), sum(lcp_good), sum(inp_samples)", "count(lcp_ms), countIf(lcp_ms <= 2500), count(inp_ms)"},
		{"rollup_transactions", "transactions", whose, "sum(instances), sum(completed), sum(satisfied)", "count(), countIf(outcome = 'completed'), countIf(apdex_zone = 'satisfied')"},
		{"rollup_errors", "errors", "app, source, bot, fingerprint, hour", "sum(occurrences), min(first_seen), max(last_seen)", "sum(count), min(timestamp), max(timestamp)"},
	} {
		query := fmt.Sprintf(`SELECT count() FROM (SELECT %[1]s, uniqExact(figures) AS different, count() AS sides FROM (
			SELECT %[1]s, (%[3]s) AS figures FROM %[2]s GROUP BY %[1]s
			UNION ALL SELECT %[1]s, (%[5]s) AS figures FROM (SELECT *, toStartOfHour(timestamp) AS hour FROM %[4]s) GROUP BY %[1]s
		) GROUP BY %[1]s) WHERE different != 1 OR sides != 2`, r.keys, r.rollup, r.sums, r.table, r.counts)
		wrong, err := f.database.number(ctx, query)
		if err != nil {
			return err
		}
		if wrong > 0 {
			v.problem("%d keys of %s differ from the rows", wrong, r.rollup)
		}
	}
	return nil
}

// compareLedger holds the collector's own count against ours. Its counters go
// on over restarts, also over those that nobody asked for.
func (f *field) compareLedger(ctx context.Context, v *verdict) error {
	counted, err := f.ledger(ctx)
	if err != nil {
		return err
	}
	accepted, stored, dead := counted["accepted"], counted["stored"], counted["dead_lettered"]
	if accepted != v.acknowledged || stored != v.found || dead != v.missing {
		v.problem("the ledger says accepted=%d stored=%d dead_lettered=%d", accepted, stored, dead)
	}
	return nil
}

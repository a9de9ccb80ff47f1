package main

import (
	"context"
	"fmt"

	"throughline/deploy/generator"
)

// rolledUpViews counts the page views of the rollup exactly: each of ours has
// an LCP.
const rolledUpViews = "SELECT sum(lcp_samples) FROM rollup_page_views"

// found are the rows that a load left in the database.
type found struct {
	rows, ids float64 // rows, and different event ids among them
	rolledUp  float64 // page views that the rollup counts
	views     float64 // page views that the rows have
}

func findRows(ctx context.Context, d database) (found, error) {
	numbers, err := d.numbers(ctx, `SELECT count(), uniqExact(event_id) FROM
		(SELECT event_id FROM page_views UNION ALL SELECT event_id FROM requests)`)
	if err != nil {
		return found{}, fmt.Errorf("count the rows: %w", err)
	}
	f := found{rows: numbers[0], ids: numbers[1]}
	if numbers, err = d.numbers(ctx, "SELECT uniqExact(page_view_id) FROM page_views"); err != nil {
		return found{}, fmt.Errorf("count the page views: %w", err)
	}
	f.views = numbers[0]
	if numbers, err = d.numbers(ctx, rolledUpViews); err != nil {
		return found{}, fmt.Errorf("count the page views of the rollup: %w", err)
	}
	f.rolledUp = numbers[0]
	return f, nil
}

// verify compares the database with what was accepted.
func verify(f found, accepted int) error {
	expected := float64(accepted * generator.EventsPerBody)
	switch {
	case f.ids < expected:
		return fmt.Errorf("%.0f of %.0f rows are missing", expected-f.ids, expected)
	case f.rows != f.ids:
		return fmt.Errorf("%.0f rows are double", f.rows-f.ids)
	case f.ids > expected:
		return fmt.Errorf("%.0f rows more than were acknowledged", f.ids-expected)
	case f.views != float64(accepted):
		return fmt.Errorf("%.0f page views, want %d", f.views, accepted)
	case f.rolledUp != float64(accepted):
		return fmt.Errorf("the rollup counts %.0f page views, want %d", f.rolledUp, accepted)
	}
	return nil
}

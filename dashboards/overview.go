package dashboards

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"time"
)

//go:embed sql/overview.sql
var overviewSQL string

// SmallGroup is the number of samples below which an Apdex is marked as that
// of a small group.
const SmallGroup = 100

// OverviewRow says how one business transaction fared, for one source. A nil
// figure has no samples; it is not zero.
type OverviewRow struct {
	App         string `json:"app"`
	Transaction string `json:"transaction"`
	Source      string `json:"source"` // rum or synthetic
	// Instances counts the attempts that ended, whatever their outcome.
	Instances uint64 `json:"instances"`
	Completed uint64 `json:"completed"` // instances that reached their end
	// ApdexSamples are the instances that the Apdex judges.
	ApdexSamples uint64   `json:"apdex_samples"`
	Apdex        *float64 `json:"apdex"` // 0..1
	// ApdexTargetMS is T, the wait up to which a user is satisfied, of the newest instance.
	ApdexTargetMS *float64 `json:"apdex_target_ms"`
	P75WaitMS     *float64 `json:"p75_wait_ms"` // over all instances
	PageViews     uint64   `json:"page_views"`
	LCPSamples    uint64   `json:"lcp_samples"`
	P75LCPMS      *float64 `json:"p75_lcp_ms"` // Largest Contentful Paint
	Errors        uint64   `json:"errors"`     // JavaScript errors nothing handled
}

// ApdexText writes the Apdex with its target in seconds, as the Apdex
// specification has it: "0.84 [2.0]", "0.84 [2.0]*" for a small group and "NS"
// (no sample) for none.
func (r OverviewRow) ApdexText() string {
	if r.Apdex == nil {
		return "NS"
	}
	text := fmt.Sprintf("%.2f", *r.Apdex)
	if r.ApdexTargetMS != nil {
		text += fmt.Sprintf(" [%.1f]", *r.ApdexTargetMS/float64(time.Second/time.Millisecond))
	}
	if r.ApdexSamples < SmallGroup {
		text += "*"
	}
	return text
}

// Overview answers how each business transaction fared between from
// (inclusive) and to (exclusive), ordered by app, transaction and source. It
// leaves out what belongs to no transaction. The rows are nil if there are none.
func Overview(ctx context.Context, q Querier, from, to time.Time) ([]OverviewRow, error) {
	var rows []OverviewRow
	params := map[string]string{"from": timeParam(from), "to": timeParam(to)}
	err := q.Query(ctx, overviewSQL, params, func(scan func(...any) error) error {
		var r OverviewRow
		err := scan(&r.App, &r.Transaction, &r.Source, &r.Instances, &r.Completed,
			&r.ApdexSamples, &r.Apdex, &r.ApdexTargetMS, &r.P75WaitMS,
			&r.PageViews, &r.LCPSamples, &r.P75LCPMS, &r.Errors)
		if err != nil {
			return fmt.Errorf("read row: %w", err)
		}
		dropNaN(&r.Apdex, &r.ApdexTargetMS, &r.P75WaitMS, &r.P75LCPMS)
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("query overview: %w", err)
	}
	return rows, nil
}

// dropNaN makes figures nil that the database could not compute: quantiles of
// nothing are NaN, which JSON cannot say.
func dropNaN(figures ...**float64) {
	for _, f := range figures {
		if *f != nil && math.IsNaN(**f) {
			*f = nil
		}
	}
}

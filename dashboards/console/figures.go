package console

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"throughline/dashboards"
)

const (
	// reuse is how long figures serve further viewers before they are read again.
	reuse = 2 * time.Second
	// patience bounds one reading of the figures.
	patience = 15 * time.Second
)

// overview is the body of /api/overview.
type overview struct {
	AsOf     time.Time `json:"as_of"`
	WindowMS int64     `json:"window_ms"`
	Rows     []row     `json:"rows"`
}

// row is a row of the overview with its Apdex in words.
type row struct {
	dashboards.OverviewRow
	ApdexText string `json:"apdex_text"`
	// Rating is excellent, good, fair, poor or unacceptable; empty without a sample.
	Rating string `json:"rating"`
	// SmallGroup: too few samples to rely on the Apdex.
	SmallGroup bool `json:"small_group"`
}

// figures reads the overview once for all who ask at the same time.
type figures struct {
	options Options
	flight  singleflight.Group

	mu      sync.Mutex
	last    *overview
	failure error // of the last reading
	at      time.Time
}

// get returns figures that are at most reuse old. A viewer who leaves does not
// end the reading for the others.
func (f *figures) get(ctx context.Context) (*overview, error) {
	if recent, err := f.recent(); recent != nil || err != nil {
		return recent, err
	}
	result := f.flight.DoChan("", func() (any, error) {
		return f.read(context.WithoutCancel(ctx))
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*overview), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recent returns what the last reading gave, figures or failure, if it is
// recent. A database in trouble is not asked more often than a sound one.
func (f *figures) recent() (*overview, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at.IsZero() || f.options.Now().Sub(f.at) >= reuse {
		return nil, nil
	}
	if f.failure != nil {
		return nil, f.failure
	}
	return f.last, nil
}

func (f *figures) read(ctx context.Context) (*overview, error) {
	if recent, err := f.recent(); recent != nil || err != nil { // read while this viewer came
		return recent, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	asOf := f.options.Now()
	rows, err := f.options.Overview(ctx)
	if err != nil {
		f.options.Log.ErrorContext(ctx, "read the overview for the console", "error", err)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.failure, f.at = err, asOf
		return nil, err
	}
	fresh := &overview{AsOf: asOf.UTC(), WindowMS: f.options.Window.Milliseconds(), Rows: []row{}}
	for _, r := range rows {
		fresh.Rows = append(fresh.Rows, row{r, r.ApdexText(), rating(r.Apdex), r.Apdex != nil && r.ApdexSamples < dashboards.SmallGroup})
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last, f.failure, f.at = fresh, nil, asOf
	return fresh, nil
}

// rating is the word that the Apdex specification has for a score.
func rating(apdex *float64) string {
	switch {
	case apdex == nil:
		return ""
	case *apdex >= 0.94:
		return "excellent"
	case *apdex >= 0.85:
		return "good"
	case *apdex >= 0.70:
		return "fair"
	case *apdex >= 0.50:
		return "poor"
	}
	return "unacceptable"
}

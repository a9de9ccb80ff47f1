package engine

import (
	"context"
	"time"
)

// StartImpatient is Start with a supervisor that gives up after three starts
// without success, each bounded by startTimeout, and hardly pauses between.
func StartImpatient(ctx context.Context, o Options, startTimeout time.Duration) (*Engine, error) {
	return start(ctx, o, patience{
		start: startTimeout, firstPause: time.Millisecond, longPause: time.Millisecond,
		stable: time.Hour, failedTries: 3,
	})
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"throughline/ingest/admission"
	"throughline/ingest/statefile"
)

// quotasEvery is how often it is kept what apps have used of their quotas. A crash
// gives them back what they used since.
const quotasEvery = 10 * time.Second

// openAdmission returns the admission of all apps, with what a file says that they
// have used.
func openAdmission(file string, log *slog.Logger) (*admission.Control, error) {
	control := admission.New(admission.Options{})
	return control, statefile.Load(file, func(content []byte) error {
		var counts []admission.Count
		if err := json.Unmarshal(content, &counts); err != nil {
			return fmt.Errorf("read the quotas: %w", err)
		}
		control.Restore(counts)
		return nil
	}, log)
}

// keepQuotas keeps them in the file until ctx ends.
func keepQuotas(ctx context.Context, file string, control *admission.Control, log *slog.Logger) {
	used := func() (events uint64) {
		for _, count := range control.Snapshot() {
			events += uint64(count.Events)
		}
		return events
	}
	statefile.Keep(ctx, file, quotasEvery, used, func() ([]byte, error) { return json.Marshal(control.Snapshot()) }, log)
}

package synthetic

import (
	"log/slog"
	"sync"

	"throughline/beacon"
)

// Bounds of what the pages of one run may report. Pages are hostile: whatever
// runs in them can call the binding as well as the beacon can.
const (
	maxPageReports = 200
	maxPageBytes   = 4 << 20
)

// inbox collects what the beacon in the pages of one run reports.
type inbox struct {
	journey beacon.JourneyContext
	log     *slog.Logger
	// redact hides the run's secrets in a report.
	redact func(payload string) string

	mu      sync.Mutex
	reports []beacon.Report
	bytes   int
	lost    int
}

// receive takes one report of the page.
func (i *inbox) receive(payload string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case len(payload) > beacon.MaxBrowserBodyBytes:
		i.lose("too large")
	case len(i.reports) >= maxPageReports || i.bytes+len(payload) > maxPageBytes:
		i.lose("too many")
	default:
		report, why := i.decode(i.redact(payload))
		if why != "" {
			i.lose(why)
			return
		}
		i.bytes += len(payload)
		i.reports = append(i.reports, *report)
	}
}

// lose counts a report and logs the first of the run: a hostile page must not
// fill the log either.
func (i *inbox) lose(why string) {
	if i.lost == 0 {
		i.log.Warn("report of a page dropped", "journey", i.journey.Name, "run_id", i.journey.RunID, "reason", why)
	}
	i.lost++
}

// decode stamps a page's report as the run's, and checks it like any other. Only
// the runner itself may tell of runs and steps.
func (i *inbox) decode(payload string) (*beacon.Report, string) {
	report, rejects, err := beacon.DecodeFor(i.journey, []byte(payload))
	if err != nil {
		return nil, err.Error()
	}
	kept := report.Events[:0]
	for _, event := range report.Events {
		if event.JourneyRun == nil && event.JourneyStep == nil {
			kept = append(kept, event)
		}
	}
	report.Events = kept
	if len(kept) == 0 {
		return nil, "no valid event"
	}
	i.lost += len(rejects)
	return report, ""
}

// take returns what was received, and how many reports or events were lost.
func (i *inbox) take() ([]beacon.Report, int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.reports, i.lost
}

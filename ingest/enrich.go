package ingest

import (
	"strings"
	"time"

	"throughline/beacon"
)

// Enricher turns accepted reports into rows. It is safe for concurrent use.
type Enricher struct{ agents *userAgents }

// NewEnricher returns an Enricher with an empty cache of user agents.
func NewEnricher() *Enricher { return &Enricher{newUserAgents()} }

// Rows appends a row for each event of the record to rows.
func (e *Enricher) Rows(rows []Row, record Record) []Row {
	report := record.Report
	base := Row{
		App:         record.App.Name,
		Source:      report.Source,
		SessionID:   report.SessionID,
		Release:     report.Release,
		Environment: report.Environment,
		Country:     record.Country,
		Client:      e.agents.client(record.UserAgent),
		ReceivedAt:  record.ReceivedAt,
	}
	if base.Environment == "" {
		base.Environment = record.App.Environment
	}
	if report.View != nil {
		base.View = *report.View
	}
	if report.Journey != nil {
		base.Journey = *report.Journey
	}
	sentAt := time.UnixMilli(report.SentAtMS)
	for _, event := range report.Events {
		row := base
		row.Event = event
		row.Timestamp = correctTime(time.UnixMilli(event.AtMS), sentAt, record.ReceivedAt)
		if event.Transaction != nil {
			row.Transaction = *event.Transaction
			if definition, ok := record.App.Transaction(row.Transaction.Name); ok {
				row.Satisfied = definition.Satisfied
			}
		}
		scrubEvent(&row.Event)
		rows = append(rows, row)
	}
	return rows
}

// scrubEvent takes what may be secret out of the texts of an event. The event
// may be read elsewhere yet, so that its payloads are replaced, not changed.
func scrubEvent(event *beacon.Event) {
	switch {
	case event.Error != nil:
		scrubbed := *event.Error
		scrubbed.Message = scrubText(scrubbed.Message, false)
		scrubbed.Stack = scrubText(scrubbed.Stack, true)
		event.Error = &scrubbed
	case event.TransactionDone != nil:
		scrubbed := *event.TransactionDone
		scrubbed.Reason = scrubText(scrubbed.Reason, false)
		event.TransactionDone = &scrubbed
	case event.JourneyRun != nil:
		scrubbed := *event.JourneyRun
		scrubbed.Message = scrubText(scrubbed.Message, false)
		event.JourneyRun = &scrubbed
	case event.JourneyStep != nil:
		scrubbed := *event.JourneyStep
		scrubbed.Message = scrubText(scrubbed.Message, false)
		event.JourneyStep = &scrubbed
	}
}

// Fingerprint groups the row's error; 0 for rows without one.
func (r *Row) Fingerprint() uint64 {
	if r.Event.Error == nil {
		return 0
	}
	return fingerprint(r.Event.Error)
}

// SplitURL returns host, without port, and path of a URL that beacon.CleanURL
// has passed; of "" both are "".
func SplitURL(clean string) (domain, path string) {
	_, rest, _ := strings.Cut(clean, "://")
	slash := strings.IndexByte(rest, '/')
	if slash < 0 {
		return "", ""
	}
	host, path := rest[:slash], rest[slash:]
	if port := strings.LastIndexByte(host, ':'); port > strings.LastIndexByte(host, ']') {
		host = host[:port]
	}
	return host, path
}

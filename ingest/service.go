package ingest

import (
	"errors"
	"fmt"
	"time"

	"throughline/beacon"
	"throughline/ingest/queue"
)

// Submission is a body that was let in, and what is known of its arrival.
type Submission struct {
	App       *App
	UserAgent string
	Country   string
	// Agent is true when the sender has proved to be a journey agent.
	Agent bool
	Body  []byte
}

// Answer says what became of a submission.
type Answer struct {
	Accepted int             `json:"accepted"`
	Rejected []beacon.Reject `json:"rejected,omitempty"`
}

// BusyError says that nothing was kept since the collector cannot take it now.
type BusyError struct {
	Reason     beacon.Reason // RejectQueueFull or RejectShuttingDown
	RetryAfter time.Duration
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot take reports now (%s), try again in %s", e.Reason, e.RetryAfter)
}

// retryAfter is long enough for a batch to be stored.
const retryAfter = 5 * time.Second

// Service accepts reports. It is safe for concurrent use.
type Service struct {
	queue  *queue.Queue[Record]
	ledger *Ledger
	now    func() time.Time
}

// NewService returns a Service that puts what it accepts into q and counts in
// ledger. now is its wall clock.
func NewService(q *queue.Queue[Record], ledger *Ledger, now func() time.Time) *Service {
	return &Service{queue: q, ledger: ledger, now: now}
}

// Accept decodes a report and keeps its good events. An error is a
// *beacon.Reject about the report as a whole, or a *BusyError; then nothing was
// kept. Every event is in the ledger when Accept returns.
func (s *Service) Accept(submission Submission) (Answer, error) {
	app := submission.App.Name
	report, rejects, err := beacon.Decode(submission.Body)
	if err == nil && report.Source == beacon.SourceSynthetic && !submission.Agent {
		err = &beacon.Reject{Index: -1, Field: "source", Reason: RejectNotAnAgent, Detail: "synthetic reports need a journey agent's token"}
	}
	var refused *beacon.Reject
	if errors.As(err, &refused) {
		s.ledger.Refused(app, refused.Reason)
		return Answer{}, refused
	}
	rejects = append(rejects, refuseUnknownTransactions(submission.App, report, rejects)...)
	byReason := make(map[beacon.Reason]int, len(rejects))
	for _, reject := range rejects {
		byReason[reject.Reason] += max(1, reject.Events)
	}
	record := Record{
		App: submission.App, ReceivedAt: s.now(), Report: report,
		UserAgent: submission.UserAgent, Country: submission.Country,
	}
	err = s.ledger.Arrived(app, len(report.Events), byReason, func() (beacon.Reason, error) {
		return s.enqueue(record, len(submission.Body)+len(submission.UserAgent))
	})
	if err != nil {
		return Answer{}, err
	}
	return Answer{Accepted: len(report.Events), Rejected: rejects}, nil
}

// refuseUnknownTransactions keeps names that the app does not define out of the
// rows, so that no sender can fill them with names: what belongs to such a
// transaction belongs to none, and the end of one is refused. earlier are the
// rejects of the report so far.
func refuseUnknownTransactions(app *App, report *beacon.Report, earlier []beacon.Reject) []beacon.Reject {
	refused := map[int]bool{}
	for _, reject := range earlier {
		refused[reject.Index] = true
	}
	var rejects []beacon.Reject
	kept := report.Events[:0]
	index := -1 // of the event in the report as it was sent
	for _, event := range report.Events {
		for index++; refused[index]; index++ {
		}
		if event.Transaction != nil {
			if _, known := app.Transaction(event.Transaction.Name); !known {
				event.Transaction = nil
			}
		}
		if event.TransactionDone != nil && event.Transaction == nil {
			rejects = append(rejects, beacon.Reject{
				Index: index, Field: "transaction.name", Reason: RejectUnknownTransaction,
				Detail: "the app defines no transaction of this name",
			})
			continue
		}
		kept = append(kept, event)
	}
	report.Events = kept
	return rejects
}

func (s *Service) enqueue(record Record, sizeBytes int) (beacon.Reason, error) {
	err := s.queue.Append(record, len(record.Report.Events), sizeBytes)
	switch {
	case err == nil:
		return "", nil
	case errors.Is(err, queue.ErrClosed):
		return RejectShuttingDown, &BusyError{RejectShuttingDown, retryAfter}
	default:
		return RejectQueueFull, &BusyError{RejectQueueFull, retryAfter}
	}
}

// Refused counts a report that the door turned away.
func (s *Service) Refused(app string, reason beacon.Reason) { s.ledger.Refused(app, reason) }

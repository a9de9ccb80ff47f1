package ingest

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"throughline/beacon"
	"throughline/ingest/client"
	"throughline/ingest/naming"
	"throughline/ingest/queue"
	"throughline/ingest/seen"
)

// Submission is a body that was let in, and what is known of its arrival.
type Submission struct {
	App       *App
	UserAgent string
	Hints     client.Hints
	// Where it came from, as far as that is known; see geo.Place.
	Country, Region, Network string
	// Agent is true when the sender has proved to be a journey agent.
	Agent bool
	// Sender tells those apart who send reports by themselves; see AcceptReports.
	// Nobody can be found out from it.
	Sender uint64
	Body   []byte
}

// Answer says what became of a submission.
type Answer struct {
	Accepted int `json:"accepted"`
	// Duplicates are events that had been accepted before.
	Duplicates int             `json:"duplicates,omitempty"`
	Rejected   []beacon.Reject `json:"rejected,omitempty"`
}

// BusyError says that nothing was kept since the collector cannot take it now.
type BusyError struct {
	Reason     beacon.Reason // RejectQueueFull, RejectShuttingDown or RejectDiskFailure
	RetryAfter time.Duration
}

// Error implements error.
func (e *BusyError) Error() string {
	return fmt.Sprintf("cannot take reports now (%s), try again in %s", e.Reason, e.RetryAfter)
}

// retryAfter is long enough for a batch to be stored.
const retryAfter = 5 * time.Second

// ServiceOptions are the parts of a [Service].
type ServiceOptions struct {
	Queue   *queue.Queue
	Encoder RowEncoder
	Seen    *seen.Set
	Ledger  *Ledger
	Names   *naming.Names
	Maps    SourceMaps       // nil: none
	Now     func() time.Time // the wall clock
}

// Service accepts reports. It is safe for concurrent use.
type Service struct {
	ServiceOptions
	enricher *Enricher
	scratch  sync.Pool // of *scratch
	claims   sync.Pool // of *claim
	// reports makes the ids of what browsers report by themselves.
	reports maphash.Seed
	// claiming makes recognising an event and putting it into the log one step.
	// Otherwise its second copy could be answered before the first is safe.
	claiming sync.Mutex
	// failures counts records that were claimed and could not be kept.
	failures atomic.Uint64
}

// scratch is the memory that rows are made and encoded in. It is given back before
// the wait for the disk, so that the few that are in use stay in the processor's
// caches.
type scratch struct {
	rows   []Row
	record []byte
}

// claim is what is needed of a submission until its fate is known.
type claim struct {
	ids       []uint64 // all, then only those that are new: one for each event, or one for all
	duplicate []bool
	fate      error // why the record was not kept; nil when it is
}

// NewService returns a Service of these parts.
func NewService(options ServiceOptions) *Service {
	return &Service{
		ServiceOptions: options, enricher: NewEnricher(options.Names, options.Maps, options.Now()), reports: maphash.MakeSeed(),
		scratch: sync.Pool{New: func() any { return &scratch{} }},
		claims:  sync.Pool{New: func() any { return &claim{} }},
	}
}

// Accept decodes a report and keeps its good events; when it returns they are
// on disk. An error is a *beacon.Reject about the report as a whole, or a
// *BusyError; then nothing was kept. Every event is in the ledger when Accept
// returns.
func (s *Service) Accept(submission Submission) (Answer, error) {
	app := submission.App.Name
	report, rejects, err := beacon.Decode(submission.Body)
	if err == nil && report.Source == beacon.SourceSynthetic && !submission.Agent {
		err = &beacon.Reject{Index: -1, Field: "source", Reason: RejectNotAnAgent, Detail: "synthetic reports need a journey agent's token"}
	}
	var refused *beacon.Reject
	if errors.As(err, &refused) {
		s.Ledger.Rejected(app, refused.Reason, 1)
		return Answer{}, refused
	}
	rejects = append(rejects, refuseUnknownTransactions(submission.App, report, rejects)...)
	for _, reject := range rejects {
		s.Ledger.Rejected(app, reject.Reason, max(1, reject.Events))
	}
	answer := Answer{Rejected: rejects}
	if len(report.Events) == 0 {
		return answer, nil
	}
	matchTransactions(submission.App, report)
	record := Record{
		App: submission.App, ReceivedAt: s.Now(), Report: report,
		UserAgent: submission.UserAgent, Hints: submission.Hints, Country: submission.Country, Region: submission.Region, Network: submission.Network,
	}
	answer.Duplicates, err = s.keep(record)
	if err != nil {
		return Answer{}, err
	}
	answer.Accepted = len(report.Events) - answer.Duplicates
	return answer, nil
}

// keep puts the events of a record into the log and waits until they are safe.
// Those that are there already are only counted. More records, which must be of the
// same app and time, go there together with the first.
func (s *Service) keep(record Record, more ...Record) (duplicates int, err error) {
	c := s.claims.Get().(*claim)
	defer s.claims.Put(c)
	failures := s.failures.Load()
	app := record.App.Name
	commit, events, duplicates, err := s.submit(c, record, more)
	if err != nil {
		return 0, s.busy(app, events, err)
	}
	// The disk decides, not the client: one that has gone away will come again
	// with the same events, and by then it must be clear what became of them.
	err = commit.Wait(context.Background())
	if duplicates < events {
		err = c.fate // others of the same write may have another
	}
	if err != nil {
		return 0, s.busy(app, events, err)
	}
	if duplicates == 0 {
		return 0, nil
	}
	if s.failures.Load() != failures {
		// It may have been the first copy, on its way to the disk. Whoever else
		// holds the ids by now may not be there yet.
		return 0, s.busy(app, duplicates, errors.New("a first copy may not be kept"))
	}
	s.Ledger.Rejected(app, RejectDuplicate, duplicates)
	return duplicates, nil
}

// submit makes the rows of records and appends them to the log. It returns what to
// wait for, and how many events there are and how many of them were there before.
func (s *Service) submit(c *claim, record Record, more []Record) (commit *queue.Commit, events, duplicates int, err error) {
	work := s.scratch.Get().(*scratch)
	defer s.scratch.Put(work)
	work.fill(s.enricher, record, more)
	c.take(record.App.Name, record.Report.RepeatID, work.rows)
	work.encode(record, c.ids, s.Encoder)
	events = len(work.rows)
	commit, duplicates, err = s.enqueue(record, c, work)
	return commit, events, duplicates, err
}

// enqueue claims the ids of the record and appends what is new to the log.
func (s *Service) enqueue(record Record, c *claim, work *scratch) (commit *queue.Commit, duplicates int, err error) {
	s.claiming.Lock()
	defer s.claiming.Unlock()
	duplicates = s.Seen.Claim(c.ids, c.duplicate)
	if duplicates == len(c.ids) {
		commit, err = s.Queue.Barrier()
		return commit, len(work.rows), err
	}
	if duplicates > 0 {
		work.rows, c.ids = c.withoutDuplicates(work.rows)
		work.encode(record, c.ids, s.Encoder)
	}
	app, events, fresh := record.App.Name, len(work.rows), c.ids
	commit, err = s.Queue.Enqueue(work.record, events, func(end queue.Position, err error) {
		c.fate = err
		if err != nil {
			// In this order: who finds the ids held claimed them before, and will see
			// the number change.
			s.Seen.Release(fresh)
			s.failures.Add(1)
			return
		}
		s.Ledger.Accepted(app, events, end)
	})
	if err != nil {
		s.Seen.Release(fresh)
	}
	return commit, duplicates, err
}

// busy counts events that could not be kept and says why.
func (s *Service) busy(app string, events int, cause error) error {
	reason := RejectDiskFailure
	switch {
	case errors.Is(cause, queue.ErrClosed):
		reason = RejectShuttingDown
	case errors.Is(cause, queue.ErrFull):
		reason = RejectQueueFull
	}
	s.Ledger.Rejected(app, reason, events)
	return &BusyError{reason, retryAfter}
}

// Rejected counts a report that the door turned away.
func (s *Service) Rejected(app string, reason beacon.Reason) { s.Ledger.Rejected(app, reason, 1) }

// fill makes the rows of a record, and of more of the same app.
func (w *scratch) fill(enricher *Enricher, record Record, more []Record) {
	clear(w.rows) // they refer to an earlier report
	w.rows = enricher.Rows(w.rows[:0], record)
	for i := range more {
		w.rows = enricher.Rows(w.rows, more[i])
	}
}

// encode writes the rows as they stand in the log.
func (w *scratch) encode(record Record, ids []uint64, encoder RowEncoder) {
	w.record = appendEventsHeader(w.record[:0], record.App.Name, record.ReceivedAt, len(w.rows), ids)
	for i := range w.rows {
		w.record = encoder.AppendRow(w.record, &w.rows[i])
	}
}

// take notes the ids of rows: one for all, if that is how they come again.
func (c *claim) take(app, repeatID string, rows []Row) {
	c.ids = c.ids[:0]
	key := appKey(app)
	if repeatID != "" {
		c.ids = append(c.ids, idKey(key, repeatID))
	} else {
		for i := range rows {
			c.ids = append(c.ids, idKey(key, rows[i].Event.ID))
		}
	}
	c.duplicate = slices.Grow(c.duplicate[:0], len(c.ids))[:len(c.ids)]
	clear(c.duplicate)
}

// withoutDuplicates returns what is new of the rows, in their place, and its ids.
func (c *claim) withoutDuplicates(rows []Row) ([]Row, []uint64) {
	fresh := 0
	for i := range rows {
		if !c.duplicate[i] {
			rows[fresh], c.ids[fresh] = rows[i], c.ids[i]
			fresh++
		}
	}
	clear(rows[fresh:])
	return rows[:fresh], c.ids[:fresh]
}

// idKey is what an id is remembered by: ids are unique within an app.
func idKey(app uint64, id string) uint64 {
	number, _ := strconv.ParseUint(id, 16, 64) // the contract has checked its form
	return number ^ app
}

// appKey is the FNV-1a hash of an app's name; it is the same after a restart.
func appKey(name string) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(name) {
		hash = (hash ^ uint64(name[i])) * 1099511628211
	}
	return hash
}

// refuseUnknownTransactions keeps names that the app does not define out of the
// rows, so that no sender can fill them with names: what belongs to such a
// transaction belongs to none, and the end of one is refused. earlier are the
// rejects of the report so far.
func refuseUnknownTransactions(app *App, report *beacon.Report, earlier []beacon.Reject) []beacon.Reject {
	var rejects []beacon.Reject
	kept := report.Events[:0]
	index := -1 // of the event in the report as it was sent
	for _, event := range report.Events {
		for index++; slices.ContainsFunc(earlier, func(r beacon.Reject) bool { return r.Index == index }); index++ {
		}
		if event.Transaction != nil {
			definition, known := app.Transaction(event.Transaction.Name)
			switch {
			case !known:
				event.Transaction = nil
			case event.Transaction.Version == "": // a journey names it
				named := *event.Transaction
				named.Version = definition.Version()
				event.Transaction = &named
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

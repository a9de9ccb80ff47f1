package ingest

import (
	"cmp"
	"slices"
	"sync"

	"throughline/beacon"
)

// Stage is what became of events.
type Stage string

// The stages of the ledger.
const (
	StageReceived     Stage = "received"
	StageRejected     Stage = "rejected"
	StageAccepted     Stage = "accepted"
	StageStored       Stage = "stored"
	StageDeadLettered Stage = "dead_lettered"
)

// Entry is a line of the ledger. A report that was refused before its events
// could be counted counts as one event.
type Entry struct {
	App    string // "" for reports whose write key is unknown
	Stage  Stage
	Reason beacon.Reason // of rejected and dead-lettered events
	Events uint64
}

type account struct {
	app    string
	stage  Stage
	reason beacon.Reason
}

// Ledger counts every event at every stage, so that
//
//	received = rejected + accepted
//	accepted = stored + queued + dead-lettered
//
// hold at every instant at which it is read. It is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex
	total    map[account]uint64
	unposted map[account]uint64 // counted since the last Unposted
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{total: map[account]uint64{}, unposted: map[account]uint64{}}
}

// Arrived counts the events of one report: those accepted, and those rejected
// by reason. Both sides of the first equation move together.
//
// keep is what makes the accepted events accepted, or returns why they must be
// rejected after all. It is called with the ledger locked, so that nobody can
// count an event as stored that is not yet counted as accepted; it must not
// block nor call the ledger. It may be nil when nothing is accepted.
func (l *Ledger) Arrived(app string, accepted int, rejected map[beacon.Reason]int, keep func() (beacon.Reason, error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(account{app, StageReceived, ""}, accepted)
	for reason, events := range rejected {
		l.add(account{app, StageReceived, ""}, events)
		l.add(account{app, StageRejected, reason}, events)
	}
	if accepted == 0 {
		return nil
	}
	if reason, err := keep(); err != nil {
		l.add(account{app, StageRejected, reason}, accepted)
		return err
	}
	l.add(account{app, StageAccepted, ""}, accepted)
	return nil
}

// Refused counts a report that was turned away before its events were known.
func (l *Ledger) Refused(app string, reason beacon.Reason) {
	_ = l.Arrived(app, 0, map[beacon.Reason]int{reason: 1}, nil) // fails only with keep
}

// Stored counts accepted events that the database has acknowledged.
func (l *Ledger) Stored(app string, events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(account{app, StageStored, ""}, events)
}

// DeadLettered counts accepted events that will never be stored.
func (l *Ledger) DeadLettered(app string, reason beacon.Reason, events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(account{app, StageDeadLettered, reason}, events)
}

func (l *Ledger) add(a account, events int) {
	if events > 0 {
		l.total[a] += uint64(events)
		l.unposted[a] += uint64(events)
	}
}

// Entries returns the totals since the start, in a stable order.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return entries(l.total)
}

// Unposted returns what was counted since the last call, in a stable order.
func (l *Ledger) Unposted() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := entries(l.unposted)
	clear(l.unposted)
	return fresh
}

// hasUnposted says whether Unposted would return anything.
func (l *Ledger) hasUnposted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unposted) > 0
}

func entries(accounts map[account]uint64) []Entry {
	list := make([]Entry, 0, len(accounts))
	for a, events := range accounts {
		list = append(list, Entry{App: a.app, Stage: a.stage, Reason: a.reason, Events: events})
	}
	slices.SortFunc(list, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.App, b.App), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

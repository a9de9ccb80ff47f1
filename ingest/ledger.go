package ingest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"throughline/beacon"
	"throughline/ingest/queue"
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
	// StageReplayed is events that were dead-lettered and stored after all.
	StageReplayed Stage = "replayed"
)

// Entry is a line of the ledger. A report that was refused before its events
// could be counted counts as one event.
type Entry struct {
	App    string        `json:"app"` // "" for reports whose write key is unknown
	Stage  Stage         `json:"stage"`
	Reason beacon.Reason `json:"reason,omitempty"` // of rejected and dead-lettered events
	Events uint64        `json:"events"`
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
// hold at every instant at which it is read, and over restarts: what it counted
// up to a position of the log is kept as a [Ledger.Snapshot], and what the log
// holds behind that position is counted again. Rejections of the last second
// before a crash may be missing from both sides of the first equation. It is
// safe for concurrent use.
type Ledger struct {
	mu     sync.Mutex
	total  map[account]uint64
	posted map[account]uint64 // the part of total that is on its way into the table
	// counted is the end of the last record of the log that total knows.
	counted queue.Position
	// cuts are the pieces of the batch under way that were cut up, see [Cuts].
	cuts []string
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{total: map[account]uint64{}, posted: map[account]uint64{}}
}

// snapshot is how a ledger is kept with the log's checkpoint.
type snapshot struct {
	Counted queue.Position `json:"counted"`
	Total   []Entry        `json:"total"`
	Posted  []Entry        `json:"posted"`
	Cuts    []string       `json:"cuts,omitempty"`
}

// LoadLedger returns the ledger of a snapshot; of nil an empty one.
func LoadLedger(state []byte) (*Ledger, error) {
	l := NewLedger()
	if len(state) == 0 {
		return l, nil
	}
	var kept snapshot
	if err := json.Unmarshal(state, &kept); err != nil {
		return nil, fmt.Errorf("read the ledger kept with the log: %w", err)
	}
	l.counted, l.cuts = kept.Counted, kept.Cuts
	for _, e := range kept.Total {
		l.total[account{e.App, e.Stage, e.Reason}] = e.Events
	}
	for _, e := range kept.Posted {
		l.posted[account{e.App, e.Stage, e.Reason}] = e.Events
	}
	return l, nil
}

// Snapshot returns the ledger as [LoadLedger] reads it.
func (l *Ledger) Snapshot() ([]byte, error) {
	l.mu.Lock()
	kept := snapshot{Counted: l.counted, Total: entries(l.total), Posted: entries(l.posted), Cuts: slices.Clone(l.cuts)}
	l.mu.Unlock()
	state, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("write the ledger's snapshot: %w", err)
	}
	return state, nil
}

// Accepted counts the events of a record that is in the log for good, and which
// ends at that position. A record is counted once, however often it is told.
func (l *Ledger) Accepted(app string, events int, end queue.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.covers(end) {
		return
	}
	l.add(account{app, StageReceived, ""}, events)
	l.add(account{app, StageAccepted, ""}, events)
}

// Posted notes that the log holds a record with these entries, which ends at
// that position. It counts once, too.
func (l *Ledger) Posted(posted []Entry, end queue.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.covers(end) {
		return
	}
	for _, e := range posted {
		l.posted[account{e.App, e.Stage, e.Reason}] += e.Events
	}
}

// covers says whether the record that ends there has been counted, and takes it
// for counted from now on.
func (l *Ledger) covers(end queue.Position) bool {
	if end <= l.counted {
		return true
	}
	l.counted = end
	return false
}

// Rejected counts events that arrived and were not kept, for that reason. A
// report that was refused before its events were known counts as one.
func (l *Ledger) Rejected(app string, reason beacon.Reason, events int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(account{app, StageReceived, ""}, events)
	l.add(account{app, StageRejected, reason}, events)
}

// Settled counts accepted events that the database has acknowledged, and those
// that it never will: both by app, the latter all for one reason.
func (l *Ledger) Settled(stored, dead map[string]int, reason beacon.Reason) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = nil
	for app, events := range stored {
		l.add(account{app, StageStored, ""}, events)
	}
	for app, events := range dead {
		l.add(account{app, StageDeadLettered, reason}, events)
	}
}

func (l *Ledger) wasCut(piece string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Contains(l.cuts, piece)
}

func (l *Ledger) cut(piece string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Contains(l.cuts, piece) {
		l.cuts = append(l.cuts, piece)
	}
}

// Reconcile takes what the log really holds, by app, for what is queued: events
// that the ledger knows as accepted and the log has lost are dead-lettered for
// that reason, events that only the log knows are accepted.
func (l *Ledger) Reconcile(queued map[string]int, reason beacon.Reason) (lost int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	apps := map[string]int{}
	maps.Copy(apps, queued)
	for a, events := range l.total {
		switch a.stage {
		case StageAccepted:
			apps[a.app] -= int(events)
		case StageStored, StageDeadLettered:
			apps[a.app] += int(events)
		case StageReceived, StageRejected, StageReplayed:
		}
	}
	for app, surplus := range apps {
		l.add(account{app, StageReceived, ""}, surplus)
		l.add(account{app, StageAccepted, ""}, surplus)
		l.add(account{app, StageDeadLettered, reason}, -surplus)
		lost += max(0, -surplus)
	}
	return lost
}

func (l *Ledger) add(a account, events int) {
	if events > 0 {
		l.total[a] += uint64(events)
	}
}

// Entries returns the totals, in a stable order.
func (l *Ledger) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return entries(l.total)
}

// Unposted returns what was counted and is not posted, in a stable order.
func (l *Ledger) Unposted() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := map[account]uint64{}
	for a, events := range l.total {
		if events > l.posted[a] {
			fresh[a] = events - l.posted[a]
		}
	}
	return entries(fresh)
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

// Replayed are the entries for dead-lettered rows that have been stored after
// all: those of rows that are not refused again.
func Replayed(rows, again []RefusedRow) []Entry {
	var list []Entry
	refused := deadByApp(again)
	for app, events := range deadByApp(rows) {
		if stored := events - refused[app]; stored > 0 {
			list = append(list, Entry{App: app, Stage: StageReplayed, Events: uint64(stored)})
		}
	}
	return list
}

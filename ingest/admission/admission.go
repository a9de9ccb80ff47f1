// Package admission is what keeps one app's reports from hurting another's: a
// rate and a daily quota for each app, and fair shares of what all of them need
// at a time.
//
// A report goes through it in this order:
//
//  1. [Account.Room] refuses cheaply when the app has used up what it may send.
//     How many events a report has is not known yet: room for one is enough.
//  2. [Account.Hold] counts the memory that the body takes while it arrives,
//     [Account.Free] takes it back.
//  3. [Account.Enter] waits for one of the slots in which reports are decoded and
//     kept, [Account.Leave] gives it to whoever is next.
//  4. [Account.Take] takes off the events that the report turned out to have, also
//     when that is more than there was room for. So an app can overdraw by what
//     its reports in the slots have, and waits so much longer afterwards.
package admission

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// Options are the bounds of a [Control]. What is zero has its default.
type Options struct {
	// Slots is how many reports may be decoded and written at a time; default is
	// [SlotsPerProcessor] for each processor.
	Slots int
	// MaxWaiting is how many reports of one app may wait for a slot; default 1024.
	MaxWaiting int
	// MaxWait is how long a report may wait for a slot; default 1 s, which is
	// longer than a disk hesitates. A page that is left does not send again what is
	// refused.
	MaxWait time.Duration
	// MaxBodyBytes bounds the memory of bodies that are under way, packed and
	// unpacked; default 32 MiB. One app may have half of it: 2,048 of the smallest
	// buffers.
	MaxBodyBytes int64
}

// SlotsPerProcessor is enough for all that a processor can do: a report holds its
// slot for about 4 ms, mostly waiting for the log, and needs some 60 µs of a
// processor. With a quarter of that many the collector is a tenth slower.
const SlotsPerProcessor = 128

// busyRetryAfter is what a report that finds no slot is told to wait, as one is
// that finds the log full.
const busyRetryAfter = 5 * time.Second

// Refusal says that a report may not come in now, and when to try again.
type Refusal struct {
	App string
	// Reason is [ingest.RejectRateLimited], [ingest.RejectQuotaExceeded] or
	// [ingest.RejectBusy].
	Reason     beacon.Reason
	RetryAfter time.Duration
	Detail     string // for people
}

// Error implements error.
func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Reason, r.Detail) }

// Control is the admission of all apps. Make one with [New]. It is safe for
// concurrent use.
type Control struct {
	slots slots
	bytes pool

	mu       sync.Mutex
	accounts map[string]*Account // by app; of apps that are gone, too, since they may come back
}

// Account is the admission of one app. It is safe for concurrent use.
type Account struct {
	app   string
	rate  rate
	quota quota
	seat  seat
	bytes share
}

// New returns a Control that knows no app.
func New(options Options) *Control {
	return &Control{
		slots:    newSlots(options),
		bytes:    pool{max: cmp.Or(options.MaxBodyBytes, 32<<20)},
		accounts: map[string]*Account{},
	}
}

// Account returns the account of the app of that name, with these limits from
// now on. What the app has used already stays used. Limits must be valid.
func (c *Control) Account(app string, limits ingest.Limits) *Account {
	c.mu.Lock()
	defer c.mu.Unlock()
	account := c.account(app)
	account.rate.set(limits.EventsPerSecond, limits.Burst)
	account.quota.max.Store(limits.EventsPerDay)
	return account
}

func (c *Control) account(app string) *Account {
	account, ok := c.accounts[app]
	if !ok {
		account = &Account{app: app, seat: seat{slots: &c.slots}, bytes: share{pool: &c.bytes}}
		c.accounts[app] = account
	}
	return account
}

// Room returns a *[Refusal] unless the app may send an event at that time, which
// must come from the machine's clock. It costs no more than two loads.
func (a *Account) Room(now time.Time) error {
	if wait := a.rate.wait(now); wait > 0 {
		return &Refusal{a.app, ingest.RejectRateLimited, wait, "the app sends more events a second than its limit"}
	}
	if wait := a.quota.wait(now); wait > 0 {
		return &Refusal{a.app, ingest.RejectQuotaExceeded, wait, "the app has sent all events that it may send on one day (UTC)"}
	}
	return nil
}

func (a *Account) busy(detail string) error {
	return &Refusal{a.app, ingest.RejectBusy, busyRetryAfter, detail}
}

// Take takes the events of a report off what the app may send: decoded is how
// many were read, which the rate is about, and kept how many of them are stored,
// which the quota is about.
func (a *Account) Take(now time.Time, decoded, kept int) {
	a.rate.take(now, decoded)
	a.quota.take(now, kept)
}

// Count is how many events of an app were kept on a day.
type Count struct {
	App    string `json:"app"`
	Day    string `json:"day"` // as 2026-11-09, UTC
	Events int64  `json:"events"`
}

// Snapshot returns the counts of each app's last day, ordered by app.
func (c *Control) Snapshot() []Count {
	c.mu.Lock()
	defer c.mu.Unlock()
	var counts []Count
	for _, app := range slices.Sorted(maps.Keys(c.accounts)) {
		if day, events := c.accounts[app].quota.count(); events > 0 {
			counts = append(counts, Count{app, day.Format(time.DateOnly), events})
		}
	}
	return counts
}

// Restore puts the counts of a [Control.Snapshot] in the place of what was
// counted. Call it before reports come. Counts that make no sense are left out:
// a quota that starts anew is better than a collector that does not start.
func (c *Control) Restore(counts []Count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, count := range counts {
		if day, err := time.Parse(time.DateOnly, count.Day); err == nil {
			c.account(count.App).quota.restore(day, count.Events)
		}
	}
}

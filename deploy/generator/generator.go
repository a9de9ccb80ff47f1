// Package generator makes up experience data: a deterministic stream of the
// reports that the visitors of a shop, and the journeys that watch it, would
// send over some days. It has what real data has: rhythm of day and week,
// releases that roll out, slow networks and old phones, clocks that are wrong,
// and things that break ([Generator.Incidents] says when and where).
//
// The same options make the same stream, to the last id. For load, [Bodies]
// makes bodies of one kind, fast.
package generator

import (
	"container/heap"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// Options say what to make up. From, To and PageViews are required.
type Options struct {
	// Seed chooses one of many worlds.
	Seed uint64
	// From and To bound when reports arrive; To is not part of it.
	From, To time.Time
	// PageViews is how many views real users have, within a few percent: how
	// many a visit has is its own affair.
	PageViews int
	// Apps are the monitored applications; none means [Shop] alone. Their
	// transactions are visited whatever their patterns are.
	Apps []ingest.App
	// Traced is the share of requests and views that know their trace id, 0 to
	// 1; 0 means 0.1, below 0 none.
	Traced float64
	// JourneyEvery is the interval of the scheduled journeys; 0 means none.
	JourneyEvery time.Duration
}

// RowsPerPageView is about how many events come of one page view: its early and
// its final report, requests, sums of resources, clicks, measures, ends of
// transactions, errors.
const RowsPerPageView = 11.6

// defaultTraced is the share of requests with a trace id if none is given.
const defaultTraced = 0.1

// Visit is one report and how it arrived.
type Visit struct {
	At        time.Time // when it arrived, by the collector's clock
	App       *ingest.App
	UserAgent string
	Country   string
	Report    *beacon.Report
}

// Generator makes one stream of visits. Its memory does not grow with the
// stream, only with the visitors that are there at a time. It is not safe for
// concurrent use.
type Generator struct {
	world    *world
	options  Options
	ids      ids
	rhythm   rhythm
	journeys journeySchedule
	sessions int // that have begun
	waiting  agenda
	order    uint64
}

// New returns a generator at the beginning of its stream.
func New(o Options) (*Generator, error) {
	if !o.To.After(o.From) {
		return nil, errors.New("the end must be after the beginning")
	}
	if o.PageViews <= 0 {
		return nil, errors.New("there must be at least one page view")
	}
	if len(o.Apps) == 0 {
		o.Apps = []ingest.App{Shop()}
	}
	if o.Traced == 0 {
		o.Traced = defaultTraced
	}
	draw := rand.New(rand.NewPCG(o.Seed, worldStream))
	w, err := newWorld(o, draw)
	if err != nil {
		return nil, fmt.Errorf("make the world: %w", err)
	}
	sessions := max(1, int(float64(o.PageViews)/meanViews()+0.5))
	return &Generator{
		world: w, options: o, ids: newIDs(o.Seed, 0),
		rhythm:   newRhythm(o.From, o.To, sessions, w.countries, draw),
		journeys: newJourneySchedule(o, w),
	}, nil
}

// Streams of random numbers beside the sessions' own, which count from 1.
const (
	worldStream   = 1<<64 - 1
	bodyStream    = 1 << 63
	journeyStream = 1 << 62
)

// Incidents are what goes wrong in the stream.
func (g *Generator) Incidents() []Incident { return g.world.incidents }

// Visits is the stream, or what is left of it, in the order of arrival.
func (g *Generator) Visits() iter.Seq[Visit] {
	return func(yield func(Visit) bool) {
		for {
			visit, ok := g.Next()
			if !ok || !yield(visit) {
				return
			}
		}
	}
}

// Next returns the next visit; false at the end of the stream.
func (g *Generator) Next() (Visit, bool) {
	for {
		g.begin()
		if len(g.waiting) == 0 {
			return Visit{}, false
		}
		next := heap.Pop(&g.waiting).(entry)
		switch {
		case !next.at.Before(g.options.To):
			return Visit{}, false
		case next.session != nil:
			next.session.view(g, next.at)
		default:
			return next.visit, true
		}
	}
}

// begin starts the sessions and journey runs that come before all that waits.
func (g *Generator) begin() {
	for {
		session, more := g.rhythm.peek()
		run, scheduled := g.journeys.peek()
		switch {
		case more && g.isNext(session) && (!scheduled || !run.Before(session)):
			g.rhythm.take()
			g.push(entry{at: session, session: g.newSession(session)})
		case scheduled && g.isNext(run):
			g.journeys.run(g)
		default:
			return
		}
	}
}

func (g *Generator) isNext(at time.Time) bool {
	return len(g.waiting) == 0 || !at.After(g.waiting[0].at)
}

func (g *Generator) push(e entry) {
	g.order++
	e.order = g.order
	heap.Push(&g.waiting, e)
}

// deliver lets a report arrive.
func (g *Generator) deliver(v Visit) { g.push(entry{at: v.At, visit: v}) }

// entry is what happens at a time: a session goes to its next page, or else a
// report arrives.
type entry struct {
	at      time.Time
	order   uint64 // of what happens at the same time
	session *session
	visit   Visit
}

// agenda is a heap of what will happen, the next first.
type agenda []entry

// Len implements heap.Interface.
func (a agenda) Len() int { return len(a) }

// Less implements heap.Interface.
func (a agenda) Less(i, j int) bool {
	if a[i].at.Equal(a[j].at) {
		return a[i].order < a[j].order
	}
	return a[i].at.Before(a[j].at)
}

// Swap implements heap.Interface.
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(e any) { *a = append(*a, e.(entry)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	(*a)[last] = entry{} // it holds a report
	*a = (*a)[:last]
	return e
}

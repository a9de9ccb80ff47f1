package generator

import (
	"math/rand/v2"
	"time"

	"throughline/beacon"
)

// journey is a script that watches a site from some locations.
type journey struct {
	name  string
	steps []journeyStep
}

type journeyStep struct {
	name, typ string
	page      int // that is open when the step ends
	loads     bool
}

// journeyLocations are where the journeys run.
func journeyLocations() []string { return []string{"frankfurt", "virginia"} }

// newJourneys are those of a shop.
func newJourneys(s *site) []journey {
	at := func(name string) int {
		for i := range s.pages {
			if s.pages[i].name == name {
				return i
			}
		}
		return 0
	}
	home, product, search, cart := at("home"), at("product"), at("search"), at("cart")
	return []journey{
		{"Find a mug", []journeyStep{
			{"Open home page", "navigate", home, true},
			{"Type a word", "change", home, false},
			{"Search", "click", search, true},
			{"Open first result", "click", product, true},
		}},
		{"Check out", []journeyStep{
			{"Open product", "navigate", product, true},
			{"Add to cart", "click", product, false},
			{"Open cart", "click", cart, true},
			{"Enter address", "click", at("address"), true},
			{"Pay", "click", at("thanks"), true},
		}},
	}
}

// journeySchedule says when the journeys run: every site's, in each location,
// spread over the interval.
type journeySchedule struct {
	world *world
	every time.Duration
	next  time.Time
	turn  int // which of the runs of the interval is next
	turns int
	count uint64
}

func newJourneySchedule(o Options, w *world) journeySchedule {
	turns := 0
	for _, s := range w.sites {
		turns += len(s.journeys) * len(journeyLocations())
	}
	return journeySchedule{world: w, every: o.JourneyEvery, next: o.From.Truncate(time.Minute).Add(o.JourneyEvery), turns: turns}
}

// peek returns when the next run is due.
func (j *journeySchedule) peek() (time.Time, bool) {
	return j.next, j.every > 0 && j.turns > 0 && j.next.Before(j.world.options.To)
}

// run lets the next run report, and its pages.
func (j *journeySchedule) run(g *Generator) {
	at, turn := j.next, j.turn
	if j.turn++; j.turn == j.turns {
		j.turn, j.next = 0, j.next.Add(j.every)
	}
	j.count++
	at = at.Add(j.every / time.Duration(j.turns+1) * time.Duration(turn))
	locations := journeyLocations()
	location := turn % len(locations)
	for _, s := range j.world.sites {
		if turn/len(locations) < len(s.journeys) {
			script := &s.journeys[turn/len(locations)]
			draw := rand.New(rand.NewPCG(g.options.Seed, journeyStream+j.count))
			r := &journeyRun{g: g, site: s, journey: script, slot: at, draw: draw}
			r.context = &beacon.JourneyContext{Name: script.name, RunID: g.ids.hex(), Location: locations[location]}
			r.visitor = r.browser(at, []string{"DE", "US"}[location])
			r.context.UserAgent = r.visitor.agent.header
			r.play(at)
			return
		}
		turn -= len(s.journeys) * len(locations)
	}
}

// journeyRun is one run while it is made up.
type journeyRun struct {
	g       *Generator
	site    *site
	journey *journey
	context *beacon.JourneyContext
	visitor *session
	slot    time.Time
	draw    *rand.Rand
}

// browser is the session of the run's headless browser.
func (r *journeyRun) browser(at time.Time, country string) *session {
	w := r.g.world
	s := &session{
		world: w, site: r.site, draw: r.draw, id: r.g.ids.hex(), release: w.releaseAt(at, r.draw),
		connection: &w.connections[0], viewport: 1280, cpu: logNormal(r.draw, 1, 0.1), net: 1,
		product: w.words.lists["product"][0], gadget: gadget{height: 720, memoryGB: 8, cores: 2, pixelRatio: 1, mbps: 10},
		agent: &agent{header: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36", chromium: true, cpu: 1},
	}
	for i := range w.countries {
		if w.countries[i].code == country {
			s.country = &w.countries[i]
		}
	}
	return s
}

// play makes up the steps one after the other until one fails.
func (r *journeyRun) play(begun time.Time) {
	run := &beacon.JourneyRun{
		Outcome: beacon.RunPassed, SlotAtMS: r.slot.UnixMilli(), QueueMS: ms(logNormal(r.draw, 3, 0.8)),
		Steps: len(r.journey.steps), Browser: "HeadlessChrome/156",
	}
	at, events := begun, []beacon.Event{{ID: r.g.ids.hex(), AtMS: begun.UnixMilli(), JourneyRun: run}}
	for i, step := range r.journey.steps {
		done := &beacon.JourneyStep{Index: i, Name: step.name, Type: step.typ, Outcome: beacon.RunPassed}
		r.visitor.page = step.page
		r.visitor.open()
		took := millis(logNormal(r.draw, 38, 0.4))
		if step.loads {
			took += r.open(at)
		}
		if happens(r.draw, 0.004) {
			took = 5 * time.Second
			done.Outcome, done.Reason, done.Message = beacon.RunFailed, beacon.ReasonTimeout, "no element matches #next after 5s"
			run.Outcome, run.Reason, run.Message, run.FailedStep = done.Outcome, done.Reason, done.Message, step.name
		}
		done.DurationMS, done.URL = ms(float64(took.Microseconds())/1000), r.visitor.url
		events = append(events, beacon.Event{ID: r.g.ids.hex(), AtMS: at.UnixMilli(), JourneyStep: done})
		at = at.Add(took)
		if run.Outcome != beacon.RunPassed {
			break
		}
		run.StepsDone++
	}
	run.DurationMS = ms(float64(at.Sub(begun).Microseconds()) / 1000)
	r.send(at, nil, 0, events)
}

// open makes up the page view of a step and returns how long it loads.
func (r *journeyRun) open(at time.Time) time.Duration {
	s, page := r.visitor, &r.site.pages[r.visitor.page]
	v := &viewing{session: s, ids: &r.g.ids, page: page, start: at, transaction: transactionOf(page.transaction, &r.g.ids)}
	v.info = &beacon.View{ID: r.g.ids.hex(), URL: s.url, Navigation: beacon.NavigationNavigate, ViewportWidthPX: s.viewport, ViewportHeightPX: s.gadget.height, EffectiveConnectionType: "4g"}
	v.trace = r.g.ids.trace() // journeys are always traced
	v.timing = s.time(page, v.info, s.world.slowness(r.site, page, at))
	load := millis(v.timing.loadMS)
	v.duration = load + millis(logNormal(r.draw, 900, 0.2))
	v.request(s.world.failing(s, at))
	v.load()
	v.measure()
	v.settle()
	early, final := v.timing.fields(v)
	event := func(fields *beacon.PageView) beacon.Event {
		return beacon.Event{ID: r.g.ids.hex(), AtMS: at.UnixMilli(), Transaction: v.transaction, TraceID: v.trace, PageView: fields}
	}
	r.send(at.Add(load), v.info, 0, []beacon.Event{event(early)})
	last := []beacon.Event{event(final)}
	for _, n := range v.notes {
		last = append(last, n.event)
	}
	r.send(at.Add(v.duration), v.info, 1, last)
	return load
}

func (r *journeyRun) send(at time.Time, view *beacon.View, sequence int, events []beacon.Event) {
	report := r.visitor.report(view, at, events)
	report.Sequence = sequence
	report.Source, report.Journey = beacon.SourceSynthetic, r.context
	if view == nil {
		report.SDK, report.SessionID, report.Release = agentSDK, "", ""
	}
	r.g.deliver(Visit{At: at.Add(time.Millisecond).Truncate(time.Millisecond), App: r.site.app, UserAgent: agentSDK, Report: report})
}

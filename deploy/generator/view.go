package generator

import (
	"slices"
	"time"

	"throughline/beacon"
)

// When the beacon sends what it has, as in js/src/queue.ts and transactions.ts.
const (
	hold   = 30 * time.Second
	settle = 10 * time.Second
)

// viewing is one page view while it is made up.
type viewing struct {
	session     *session
	ids         *ids
	page        *sitePage
	start       time.Time
	info        *beacon.View
	transaction *beacon.TransactionRef
	trace       string
	timing      timing
	duration    time.Duration
	// gone says that the visitor left before the page had loaded.
	gone bool
	// broken says that a request got no good answer, threw that a script has failed.
	broken, threw bool
	notes         []note
	open          time.Duration // when the last request ended that the page waits for
	wait          time.Duration
	// reports are those that were sent, sentBytes about what they have.
	reports   int
	sentBytes int64
}

// note is an event that the beacon learns of some time after the view's start.
type note struct {
	after time.Duration
	event beacon.Event
}

// view makes up the session's page view that begins now, lets its reports
// arrive, and sends the session on its way.
func (s *session) view(g *Generator, now time.Time) {
	page := &s.site.pages[s.page]
	s.views++
	s.open()
	v := &viewing{session: s, ids: &g.ids, page: page, start: now, transaction: transactionOf(page.transaction, &g.ids)}
	v.info = &beacon.View{
		ID: g.ids.hex(), URL: s.url, Referrer: s.referrer, Navigation: s.navigation(),
		ViewportWidthPX: s.viewport, ViewportHeightPX: s.gadget.height,
	}
	if v.info.Navigation == beacon.NavigationSoft {
		v.info.Detection = s.detection()
	}
	if s.agent.chromium {
		v.info.EffectiveConnectionType = s.connection.effectiveType
	}
	if happens(s.draw, s.world.options.Traced) {
		v.trace = g.ids.trace()
	}
	v.timing = s.time(page, v.info, s.world.slowness(s.site, page, now))
	v.stay()
	v.request(s.world.failing(s, now))
	v.fail(s.world.burst(s, page, now))
	v.load()
	v.measure()
	v.act()
	v.settle()
	v.deliver(g)
	if !v.leaves() && s.goOn() {
		g.push(entry{at: now.Add(v.duration), session: s})
	}
}

func (s *session) navigation() beacon.Navigation {
	switch at := s.draw.Float64(); {
	case s.reloading:
		return beacon.NavigationReload
	case s.connected && at < 0.05:
		return beacon.NavigationBackForward
	case s.connected && at < 0.1:
		return beacon.NavigationBFCache
	case s.connected && at < 0.22 && s.agent.device != robot:
		return beacon.NavigationSoft
	default:
		return beacon.NavigationNavigate
	}
}

// detection is how the beacon has told a soft view.
func (s *session) detection() beacon.Detection {
	switch {
	case happens(s.draw, 0.1):
		return beacon.DetectionManual
	case s.agent.chromium:
		return beacon.DetectionNative
	default:
		return beacon.DetectionHeuristic
	}
}

// stay draws how long the visitor looks at the page.
func (v *viewing) stay() {
	draw := v.session.draw
	v.duration = millis(v.timing.loadMS + logNormal(draw, 14_000, 1.1))
	v.duration = min(v.duration, 25*time.Minute)
	// Patience: some have a second for a page, most have five.
	if patience := millis(logNormal(draw, 14_000, 0.7)); patience < millis(v.timing.loadMS) {
		v.duration, v.gone = patience, true
	}
}

// leaves says whether what the view was like ends the visit.
func (v *viewing) leaves() bool {
	draw := v.session.draw
	return v.gone && happens(draw, 0.7) || v.timing.loadMS > 5000 && happens(draw, 0.12)
}

// note remembers an event unless the visitor had left by then.
func (v *viewing) note(begun, known time.Duration, event beacon.Event) {
	known = max(begun, known)
	if known > v.duration {
		return
	}
	event.ID = v.ids.hex()
	event.AtMS = v.session.clock(v.start.Add(begun))
	if event.Transaction == nil {
		event.Transaction = v.transaction
	}
	v.notes = append(v.notes, note{known, event})
}

// settle judges the transaction that the page is.
func (v *viewing) settle() {
	if v.transaction == nil {
		return
	}
	load := millis(v.timing.loadMS)
	done := &beacon.TransactionDone{Outcome: beacon.OutcomeCompleted}
	end := max(load, v.open)
	switch {
	case v.gone:
		done.Outcome, end = beacon.OutcomeAbandoned, v.duration
	case v.timing.status >= 400:
		done.Outcome, done.Reason = beacon.OutcomeFailed, statusReason(v.timing.status)
	}
	done.DurationMS = ms(float64(end) / float64(time.Millisecond))
	done.WaitMS = ms(min(done.DurationMS, float64(max(min(end, load), v.wait))/float64(time.Millisecond)))
	known := min(load+settle, v.duration)
	v.note(0, known, beacon.Event{TraceID: v.trace, TransactionDone: done})
}

// deliver sends what the beacon knows when it does: once loaded, when
// something has waited for long, and when the view ends.
func (v *viewing) deliver(g *Generator) {
	slices.SortStableFunc(v.notes, func(a, b note) int { return int(a.after - b.after) })
	early, final := v.timing.fields(v)
	if early != nil {
		v.send(g, millis(v.timing.loadMS), early)
		for len(v.notes) > 0 && v.notes[0].after+hold < v.duration {
			v.send(g, v.notes[0].after+hold, nil)
		}
	}
	v.send(g, v.duration, final)
}

// send sends the events that are known after some time, with the view's
// fields as the first if there are any.
func (v *viewing) send(g *Generator, after time.Duration, fields *beacon.PageView) {
	var events []beacon.Event
	if fields != nil {
		events = append(events, beacon.Event{
			ID: v.ids.hex(), AtMS: v.session.clock(v.start), Transaction: v.transaction, TraceID: v.trace, PageView: fields,
		})
	}
	for len(v.notes) > 0 && v.notes[0].after <= after {
		events = append(events, v.notes[0].event)
		v.notes = v.notes[1:]
	}
	sent := v.start.Add(after)
	line := millis(v.session.roundTripMS()/2 + 8)
	s := v.session
	report := s.report(v.info, sent, events)
	report.Sequence = v.reports
	v.reports++
	v.sentBytes += int64(600 + 230*len(events))
	if happens(s.draw, s.agent.losses()) {
		return
	}
	g.deliver(Visit{
		At: sent.Add(line).Truncate(time.Millisecond), App: s.site.app, UserAgent: s.agent.header, Country: s.country.code,
		Report: report,
	})
}

// millis is so many milliseconds.
func millis(count float64) time.Duration { return time.Duration(count * float64(time.Millisecond)) }

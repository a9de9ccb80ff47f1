package generator

import (
	"math"
	"time"

	"throughline/beacon"
)

// thing is what people click on.
type thing struct{ name, target string }

// things are those of all pages of the shop.
func things() []thing {
	return []thing{
		{"Add to cart", "button#add"},
		{"Menu", "nav>button.menu"},
		{"Search", "form>button[type=submit]"},
		{"Next picture", "figure>button.next"},
		{"Buy now", "button.buy"},
		{"Sort by price", "select#sort"},
		{"Size and colour", "fieldset.variants>label"},
		{"Reviews", "a[href='#reviews']"},
		{"More like this", "aside.offers>a"},
		{"Wishlist", "button.wish"},
		{"Filter", "aside.facets>label"},
		{"Cookie settings", "footer>button.consent"},
	}
}

// act makes up what the visitor clicks on, and how it shows when that is in vain: a
// page that is slow, or of which a request or a script has failed, makes people click
// again and again.
func (v *viewing) act() {
	s := v.session
	if v.gone || s.agent.device == robot {
		return
	}
	for range min(int(s.draw.ExpFloat64()*1.3), 6) {
		v.click(beacon.ActionClick, 1)
	}
	slow := v.timing.loadMS > 4000
	if happens(s.draw, chanceOf(0.003, slow, 0.04, v.broken, 0.09)) {
		v.click(beacon.ActionRageClick, 3+s.draw.IntN(6))
	}
	if happens(s.draw, chanceOf(0.006, slow, 0.02, v.broken, 0.03)) {
		v.click(beacon.ActionDeadClick, 1)
	}
	if happens(s.draw, chanceOf(0, v.threw, 0.3, v.threw && v.broken, 0.2)) {
		v.click(beacon.ActionErrorClick, 1)
	}
	if name := s.site.pages[s.page].name; name == "cart" && happens(s.draw, 0.08) {
		v.note(v.later(), 0, beacon.Event{Action: &beacon.Action{
			Kind: beacon.ActionEvent, Name: "Coupon used", Count: 1,
			Attributes: map[string]string{"code_kind": []string{"percent", "amount", "shipping"}[s.draw.IntN(3)]},
		}})
	}
}

// chanceOf is a chance, and what either of two things adds to it.
func chanceOf(chance float64, one bool, forOne float64, other bool, forOther float64) float64 {
	if one {
		chance += forOne
	}
	if other {
		chance += forOther
	}
	return chance
}

func (v *viewing) click(kind beacon.ActionKind, count int) {
	on := v.session.world.things[v.session.draw.IntN(len(v.session.world.things))]
	v.note(v.later(), 0, beacon.Event{Action: &beacon.Action{Kind: kind, Name: on.name, Target: on.target, Count: count}})
}

// later draws a time after the page has loaded.
func (v *viewing) later() time.Duration {
	load := millis(v.timing.loadMS)
	return load + time.Duration(v.session.draw.Float64()*float64(max(0, v.duration-load)))
}

// measure makes up what the server tells of its times, and what the app has named.
func (v *viewing) measure() {
	t, draw := &v.timing, v.session.draw
	if t.restored || v.gone {
		return
	}
	add := func(kind beacon.MeasureKind, name, detail string, tookMS float64) {
		v.note(0, millis(t.loadMS), beacon.Event{Measure: &beacon.Measure{Kind: kind, Name: name, Detail: detail, DurationMS: ms(tookMS)}})
	}
	if !t.soft {
		add(beacon.MeasureServerTiming, "db", "primary", t.requestMS*(0.2+0.25*draw.Float64()))
		add(beacon.MeasureServerTiming, "app", "", t.requestMS*(0.5+0.3*draw.Float64()))
	}
	switch v.page.name {
	case "product":
		add(beacon.MeasureElement, "hero", v.page.element, t.ttfbMS+t.heroDelayMS+t.heroMS+t.renderMS)
	case "cart", "payment":
		add(beacon.MeasureMark, v.page.name+" ready", "", t.contentLoadedMS+logNormal(draw, 40*v.session.cpu, 0.5))
	case "search":
		add(beacon.MeasureMeasure, "render results", "", logNormal(draw, 35*v.session.cpu, 0.6))
	}
}

// abandonment says how far the page had come when its visitor left it early.
func (v *viewing) abandonment() beacon.Abandonment {
	switch {
	case !v.gone:
		return ""
	case v.timing.fcpMS >= float64(v.duration.Microseconds())/1000:
		return beacon.AbandonedBeforeFirstPaint
	default:
		return beacon.AbandonedBeforeLCP
	}
}

// attend fills in how the visitor attended to the page, and what measuring it has cost.
func (v *viewing) attend(p *beacon.PageView, n *numbers) {
	s, durationMS := v.session, float64(v.duration.Microseconds())/1000
	p.Abandoned = v.abandonment()
	visible := durationMS
	if happens(s.draw, 0.18) { // another tab
		visible *= s.draw.Float64()
	}
	p.VisibleMS = n.ms(visible)
	if p.Abandoned != beacon.AbandonedBeforeFirstPaint && s.agent.device != robot {
		shown := 0.15 + 0.25*s.draw.Float64() // without scrolling
		if !v.gone && happens(s.draw, 0.6) {
			shown += (1 - shown) * math.Sqrt(s.draw.Float64())
		}
		p.ScrollDepth = n.raw(math.Round(shown*100) / 100)
	}
	p.BeaconHandlerMS = n.ms(logNormal(s.draw, 1.6*s.cpu, 0.6))
	if v.sentBytes > 0 {
		p.BeaconSentBytes = &v.sentBytes
	}
}

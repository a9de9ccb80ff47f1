package generator

import (
	"math"

	"throughline/beacon"
)

// timing is how the loading of one page went.
type timing struct {
	redirectMS, dnsMS, tcpMS, tlsMS, requestMS, downloadMS float64
	interactiveMS, contentLoadedMS, loadMS                 float64
	ttfbMS, fcpMS                                          float64
	heroDelayMS, heroMS, renderMS                          float64 // with ttfb_ms they are LCP
	sizeBytes                                              int64
	status                                                 int
	restored                                               bool // from the back/forward cache: nothing was loaded
	// soft says that there was no document; what it paints is measured where the browser
	// itself tells the navigation.
	soft, painted bool
	lcpURL        string
}

// How heavy the shop is.
const (
	backEnd = 2.6 // times the medians of the pages' back end
	heroKB  = 260 // of the largest image, a desktop's width of it
	restKB  = 400 // of everything else that its load event waits for
)

// time draws how the page loads; slowness is 1 on a good day.
func (s *session) time(page *sitePage, view *beacon.View, slowness float64) timing {
	draw := s.draw
	switch view.Navigation {
	case beacon.NavigationBFCache:
		paint := logNormal(draw, 22*s.cpu, 0.5)
		return timing{restored: true, painted: true, fcpMS: paint, renderMS: paint + logNormal(draw, 4, 0.6)}
	case beacon.NavigationSoft:
		paint := slowness * logNormal(draw, 40+90*s.cpu, 0.5)
		render := paint + slowness*logNormal(draw, 60+s.transferMS(30), 0.6)
		return timing{soft: true, painted: view.Detection == beacon.DetectionNative, fcpMS: paint, renderMS: render, contentLoadedMS: paint, loadMS: render}
	}
	t := timing{status: 200, painted: true}
	trip := s.roundTripMS()
	if !s.connected {
		t.dnsMS, t.tcpMS, t.tlsMS = logNormal(draw, 6+trip*0.5, 0.7), trip, s.roundTripMS()*1.1
		if happens(draw, 0.06) {
			t.redirectMS = logNormal(draw, trip*2.2, 0.4)
		}
		s.connected = true
	}
	t.requestMS = trip + slowness*logNormal(draw, backEnd*page.serverMS*s.world.releaseFactor(s.release), 0.7)
	t.sizeBytes = int64(logNormal(draw, page.sizeKB, 0.12) * 1000)
	t.downloadMS = s.transferMS(float64(t.sizeBytes) / 1000)
	switch {
	case page.name == "missing":
		t.status = 404
	case happens(draw, 0.0012*slowness):
		t.status, t.sizeBytes = 500, 1800
	}
	t.ttfbMS = t.redirectMS + t.dnsMS + t.tcpMS + t.tlsMS + t.requestMS
	t.interactiveMS = t.ttfbMS + t.downloadMS + logNormal(draw, page.scriptMS*s.cpu, 0.4)
	t.contentLoadedMS = t.interactiveMS + logNormal(draw, 8+page.scriptMS*0.15*s.cpu, 0.5)
	t.fcpMS = t.ttfbMS + math.Min(t.downloadMS, 60*s.net) + logNormal(draw, 140+150*s.cpu, 0.5)
	s.paint(&t, page, slowness)
	rest := s.transferMS(restKB) + logNormal(draw, page.scriptMS*0.5*s.cpu, 0.5)
	t.loadMS = math.Max(t.contentLoadedMS, t.ttfbMS+t.heroDelayMS+t.heroMS) + rest
	return t
}

// paint draws the largest paint, which is not before the first.
func (s *session) paint(t *timing, page *sitePage, slowness float64) {
	draw := s.draw
	first := t.fcpMS - t.ttfbMS
	if page.hero == "" {
		t.renderMS = first * slowness
		if happens(draw, 0.4) { // a web font comes late
			t.renderMS += slowness * logNormal(draw, 60+s.transferMS(30), 0.5)
		}
		return
	}
	t.lcpURL = s.site.origin + s.world.words.fill(draw, page.hero, s.product)
	t.heroDelayMS = slowness * logNormal(draw, 60+first*0.6, 0.6)
	t.heroMS = slowness * (s.roundTripMS() + s.transferMS(heroKB*math.Sqrt(float64(s.viewport)/1000)))
	t.renderMS = math.Max(slowness*logNormal(draw, 60+75*s.cpu, 0.8), first-t.heroDelayMS-t.heroMS)
}

// releaseFactor is how slow a release is against the first one: a few percent
// up and down, and one is a step back.
func (w *world) releaseFactor(release int) float64 {
	if release > 0 && release%5 == 3 {
		return 1.35
	}
	return 1 + 0.05*math.Sin(float64(release)*2.4)
}

// numbers gives the optional fields of one page view one piece of memory.
type numbers []float64

// ms adds a duration and points to it.
func (n *numbers) ms(value float64) *float64 {
	*n = append(*n, ms(value))
	return &(*n)[len(*n)-1]
}

// maxNumbers is how many optional durations a page view has; numbers must not
// grow, since it is pointed into.
const maxNumbers = 28

// raw adds a value that is no duration and points to it.
func (n *numbers) raw(value float64) *float64 {
	*n = append(*n, value)
	return &(*n)[len(*n)-1]
}

// fields are what the two reports of a view bring; no early one when the
// visitor left before the page had loaded, or when nothing was loaded.
func (t *timing) fields(v *viewing) (early, final *beacon.PageView) {
	n := make(numbers, 0, maxNumbers)
	final = &beacon.PageView{Phase: beacon.PhaseFinal, DurationMS: n.ms(float64(v.duration.Microseconds()) / 1000)}
	first := final
	switch {
	case t.restored:
		final.TTFBMS, final.FCPMS = n.ms(0), n.ms(t.fcpMS)
	case t.soft:
		if t.painted && t.fcpMS < float64(v.duration.Microseconds())/1000 {
			final.FCPMS = n.ms(t.fcpMS)
		}
	default:
		if !v.gone {
			early = &beacon.PageView{Phase: beacon.PhaseEarly}
			first = early
		}
		t.navigation(first, &n, v)
	}
	v.session.gadget.tell(first, &n)
	t.vitals(final, &n, v)
	v.attend(final, &n)
	return early, final
}

// navigation fills in what the browser knows of the loading.
func (t *timing) navigation(p *beacon.PageView, n *numbers, v *viewing) {
	p.BeaconInitMS = n.ms(logNormal(v.session.draw, 2.2*v.session.cpu, 0.4))
	p.RedirectMS, p.DNSMS, p.TCPMS, p.TLSMS = n.ms(t.redirectMS), n.ms(t.dnsMS), n.ms(t.tcpMS), n.ms(t.tlsMS)
	p.RequestMS = n.ms(t.requestMS)
	durationMS := float64(v.duration.Microseconds()) / 1000
	if t.ttfbMS < durationMS {
		p.TTFBMS, p.StatusCode = n.ms(t.ttfbMS), &t.status
	}
	if t.fcpMS < durationMS {
		p.FCPMS = n.ms(t.fcpMS)
	}
	if v.gone {
		return
	}
	p.DownloadMS, p.TransferSizeBytes = n.ms(t.downloadMS), &t.sizeBytes
	p.DOMInteractiveMS, p.DOMContentLoadedMS, p.LoadMS = n.ms(t.interactiveMS), n.ms(t.contentLoadedMS), n.ms(t.loadMS)
}

// vitals fills in what is known when the view ends.
func (t *timing) vitals(p *beacon.PageView, n *numbers, v *viewing) {
	s := v.session
	if s.agent.device == robot {
		return
	}
	ttfb, delay, hero, render := ms(t.ttfbMS), ms(t.heroDelayMS), ms(t.heroMS), ms(t.renderMS)
	if lcp := ttfb + delay + hero + render; t.painted && lcp < float64(v.duration.Milliseconds()) {
		p.LCPMS, p.LCPElement, p.LCPURL = n.ms(lcp), v.page.element, t.lcpURL
		if t.lcpURL != "" {
			p.LCPResourceLoadDelayMS, p.LCPResourceLoadDurationMS = n.ms(delay), n.ms(hero)
		}
		p.LCPElementRenderDelayMS = n.ms(render)
	}
	shift := shiftOf(v)
	p.CLS = &shift
	if shift > 0 {
		p.CLSElement = []string{"main>aside.offers", "header>div.banner", "main>ul.grid", "main>section.reviews", "footer>div.newsletter"}[s.draw.IntN(5)]
	}
	if happens(s.draw, 0.68) {
		interaction(p, n, v)
	}
}

// shiftOf draws a layout shift score: none, little, and now and then a lot.
func shiftOf(v *viewing) float64 {
	draw := v.session.draw
	switch at := draw.Float64(); {
	case at < 0.42:
		return 0
	case at < 0.96:
		return math.Round(min(logNormal(draw, 0.021, 0.9), 3)*1e4) / 1e4
	default:
		return math.Round(min(logNormal(draw, 0.31, 0.6), 6)*1e4) / 1e4
	}
}

// interaction draws the slowest interaction of the view, in steps of eight as
// browsers report it; a few are very slow.
func interaction(p *beacon.PageView, n *numbers, v *viewing) {
	s := v.session
	median := 26 + 24*s.cpu
	if happens(s.draw, 0.03) {
		median *= 8
	}
	whole := math.Max(8, math.Round(min(logNormal(s.draw, median, 0.55), 20_000)/8)*8)
	input := ms(whole * (0.02 + 0.1*s.draw.Float64()))
	processing := ms(whole * (0.3 + 0.4*s.draw.Float64()))
	p.INPMS, p.INPInputDelayMS, p.INPProcessingDurationMS = n.ms(whole), n.ms(input), n.ms(processing)
	p.INPPresentationDelayMS = n.ms(whole - input - processing)
	p.INPElement = []string{"button#add", "nav>button.menu", "input#q", "main>ul.grid>li>a", "button.buy", "select#sort", "form>button[type=submit]"}[s.draw.IntN(7)]
}

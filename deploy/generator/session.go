package generator

import (
	"math"
	"math/rand/v2"
	"time"

	"throughline/beacon"
)

// session is one visitor on the way through a site.
type session struct {
	world      *world
	site       *site
	draw       *rand.Rand
	id         string
	agent      *agent
	country    *country
	connection *connection
	viewport   int
	gadget     gadget
	user       string // what the app calls the visitor, "" unless signed in
	plan       string
	views      int // that have begun
	release    int
	cpu, net   float64       // this visitor's factors: of scripts, of the line
	skew       time.Duration // how far the visitor's clock is ahead
	left       int           // views to come
	page       int
	product    string
	url        string // of the page
	referrer   string
	connected  bool // a connection is open
	reloading  bool // the page is the one before once more
}

// How visits go.
const (
	bounceShare = 0.38 // have one view
	meanMore    = 3.2  // of what the others have beyond two, before rounding down
	wrongClocks = 0.012
	reloadShare = 0.035
)

// What senders call themselves.
const (
	beaconSDK = "throughline-js/0.1.0"
	agentSDK  = "throughline-agent/0.1.0"
)

// meanViews is how many views a session has on average.
func meanViews() float64 { return bounceShare + (1-bounceShare)*(2+1/(math.Exp(1/meanMore)-1)) }

func drawViews(draw *rand.Rand) int {
	if happens(draw, bounceShare) {
		return 1
	}
	return min(2+int(draw.ExpFloat64()*meanMore), 60)
}

// newSession is the next visitor, who comes at that time. What a visitor does
// is drawn from a stream of its own.
func (g *Generator) newSession(at time.Time) *session {
	g.sessions++
	draw := rand.New(rand.NewPCG(g.options.Seed, uint64(g.sessions)))
	w := g.world
	s := &session{
		world: w, site: w.sites[draw.IntN(len(w.sites))], draw: draw, id: g.ids.hex(), left: drawViews(draw),
		agent:   &w.agents[w.agent.draw(draw)],
		country: &w.countries[w.byHour[at.UTC().Hour()].draw(draw)],
		release: w.releaseAt(at, draw),
	}
	s.connection = &w.connections[w.connection[s.agent.device].draw(draw)]
	widths := viewports(s.agent.device)
	s.viewport = widths[min(draw.IntN(len(widths)), draw.IntN(len(widths)))]
	s.cpu = logNormal(draw, s.agent.cpu, 0.35)
	s.net = logNormal(draw, 1, 0.3)
	if happens(draw, wrongClocks) {
		s.skew = wrongClock(draw)
	}
	s.gadget = newGadget(s)
	s.plan = "none"
	if happens(draw, 0.22) {
		s.user, s.plan = string(appendHex(nil, draw.Uint64())[:12]), []string{"standard", "standard", "club"}[draw.IntN(3)]
	}
	s.page = s.site.entry.draw(draw)
	s.product = w.words.anyProduct(draw)
	if happens(draw, 0.55) {
		s.referrer = []string{"https://www.google.com/", "https://www.google.de/", "https://www.bing.com/", "https://duckduckgo.com/", "https://www.instagram.com/", "https://news.example/deals"}[draw.IntN(6)]
	}
	return s
}

// wrongClock is how far a wrong clock is ahead: minutes, a missed time zone,
// or years behind, as after an empty battery.
func wrongClock(draw *rand.Rand) time.Duration {
	switch draw.IntN(4) {
	case 0:
		return -time.Duration(1+draw.IntN(9)) * 365 * 24 * time.Hour
	case 1:
		return time.Duration(draw.IntN(23)-11) * time.Hour
	default:
		return time.Duration((draw.Float64() - 0.5) * float64(50*time.Minute))
	}
}

// roundTripMS is what one way to the shop and back takes now.
func (s *session) roundTripMS() float64 {
	return logNormal(s.draw, (s.country.rttMS*s.connection.rtt+s.connection.lineMS)*s.net, 0.25)
}

// transferMS is what so many bytes take to come.
func (s *session) transferMS(sizeKB float64) float64 {
	return logNormal(s.draw, sizeKB/s.connection.kBPerMS*s.net, 0.3)
}

// goOn chooses the next page; false when the visit is over.
func (s *session) goOn() bool {
	if s.left--; s.left <= 0 {
		return false
	}
	if s.reloading = happens(s.draw, reloadShare); s.reloading {
		return true
	}
	page := &s.site.pages[s.page]
	s.referrer = s.url
	s.page = page.targets[page.next.draw(s.draw)]
	if s.page < 0 {
		s.page = s.site.entry.draw(s.draw)
	}
	if name := s.site.pages[s.page].name; name == "product" || name == "compare" {
		s.product = s.world.words.anyProduct(s.draw)
	}
	return true
}

// open gives the page a URL, unless it has one.
func (s *session) open() {
	if s.reloading {
		return
	}
	s.url = s.site.origin + s.world.words.fill(s.draw, s.site.pages[s.page].path, s.product)
}

// report is an empty report of the view, sent when it arrives but for the line.
func (s *session) report(view *beacon.View, sent time.Time, events []beacon.Event) *beacon.Report {
	report := &beacon.Report{
		Version: beacon.Version, SentAtMS: s.clock(sent), Source: beacon.SourceRUM, SDK: beaconSDK,
		Release: s.world.releases[s.release].name, SessionID: s.id, UserID: s.user, View: view, Events: events,
	}
	if s.plan != "" {
		report.Attributes = map[string]string{"plan": s.plan}
	}
	return report
}

// clock is what the visitor's clock shows at a time.
func (s *session) clock(at time.Time) int64 { return at.Add(s.skew).UnixMilli() }

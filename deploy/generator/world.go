package generator

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// world is everything that stays the same over a stream.
type world struct {
	options     Options
	countries   []country
	byHour      [24]choice // of countries, by hour of the UTC day
	agents      []agent
	agent       choice
	connections []connection
	connection  [4]choice // by device
	words       words
	things      []thing
	groups      []group
	faults      []fault
	fault       choice
	sites       []*site
	releases    []release
	incidents   []Incident
}

// site is what an app's visitors go about on.
type site struct {
	app       *ingest.App
	origin    string
	pages     []sitePage
	entry     choice
	endpoints []siteEndpoint
	journeys  []journey
}

type sitePage struct {
	page
	transaction *beacon.TransactionRef // without an instance; nil if it is none
	next        choice
	targets     []int // of next; -1 is anywhere
	loads, acts []call
}

type siteEndpoint struct {
	endpoint
	transaction *beacon.TransactionRef
}

// call is a request that a page makes, with a chance.
type call struct {
	endpoint int
	chance   float64
}

func newWorld(o Options, draw *rand.Rand) (*world, error) {
	w := &world{
		options: o, countries: countries(), agents: agents(), connections: connections(),
		words: newWords(draw), things: things(), groups: groups(), faults: faults(),
	}
	for hour := range w.byHour {
		w.byHour[hour] = newChoice(weightsOf(w.countries, func(c country) float64 { return c.weight * c.busy(hour) }))
	}
	w.agent = newChoice(weightsOf(w.agents, func(a agent) float64 { return a.weight }))
	for d := range w.connection {
		w.connection[d] = newChoice(weightsOf(w.connections, func(c connection) float64 { return c.weight[d] }))
	}
	w.fault = newChoice(weightsOf(w.faults, func(f fault) float64 { return f.weight }))
	for i := range o.Apps {
		s, err := newSite(&o.Apps[i], &w.words, draw)
		if err != nil {
			return nil, err
		}
		w.sites = append(w.sites, s)
	}
	w.releases = newReleases(o.From, o.To, draw)
	w.incidents = newIncidents(w, draw)
	return w, nil
}

// newSite builds the shop for an app: its pages and endpoints are the app's
// transactions where their patterns say so, and for transactions that none of
// them is there are pages and endpoints of their own.
func newSite(app *ingest.App, w *words, draw *rand.Rand) (*site, error) {
	s := &site{app: app, origin: originOf(app)}
	for _, p := range pages() {
		s.pages = append(s.pages, sitePage{page: p})
	}
	for _, e := range endpoints() {
		s.endpoints = append(s.endpoints, siteEndpoint{endpoint: e})
	}
	for _, t := range app.Transactions {
		if err := s.define(t, w, draw); err != nil {
			return nil, fmt.Errorf("transaction %s of app %s: %w", t.Name, app.Name, err)
		}
	}
	for i := range s.pages {
		if err := s.connect(&s.pages[i]); err != nil {
			return nil, fmt.Errorf("page %s: %w", s.pages[i].name, err)
		}
	}
	s.entry = newChoice(weightsOf(s.pages, func(p sitePage) float64 { return p.entry }))
	s.journeys = newJourneys(s)
	return s, nil
}

// define marks the pages or endpoints that are the transaction. As in the
// beacon, of several that match the first counts.
func (s *site) define(t ingest.Transaction, w *words, draw *rand.Rand) error {
	ref := &beacon.TransactionRef{Name: t.Name, Version: t.Version()}
	visited := false
	if t.Complete.Page != nil {
		pattern, err := regexp.Compile(t.Complete.Page.String())
		if err != nil {
			return fmt.Errorf("compile the page's pattern: %w", err)
		}
		for i := range s.pages {
			p := &s.pages[i]
			if p.transaction == nil && pattern.MatchString(w.fill(draw, p.path, w.lists["product"][0])) {
				p.transaction, visited = ref, true
			}
		}
		if !visited {
			extra := page{t.Name, example(pattern.String(), draw), 6, "home:20 *:40", 90, 30, 200, "", "main>h1", "session:.4", ""}
			s.pages = append(s.pages, sitePage{page: extra, transaction: ref})
		}
		return nil
	}
	if t.Complete.Request == nil {
		return nil
	}
	pattern, err := regexp.Compile(t.Complete.Request.Path.String())
	if err != nil {
		return fmt.Errorf("compile the request's pattern: %w", err)
	}
	method := t.Complete.Request.Method
	for i := range s.endpoints {
		e := &s.endpoints[i]
		if e.transaction == nil && (method == "" || method == e.method) && pattern.MatchString(w.fill(draw, e.path, w.lists["product"][0])) {
			e.transaction, visited = ref, true
		}
	}
	if !visited {
		if method == "" {
			method = "GET"
		}
		extra := endpoint{"own " + strconv.Itoa(len(s.endpoints)), method, example(pattern.String(), draw), 120, 2, .002, .01, 400, false}
		s.endpoints = append(s.endpoints, siteEndpoint{endpoint: extra, transaction: ref})
	}
	return nil
}

// connect looks up the names of a page's lists.
func (s *site) connect(p *sitePage) error {
	names, weights, err := readWeights(p.page.next)
	if err != nil {
		return err
	}
	p.next = newChoice(weights)
	for _, name := range names {
		target := -1
		for i := range s.pages {
			if s.pages[i].name == name {
				target = i
			}
		}
		if target < 0 && name != "*" {
			return fmt.Errorf("there is no page %s", name)
		}
		p.targets = append(p.targets, target)
	}
	if p.loads, err = s.calls(p.page.loads); err != nil {
		return err
	}
	if p.acts, err = s.calls(p.page.acts); err != nil {
		return err
	}
	if p.name == "home" {
		for i := len(endpoints()); i < len(s.endpoints); i++ {
			p.acts = append(p.acts, call{i, 0.25})
		}
	}
	return nil
}

func (s *site) calls(list string) ([]call, error) {
	names, chances, err := readWeights(list)
	if err != nil {
		return nil, err
	}
	var calls []call
	for i, name := range names {
		found := false
		for j := range s.endpoints {
			if s.endpoints[j].name == name {
				calls, found = append(calls, call{j, chances[i]}), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no endpoint %s", name)
		}
	}
	return calls, nil
}

// readWeights reads a list such as "home:3 cart:1".
func readWeights(list string) (names []string, weights []float64, err error) {
	for word := range strings.FieldsSeq(list) {
		name, number, _ := strings.Cut(word, ":")
		weight, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, nil, fmt.Errorf("weight of %s: %w", name, err)
		}
		names, weights = append(names, name), append(weights, weight)
	}
	return names, weights, nil
}

// originOf is an origin that the app's pages may have.
func originOf(app *ingest.App) string {
	for _, origin := range app.Origins {
		if origin != "*" {
			return strings.Replace(origin, "*", "www", 1)
		}
	}
	return "https://shop.example"
}

// transactionOf is the transaction of a page or endpoint with an instance.
func transactionOf(ref *beacon.TransactionRef, ids *ids) *beacon.TransactionRef {
	if ref == nil {
		return nil
	}
	return &beacon.TransactionRef{Name: ref.Name, Version: ref.Version, InstanceID: ids.hex()}
}

// release is a version of the app and when it began to roll out.
type release struct {
	name string
	at   time.Time
}

// newReleases come every three or four days; one is there at the beginning.
func newReleases(from, to time.Time, draw *rand.Rand) []release {
	minor, patch := 3+draw.IntN(9), 0
	name := func() string { return fmt.Sprintf("2.%d.%d", minor, patch) }
	releases := []release{{name(), from.Add(-1000 * time.Hour)}}
	step := min(84*time.Hour, to.Sub(from)/3)
	for at := from.Add(step / 2); at.Before(to); at = at.Add(time.Duration(float64(step) * (0.7 + 0.6*draw.Float64()))) {
		if patch++; happens(draw, 0.5) {
			minor, patch = minor+1, 0
		}
		releases = append(releases, release{name(), at})
	}
	return releases
}

// rollout is about how long a release takes to reach two visitors of three.
const rollout = 5 * time.Hour

// releaseAt is the release that a session gets which begins at a time: the
// newest, or with luck that falls the older it is, the one before.
func (w *world) releaseAt(at time.Time, draw *rand.Rand) int {
	newest := 0
	for newest+1 < len(w.releases) && !at.Before(w.releases[newest+1].at) {
		newest++
	}
	waited := time.Duration(draw.ExpFloat64() * float64(rollout))
	if newest > 0 && at.Sub(w.releases[newest].at) < waited {
		return newest - 1
	}
	return newest
}

package generator

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Incident is something that goes wrong for a while.
type Incident struct {
	Kind     IncidentKind
	App      string
	Subject  string // the page's template, or method and path of the endpoint
	Release  string // the only release that has it; "" for all
	From, To time.Time

	site, page, endpoint, release int
}

// IncidentKind says what goes wrong.
type IncidentKind string

// The kinds of incidents.
const (
	// SlowPage is a page whose largest paint takes three times as long.
	SlowPage IncidentKind = "slow page"
	// FailingEndpoint is an endpoint that often answers 502, on one release.
	FailingEndpoint IncidentKind = "failing endpoint"
	// ErrorBurst is a JavaScript error on many views of a page.
	ErrorBurst IncidentKind = "error burst"
)

// How bad incidents are.
const (
	slowFactor   = 3.5
	failingShare = 0.4
	burstShare   = 0.3
)

// String says it as one would tell a colleague.
func (i Incident) String() string {
	text := fmt.Sprintf("%s %s of %s, %s to %s", i.Kind, i.Subject, i.App, i.From.UTC().Format(time.DateTime), i.To.UTC().Format(time.DateTime))
	if i.Release != "" {
		text += ", release " + i.Release
	}
	return text
}

// newIncidents has one of each kind, and another of each for every four days.
// They are in the same app, the first.
func newIncidents(w *world, draw *rand.Rand) []Incident {
	from, to := w.options.From, w.options.To
	span := to.Sub(from)
	count := max(1, int(span/(96*time.Hour)))
	var incidents []Incident
	for k := range count {
		part := func() time.Time {
			return from.Add(time.Duration((float64(k) + 0.15 + 0.6*draw.Float64()) / float64(count) * float64(span))).Truncate(time.Minute)
		}
		for _, incident := range []Incident{
			{Kind: SlowPage, page: pickPage(w.sites[0], draw, "category", "product", "search", "cart"), From: part()},
			{Kind: ErrorBurst, page: pickPage(w.sites[0], draw, "product", "home"), From: part()},
			{Kind: FailingEndpoint, endpoint: pickEndpoint(w.sites[0], draw, "pay", "shipping", "add"), From: part()},
		} {
			incidents = append(incidents, incident.complete(w))
		}
	}
	return incidents
}

// complete fills in what follows from kind and beginning.
func (i Incident) complete(w *world) Incident {
	s := w.sites[i.site]
	i.App = s.app.Name
	length := time.Hour
	switch i.Kind {
	case ErrorBurst:
		length = 40 * time.Minute
		i.Subject = s.pages[i.page].path
	case SlowPage:
		i.Subject = s.pages[i.page].path
	case FailingEndpoint:
		i.Subject = s.endpoints[i.endpoint].method + " " + s.endpoints[i.endpoint].path
		// The newest release has brought it, and is mended some hours later.
		for r := range w.releases {
			if !w.releases[r].at.After(i.From) {
				i.release = r
			}
		}
		i.Release = w.releases[i.release].name
		length = 5 * time.Hour
	}
	i.To = i.From.Add(min(length, w.options.To.Sub(w.options.From)/4))
	return i
}

func pickPage(s *site, draw *rand.Rand, names ...string) int {
	name := names[draw.IntN(len(names))]
	for i := range s.pages {
		if s.pages[i].name == name {
			return i
		}
	}
	return 0
}

func pickEndpoint(s *site, draw *rand.Rand, names ...string) int {
	name := names[draw.IntN(len(names))]
	for i := range s.endpoints {
		if s.endpoints[i].name == name {
			return i
		}
	}
	return 0
}

// during calls found with the incidents of a kind that go on at a time on a site.
func (w *world) during(kind IncidentKind, s *site, at time.Time, found func(*Incident)) {
	for k := range w.incidents {
		i := &w.incidents[k]
		if i.Kind == kind && w.sites[i.site] == s && !at.Before(i.From) && at.Before(i.To) {
			found(i)
		}
	}
}

// slowness is how many times as long the page takes now.
func (w *world) slowness(s *site, p *sitePage, at time.Time) float64 {
	factor := 1.0
	w.during(SlowPage, s, at, func(i *Incident) {
		if &s.pages[i.page] == p {
			factor = slowFactor
		}
	})
	return factor
}

// burst says whether the page throws its error now.
func (w *world) burst(s *session, p *sitePage, at time.Time) bool {
	bursting := false
	w.during(ErrorBurst, s.site, at, func(i *Incident) { bursting = bursting || &s.site.pages[i.page] == p })
	return bursting
}

// failing is the endpoint that fails for the session now, -1 for none.
func (w *world) failing(s *session, at time.Time) int {
	endpoint := -1
	w.during(FailingEndpoint, s.site, at, func(i *Incident) {
		if i.release == s.release {
			endpoint = i.endpoint
		}
	})
	return endpoint
}

package generator

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// threeDays are the options of most tests: a small shop from Monday on.
func threeDays() Options {
	from := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	return Options{Seed: 42, From: from, To: from.AddDate(0, 0, 3), PageViews: 30_000, JourneyEvery: time.Hour}
}

func visits(t *testing.T, o Options) []Visit {
	t.Helper()
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(g.Visits())
}

func TestVisits_KeepTheContract(t *testing.T) {
	o := threeDays()
	o.PageViews = 10_000
	ids := map[string]bool{}
	last := o.From
	for _, visit := range visits(t, o) {
		if visit.At.Before(last) || !visit.At.Before(o.To) {
			t.Fatalf("arrives at %v, after %v", visit.At, last)
		}
		last = visit.At
		body, err := json.Marshal(visit.Report)
		if err != nil {
			t.Fatal(err)
		}
		report, rejects, err := beacon.Decode(body)
		if err != nil || len(rejects) != 0 {
			t.Fatalf("%v, rejected %v: %s", err, rejects, body)
		}
		for _, event := range report.Events {
			if ids[event.ID] {
				t.Fatalf("the id %s came before", event.ID)
			}
			ids[event.ID] = true
		}
	}
}

func TestVisits_AreTheSameForASeed(t *testing.T) {
	o := threeDays()
	o.PageViews = 500
	read := func(seed uint64) string {
		o.Seed = seed
		var all strings.Builder
		for _, visit := range visits(t, o) {
			if err := json.NewEncoder(&all).Encode([]any{visit.At, visit.App.Name, visit.UserAgent, visit.Country, visit.Report}); err != nil {
				t.Fatal(err)
			}
		}
		return all.String()
	}
	if first := read(1); first != read(1) {
		t.Error("the same seed, another stream")
	} else if first == read(2) {
		t.Error("another seed, the same stream")
	}
}

// figures are what is counted of a stream.
type figures struct {
	views, rows, errorViews, requests, traced, bounces, synthetic, earlyWithoutFinal int
	outcomes                                                                         map[beacon.Outcome]int
	agents, countries, templates, releases, transactions                             map[string]int
	byHour                                                                           [24]int
	wrongClocks                                                                      map[string]bool
	phases                                                                           map[string]string
}

func count(all []Visit) *figures {
	f := &figures{
		outcomes: map[beacon.Outcome]int{}, agents: map[string]int{}, countries: map[string]int{}, templates: map[string]int{},
		releases: map[string]int{}, transactions: map[string]int{}, wrongClocks: map[string]bool{}, phases: map[string]string{},
	}
	sessions := map[string]map[string]bool{}
	for _, visit := range all {
		report := visit.Report
		f.rows += len(report.Events)
		if report.Source == beacon.SourceSynthetic {
			f.synthetic++
			continue
		}
		f.agents[visit.UserAgent]++
		f.countries[visit.Country]++
		f.releases[report.Release]++
		f.byHour[visit.At.Hour()]++
		if sessions[report.SessionID] == nil {
			sessions[report.SessionID] = map[string]bool{}
		}
		sessions[report.SessionID][report.View.ID] = true
		if math.Abs(float64(report.SentAtMS-visit.At.UnixMilli())) > 5*60_000 {
			f.wrongClocks[report.SessionID] = true
		}
		for _, event := range report.Events {
			f.add(report, event)
		}
	}
	for _, views := range sessions {
		f.views += len(views)
		if len(views) == 1 {
			f.bounces++
		}
	}
	f.bounces = 100 * f.bounces / len(sessions)
	for _, phases := range f.phases {
		if phases == "early" {
			f.earlyWithoutFinal++
		}
	}
	return f
}

func (f *figures) add(report *beacon.Report, event beacon.Event) {
	switch {
	case event.PageView != nil:
		f.phases[report.View.ID] += string(event.PageView.Phase)
		_, path, _ := strings.Cut(strings.TrimPrefix(report.View.URL, "https://"), "/")
		f.templates[path]++
	case event.Request != nil && event.Request.Method != "":
		f.requests++
		if event.TraceID != "" {
			f.traced++
		}
	case event.Error != nil:
		f.errorViews++
	case event.TransactionDone != nil:
		f.outcomes[event.TransactionDone.Outcome]++
		f.transactions[event.Transaction.Name]++
	}
}

func TestVisits_LookLikeThoseOfARealShop(t *testing.T) {
	o := threeDays()
	f := count(visits(t, o))
	within := func(what string, got, least, most float64) {
		t.Helper()
		if got < least || got > most {
			t.Errorf("%s: %.3g, want %.3g to %.3g", what, got, least, most)
		}
	}
	views := float64(o.PageViews)
	within("page views", float64(f.views)/views, 0.93, 1.05)
	within("rows per page view", float64(f.rows)/views, RowsPerPageView*0.93, RowsPerPageView*1.07)
	within("errors per view", float64(f.errorViews)/views, 0.01, 0.03)
	within("requests with a trace id", float64(f.traced)/float64(f.requests), 0.09, 0.11)
	within("bounce rate", float64(f.bounces), 35, 48)
	within("user agents", float64(len(f.agents)), 85, 130)
	within("countries", float64(len(f.countries)), 30, 35)
	within("paths", float64(len(f.templates)), 1500, 10_000)
	within("releases", float64(len(f.releases)), 3, 6)
	within("sessions with a wrong clock", float64(len(f.wrongClocks)), 40, 160)
	within("busiest hour by quietest", float64(f.byHour[19])/float64(f.byHour[3]), 3, 15)
	within("failed instances", float64(f.outcomes[beacon.OutcomeFailed]), 50, 1500)
	within("abandoned instances", float64(f.outcomes[beacon.OutcomeAbandoned]), 50, 4000)
	within("views whose end did not come", float64(f.earlyWithoutFinal), 0, views/200)
	within("synthetic reports", float64(f.synthetic), 3*24*4*3, 3*24*4*12)
	for _, transaction := range Shop().Transactions {
		if f.transactions[transaction.Name] < 5 {
			t.Errorf("%d instances of %s", f.transactions[transaction.Name], transaction.Name)
		}
	}
	for view, phases := range f.phases {
		if phases != "earlyfinal" && phases != "final" && phases != "early" {
			t.Fatalf("view %s has the reports %q", view, phases)
		}
	}
}

// impression is what the reports of one view say of it, put together.
type impression struct {
	reports, expected              int
	loadMS, durationMS             float64
	abandoned                      beacon.Abandonment
	painted, largest, hard, person bool
	detection                      beacon.Detection
	groups                         int
	actions                        map[beacon.ActionKind]int
	final                          *beacon.PageView
	memory, cores, serverTimed     bool
}

func impressions(all []Visit) map[string]*impression {
	views := map[string]*impression{}
	for _, visit := range all {
		report := visit.Report
		if report.View == nil || report.Source != beacon.SourceRUM {
			continue
		}
		v := views[report.View.ID]
		if v == nil {
			v = &impression{actions: map[beacon.ActionKind]int{}, person: !strings.Contains(visit.UserAgent, "bot")}
			views[report.View.ID] = v
		}
		v.reports++
		v.expected = max(v.expected, report.Sequence+1)
		v.detection = report.View.Detection
		v.hard = report.View.Navigation != beacon.NavigationSoft && report.View.Navigation != beacon.NavigationBFCache
		for _, event := range report.Events {
			v.add(event)
		}
	}
	return views
}

func (v *impression) add(event beacon.Event) {
	switch {
	case event.PageView != nil:
		p := event.PageView
		v.painted, v.largest = v.painted || p.FCPMS != nil, v.largest || p.LCPMS != nil
		v.memory, v.cores = v.memory || p.DeviceMemoryGB != nil, v.cores || p.CPUCores != nil
		if p.LoadMS != nil {
			v.loadMS = *p.LoadMS
		}
		if p.Phase == beacon.PhaseFinal {
			v.final, v.abandoned, v.durationMS = p, p.Abandoned, *p.DurationMS
		}
	case event.Resources != nil:
		v.groups++
	case event.Action != nil:
		v.actions[event.Action.Kind]++
	case event.Measure != nil:
		v.serverTimed = v.serverTimed || event.Measure.Kind == beacon.MeasureServerTiming
	}
}

func TestVisits_SayWhatViewsWereToTheirUsers(t *testing.T) {
	shares := map[string][2]float64{}
	count := func(what string, is bool) {
		n := shares[what]
		n[1]++
		if is {
			n[0]++
		}
		shares[what] = n
	}
	for id, v := range impressions(visits(t, threeDays())) {
		count("reports lost", v.reports < v.expected)
		count("soft", v.detection != "")
		count("device memory", v.memory)
		count("cores", v.cores)
		if v.hard && v.loadMS > 0 {
			count("three groups or more", v.groups >= 3)
			count("five groups or fewer", v.groups <= 5)
			count("server timing", v.serverTimed)
		}
		if v.person && v.final != nil {
			count("clicks", v.actions[beacon.ActionClick] > 0)
			count(map[bool]string{true: "rage when slow", false: "rage else"}[v.loadMS > 4000], v.actions[beacon.ActionRageClick] > 0)
		}
		if v.final == nil {
			continue
		}
		count("abandoned", v.abandoned != "")
		count("abandoned unseen", v.abandoned == beacon.AbandonedBeforeFirstPaint)
		if v.abandoned == beacon.AbandonedBeforeFirstPaint && (v.painted || v.largest) || v.abandoned != "" && v.loadMS > 0 {
			t.Errorf("view %s is left %s with FCP %v, LCP %v, load %g ms", id, v.abandoned, v.painted, v.largest, v.loadMS)
		}
		if f := v.final; f.VisibleMS == nil || *f.VisibleMS > v.durationMS || f.ScrollDepth != nil && (*f.ScrollDepth <= 0 || *f.ScrollDepth > 1) {
			t.Errorf("view %s: visible %v of %g ms, scrolled %v", id, f.VisibleMS, v.durationMS, f.ScrollDepth)
		}
	}
	for what, want := range map[string][2]float64{
		"reports lost": {0.0003, 0.01}, "soft": {0.03, 0.2}, "device memory": {0.4, 0.8}, "cores": {0.97, 1},
		"three groups or more": {0.9, 1}, "five groups or fewer": {0.85, 1}, "server timing": {0.97, 1}, "clicks": {0.4, 0.7},
		"abandoned": {0.005, 0.08}, "abandoned unseen": {0.0005, 0.03}, "rage when slow": {0.02, 0.09}, "rage else": {0.001, 0.01},
	} {
		if n := shares[what]; n[0]/n[1] < want[0] || n[0]/n[1] > want[1] {
			t.Errorf("%s: %.4g of %g, want %g to %g", what, n[0]/n[1], n[1], want[0], want[1])
		}
	}
}

func TestIncidents_ShowInTheStream(t *testing.T) {
	o := threeDays()
	o.PageViews = 60_000
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Collect(g.Visits())
	for _, incident := range g.Incidents() {
		prefix, _, _ := strings.Cut(incident.Subject, "{")
		during, otherwise := shareOf(all, incident, prefix)
		if during < 2.5*otherwise {
			t.Errorf("%v: %.3g during, %.3g otherwise", incident, during, otherwise)
		}
	}
}

// shareOf is how bad what the incident is about is during it and otherwise:
// the median LCP, or the share of views or requests that it hits.
func shareOf(all []Visit, i Incident, prefix string) (during, otherwise float64) {
	var values [2][]float64
	for _, visit := range all {
		report := visit.Report
		if report.Source != beacon.SourceRUM || i.Release != "" && report.Release != i.Release {
			continue
		}
		for _, event := range report.Events {
			value, told := badness(report, event, i, prefix)
			// Some minutes after it the last views of the time still report.
			if at := visit.At; told && at.After(i.From.Add(2*time.Minute)) && at.Before(i.To) {
				values[0] = append(values[0], value)
			} else if told && (at.Before(i.From) || at.After(i.To.Add(time.Hour))) {
				values[1] = append(values[1], value)
			}
		}
	}
	if i.Kind == SlowPage {
		slices.Sort(values[0])
		slices.Sort(values[1])
		return values[0][len(values[0])/2], values[1][len(values[1])/2]
	}
	return mean(values[0]), mean(values[1])
}

func badness(report *beacon.Report, event beacon.Event, i Incident, prefix string) (float64, bool) {
	hit := func(is bool) float64 {
		if is {
			return 1
		}
		return 0
	}
	onPage := strings.HasPrefix(strings.TrimPrefix(report.View.URL, "https://shop.example"), prefix)
	switch {
	case i.Kind == SlowPage && event.PageView != nil && event.PageView.LCPMS != nil && onPage:
		return *event.PageView.LCPMS, true
	case i.Kind == FailingEndpoint && event.Request != nil && event.Request.Method+" "+strings.TrimPrefix(event.Request.URL, "https://shop.example") == i.Subject:
		return hit(event.Request.StatusCode == 502), true
	case i.Kind == ErrorBurst && event.Error != nil && onPage:
		return hit(strings.Contains(event.Error.Message, "variants")), true
	}
	return 0, false
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, value := range values {
		sum += value
	}
	return sum / float64(len(values))
}

func TestVisits_VisitTheTransactionsOfAnyApp(t *testing.T) {
	app := ingest.App{Name: "rail", Origins: []string{"https://*.rail.example"}}
	for name, pattern := range map[string]string{"Book": "/booking/*/confirm", "Timetable": `/^\/(timetable|fahrplan)\/\d+$/`, "Any": "/deep/**"} {
		p, err := ingest.ParsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		app.Transactions = append(app.Transactions, ingest.Transaction{Name: name, Complete: ingest.Matcher{Page: &p}})
	}
	path, err := ingest.ParsePattern("/v2/seats/*")
	if err != nil {
		t.Fatal(err)
	}
	app.Transactions = append(app.Transactions, ingest.Transaction{Name: "Seat", Complete: ingest.Matcher{Request: &ingest.RequestPattern{Path: path}}})
	o := threeDays()
	o.Apps, o.PageViews = []ingest.App{app}, 5000
	done := map[string]int{}
	for _, visit := range visits(t, o) {
		if visit.App.Name != "rail" || visit.Report.View != nil && !strings.HasPrefix(visit.Report.View.URL, "https://www.rail.example/") {
			t.Fatalf("a visit of %s on %+v", visit.App.Name, visit.Report.View)
		}
		for _, event := range visit.Report.Events {
			if event.TransactionDone != nil {
				done[event.Transaction.Name]++
			}
		}
	}
	for _, transaction := range app.Transactions {
		if done[transaction.Name] < 20 {
			t.Errorf("%d instances of %s", done[transaction.Name], transaction.Name)
		}
	}
}

func TestNew_RefusesWhatCannotBe(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no time":  func(o *Options) { o.To = o.From },
		"no views": func(o *Options) { o.PageViews = 0 },
	} {
		o := threeDays()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	o := threeDays()
	o.PageViews = 20_000_000
	g, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		visit, _ := g.Next()
		rows += len(visit.Report.Events)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
}

package dashboards_test

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/dashboards"
	"throughline/ingest/clickhouse"
)

// asked is a query of a board as Grafana asks it.
type asked struct {
	name   string
	sql    string
	format int
}

// queries returns every query of every board: those of panels and variables.
func queries(t *testing.T) []asked {
	t.Helper()
	var all []asked
	for _, b := range boards(t) {
		for _, v := range b.Templating.List {
			if v.Type != "query" {
				continue
			}
			var q struct{ RawSQL string }
			if err := json.Unmarshal(v.Query, &q); err != nil {
				t.Fatal(err)
			}
			all = append(all, asked{name: "variable " + v.Name, sql: q.RawSQL, format: formatTable})
		}
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				all = append(all, asked{p.Title + " " + q.RefID, q.RawSQL, q.Format})
			}
		}
	}
	return all
}

// column is a column of an answer.
type column struct{ name, kind string }

// ask runs a query and returns its columns, and its rows as JSON objects.
func ask(t *testing.T, store *clickhouse.Store, sql string) (columns []column, rows []string) {
	t.Helper()
	if left := regexp.MustCompile(`\$\w*`).FindString(sql); left != "" {
		t.Fatalf("%s is left in the query: %s", left, sql)
	}
	err := store.Query(t.Context(), "DESCRIBE TABLE ("+sql+")", nil, func(scan func(...any) error) error {
		var c column
		var rest [5]string
		if err := scan(&c.name, &c.kind, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4]); err != nil {
			return err
		}
		columns = append(columns, c)
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	err = store.Query(t.Context(), "SELECT formatRow('JSONEachRow', *) FROM ("+sql+")", nil, func(scan func(...any) error) error {
		var row string
		if err := scan(&row); err != nil {
			return err
		}
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, sql)
	}
	return columns, rows
}

func TestEveryQueryOnData(t *testing.T) {
	store := filled(t)
	all := grafana{from: began, to: began.Add(time.Hour), interval: time.Minute}
	one := all
	one.chosen = map[string][]string{"app": {"shop"}, "visitors": {"people"}, "source": {"rum", "synthetic"}, "transaction": {"shop checkout", "other"}}
	earlier := grafana{from: began.Add(-2 * time.Hour), to: began.Add(-time.Hour), interval: time.Minute}

	for _, q := range queries(t) {
		t.Run(q.name, func(t *testing.T) {
			columns, rows := ask(t, store, all.expand(q.sql))
			text := strings.Join(rows, "\n")
			if len(rows) == 0 || strings.Contains(text, ":nan") {
				t.Fatalf("answers %q", text)
			}
			if q.format == formatTimeSeries {
				checkSeries(t, columns)
			}
			_, rows = ask(t, store, one.expand(q.sql))
			chosen := strings.Join(rows, "\n")
			if len(rows) == 0 {
				t.Error("has no answer for one app")
			}
			// The list of apps is not filtered by app.
			if q.name != "variable app" && strings.Contains(chosen, "blog") {
				t.Errorf("one app is chosen and another answers: %s", chosen)
			}
			if _, rows = ask(t, store, earlier.expand(q.sql)); len(rows) != 0 {
				t.Errorf("answers for a time without data: %v", rows)
			}
		})
	}
}

// checkSeries wants what the plugin makes one line per label of: a time, one
// text and one number.
func checkSeries(t *testing.T, columns []column) {
	t.Helper()
	if len(columns) != 3 {
		t.Fatalf("columns %v: want time, one label and one value", columns)
	}
	if columns[0].name != "time" || !strings.HasPrefix(columns[0].kind, "DateTime") {
		t.Errorf("the first column is %v, want time", columns[0])
	}
	if !strings.Contains(columns[1].kind, "String") {
		t.Errorf("the label is %v", columns[1])
	}
	if !regexp.MustCompile(`^(Nullable\()?(U?Int|Float)`).MatchString(columns[2].kind) {
		t.Errorf("the value is %v", columns[2])
	}
}

// TestNamedColumnsExist catches an override of a table's column, or a label of
// a series, that the panel's query does not answer.
func TestNamedColumnsExist(t *testing.T) {
	store := empty(t)
	g := grafana{from: began, to: began.Add(time.Hour), interval: time.Minute}
	label := regexp.MustCompile(`^\$\{__field\.labels\.(\w+)\}$`)
	for file, b := range boards(t) {
		for _, p := range b.Panels {
			var named []string
			if found := label.FindStringSubmatch(p.FieldConfig.Defaults.DisplayName); found != nil {
				named = append(named, found[1])
			}
			for _, o := range p.FieldConfig.Overrides {
				if p.Type == "table" && o.Matcher.ID == "byName" {
					named = append(named, o.Matcher.Options)
				}
			}
			if len(named) == 0 {
				t.Errorf("%s: panel %q names no column", file, p.Title)
			}
			for _, q := range p.Targets {
				columns, _ := ask(t, store, g.expand(q.RawSQL))
				for _, name := range named {
					if !slices.ContainsFunc(columns, func(c column) bool { return c.name == name }) {
						t.Errorf("%s: panel %q names %q, its columns are %v", file, p.Title, name, columns)
					}
				}
			}
		}
	}
}

func TestFiguresOfTheBoard(t *testing.T) {
	store := filled(t)
	g := grafana{from: began, to: began.Add(time.Hour), interval: time.Hour, chosen: map[string][]string{"app": {"shop"}, "visitors": {"people"}}}
	answers := map[string]string{}
	for _, q := range queries(t) {
		_, rows := ask(t, store, g.expand(q.sql))
		answers[q.name] = strings.Join(rows, "")
	}
	for name, wants := range map[string][]string{
		"Instances over time A":               {`"transaction":"shop checkout","instances":60`},
		"Outcomes over time A":                {`"outcome":"completed","instances":57`, `"outcome":"failed","instances":3`},
		"Apdex over time A":                   {`"apdex":0.8`}, // (9 + 30 satisfied + 18 tolerating / 2) / 60
		"Apdex over time B":                   {`"samples":60`},
		"p75 wait: real users and journeys A": {`"source":"rum","p75_wait_ms":2275`, `"source":"synthetic","p75_wait_ms":200`},
		"p75 wait: real users and journeys B": {`"source":"rum","samples":30`},
		"p75 LCP A":                           {`"source":"rum","p75":2275`},
		"JavaScript errors over time A":       {`"name":"(no transaction)","errors":1`, `"name":"shop checkout","errors":60`},
		"Top JavaScript errors A":             {`"error_type":"TypeError","example":"shop broke","times":60,"sessions":30,"pages":"\/checkout","releases":"1.0"`},
		"Slowest requests A":                  {`"url":"shop.example\/api\/search","requests":30`, `"failed":0,"slowest_trace":"0000000000000000000000000000001e"`},
		"Journey runs A":                      {`"run_of":"shop journey · office","worst":4`},
		"Journey pass rate A":                 {`"pass_rate":0.8965`}, // 26 of 29, without the skipped one
		"Failed journey steps A":              {`"step_number":2,"step":"Pay"`, `"message":"shop has no button"`},
		"Events through the collector A":      {`"stage":"stored","total":10`},
		"Ledger A":                            {`"of_app":"(unknown key)","stage":"rejected","reason":"unknown_key","total":1`},
		"variable transaction":                {`"transaction":"shop checkout"`},
		"Frustration A":                       {`"page":"\/checkout","rage_clicks":30,"dead_clicks":30,"error_clicks":0,"sessions":30,"most_on":"shop pay","element":"#pay"`},
		"Abandoned before they saw it A":      {`"page":"\/checkout","views":30,"before_first_paint":0,"before_lcp":0.1`},
		"What pages load A":                   {`"type":"img","from_host":"(own)","loaded":300,"failed_share":0.1,"cached_share":0.5,"total_bytes":30000,"mean_ms":20,"slowest_ms":79`, `"from_host":"cdn.shop.example","loaded":60`},
		"Server-Timing A":                     {`"page":"\/checkout","metric":"db","samples":30,"p75_ms":22.75`},
		"Reports lost A":                      {`"browser":"Chrome","views":30,"reports":63,"missing":3,"lost":0.0476`},
	} {
		for _, want := range wants {
			if !strings.Contains(answers[name], want) {
				t.Errorf("%s lacks %s: %s", name, want, answers[name])
			}
		}
	}
	if strings.Contains(answers["Slowest requests A"], "hero.jpg") {
		t.Errorf("an image is among the calls: %s", answers["Slowest requests A"])
	}
}

func TestOverview(t *testing.T) {
	store := filled(t)
	got, err := dashboards.Overview(t.Context(), store, began, began.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []dashboards.OverviewRow{
		{
			// Waits of 0.1 to 3.0 s, target 1 s, three failed: 9 satisfied, 18 tolerating.
			App: "blog", Transaction: "blog checkout", Source: "rum", Instances: 30, Completed: 27, ApdexSamples: 30, Apdex: figure(0.6),
			ApdexTargetMS: figure(1000), P75WaitMS: figure(2275), PageViews: 30, LCPSamples: 30, P75LCPMS: figure(2275), Errors: 60,
		},
		{
			App: "blog", Transaction: "blog checkout", Source: "synthetic", Instances: 30, Completed: 30, ApdexSamples: 30, Apdex: figure(1),
			ApdexTargetMS: figure(1000), P75WaitMS: figure(200),
		},
	}
	for _, row := range want {
		row.App, row.Transaction = "shop", "shop checkout"
		want = append(want, row)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("overview (-want +got):\n%s", diff)
	}
}

func TestOverviewOfPartOfTheTime(t *testing.T) {
	store := filled(t)
	// The begin belongs to the range and the end does not: one instance.
	got, err := dashboards.Overview(t.Context(), store, began.Add(2*time.Minute), began.Add(3*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0].Instances != 1 || got[0].PageViews != 1 || *got[0].P75WaitMS != 300 || got[0].Errors != 2 {
		t.Errorf("overview of a minute: %+v", got)
	}
}

func TestOverviewWithoutSamples(t *testing.T) {
	store := empty(t)
	got, err := dashboards.Overview(t.Context(), store, began, began.Add(time.Hour))
	if err != nil || got != nil {
		t.Fatalf("overview of nothing: %v, %v", got, err)
	}
	early := rowOf("shop", beacon.SourceRUM, 0, "early") // its instance has not ended
	early.Event.PageView = &beacon.PageView{Phase: beacon.PhaseEarly, LoadMS: figure(100)}
	unjudged := rowOf("shop", beacon.SourceSynthetic, 0, "done") // has no objective
	unjudged.Satisfied = 0
	unjudged.Event.TransactionDone = &beacon.TransactionDone{Outcome: beacon.OutcomeCompleted, DurationMS: 5, WaitMS: 5}
	if err := store.Write(t.Context(), batchOf("few", early, unjudged)); err != nil {
		t.Fatal(err)
	}
	got, err = dashboards.Overview(t.Context(), store, began, began.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := []dashboards.OverviewRow{
		{App: "shop", Transaction: "shop checkout", Source: "rum", PageViews: 1},
		{App: "shop", Transaction: "shop checkout", Source: "synthetic", Instances: 1, Completed: 1, P75WaitMS: figure(5)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("overview (-want +got):\n%s", diff)
	}
}

func TestOverviewTellsWhatFailed(t *testing.T) {
	store := empty(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := dashboards.Overview(ctx, store, began, began.Add(time.Hour))
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "query overview: ") {
		t.Errorf("error %v", err)
	}
}

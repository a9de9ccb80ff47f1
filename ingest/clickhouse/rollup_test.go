package clickhouse

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/client"
)

// viewRows are the reports of page view id: the early, the final one, or both.
func viewRows(id int, early, final bool) []ingest.Row {
	value := float64(100 * (id + 1))
	base := ingest.Row{
		App: "shop", Source: beacon.SourceRUM, SessionID: "00000000000000a1", Country: "DE", Client: client.Client{Device: "mobile"},
		View:      beacon.View{ID: fmt.Sprintf("%016x", id+1), URL: "https://shop.example/", Navigation: beacon.NavigationNavigate},
		Timestamp: time.UnixMilli(1763900000000), ReceivedAt: time.UnixMilli(1763900001000),
	}
	var rows []ingest.Row
	if early {
		row := base
		row.Event = beacon.Event{PageView: &beacon.PageView{Phase: beacon.PhaseEarly, LoadMS: &value, TTFBMS: &value}}
		rows = append(rows, row)
	}
	if final {
		row := base
		row.Event = beacon.Event{PageView: &beacon.PageView{Phase: beacon.PhaseFinal, LCPMS: &value, CLS: &value}}
		rows = append(rows, row)
	}
	return rows
}

func TestRollupPageViews_CountsViewsOnceWhateverTheyReport(t *testing.T) {
	s := open(t)
	var together, late []ingest.Row
	for id := range 30 {
		together = append(together, viewRows(id, id%3 != 1, id%3 == 1)...) // early, or final only
		if id%3 == 2 {
			late = append(late, viewRows(id, false, true)...) // the final one comes in another batch
		}
	}
	for _, batch := range []ingest.Batch{batchOf("a", together...), batchOf("b", late...)} {
		for range 3 { // and again, over another connection too
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			into := <-s.inserters
			into.drop()
			s.inserters <- into
		}
	}
	const figures = `SELECT arrayJoin([
		toString(uniqCombined64Merge(12)(views)), toString(sum(lcp_samples)), toString(sum(lcp_good)), toString(sum(cls_samples)),
		toString(arrayMap(q -> round(q), quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(lcp_quantiles))),
		toString(arrayMap(q -> round(q), quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(load_quantiles))),
		toString(arrayMap(q -> round(q), quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(inp_quantiles))),
		toString(groupUniqArray((app, source, transaction, device, country, hour)))]) AS x FROM rollup_page_views`
	fromRows := one(t, s, `SELECT arrayJoin([toString(uniqExact(page_view_id)), toString(count(lcp_ms)), toString(countIf(lcp_ms <= 2500)), toString(count(cls)),
		toString(arrayMap(q -> round(q), quantilesTDigest(0.5, 0.75, 0.95, 0.99)(lcp_ms))),
		toString(arrayMap(q -> round(q), quantilesTDigest(0.5, 0.75, 0.95, 0.99)(load_ms))),
		toString(arrayMap(q -> round(q), quantilesTDigest(0.5, 0.75, 0.95, 0.99)(inp_ms))),
		'[(\'shop\',\'rum\',\'\',\'mobile\',\'DE\',\'2025-11-23 12:00:00\')]']) AS x FROM page_views`)
	rolledUp := one(t, s, figures)
	if fromRows[0] != "30" || fromRows[1] != "20" {
		t.Errorf("the rows say %v", fromRows)
	}
	if diff := cmp.Diff(fromRows, rolledUp); diff != "" {
		t.Errorf("-rows +rollup:\n%s", diff)
	}
}

func TestRollupTransactions_CountsInstancesOnce(t *testing.T) {
	s := open(t)
	var rows []ingest.Row
	for i, outcome := range []beacon.Outcome{beacon.OutcomeCompleted, beacon.OutcomeCompleted, beacon.OutcomeCompleted, beacon.OutcomeFailed, beacon.OutcomeAbandoned, beacon.OutcomeTimedOut, beacon.OutcomeUnknown} {
		rows = append(rows, ingest.Row{
			App: "shop", Source: beacon.SourceRUM, Timestamp: time.UnixMilli(1763900000000), ReceivedAt: time.UnixMilli(1763900001000), Satisfied: time.Second,
			Transaction: beacon.TransactionRef{Name: "Pay", InstanceID: fmt.Sprintf("%016x", i+1)},
			Event:       beacon.Event{TransactionDone: &beacon.TransactionDone{Outcome: outcome, DurationMS: 9000, WaitMS: float64(900 + 1800*i)}},
		})
	}
	for range 3 {
		if err := s.Write(t.Context(), batchOf("a", rows...)); err != nil {
			t.Fatal(err)
		}
	}
	got := one(t, s, `SELECT toString((sum(instances), sum(completed), sum(failed), sum(abandoned), sum(timed_out), sum(unknown),
		sum(satisfied), sum(tolerating), sum(frustrated), max(objective_ms), arrayMap(q -> round(q), quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(wait_quantiles))[1])) AS x
		FROM rollup_transactions WHERE app = 'shop' AND transaction = 'Pay'`)
	if diff := cmp.Diff([]string{"(7,3,1,1,1,1,1,1,4,1000,6300)"}, got); diff != "" {
		t.Error(diff)
	}
}

// A group of errors in two releases, and another: what it has hit is there
// without its rows.
func TestRollupErrors_SaysWhatAGroupHasHit(t *testing.T) {
	s := open(t)
	at := time.UnixMilli(1763900000000)
	row := func(hours int, session, release, transaction, message string, count int) ingest.Row {
		return ingest.Row{
			Fingerprint: uint64(len(message)), Noise: "extension",
			App: "shop", Source: beacon.SourceRUM, Timestamp: at.Add(time.Duration(hours) * time.Hour), ReceivedAt: at,
			SessionID: session, Release: release, Transaction: beacon.TransactionRef{Name: transaction},
			Event: beacon.Event{Error: &beacon.Error{Kind: beacon.ErrorUncaught, Type: "TypeError", Message: message, Count: count}},
		}
	}
	first := []ingest.Row{
		row(0, "00000000000000a1", "1.0", "Pay", "x is 1", 2),
		row(5, "00000000000000a2", "1.1", "", "x is 2", 3),
	}
	later := []ingest.Row{row(30, "00000000000000a1", "1.1", "Search", "x is 3", 4), row(31, "00000000000000a3", "1.1", "Pay", "another", 1)}
	for _, batch := range []ingest.Batch{batchOf("a", first...), batchOf("b", later...), batchOf("a", first...)} {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	got := one(t, s, `SELECT toString((app, source, kind, type, message, noise, occurrences, dateDiff('hour', first_seen, last_seen), sessions, releases, transactions)) AS x
		FROM error_groups ORDER BY occurrences`)
	want := []string{
		"('shop','rum','error','TypeError','another','extension',1,0,1,['1.1'],['Pay'])",
		"('shop','rum','error','TypeError','x is 3','extension',9,30,2,['1.0','1.1'],['Pay','Search'])",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What bots do is counted apart, and a view is a bot's when it turns out so at its end.
func TestBots_AreKeptApart(t *testing.T) {
	s := open(t)
	person, late := viewRows(1, true, true), viewRows(2, true, true)
	late[1].Client.Bot = client.BotRate
	broken := person[0]
	broken.Fingerprint = 7
	broken.Event = beacon.Event{ID: "00000000000000f1", Error: &beacon.Error{Kind: beacon.ErrorUncaught, Message: "x", Count: 2}}
	robot := broken
	robot.Client.Bot, robot.Event.ID = client.BotUserAgent, "00000000000000f2"
	rows := append(append(person, late...), broken, robot)
	if err := s.Write(t.Context(), batchOf("a", rows...)); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"SELECT toString((bot, count(), countIf(load_ms IS NOT NULL AND lcp_ms IS NOT NULL))) AS x FROM whole_page_views GROUP BY bot ORDER BY bot": {"('',1,1)", "('rate',1,1)"},
		"SELECT toString((bot, sum(lcp_samples))) AS x FROM rollup_page_views GROUP BY bot ORDER BY bot":                                            {"('',1)", "('rate',1)"},
		"SELECT toString((bot, occurrences)) AS x FROM error_groups ORDER BY bot":                                                                   {"('',2)", "('user_agent',2)"},
	} {
		if diff := cmp.Diff(want, one(t, s, query)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", query, diff)
		}
	}
}

package clickhouse

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/deploy/engine/enginetest"
	"throughline/ingest"
	"throughline/ingest/naming"
)

var update = flag.Bool("update", false, "write deploy/clickhouse/tables.md")

func TestMain(m *testing.M) { enginetest.Main(m) }

// open returns a store on an empty, migrated database of the real engine.
func open(t testing.TB) *Store {
	t.Helper()
	s := openEmpty(t, 0)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func openEmpty(t testing.TB, retention time.Duration) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{
		Addr: []string{enginetest.Start(t).NativeAddr()}, Database: enginetest.Database(t), Username: "default",
		Retention: retention, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// one runs a query with one column and returns its rows as text.
func one(t testing.TB, s *Store, sql string) []string {
	t.Helper()
	var values []string
	err := s.Query(t.Context(), "SELECT toString(x) FROM ("+sql+")", nil, func(scan func(...any) error) error {
		var value string
		err := scan(&value)
		values = append(values, value)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// rowsOf decodes wire fixtures and enriches them, as the collector does.
func rowsOf(t testing.TB, fixtures ...string) []ingest.Row {
	t.Helper()
	app := &ingest.App{Name: "shop", Transactions: []ingest.Transaction{{Name: "View product", Satisfied: 500 * time.Millisecond}}}
	received := time.UnixMilli(1763900001000).UTC()
	var rows []ingest.Row
	for _, fixture := range fixtures {
		data, err := os.ReadFile(filepath.Join("..", "..", "beacon", "testdata", "wire", fixture+".json"))
		if err != nil {
			t.Fatal(err)
		}
		report, _, err := beacon.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		rows = ingest.NewEnricher(naming.New(), nil, time.Unix(0, 0)).Rows(rows, ingest.Record{App: app, ReceivedAt: received, Country: "DE", Report: report})
	}
	return rows
}

// batchOf is a batch of one record with these rows.
func batchOf(token string, rows ...ingest.Row) ingest.Batch {
	e := NewEncoder()
	var encoded []byte
	for i := range rows {
		encoded = e.AppendRow(encoded, &rows[i])
	}
	return ingest.Batch{Token: token, Records: []ingest.EncodedRows{{App: "shop", Schema: e.Schema(), Rows: encoded}}}
}

func TestWrite_StoresEveryKindOnceHoweverOftenItIsRepeated(t *testing.T) {
	s := open(t)
	batch := batchOf("a-1-5", rowsOf(t, "good_early_report", "good_final_report", "good_synthetic_page_view", "good_journey_run", "good_every_action", "good_every_measure", "good_resources")...)
	for range 3 {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	// The early and the final report of the one page view are two rows.
	want := map[string]string{"page_views": "3", "whole_page_views": "2", "requests": "3", "errors": "2", "transactions": "2", "journey_runs": "1", "journey_steps": "2", "actions": "6", "measures": "4", "resources": "2"}
	for table, count := range want {
		if got := one(t, s, "SELECT count() AS x FROM "+table); got[0] != count {
			t.Errorf("%s has %s rows, want %s", table, got[0], count)
		}
	}
	// Another token is another batch, whatever is in it.
	batch.Token = "a-6-10"
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s, "SELECT count() AS x FROM requests"); got[0] != "6" {
		t.Errorf("requests has %s rows after a second batch", got[0])
	}
}

func TestPageViews_EarlyAndFinalReportAreOneView(t *testing.T) {
	s := open(t)
	// The final report may well arrive first.
	for i, fixture := range []string{"good_final_report", "good_early_report"} {
		if err := s.Write(t.Context(), batchOf(fmt.Sprint(i), rowsOf(t, fixture)...)); err != nil {
			t.Fatal(err)
		}
	}
	const figures = "concat(lower(leftPad(hex(session_id), 16, '0')), ' ', toString(round(lcp_ms, 1)), ' ', toString(round(ttfb_ms, 1)), ' ', lcp_element, ' ', trace_id, ' ', transaction, ' ', country)"
	want := []string{"00000000000000a1 402.5 60.1 main>img.hero 4bf92f3577b34da6a3ce929d0e0e4736 View product DE"}
	if diff := cmp.Diff(want, one(t, s, "SELECT "+figures+" AS x FROM whole_page_views")); diff != "" {
		t.Error(diff)
	}
	plain := one(t, s, "SELECT concat(toString(uniqExact(page_view_id)), ' ', toString(round(quantile(0.75)(lcp_ms), 1)), ' ', toString(count(lcp_ms))) AS x FROM page_views")
	if plain[0] != "1 402.5 1" {
		t.Errorf("plain rows say %q", plain[0])
	}
}

// What reports tell of the user, the device and the app arrives, in the right column.
func TestWrite_StoresWhatReportsTell(t *testing.T) {
	s := open(t)
	if err := s.Write(t.Context(), batchOf("a", rowsOf(t, "good_every_action", "good_every_measure", "good_resources", "good_soft_view_of_an_impatient_user")...)); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string][]string{
		"SELECT toString((kind, name, target, count, duration_ms, attributes, user_id, report_sequence, sample_weight)) AS x FROM actions WHERE count > 1 OR duration_ms > 0 OR kind = 'event' ORDER BY event_id": {
			"('rage_click','Pay now','#pay',5,NULL,{'plan':'gold'},'a1b2c3',3,1)",
			"('event','Coupon used','',1,NULL,{'code_kind':'percent','plan':'gold'},'a1b2c3',3,1)",
			"('page_state','frozen','',1,93000.5,{'plan':'gold'},'a1b2c3',3,1)",
		},
		"SELECT toString((kind, name, round(duration_ms, 1), detail)) AS x FROM measures ORDER BY event_id": {
			"('mark','cart ready',812.4,'')", "('measure','render cart',40,'')", "('element','hero',701.1,'#hero')", "('server_timing','db',53.2,'primary')",
		},
		"SELECT toString((type, host, count, failed, cached, transfer_size_bytes, duration_ms, round(longest_ms, 1), sample_weight, url_path)) AS x FROM resources ORDER BY event_id": {
			"('img','',12,1,3,48210,911.5,210.2,10,'/cart')", "('script','cdn.example:8443',1,0,0,0,80,80,10,'/cart')",
		},
		"SELECT toString((initiator, sample_weight)) AS x FROM requests": {"('img',10)"},
		`SELECT toString((navigation, navigation_detection, viewport_width_px, viewport_height_px, visible_ms, abandoned, scroll_depth, device_memory_gb, cpu_cores,
			device_pixel_ratio, rtt_ms, round(downlink_mbps, 1), preferences, round(beacon_init_ms, 1), beacon_handler_ms, beacon_sent_bytes, attributes)) AS x FROM page_views`: {
			"('soft','native',1280,720,850.5,'before_lcp',0.25,8,4,1.5,50,9.8,'reduced_motion,dark',4.2,1.5,812,{})",
		},
	} {
		if diff := cmp.Diff(want, one(t, s, query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// What only one of a view's reports tells is the view's, whichever comes first.
func TestWholePageViews_HaveWhatEitherReportTells(t *testing.T) {
	for _, finalFirst := range []bool{false, true} {
		s := open(t)
		rows := viewRows(1, true, true)
		final := &rows[1]
		final.Sequence, final.UserID, final.Attributes = 2, "a1b2c3", map[string]string{"plan": "gold"}
		final.Event.PageView.Abandoned, final.Event.PageView.Preferences = beacon.AbandonedBeforeLCP, "dark"
		rows[0].Attributes = map[string]string{"plan": "none"}
		if finalFirst {
			slices.Reverse(rows)
		}
		for i := range rows {
			if err := s.Write(t.Context(), batchOf(fmt.Sprint(i), rows[i])); err != nil {
				t.Fatal(err)
			}
		}
		got := one(t, s, "SELECT toString((abandoned, preferences, user_id, attributes['plan'], report_sequence, load_ms, lcp_ms)) AS x FROM whole_page_views")
		if diff := cmp.Diff([]string{"('before_lcp','dark','a1b2c3','gold',2,200,200)"}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestTransactions_ApdexZones(t *testing.T) {
	s := open(t)
	instance := func(id int, outcome beacon.Outcome, waitMS float64, satisfied time.Duration) ingest.Row {
		return ingest.Row{
			App: "shop", Source: beacon.SourceRUM, Timestamp: time.Now(), ReceivedAt: time.Now(), Satisfied: satisfied,
			Transaction: beacon.TransactionRef{Name: fmt.Sprintf("%02d", id)},
			Event:       beacon.Event{TransactionDone: &beacon.TransactionDone{Outcome: outcome, DurationMS: 1e6, WaitMS: waitMS}},
		}
	}
	const t1 = time.Second
	cases := []struct {
		row  ingest.Row
		want string
	}{
		{instance(0, beacon.OutcomeCompleted, 1000, t1), "satisfied"},
		{instance(1, beacon.OutcomeCompleted, 1000.1, t1), "tolerating"},
		{instance(2, beacon.OutcomeCompleted, 4000, t1), "tolerating"},
		{instance(3, beacon.OutcomeCompleted, 4000.5, t1), "frustrated"},
		{instance(4, beacon.OutcomeFailed, 10, t1), "frustrated"},
		{instance(5, beacon.OutcomeTimedOut, 10, t1), "frustrated"},
		{instance(6, beacon.OutcomeAbandoned, 900, t1), ""},
		{instance(7, beacon.OutcomeAbandoned, 1500, t1), "tolerating"},
		{instance(8, beacon.OutcomeAbandoned, 9000, t1), "frustrated"},
		{instance(9, beacon.OutcomeUnknown, 10, t1), ""},
		{instance(10, beacon.OutcomeCompleted, 10, 0), ""},
	}
	var rows []ingest.Row
	var want []string
	for _, c := range cases {
		rows = append(rows, c.row)
		want = append(want, c.want)
	}
	if err := s.Write(t.Context(), batchOf("a", rows...)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, one(t, s, "SELECT apdex_zone AS x FROM transactions ORDER BY transaction")); diff != "" {
		t.Error(diff)
	}
}

func TestWrite_StoresTheLedgerOnce(t *testing.T) {
	s := open(t)
	entries := []ingest.Entry{{App: "shop", Stage: ingest.StageReceived, Events: 7}, {App: "shop", Stage: ingest.StageRejected, Reason: "invalid", Events: 2}}
	e := NewEncoder()
	batch := ingest.Batch{Token: "a", Records: []ingest.EncodedRows{{Schema: e.Schema(), Rows: e.AppendLedger(nil, time.UnixMilli(1763900001000), entries)}}}
	for range 2 {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"1763900001000 shop received  7", "1763900001000 shop rejected invalid 2"}
	got := one(t, s, "SELECT concat(toString(toUnixTimestamp64Milli(timestamp)), ' ', app, ' ', stage, ' ', reason, ' ', toString(events)) AS x FROM ingest_log ORDER BY stage")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWrite_HostileTextsArriveAsTheyAre(t *testing.T) {
	s := open(t)
	hostile := "'); DROP TABLE errors; -- \"\\ \n\t💥 \u202e"
	err := s.Write(t.Context(), batchOf("x'); --", ingest.Row{
		App: hostile, Timestamp: time.Now(), ReceivedAt: time.Now(),
		Event: beacon.Event{Error: &beacon.Error{Kind: beacon.ErrorUncaught, Message: hostile, Count: 1}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := one(t, s, "SELECT message AS x FROM errors"); len(got) != 1 || got[0] != hostile {
		t.Errorf("message = %q", got)
	}
}

func TestOpen_ServerThatDoesNotAnswer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	var logged strings.Builder
	options := Options{Addr: []string{addr}, Database: "x", Username: "default", Log: slog.New(slog.NewTextHandler(&logged, nil))}

	if _, err := Open(t.Context(), options); err == nil || !strings.Contains(err.Error(), addr+" did not answer within 0s (see clickhouse.addr") {
		t.Errorf("without waiting: %v", err)
	}
	options.Wait = 1500 * time.Millisecond
	start := time.Now()
	if _, err := Open(t.Context(), options); err == nil || time.Since(start) < options.Wait {
		t.Errorf("gave up after %v: %v", time.Since(start), err)
	}
	if !strings.Contains(logged.String(), "waiting for ClickHouse") {
		t.Errorf("said nothing while waiting: %s", logged.String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, options); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a context that ends: %v", err)
	}
}

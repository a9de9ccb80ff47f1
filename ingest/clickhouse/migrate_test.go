package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/ingest"
)

// schemaOf is everything that Migrate makes, as the database tells it.
func schemaOf(t *testing.T, s *Store) []string {
	t.Helper()
	return one(t, s, "SELECT replaceAll(create_table_query, currentDatabase(), 'db') AS x FROM system.tables WHERE database = currentDatabase() ORDER BY name")
}

func TestMigrate_MakesTheTablesAsListed(t *testing.T) {
	s := open(t)
	for _, wanted := range relations() {
		var want []string
		for _, c := range wanted.columns {
			codec := ""
			if c.codec != "" {
				codec = "CODEC(" + c.codec + ")"
			}
			want = append(want, strings.Join([]string{c.name, c.sql, codec, c.doc}, "|"))
		}
		const described = "SELECT concat(name, '|', type, '|', compression_codec, '|', comment) AS x FROM system.columns WHERE database = currentDatabase() AND table = '%s' ORDER BY position"
		if diff := cmp.Diff(want, one(t, s, fmt.Sprintf(described, wanted.name))); diff != "" {
			t.Errorf("%s (-listed +made):\n%s", wanted.name, diff)
		}
	}
	safe := one(t, s, `SELECT name AS x FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
		AND create_table_query LIKE '%non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1%' ORDER BY name`)
	want := []string{"actions", "errors", "ingest_log", "journey_runs", "journey_steps", "measures", "page_views", "requests", "resources", "rollup_errors", "rollup_page_views", "rollup_transactions", "transactions"}
	if diff := cmp.Diff(want, safe); diff != "" {
		t.Errorf("tables that remember tokens and sync their parts (-want +got):\n%s", diff)
	}
}

func TestMigrate_AppliesOnceAndSetsTheRetention(t *testing.T) {
	s := openEmpty(t, 30*24*time.Hour)
	applied, err := s.Migrate(t.Context())
	if err != nil || len(applied) != len(relations())+len(views()) {
		t.Fatalf("first: %v, %v", applied, err)
	}
	first := schemaOf(t, s)
	if applied, err := s.Migrate(t.Context()); err != nil || len(applied) != 0 {
		t.Errorf("second: %v, %v", applied, err)
	}
	if diff := cmp.Diff(first, schemaOf(t, s)); diff != "" {
		t.Errorf("the second changed the schema:\n%s", diff)
	}
	tables := one(t, s, "SELECT name AS x FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '%TTL toDateTime(timestamp) + toIntervalDay(30)%' ORDER BY x")
	want := []string{"actions", "errors", "ingest_log", "journey_runs", "journey_steps", "measures", "page_views", "requests", "resources", "transactions"}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("tables with the retention (-want +got):\n%s", diff)
	}
}

func TestMigrate_RetentionCanChangeAndEnd(t *testing.T) {
	s := openEmpty(t, 30*24*time.Hour)
	const limited = "SELECT count() AS x FROM system.tables WHERE database = currentDatabase() AND create_table_query LIKE '% TTL %toIntervalDay(%d)%%'"
	for _, days := range []int{30, 7, 0, 0} {
		s.options.Retention = time.Duration(days) * 24 * time.Hour
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatalf("%d days: %v", days, err)
		}
		with := one(t, s, strings.ReplaceAll(limited, "%d", fmt.Sprint(days)))
		all := one(t, s, strings.ReplaceAll(limited, "toIntervalDay(%d)%", ""))
		if want := map[bool]string{true: "10", false: "0"}[days > 0]; with[0] != want || all[0] != want {
			t.Errorf("%d days: %s tables have that TTL, %s any", days, with[0], all[0])
		}
	}
}

func TestMigrate_SeveralAtOnce(t *testing.T) {
	s := openEmpty(t, 24*time.Hour)
	ended := make(chan error, 4)
	for range cap(ended) {
		go func() { _, err := s.Migrate(context.Background()); ended <- err }()
	}
	for range cap(ended) {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if applied, err := s.Migrate(t.Context()); err != nil || len(applied) != 0 {
		t.Errorf("afterwards: %v, %v", applied, err)
	}
}

// However far a start came, the next one ends with the same schema.
func TestMigrate_GoesOnWhereItWasCutOff(t *testing.T) {
	whole := schemaOf(t, open(t))
	everything := relations()
	for made := range everything {
		s := openEmpty(t, 0)
		for _, r := range everything[:made] {
			if err := s.conn.Exec(t.Context(), r.create()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatalf("after %d tables: %v", made, err)
		}
		if diff := cmp.Diff(whole, schemaOf(t, s)); diff != "" {
			t.Errorf("after %d tables:\n%s", made, diff)
		}
	}
}

func TestMigrate_AddsWhatIsMissingAndLeavesWhatIsNotOurs(t *testing.T) {
	s := open(t)
	for _, statement := range []string{
		"ALTER TABLE errors DROP COLUMN stack, ADD COLUMN note String",
		"DROP TABLE rollup_transactions_feed",
		"CREATE OR REPLACE VIEW whole_page_views AS SELECT page_view_id FROM page_views",
		"ALTER TABLE transactions DROP COLUMN apdex_zone",
		// As an older program would have made it: without one figure, and without its query.
		"ALTER TABLE rollup_page_views DROP COLUMN load_quantiles",
		"DROP TABLE rollup_page_views_feed",
		"CREATE MATERIALIZED VIEW rollup_page_views_feed TO rollup_page_views AS " + strings.Replace(rollupPageViews().query(),
			",\n    quantilesTDigestState(0.5, 0.75, 0.95, 0.99)(load_ms) AS load_quantiles", "", 1),
	} {
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	applied, err := s.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"column errors.stack", "column transactions.apdex_zone", "column rollup_page_views.load_quantiles", "view rollup_page_views_feed", "view rollup_transactions_feed", "view whole_page_views"}
	slices.Sort(want)
	slices.Sort(applied)
	if diff := cmp.Diff(want, applied); diff != "" {
		t.Error(diff)
	}
	if err := s.Write(t.Context(), batchOf("a", append(viewRows(1, true, true), errorRows("x")...)...)); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s, "SELECT round(quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(load_quantiles)[1]) AS x FROM rollup_page_views"); got[0] != "200" {
		t.Errorf("the rollup's new figure is %s", got[0])
	}
	if got := one(t, s, "SELECT concat(message, note) AS x FROM errors"); got[0] != "x" {
		t.Errorf("errors: %s", got[0])
	}
}

// olderTables are those of a program before actions, measures, resources and what
// reports tell of their sample, user and app.
func olderTables() []table {
	younger := []string{
		"report_sequence", "sample_weight", "user_id", "attributes", "navigation_detection", "viewport_height_px", "visible_ms", "abandoned",
		"scroll_depth", "preferences", "device_memory_gb", "cpu_cores", "device_pixel_ratio", "rtt_ms", "downlink_mbps",
		"beacon_init_ms", "beacon_handler_ms", "beacon_sent_bytes",
	}
	older := slices.DeleteFunc(tables(), func(t table) bool { return slices.Contains([]string{"actions", "measures", "resources"}, t.name) })
	for i := range older {
		older[i].columns = slices.DeleteFunc(older[i].columns, func(c column) bool { return slices.Contains(younger, c.name) })
	}
	return older
}

// A database and a log of an older program: what they hold counts as one session
// each, and what comes has all columns.
func TestMigrate_OlderDatabaseAndLog(t *testing.T) {
	s := openEmpty(t, 0)
	older := olderTables()
	for _, made := range older {
		if err := s.conn.Exec(t.Context(), made.relation().create()); err != nil {
			t.Fatal(err)
		}
	}
	for _, statement := range []string{
		"CREATE VIEW whole_page_views AS SELECT app, any(lcp_ms) AS lcp_ms FROM page_views GROUP BY app",
		"INSERT INTO errors (app, session_id, message, count, timestamp) VALUES ('shop', 1, 'before', 1, now())",
	} {
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	applied, err := s.Migrate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"table actions", "table measures", "table resources", "column page_views.attributes", "column requests.sample_weight", "view whole_page_views"} {
		if !slices.Contains(applied, want) {
			t.Errorf("%s is not among %v", want, applied)
		}
	}
	fromLog, told := errorRows("in the log"), errorRows("now")
	told[0].SampleWeight, told[0].Attributes, told[0].Event.ID = 5, map[string]string{"plan": "gold"}, "00000000000000f1"
	batch := ingest.Batch{Token: "a", Records: []ingest.EncodedRows{rowsAs(older, fromLog...), rowsAs(tables(), told...)}}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	want := []string{"('before',1,{},'')", "('in the log',1,{},'')", "('now',5,{'plan':'gold'},'')"}
	if diff := cmp.Diff(want, one(t, s, "SELECT toString((message, sample_weight, attributes, user_id)) AS x FROM errors ORDER BY message")); diff != "" {
		t.Error(diff)
	}
	if applied, err := s.Migrate(t.Context()); err != nil || len(applied) != 0 {
		t.Errorf("once more: %v, %v", applied, err)
	}
}

func TestMigrate_RefusesWhatItCannotChange(t *testing.T) {
	cases := []struct{ table, find, replace, want string }{
		{"requests", "ORDER BY (app, transaction,", "ORDER BY (app,", "table requests of database %s has the sorting key app, toStartOfHour(timestamp)"},
		{"requests", "ENGINE = MergeTree", "ENGINE = ReplacingMergeTree(received_at)", "has the engine ReplacingMergeTree"},
		{"page_views", "ENGINE = MergeTree", "ENGINE = CoalescingMergeTree", "has the engine CoalescingMergeTree"},
		{"requests", "toYYYYMM", "toYYYYMMDD", "has the partition key toYYYYMMDD(timestamp)"},
		{"errors", "`run_id` UInt64", "`run_id` String", "has the column run_id String, this program needs UInt64, which cannot be changed in place: rename the table"},
	}
	for _, c := range cases {
		s := openEmpty(t, 0)
		wanted := relations()[slices.IndexFunc(relations(), func(r relation) bool { return r.name == c.table })]
		statement := strings.Replace(wanted.create(), c.find, c.replace, 1)
		if statement == wanted.create() {
			t.Fatalf("%s has no %s", c.table, c.find)
		}
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
		want := strings.ReplaceAll(c.want, "%s", s.options.Database)
		if _, err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", c.replace, err)
		}
	}
}

func TestMigrate_RefusesANewerSchema(t *testing.T) {
	s := open(t)
	if err := s.conn.Exec(t.Context(), "INSERT INTO schema_migrations VALUES (9999, '', now64(3))"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "has version 9999 of the schema, this program knows 1: use a newer program") {
		t.Errorf("%v", err)
	}
}

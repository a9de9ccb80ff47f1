package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
			want = append(want, strings.Join([]string{c.name, c.sql, strings.ReplaceAll(codec, "Delta,", "Delta(8),"), c.doc}, "|"))
		}
		const described = "SELECT concat(name, '|', type, '|', compression_codec, '|', comment) AS x FROM system.columns WHERE database = currentDatabase() AND table = '%s' ORDER BY position"
		if diff := cmp.Diff(want, one(t, s, fmt.Sprintf(described, wanted.name))); diff != "" {
			t.Errorf("%s (-listed +made):\n%s", wanted.name, diff)
		}
	}
	safe := one(t, s, `SELECT name AS x FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'
		AND create_table_query LIKE '%non_replicated_deduplication_window = 10000, fsync_after_insert = 1, fsync_part_directory = 1%' ORDER BY name`)
	want := []string{"errors", "ingest_log", "journey_runs", "journey_steps", "page_views", "requests", "rollup_errors", "rollup_page_views", "rollup_transactions", "transactions"}
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
	want := []string{"errors", "ingest_log", "journey_runs", "journey_steps", "page_views", "requests", "transactions"}
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
		if want := map[bool]string{true: "7", false: "0"}[days > 0]; with[0] != want || all[0] != want {
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

package clickhouse

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/deploy/generator"
	"throughline/ingest"
	"throughline/ingest/client"
	"throughline/ingest/naming"
)

// documented are the queries of deploy/clickhouse/README.md.
func documented(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/clickhouse/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, found := range regexp.MustCompile("(?s)```sql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		queries = append(queries, found[1])
	}
	return queries
}

func TestDocumentedQueries_AnswerOnLifelikeData(t *testing.T) {
	s := open(t)
	now := time.Now()
	g, err := generator.New(generator.Options{Seed: 3, From: now.Add(-20 * time.Hour), To: now, PageViews: 3000})
	if err != nil {
		t.Fatal(err)
	}
	enricher := ingest.NewEnricher(naming.New(), nil, now.Add(-20*time.Hour))
	var rows []ingest.Row
	for v := range g.Visits() {
		rows = enricher.Rows(rows, ingest.Record{App: v.App, ReceivedAt: v.At, UserAgent: v.UserAgent, Country: v.Country, Report: v.Report})
	}
	if err := s.Write(t.Context(), batchOf("a", rows...)); err != nil {
		t.Fatal(err)
	}
	queries := documented(t)
	if len(queries) < 11 {
		t.Errorf("%d queries", len(queries))
	}
	for _, query := range queries {
		got := one(t, s, "SELECT formatRow('JSONEachRow', *) AS x FROM ("+query+")")
		if len(got) == 0 || strings.Contains(strings.Join(got, ""), "nan") {
			t.Errorf("answers %q:\n%s", got, query)
		}
	}
}

// Of Chrome's two views one lacks a report in the middle; of Safari's one the last
// is not there, which only its age tells; of a third nothing but a request is left.
func TestDocumentedQueries_SayWhichReportsWereLost(t *testing.T) {
	s := open(t)
	began := time.Now().Add(-5 * time.Hour)
	var rows []ingest.Row
	add := func(view int, browser string, sequence int, row ingest.Row) {
		row.View.ID, row.Event.ID = fmt.Sprintf("%016x", view), fmt.Sprintf("%016x", 1000+len(rows))
		row.Client, row.Sequence, row.Timestamp = client.Client{Browser: browser}, sequence, began
		rows = append(rows, row)
	}
	both, request := viewRows(1, true, true), manyRequests(1)[0]
	add(1, "Chrome", 0, both[0])
	add(1, "Chrome", 1, request)
	add(1, "Chrome", 1, errorRows("x")[0])
	duration := 9000.0
	both[1].Event.PageView.DurationMS = &duration
	add(1, "Chrome", 2, both[1])
	add(2, "Chrome", 0, both[0])
	add(2, "Chrome", 2, request)
	add(2, "Chrome", 3, both[1])
	add(3, "Safari", 0, both[0])
	add(3, "Safari", 1, request)
	add(4, "Safari", 7, request)
	for i := range rows {
		rows[i].Source = "rum"
	}
	if err := s.Write(t.Context(), batchOf("a", rows...)); err != nil {
		t.Fatal(err)
	}
	var losses string
	for _, query := range documented(t) {
		if strings.Contains(query, "page_view_reports") {
			losses = query
		}
	}
	want := []string{"('Chrome',2,7,1,0,0)", "('Safari',1,2,0,1,1)"}
	got := one(t, s, "SELECT toString((browser, views, reports, missing, without_end, share_without_end)) AS x FROM ("+losses+") ORDER BY browser")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	plan := strings.Join(one(t, s, "SELECT explain AS x FROM (EXPLAIN indexes = 1 "+losses+")"), "\n")
	if parts := strings.Count(plan, "Keys:"); parts < 7 {
		t.Errorf("the conditions reach the key of %d tables:\n%s", parts, plan)
	}
}

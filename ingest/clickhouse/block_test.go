package clickhouse

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/ingest"
)

// A batch of more rows than a block takes arrives as one part, so that its
// token stands for all of it.
func TestWrite_ManyBlocksAreOnePart(t *testing.T) {
	s := open(t)
	n := 2*blockRows + 17
	batch := batchOf("a", manyRequests(n)...)
	for range 3 {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, s, stored); got[0] != fmt.Sprintf("%d %d", n, n) {
		t.Errorf("stored %s", got[0])
	}
	if got := one(t, s, "SELECT count() AS x FROM system.parts WHERE database = currentDatabase() AND table = 'requests'"); got[0] != "1" {
		t.Errorf("in %s parts", got[0])
	}
	// 700 releases need two bytes each in a block's dictionary.
	got := one(t, s, `SELECT concat(toString(uniqExact(release)), ' ', toString(countIf(url_path != concat('/v1/', toString(event_id - 1)))), ' ',
		toString(countIf(session_id != intDiv(event_id - 1, 7))), ' ', toString(countIf(release != concat('1.', toString((event_id - 1) % 700)))), ' ',
		toString(countIf(country != ['DE', '', 'FR'][(event_id - 1) % 3 + 1])), ' ', toString(countIf(duration_ms != event_id - 1)), ' ',
		toString(countIf(toUnixTimestamp64Milli(timestamp) != 1763900000000 + event_id - 1)), ' ', toString(count(request_ms))) AS x FROM requests`)
	if got[0] != "700 0 0 0 0 0 0 0" {
		t.Errorf("values differ: %s", got[0])
	}
}

// Every value of every kind arrives as it was, at the ends of its range too.
func TestWrite_ValuesAtTheEndsOfTheirRange(t *testing.T) {
	s := open(t)
	zero, longest, size, status := 0.0, 14_400_000.0, int64(1<<40), 0
	row := ingest.Row{
		App: "shop", SessionID: "ffffffffffffffff", Timestamp: time.UnixMilli(0), ReceivedAt: time.Date(2262, 1, 1, 0, 0, 0, 0, time.UTC),
		View: beacon.View{ID: "0000000000000001", ViewportWidthPX: 1 << 20}, PagePath: "/" + strings.Repeat("a", 3000),
		Event: beacon.Event{PageView: &beacon.PageView{LCPMS: &zero, DurationMS: &longest, TransferSizeBytes: &size, StatusCode: &status, LCPElement: "a"}},
	}
	if err := s.Write(t.Context(), batchOf("a", row)); err != nil {
		t.Fatal(err)
	}
	got := one(t, s, `SELECT toString((hex(session_id), page_view_id, toUnixTimestamp64Milli(timestamp), received_at, length(url_path), viewport_width_px,
		lcp_ms, duration_ms, transfer_size_bytes, status_code, lcp_element, inp_ms, trace_id, run_id)) AS x FROM page_views`)
	want := []string{"('FFFFFFFFFFFFFFFF',1,0,'2262-01-01 00:00:00.000',3001,65535,0,14400000,1099511627776,0,'a',NULL,NULL,0)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Pairs of several rows, blocks and tables are not mixed up; rows without have none.
func TestWrite_PairsArriveAsTheyAre(t *testing.T) {
	s := open(t)
	rows := pairRows()
	for i := range 2*blockRows + 5 {
		row := errorRows(fmt.Sprint(i))[0]
		row.Event.ID = fmt.Sprintf("%016x", 100+i)
		if i%3 == 0 {
			row.Attributes = map[string]string{"plan": fmt.Sprint(i), "zone": "a"}
		}
		rows = append(rows, row)
	}
	if err := s.Write(t.Context(), batchOf("a", rows...)); err != nil {
		t.Fatal(err)
	}
	got := one(t, s, `SELECT toString((countIf(empty(attributes)), countIf(attributes = map('plan', message, 'zone', 'a')),
		anyIf(attributes, message = 'one'), sumIf(length(attributes), message = 'many'), sumIf(arraySum(x -> length(x), mapValues(attributes)), message = 'many'))) AS x FROM errors`)
	want := fmt.Sprintf(`(%d,%d,{'':'"\n💥'},40,%d)`, 2+2*(2*blockRows+5)/3, (2*blockRows+5+2)/3, 500*40*39/2)
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestInsertSettings_AreKnownToTheEngine(t *testing.T) {
	s := open(t)
	for _, setting := range insertSettings("a") {
		got := one(t, s, fmt.Sprintf("SELECT is_obsolete AS x FROM system.settings WHERE name = '%s'", setting.Key))
		if len(got) != 1 || got[0] != "0" {
			t.Errorf("%s: %v", setting.Key, got)
		}
	}
}

// The memory of a batch's blocks does not grow with the batch, is used again,
// and is given back after an unusual one.
func TestBlock_MemoryIsBoundedAndUsedAgain(t *testing.T) {
	known := tables()
	fill := func(into *inserter, batch ingest.Batch) (allocated float64) {
		read := readAs(t, batch, known)
		into.fillAll(read)
		return testing.AllocsPerRun(3, func() { into.fillAll(read) })
	}
	into := newInserter(Options{}, known)
	size := func() (bytes int) {
		for _, b := range into.blocks {
			for i := range b.columns {
				bytes += cap(b.columns[i].data) + cap(b.columns[i].nulls) + 2*cap(b.columns[i].keys) + cap(b.columns[i].ends) + cap(b.columns[i].texts)
			}
		}
		return bytes
	}
	small := batchOf("a", lifelike(t, 1000)...)
	for range 20 {
		small.Records = append(small.Records, small.Records[0])
	}
	if got := fill(into, small); got > 2000 { // the few texts of each block, mostly
		t.Errorf("%v allocations to fill blocks of 21000 rows again", got)
	}
	usual := size()
	if usual > 16<<20 {
		t.Errorf("blocks of 21000 rows take %d bytes", usual)
	}
	long := errorRows(make([]string, 3000)...)
	for i := range long {
		long[i].Event.Error.Stack = strings.Repeat("at f (a.js:1:2)\n", 1000)
	}
	fill(into, batchOf("b", long...))
	if got := size(); got > usual+2*keptBytes {
		t.Errorf("blocks keep %d bytes after long stacks, %d before", got, usual)
	}
}

// goldenTables is what the documentation says of the schema.
const goldenTables = "../../deploy/clickhouse/tables.md"

func TestTables_DocumentationIsUpToDate(t *testing.T) {
	want := documentation()
	if *update {
		if err := os.MkdirAll("../../deploy/clickhouse", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenTables, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(goldenTables)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("go test ./ingest/clickhouse -run Documentation -update (-want +got):\n%s", diff)
	}
}

func documentation() string {
	var b strings.Builder
	b.WriteString(`# Tables

<!-- Written by go test ./ingest/clickhouse -run Documentation -update: changes are lost. -->

What Throughline keeps in ClickHouse. The same words are comments in the database:
` + "`DESCRIBE TABLE page_views`" + `.

- Names that end in _ms are milliseconds, _bytes bytes, _px CSS pixels. Times are UTC.
- Ids are 64 bits, on the wire 16 hexadecimal characters: ` + "`lower(leftPad(hex(session_id), 16, '0'))`" + ` shows one
  as it was sent, ` + "`session_id = 0x4bf92f3577b34da6`" + ` finds it. Trace ids are text.
- NULL is what was not measured; figures leave it out. Texts without a value are empty.
- ` + "`" + wholePageViews().name + "`" + ` is a view with one row per page view: what its early and its final report brought, put together.
- ` + "`" + pageViewReports().name + "`" + ` is a view with one row per event of a page view and the report that brought it: README.md beside
  this page counts by it what was lost.
- A retry is stored once: tables and rollups remember the last ` + fmt.Sprint(deduplicationWindow) + ` inserts by their tokens.
`)
	for _, r := range relations() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n%s, partitioned by %s, ordered by %s.\n\n", r.name, r.doc, r.engine, r.partitionBy, strings.Join(r.orderBy, ", "))
		b.WriteString("| column | type | stored as | meaning |\n|---|---|---|---|\n")
		for _, c := range r.columns {
			stored := c.codec
			if stored == "" {
				stored = "default"
			}
			doc := c.doc
			if c.formula != "" {
				doc += " Computed: `" + c.formula + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, c.sql, stored, doc)
		}
	}
	return b.String()
}

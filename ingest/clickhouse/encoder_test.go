package clickhouse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/ingest"
)

// readAs reads a batch as a program with these tables would.
func readAs(t testing.TB, batch ingest.Batch, known []table) *batchReader {
	t.Helper()
	own := encodeSchema(known)
	l, err := parseLayout(own, known)
	if err != nil {
		t.Fatal(err)
	}
	return readBatch(batch, known, own, l)
}

// jsonOf are the rows of a table as JSON.
func jsonOf(b *batchReader, known []table, name string) []string {
	var values []string
	for i := range known {
		if known[i].name == name {
			for _, row := range (rows{b, i, 0, len(b.found[i])}).refuse("") {
				values = append(values, string(row.Values))
			}
		}
	}
	return values
}

// Rows in the log, as JSON and back are the same bytes.
func TestEncoder_RowsSurviveTheWayThroughJSON(t *testing.T) {
	e, known := NewEncoder(), tables()
	rows := rowsOf(t, "good_early_report", "good_final_report", "good_synthetic_page_view", "good_journey_run",
		"good_every_action", "good_every_measure", "good_resources", "good_soft_view_of_an_impatient_user")
	rows = append(rows, pairRows()...)
	rows = append(rows, lifelike(t, 300)...)
	var encoded []byte
	for i := range rows {
		encoded = e.AppendRow(encoded, &rows[i])
	}
	encoded = e.AppendLedger(encoded, time.UnixMilli(1763900001234), []ingest.Entry{{App: "shop", Stage: ingest.StageRejected, Reason: "x", Events: 1 << 60}})
	b := readAs(t, ingest.Batch{Records: []ingest.EncodedRows{{App: "shop", Schema: e.Schema(), Rows: encoded}}}, known)
	if len(b.refused) > 0 {
		t.Fatalf("refused: %+v", b.refused)
	}
	tried := 0
	for rest := encoded; len(rest) > 0; tried++ {
		number, _, behind, err := nextRow(rest)
		if err != nil {
			t.Fatal(err)
		}
		row := rest[:len(rest)-len(behind)]
		l := b.records[0].layout[number]
		values := l.refuse("shop", row[rowHeaderBytes:], "")
		again, err := encodeJSON(nil, known[number], number, values.Values)
		if err != nil {
			t.Fatalf("%s: %v", values.Values, err)
		}
		if !bytes.Equal(row, again) {
			t.Fatalf("%s has other bytes the second time:\n%x\n%x", values.Values, row, again)
		}
		rest = behind
	}
	if tried != len(rows)+1 {
		t.Errorf("%d rows of %d", tried, len(rows)+1)
	}
}

// pairRows are errors with none, one, and many pairs of texts of all lengths.
func pairRows() []ingest.Row {
	rows := errorRows("none", "one", "none again", "many")
	rows[1].Attributes = map[string]string{"": "\"\n💥"}
	rows[3].Attributes = map[string]string{}
	for i := range 40 {
		rows[3].Attributes[strings.Repeat("k", 10*i)] = strings.Repeat("v", 500*i)
	}
	return rows
}

// The length before pairs is that of what follows, at the bounds of its own length too.
func TestEncoder_PairsTellTheirLength(t *testing.T) {
	for _, length := range []int{0, 1, 123, 124, 125, 126, 127, 128, 129, 16_380, 16_384, 16_390, 1 << 20} {
		value := appendPairs(nil, map[string]string{"k": strings.Repeat("v", length), "": ""})
		if kindPairs.size(value) != len(value) || !arePairs(value) {
			t.Errorf("of %d bytes: the value has %d, its size is %d", length, len(value), kindPairs.size(value))
		}
		if kindPairs.size(value[:len(value)-1]) == len(value)-1 {
			t.Errorf("of %d bytes: a byte less is taken for whole", length)
		}
	}
	for _, bad := range []string{"\x02\x01k", "\x03\x01k\x01", "\x02\x00\x05", "\x01\x80", "\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01k"} {
		if size := kindPairs.size([]byte(bad)); size >= 0 && size <= len(bad) {
			t.Errorf("%q is taken for pairs of %d bytes", bad, size)
		}
	}
}

func TestEncoder_WhatIsNoIDIsLeftOut(t *testing.T) {
	e, known := NewEncoder(), tables()
	for _, id := range []string{"", "a1", "zzzzzzzzzzzzzzzz", "00000000000000A1", "000000000000000g", "00000000000000a10", "-0000000000000a1"} {
		row := ingest.Row{SessionID: id, Timestamp: time.UnixMilli(1), ReceivedAt: time.UnixMilli(1), Event: beacon.Event{Error: &beacon.Error{Count: 1}}}
		b := readAs(t, ingest.Batch{Records: []ingest.EncodedRows{{Schema: e.Schema(), Rows: e.AppendRow(nil, &row)}}}, known)
		if got := jsonOf(b, known, "errors"); len(got) != 1 || strings.Contains(got[0], "session_id") {
			t.Errorf("%q: %s", id, got)
		}
	}
}

func TestEncoder_NothingOfAnEventWithoutTable(t *testing.T) {
	if got := NewEncoder().AppendRow(nil, &ingest.Row{App: "shop"}); len(got) > 0 {
		t.Errorf("%x", got)
	}
}

// otherVersion are the tables of another program: errors has lost and gained
// columns and has them in another order, requests is not there, and there is a
// table of its own.
func otherVersion() []table {
	others := slices.DeleteFunc(tables(), func(t table) bool { return t.name == "requests" })
	for i := range others {
		if others[i].name != "errors" {
			continue
		}
		columns := slices.DeleteFunc(slices.Clone(others[i].columns), func(c column) bool { return c.name == "stack" })
		slices.Reverse(columns)
		others[i].columns = append(columns, column{name: "mood", typ: typeText, from: text(func(record) string { return "gloomy" })})
	}
	clicks := table{name: "clicks", holds: func(r record) bool { return r.Row != nil && r.Event.Request != nil }, columns: []column{
		{name: "selector", typ: typeText, from: text(func(record) string { return "#pay" })},
	}}
	return append([]table{clicks}, others...)
}

// rowsAs encodes rows as a program with those tables would.
func rowsAs(known []table, rows ...ingest.Row) ingest.EncodedRows {
	e := newEncoder(known)
	var encoded []byte
	for i := range rows {
		encoded = e.AppendRow(encoded, &rows[i])
	}
	return ingest.EncodedRows{App: "shop", Schema: e.Schema(), Rows: encoded}
}

func TestWrite_RowsOfAnotherVersion(t *testing.T) {
	s := open(t)
	all := append(errorRows("from elsewhere"), manyRequests(2)...)
	err := s.Write(t.Context(), ingest.Batch{Token: "a", Records: []ingest.EncodedRows{rowsAs(otherVersion(), all...), rowsAs(tables(), all...)}})
	refused, ok := err.(*ingest.RefusedError)
	if !ok {
		t.Fatal(err)
	}
	want := []ingest.RefusedRow{
		{App: "shop", Table: "clicks", Event: true, Reason: "this program has no table clicks", Values: json.RawMessage(`{"selector":"#pay"}`)},
		{App: "shop", Table: "clicks", Event: true, Reason: "this program has no table clicks", Values: json.RawMessage(`{"selector":"#pay"}`)},
	}
	if diff := cmp.Diff(want, refused.Rows); diff != "" {
		t.Error(diff)
	}
	got := one(t, s, "SELECT concat(app, ' ', hex(session_id), ' ', message, ' ', toString(count)) AS x FROM errors")
	if diff := cmp.Diff([]string{"shop A1 from elsewhere 1", "shop A1 from elsewhere 1"}, got); diff != "" {
		t.Error(diff)
	}
	if got := one(t, s, stored); got[0] != "2 2" {
		t.Errorf("requests: %s", got[0])
	}
}

func TestWrite_RowsThatCannotBeReadAreRefused(t *testing.T) {
	s := open(t)
	good := rowsAs(tables(), errorRows("good")...)
	changed := tables()
	for i := range changed {
		if changed[i].name == "errors" {
			changed[i].columns = slices.Clone(changed[i].columns)
			for j := range changed[i].columns {
				if changed[i].columns[j].name == "count" {
					changed[i].columns[j].typ = typeUint64
				}
			}
		}
	}
	schema := func(text string) ingest.EncodedRows {
		return ingest.EncodedRows{App: "shop", Schema: []byte(text), Rows: good.Rows}
	}
	with := func(rows []byte) ingest.EncodedRows {
		return ingest.EncodedRows{App: "shop", Schema: good.Schema, Rows: rows}
	}
	tooLong := slices.Concat(good.Rows, []byte{0})
	tooLong[1]++ // a byte more than its columns have
	cases := []struct {
		name   string
		record ingest.EncodedRows
		reason string
	}{
		{"another kind", rowsAs(changed, errorRows("x")...), "column errors.count was uint64 and is uint32 now"},
		{"no schema", schema(``), "read the schema of rows"},
		{"another format", schema(`{"format":2}`), "rows have format 2"},
		{"unknown kind", schema(strings.ReplaceAll(string(good.Schema), `"float32"`, `"float16"`)), "kind"},
		{"column twice", schema(strings.ReplaceAll(string(good.Schema), `"message"`, `"stack"`)), "two columns errors.stack"},
		{"cut off", with(good.Rows[:len(good.Rows)-1]), "does not end where it should"},
		{"too long", with(tooLong), "does not end where it should"},
		{"number of no table", with(append([]byte{99}, good.Rows[1:]...)), "schema does not have"},
	}
	for i, c := range cases {
		err := s.Write(t.Context(), ingest.Batch{Token: fmt.Sprint(i), Records: []ingest.EncodedRows{c.record, good}})
		refused, ok := err.(*ingest.RefusedError)
		if !ok || len(refused.Rows) != 1 || !strings.Contains(refused.Rows[0].Reason, c.reason) || !strings.Contains(string(refused.Rows[0].Values), unreadableColumn) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if got := one(t, s, "SELECT countIf(message = 'good') AS x FROM errors"); got[0] != fmt.Sprint(len(cases)) {
		t.Errorf("%s good rows are stored, of %d", got[0], len(cases))
	}
}

// FuzzReadRows holds reading to what it promises of any bytes: no panic, every
// row in a block or refused, and columns of equal length.
func FuzzReadRows(f *testing.F) {
	e := NewEncoder()
	for _, fixture := range []string{"good_early_report", "good_journey_run", "good_every_action"} {
		var encoded []byte
		rows := rowsOf(f, fixture)
		for i := range rows {
			encoded = e.AppendRow(encoded, &rows[i])
		}
		f.Add(e.Schema(), encoded)
		f.Add(encodeSchema(otherVersion()), encoded)
	}
	f.Add([]byte(`{"format":1,"tables":[{"name":"errors","columns":[["attributes","pairs"]]}]}`), []byte{0, 6, 0, 0, 0, 1, 4, 1, 'k', 1, 'v'})
	f.Add([]byte(`{"format":1,"tables":[{"name":"errors","columns":[["message","text"],["count","uint16"]]}]}`), []byte{0, 3, 0, 0, 0, 1, 1, 'x'})
	known := tables()
	f.Fuzz(func(t *testing.T, schema, encoded []byte) {
		b := readAs(t, ingest.Batch{Records: []ingest.EncodedRows{{App: "shop", Schema: schema, Rows: encoded}}}, known)
		for number, found := range b.found {
			all := rows{b, number, 0, len(found)}
			filling, block, filled := filler{rows: all}, newBlock(known[number].columns), 0
			for filling.fill(block); block.rows > 0; filling.fill(block) {
				for i := range block.columns {
					if block.columns[i].rows != block.rows {
						t.Fatalf("%s.%s has %d rows of %d", known[number].name, known[number].columns[i].name, block.columns[i].rows, block.rows)
					}
				}
				filled += block.rows
				block.reset()
			}
			if filled+len(filling.unread) != len(found) {
				t.Fatalf("%d rows filled, %d unread of %d", filled, len(filling.unread), len(found))
			}
			for _, row := range append(all.refuse("because"), b.refused...) {
				if !json.Valid(row.Values) {
					t.Fatalf("not JSON: %s", row.Values)
				}
			}
		}
	})
}

package clickhouse

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/ingest"
)

// pickyErrors is a store whose table errors takes no message that begins with "bad".
func pickyErrors(t *testing.T) *Store {
	t.Helper()
	s := open(t)
	if err := s.conn.Exec(t.Context(), "ALTER TABLE errors ADD CONSTRAINT picky CHECK NOT startsWith(message, 'bad')"); err != nil {
		t.Fatal(err)
	}
	return s
}

func errorRows(messages ...string) []ingest.Row {
	rows := make([]ingest.Row, len(messages))
	for i, message := range messages {
		rows[i] = ingest.Row{
			App: "shop", Source: beacon.SourceRUM, SessionID: "00000000000000a1",
			Timestamp: time.UnixMilli(1763900000000), ReceivedAt: time.UnixMilli(1763900001000),
			Event: beacon.Event{ID: fmt.Sprintf("%016x", i+1), Error: &beacon.Error{Kind: beacon.ErrorUncaught, Message: message, Count: 1}},
		}
	}
	return rows
}

func goodAndBad(n int, bad ...int) []string {
	messages := make([]string, n)
	for i := range messages {
		messages[i] = fmt.Sprintf("good %d", i)
		if slices.Contains(bad, i) {
			messages[i] = fmt.Sprintf("bad %d", i)
		}
	}
	return messages
}

// refusedMessages are the messages of refused rows of errors.
func refusedMessages(t *testing.T, err error) []string {
	t.Helper()
	var refused *ingest.RefusedError
	if !errors.As(err, &refused) {
		t.Fatalf("not a *RefusedError: %v", err)
	}
	var messages []string
	for _, row := range refused.Rows {
		var values map[string]any
		if err := json.Unmarshal(row.Values, &values); err != nil {
			t.Fatal(err)
		}
		if row.App != "shop" || row.Table != "errors" || !row.Event || !strings.Contains(row.Reason, "picky") || strings.Contains(row.Reason, "\n") {
			t.Errorf("refused row: %+v", row)
		}
		messages = append(messages, values["message"].(string))
	}
	slices.Sort(messages)
	return messages
}

func TestWrite_RefusedRowsAreFoundAndTheOthersStoredOnce(t *testing.T) {
	s := pickyErrors(t)
	batch := batchOf("a", append(errorRows(goodAndBad(1000, 3, 500, 999)...), manyRequests(5)...)...)
	for range 2 {
		err := s.Write(t.Context(), batch)
		if diff := cmp.Diff([]string{"bad 3", "bad 500", "bad 999"}, refusedMessages(t, err)); diff != "" {
			t.Error(diff)
		}
	}
	if got := one(t, s, "SELECT concat(toString(count()), ' ', toString(uniqExact(event_id))) AS x FROM errors"); got[0] != "997 997" {
		t.Errorf("errors has %s rows", got[0])
	}
	if got := one(t, s, stored); got[0] != "5 5" {
		t.Errorf("requests has %s rows", got[0])
	}
}

// A batch whose answer was lost comes again, and by then the table may refuse
// rows that it has: whole, in part, and below pieces that it took.
func TestWrite_RowsThatAreThereAreNotStoredAgainWhenTheTableRefusesThemLater(t *testing.T) {
	s := open(t)
	rows := errorRows(goodAndBad(40, 3, 17)...)
	for i := range rows { // within an hour that others have, too
		rows[i].Timestamp = rows[i].Timestamp.Add(time.Duration(i) * time.Second)
	}
	batch := batchOf("a", rows...)
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := s.conn.Exec(t.Context(), "ALTER TABLE errors ADD CONSTRAINT picky CHECK NOT startsWith(message, 'bad')"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatalf("the batch is there: %v", err)
		}
	}
	if got := one(t, s, "SELECT concat(toString(count()), ' ', toString(uniqExact(event_id))) AS x FROM errors"); got[0] != "40 40" {
		t.Errorf("rows and events: %s", got[0])
	}
	// Another batch, of which nothing is there, is cut up as ever.
	other := errorRows(goodAndBad(40, 3)...)
	for i := range other {
		other[i].Event.ID = fmt.Sprintf("%016x", 1000+i)
	}
	if got := refusedMessages(t, s.Write(t.Context(), batchOf("b", other...))); !slices.Equal(got, []string{"bad 3"}) {
		t.Errorf("refused: %v", got)
	}
}

func TestWrite_RefusedValuesAreReadable(t *testing.T) {
	s := pickyErrors(t)
	var refused *ingest.RefusedError
	if err := s.Write(t.Context(), batchOf("a", errorRows("bad \"<x>\"\n💥")...)); !errors.As(err, &refused) || len(refused.Rows) != 1 {
		t.Fatalf("%v", err)
	}
	const want = `{"app":"shop","source":"rum","session_id":"00000000000000a1","event_id":"0000000000000001",` +
		`"timestamp":"2025-11-23T12:13:20.000Z","received_at":"2025-11-23T12:13:21.000Z",` +
		`"kind":"error","message":"bad \"<x>\"\n💥","count":1}`
	if diff := cmp.Diff(want, string(refused.Rows[0].Values)); diff != "" {
		t.Error(diff)
	}
}

func TestWrite_WorkForRefusedRowsIsBounded(t *testing.T) {
	s := pickyErrors(t)
	const n = 4 * maxPieces
	messages := make([]string, n)
	for i := range messages {
		messages[i] = fmt.Sprintf("bad %d", i)
	}
	messages[n-1] = "good"
	const failed = "SELECT sum(value) AS x FROM system.events WHERE event = 'FailedInsertQuery'"
	before := one(t, s, failed)[0]
	got := refusedMessages(t, s.Write(t.Context(), batchOf("a", errorRows(messages...)...)))
	// Whatever could not be looked at row by row is refused together; nothing is lost.
	inTable := one(t, s, "SELECT message AS x FROM errors")
	if len(got)+len(inTable) != n || len(got) < n-1 {
		t.Errorf("%d refused, %d stored of %d", len(got), len(inTable), n)
	}
	inserts := one(t, s, "SELECT toInt64(("+failed+")) - "+before+" AS x")[0]
	if n, err := strconv.Atoi(inserts); err != nil || n < 16 || n > maxPieces+1 {
		t.Errorf("%s inserts failed on the way", inserts)
	}
}

func TestReplay_StoresMendedRowsOnce(t *testing.T) {
	s := pickyErrors(t)
	var refused *ingest.RefusedError
	if err := s.Write(t.Context(), batchOf("a", errorRows(goodAndBad(10, 2, 7)...)...)); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	replay := func(rows []ingest.RefusedRow, wantThere int) error {
		t.Helper()
		there, err := s.Replay(t.Context(), "a", rows)
		if there != wantThere {
			t.Errorf("%d rows were there, not %d", there, wantThere)
		}
		return err
	}
	if err := replay(refused.Rows, 0); len(refusedMessages(t, err)) != 2 {
		t.Errorf("as they were: %v", err)
	}
	// One is mended; the other is refused again.
	refused.Rows[0].Values = json.RawMessage(strings.Replace(string(refused.Rows[0].Values), "bad", "was bad", 1))
	var again *ingest.RefusedError
	if err := replay(refused.Rows, 0); !errors.As(err, &again) || len(again.Rows) != 1 {
		t.Fatalf("one mended: %v", err)
	}
	// What is left has the place of the other in the batch now.
	again.Rows[0].Values = json.RawMessage(strings.Replace(string(again.Rows[0].Values), "bad", "was bad", 1))
	for i := range 2 {
		if err := replay(again.Rows, i); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, s, "SELECT concat(toString(count()), ' ', toString(uniqExact(event_id)), ' ', toString(countIf(message LIKE 'was%'))) AS x FROM errors"); got[0] != "10 10 2" {
		t.Errorf("errors has %s", got[0])
	}
}

// Rows can be refused and there at once, as when somebody changes tables while rows
// come: replayed, they are there once, and so are the others.
func TestReplay_RowsThatAreThereAreNotStoredAgain(t *testing.T) {
	s := pickyErrors(t)
	rows := errorRows(goodAndBad(6, 1, 2, 4)...)
	var refused *ingest.RefusedError
	if err := s.Write(t.Context(), batchOf("a", rows...)); !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if err := s.conn.Exec(t.Context(), "ALTER TABLE errors DROP CONSTRAINT picky"); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), batchOf("b", rows[2], rows[4])); err != nil {
		t.Fatal(err)
	}
	if there, err := s.Replay(t.Context(), "a", refused.Rows); err != nil || there != 2 {
		t.Errorf("%d of 2 were there: %v", there, err)
	}
	if got := one(t, s, "SELECT concat(toString(count()), ' ', toString(uniqExact(event_id))) AS x FROM errors"); got[0] != "6 6" {
		t.Errorf("rows and events: %s", got[0])
	}
}

func TestReplay_SaysWhichRowCannotBeUnderstood(t *testing.T) {
	s := open(t)
	cases := []struct{ table, values, want string }{
		{"errors", `{"mesage":"x"}`, "row 2, of table errors: table errors has no column mesage"},
		{"errors", `{"message":1}`, "row 2, of table errors: message must be a text"},
		{"errors", `{"count":-1}`, "count must be a whole number below 2^32, not -1"},
		{"errors", `{"count":4294967296}`, "count must be a whole number below 2^32"},
		{"errors", `{"event_id":"a1"}`, "event_id must be a text of 16"},
		{"errors", `{"event_id":7}`, "event_id must be a text of 16"},
		{"errors", `{"timestamp":"yesterday"}`, "timestamp must be a time such as"},
		{"requests", `{"duration_ms":1e99}`, "duration_ms must be a number"},
		{"requests", `{"duration_ms":"1"}`, "duration_ms must be a number"},
		{"errors", `[]`, "read its values"},
		{"errors", `{"unreadable_base64":"AAAA"}`, "could not read its bytes"},
		{"nothing", `{}`, `there is no table "nothing"`},
	}
	good := ingest.RefusedRow{Table: "errors", Values: json.RawMessage(`{"message":"x"}`)}
	for _, c := range cases {
		_, err := s.Replay(t.Context(), "a", []ingest.RefusedRow{good, {Table: c.table, Values: json.RawMessage(c.values)}})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.values, err)
		}
	}
	if got := one(t, s, "SELECT count() AS x FROM errors"); got[0] != "0" {
		t.Errorf("stored %s rows nevertheless", got[0])
	}
}

// What may pass is an error to try again, whatever came of it.
func TestWrite_TroubleOfTheServerIsTriedAgain(t *testing.T) {
	s := open(t)
	batch := batchOf("a", manyRequests(10)...)
	exec := func(statement string) {
		t.Helper()
		if err := s.conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	trouble := func(what string, code int32) {
		t.Helper()
		var refused *ingest.RefusedError
		if err := s.Write(t.Context(), batch); err == nil || errors.As(err, &refused) || codeOf(err) != code {
			t.Errorf("%s: %v", what, err)
		}
	}
	exec("RENAME TABLE requests TO elsewhere")
	trouble("no table", 60)
	exec("RENAME TABLE elsewhere TO requests")
	exec("ALTER TABLE requests DROP COLUMN method")
	trouble("no column", 16)
	exec("ALTER TABLE requests ADD COLUMN method LowCardinality(String)")
	exec("ALTER TABLE requests MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1")
	if err := s.Write(t.Context(), batchOf("first", manyRequests(1)...)); err != nil {
		t.Fatal(err)
	}
	trouble("too many parts", 252)
	exec("ALTER TABLE requests RESET SETTING parts_to_throw_insert, parts_to_delay_insert")
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s, stored); got[0] != "11 10" {
		t.Errorf("stored %s", got[0])
	}
}

func TestIsPoison_IsAboutTheRowsOnly(t *testing.T) {
	for code, want := range map[int32]bool{
		6: true, 53: true, 117: true, 321: true, 469: true,
		252: false, 241: false, 60: false, 516: false, 16: false, 243: false, 159: false, 210: false, 0: false,
	} {
		if got := isPoison(fmt.Errorf("insert: %w", &clickhouse.Exception{Code: code})); got != want {
			t.Errorf("code %d: %v", code, got)
		}
	}
	if isPoison(errors.New("broken pipe")) {
		t.Error("an error that is not the server's")
	}
}

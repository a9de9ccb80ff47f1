package dashboards_test

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/deploy/engine/enginetest"
	"throughline/ingest"
	"throughline/ingest/clickhouse"
	"throughline/ingest/client"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// began is when the test's data begins; it lasts for half an hour.
var began = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const dataMinutes = 30

// filled returns a database with half an hour of measurements: of two apps,
// of real users and of journeys, and of a view that belongs to no transaction.
func filled(t *testing.T) *clickhouse.Store {
	t.Helper()
	store := empty(t)
	var rows []ingest.Row
	for _, app := range []string{"shop", "blog"} {
		for minute := range dataMinutes {
			rows = append(rows, visit(app, minute)...)
			rows = append(rows, journey(app, minute)...)
		}
	}
	rows = append(rows, outsideAnyTransaction())
	batch := batchOf("test", rows...)
	entries := []ingest.Entry{
		{App: "shop", Stage: ingest.StageReceived, Events: 12},
		{App: "shop", Stage: ingest.StageAccepted, Events: 10},
		{App: "shop", Stage: ingest.StageRejected, Reason: beacon.RejectMalformed, Events: 2},
		{App: "shop", Stage: ingest.StageStored, Events: 10},
		{App: "blog", Stage: ingest.StageReceived, Events: 1},
		{App: "", Stage: ingest.StageRejected, Reason: ingest.RejectUnknownKey, Events: 1},
	}
	batch.Records[0].Rows = clickhouse.NewEncoder().AppendLedger(batch.Records[0].Rows, began.Add(time.Minute), entries)
	if err := store.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return store
}

// batchOf encodes rows as the collector does.
func batchOf(token string, rows ...ingest.Row) ingest.Batch {
	encoder := clickhouse.NewEncoder()
	record := ingest.EncodedRows{Schema: encoder.Schema()}
	for i := range rows {
		record.Rows = encoder.AppendRow(record.Rows, &rows[i])
	}
	return ingest.Batch{Token: token, Records: []ingest.EncodedRows{record}}
}

// hexID makes an id of a text.
func hexID(text string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text))
	return fmt.Sprintf("%016x", hash.Sum64())
}

// empty returns a database with the schema and no rows.
func empty(t *testing.T) *clickhouse.Store {
	t.Helper()
	store, err := clickhouse.Open(t.Context(), clickhouse.Options{
		Addr: []string{enginetest.Start(t).NativeAddr()}, Database: enginetest.Database(t), Username: "default", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func figure(f float64) *float64 { return &f }

// rowOf is what all rows of an app and minute have in common. Waits of the
// minutes 0..29 are 100, 200 ... 3000 ms, with a target of one second.
func rowOf(app string, source beacon.Source, minute int, id string) ingest.Row {
	at := began.Add(time.Duration(minute) * time.Minute)
	unique := fmt.Sprintf("%s-%s-%d", app, source, minute)
	return ingest.Row{
		App: app, Source: source, Release: "1.0", Client: client.Client{Browser: "Chrome"}, Page: "/checkout", SessionID: hexID("session" + unique),
		View: beacon.View{ID: hexID("view" + unique), URL: "https://" + app + ".example/checkout"}, PageDomain: app + ".example", PagePath: "/checkout",
		RequestDomain: app + ".example", RequestPath: "/api/search", Initiator: "fetch", Fingerprint: 1,
		Transaction: beacon.TransactionRef{Name: app + " checkout", InstanceID: hexID(unique), Version: "1"},
		Timestamp:   at, ReceivedAt: at.Add(time.Second), Satisfied: time.Second,
		Event: beacon.Event{ID: hexID(id + unique)},
	}
}

func visit(app string, minute int) []ingest.Row {
	wait := float64(100 * (minute + 1))
	outcome, abandoned, sequence := beacon.OutcomeCompleted, beacon.Abandonment(""), 0
	switch minute % 10 {
	case 4:
		abandoned = beacon.AbandonedBeforeLCP
	case 9:
		outcome = beacon.OutcomeFailed
	}
	var rows []ingest.Row
	add := func(id string, set func(*beacon.Event)) {
		row := rowOf(app, beacon.SourceRUM, minute, id)
		row.Sequence = sequence
		set(&row.Event)
		rows = append(rows, row)
	}
	add("early", func(e *beacon.Event) {
		e.PageView = &beacon.PageView{Phase: beacon.PhaseEarly, LoadMS: figure(wait)}
	})
	add("final", func(e *beacon.Event) {
		e.PageView = &beacon.PageView{Phase: beacon.PhaseFinal, DurationMS: figure(9000), Abandoned: abandoned, LCPMS: figure(wait), INPMS: figure(80), CLS: figure(0.02), INPScriptMS: figure(60), INPScriptURL: "https://" + app + ".example/app.js", INPScriptInvoker: "BUTTON#pay.onclick"}
	})
	add("request", func(e *beacon.Event) {
		e.TraceID = fmt.Sprintf("%032x", minute+1)
		e.Request = &beacon.Request{Method: "GET", Initiator: "fetch", StatusCode: 200, DurationMS: wait}
	})
	add("error", func(e *beacon.Event) {
		e.Error = &beacon.Error{Kind: beacon.ErrorUncaught, Type: "TypeError", Message: app + " broke", Stack: "at f (app.js:1:2)", Count: 2}
	})
	add("done", func(e *beacon.Event) {
		e.TransactionDone = &beacon.TransactionDone{Outcome: outcome, DurationMS: wait + 500, WaitMS: wait}
	})
	if minute%10 == 7 {
		sequence++ // a report was lost
	}
	sequence++
	rows = append(rows, whatElse(app, minute, sequence)...)
	return append(rows, besidePeople(app, minute)...)
}

// whatElse is the second report of a visit: what was clicked on, loaded and measured.
func whatElse(app string, minute, sequence int) []ingest.Row {
	var rows []ingest.Row
	add := func(id string, set func(*ingest.Row)) {
		row := rowOf(app, beacon.SourceRUM, minute, id)
		row.Sequence = sequence
		set(&row)
		rows = append(rows, row)
	}
	for _, kind := range []beacon.ActionKind{beacon.ActionClick, beacon.ActionRageClick, beacon.ActionDeadClick} {
		add(string(kind), func(r *ingest.Row) {
			r.Event.Action = &beacon.Action{Kind: kind, Name: app + " pay", Target: "#pay", Count: 1}
		})
	}
	add("db", func(r *ingest.Row) {
		r.Event.Measure = &beacon.Measure{Kind: beacon.MeasureServerTiming, Name: "db", DurationMS: float64(minute + 1)}
	})
	add("mark", func(r *ingest.Row) {
		r.Event.Measure = &beacon.Measure{Kind: beacon.MeasureMark, Name: "ready", DurationMS: 60_000}
	})
	add("images", func(r *ingest.Row) {
		r.Event.Resources = &beacon.Resources{Type: "img", Count: 10, Cached: 5, Failed: 1, TransferSizeBytes: 1000, DurationMS: 200, LongestMS: float64(50 + minute)}
	})
	add("scripts", func(r *ingest.Row) {
		r.Event.Resources = &beacon.Resources{Type: "script", Host: "cdn." + app + ".example", Count: 2, DurationMS: 80, LongestMS: 60}
	})
	add("image", func(r *ingest.Row) { // which is no call
		r.RequestPath, r.Initiator = "/hero.jpg", "img"
		r.Event.Request = &beacon.Request{StatusCode: 404, DurationMS: 60_000}
	})
	return rows
}

// besidePeople are rows that figures about people's experience leave out: a robot's
// view, with an error, and what the browser reports by itself.
func besidePeople(app string, minute int) []ingest.Row {
	robot, broken := rowOf(app, beacon.SourceRUM, minute, "robot"), rowOf(app, beacon.SourceRUM, minute, "broken")
	robot.View.ID, robot.Client.Bot, broken.Client.Bot = hexID("robot"+app), client.BotUserAgent, client.BotUserAgent
	robot.Event.PageView = &beacon.PageView{Phase: beacon.PhaseFinal, LCPMS: figure(60_000), INPMS: figure(9000), CLS: figure(1)}
	broken.Event.Error = &beacon.Error{Kind: beacon.ErrorUncaught, Type: "TypeError", Message: "a robot broke it", Count: 1000}
	violation, failed := rowOf(app, beacon.SourceRUM, minute, "violation"), rowOf(app, beacon.SourceRUM, minute, "failed")
	violation.Event.Error = &beacon.Error{Kind: beacon.ErrorCSPViolation, Type: "script-src-elem", Message: "script-src-elem blocked inline", Count: 1}
	failed.Event.Request = &beacon.Request{Method: "GET", Initiator: beacon.InitiatorNEL, Failure: beacon.RequestFailureNetwork, Error: "dns.name_not_resolved", DurationMS: 60_000}
	failed.RequestError, failed.Initiator = failed.Event.Request.Error, failed.Event.Request.Initiator
	return []ingest.Row{robot, broken, violation, failed}
}

func journey(app string, minute int) []ingest.Row {
	outcome, failed := beacon.RunPassed, ""
	switch {
	case minute%10 == 5:
		outcome, failed = beacon.RunFailed, "Pay"
	case minute == 17:
		outcome = beacon.RunSkipped
	}
	var rows []ingest.Row
	add := func(id string, set func(*ingest.Row)) {
		row := rowOf(app, beacon.SourceSynthetic, minute, id)
		row.Journey = beacon.JourneyContext{Name: app + " journey", RunID: fmt.Sprintf("%016x", minute+1), Location: "office"}
		set(&row)
		rows = append(rows, row)
	}
	add("done", func(r *ingest.Row) {
		r.Event.TransactionDone = &beacon.TransactionDone{Outcome: beacon.OutcomeCompleted, DurationMS: 300, WaitMS: 200}
	})
	add("run", func(r *ingest.Row) {
		r.Transaction, r.View = beacon.TransactionRef{}, beacon.View{}
		r.Event.JourneyRun = &beacon.JourneyRun{Outcome: outcome, FailedStep: failed, SlotAtMS: r.Timestamp.UnixMilli(), DurationMS: 900, Steps: 2, StepsDone: 1}
	})
	add("step", func(r *ingest.Row) {
		r.Transaction, r.View = beacon.TransactionRef{}, beacon.View{}
		r.Event.JourneyStep = &beacon.JourneyStep{Index: 1, Name: "Pay", Type: "click", Outcome: outcome, Message: app + " has no button", DurationMS: 400, URL: "https://" + app + ".example/checkout"}
	})
	return rows
}

func outsideAnyTransaction() ingest.Row {
	row := rowOf("shop", beacon.SourceRUM, 3, "outside")
	row.Transaction, row.View.ID = beacon.TransactionRef{}, "view-outside"
	row.Fingerprint = 2
	row.Event.Error = &beacon.Error{Kind: beacon.ErrorUncaught, Type: "RangeError", Message: "elsewhere", Count: 1}
	return row
}

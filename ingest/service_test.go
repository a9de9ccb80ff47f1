package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"throughline/beacon"
)

func body(ids ...string) []byte {
	events := make([]string, 0, len(ids))
	for _, id := range ids {
		events = append(events, fmt.Sprintf(`{"id":%q,"at_ms":1763900000000,"error":{"kind":"error","message":"x","count":1}}`, id))
	}
	return []byte(`{"v":1,"sent_at_ms":1763900000500,"source":"rum","session_id":"00000000000000a1",` +
		`"view":{"id":"00000000000000b1","url":"https://shop.example/","navigation":"navigate"},"events":[` + strings.Join(events, ",") + `]}`)
}

func sums(entries []Entry) map[Stage]uint64 {
	total := map[Stage]uint64{}
	for _, e := range entries {
		total[e.Stage] += e.Events
	}
	return total
}

// queued are accepted events that are neither stored nor dead-lettered.
func queued(total map[Stage]uint64) uint64 {
	return total[StageAccepted] - total[StageStored] - total[StageDeadLettered]
}

// Whatever comes in, good, bad or repeated, with the database failing at
// random and the collector dying now and then: every accepted event is stored
// once or dead-lettered, and the books balance at every look, over all deaths,
// and in the database in the end.
func TestLedger_BalancesUnderFaultsAndDeaths(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		failing := rapid.IntRange(0, 80).Draw(rt, "percent of writes that fail")
		poisonous := rapid.IntRange(0, 10).Draw(rt, "percent of rows refused")
		lives := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 4).Draw(rt, "reports per life")
		sink, letters, dir := newFlakySink(), &letterBox{}, t.TempDir()
		sink.losesAnswers = true
		sink.fail = func() error {
			if rand.IntN(100) < failing {
				return errors.New("connection reset")
			}
			return nil
		}
		sink.poison = func(row plainRow) bool { return int(idKey(0, row.ID)*7919%100) < poisonous }
		accepted := map[string]bool{}
		for life, reports := range lives {
			live(rt, newRig(t, dir, 1<<20, letters), sink, life, reports, accepted, life == len(lives)-1)
		}
		dead := letters.count()
		for id := range accepted {
			if times := sink.rows[id]; times > 1 || times == 0 && !sink.poison(plainRow{ID: id}) {
				rt.Fatalf("event %s is stored %d times", id, times)
			}
		}
		if len(sink.rows)+dead != len(accepted) {
			rt.Fatalf("%d accepted, %d stored, %d dead letters", len(accepted), len(sink.rows), dead)
		}
	})
}

// live sends reports to one collector, which then dies, or ends in good order
// when it is the last.
func live(t *rapid.T, r *rig, sink *flakySink, life, reports int, accepted map[string]bool, last bool) {
	ctx, die := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if last {
			r.pipeline.Run(ctx, sink)
			return
		}
		r.pipeline.drain(ctx, sink) // keeps nothing when it ends
	}()
	for i := range reports {
		send(t, r, life, i, accepted)
		balanced(t, r.ledger)
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
	}
	if last {
		r.pipeline.Finish(ctx)
		<-ended
		inTheEnd(t, r.ledger, sink, len(accepted))
	}
	die()
	<-ended
	if err := r.queue.Release(); err != nil {
		t.Fatalf("release: %v", err)
	}
}

// send sends a report with two good events and a broken one, half a report, or
// once more what was sent before.
func send(t *rapid.T, r *rig, life, i int, accepted map[string]bool) {
	ids := []string{fmt.Sprintf("%08x%08x", life, 3*i), fmt.Sprintf("%08x%08x", life, 3*i+1), "broken"}
	content := body(ids...)
	if i%7 == 3 {
		content = []byte(`{"v":1`)
	}
	for range 1 + i%3/2 {
		answer, err := r.service.Accept(Submission{App: &App{Name: "shop"}, Body: content})
		if err != nil {
			continue
		}
		if answer.Accepted+answer.Duplicates != 2 || len(answer.Rejected) != 1 || (answer.Duplicates == 2) != accepted[ids[0]] {
			t.Fatalf("answer %+v", answer)
		}
		accepted[ids[0]], accepted[ids[1]] = true, true
	}
}

func balanced(t *rapid.T, ledger *Ledger) {
	got := sums(ledger.Entries())
	if got[StageReceived] != got[StageRejected]+got[StageAccepted] || got[StageAccepted] < got[StageStored]+got[StageDeadLettered] {
		t.Fatalf("the ledger does not balance: %v", got)
	}
}

// inTheEnd nothing is queued and the database's ledger equals the collector's.
func inTheEnd(t *rapid.T, ledger *Ledger, sink *flakySink, accepted int) {
	got := sums(ledger.Entries())
	if queued(got) != 0 || int(got[StageAccepted]) != accepted {
		t.Fatalf("accepted %d, ledger %v", accepted, got)
	}
	balanced(t, ledger)
	for stage, events := range got {
		if sink.ledger[stage] != events {
			t.Fatalf("the database's ledger has %d %s, ours %d", sink.ledger[stage], stage, events)
		}
	}
}

func TestService_NamesWhatItRefuses(t *testing.T) {
	r := newRig(t, t.TempDir(), 320<<10, &letterBox{})
	accept := func(agent bool, content []byte) error {
		_, err := r.service.Accept(Submission{App: &App{Name: "shop"}, Agent: agent, Body: content})
		return err
	}
	var reject *beacon.Reject
	if err := accept(false, []byte("{")); !errors.As(err, &reject) || reject.Reason != beacon.RejectMalformed {
		t.Errorf("half a report: %v", err)
	}
	synthetic, err := os.ReadFile("../beacon/testdata/wire/good_journey_run.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := accept(false, synthetic); !errors.As(err, &reject) || reject.Reason != RejectNotAnAgent {
		t.Errorf("a journey's report from a browser: %v", err)
	}
	if err := accept(true, synthetic); err != nil {
		t.Errorf("a journey's report from an agent: %v", err)
	}
	var busy *BusyError
	err = nil
	for i := 0; err == nil && i < 10_000; i++ {
		err = accept(false, body(fmt.Sprintf("%016x", i), fmt.Sprintf("f%015x", i)))
	}
	if !errors.As(err, &busy) || busy.Reason != RejectQueueFull || busy.RetryAfter <= 0 {
		t.Errorf("a full queue: %v", err)
	}
	r.queue.Close()
	if err := accept(false, body("00000000ffffffff")); !errors.As(err, &busy) || busy.Reason != RejectShuttingDown {
		t.Errorf("a closed queue: %v", err)
	}
	byReason := map[beacon.Reason]uint64{}
	for _, e := range r.ledger.Entries() {
		if e.Stage == StageRejected {
			byReason[e.Reason] += e.Events
		}
	}
	want := map[beacon.Reason]uint64{beacon.RejectMalformed: 1, RejectNotAnAgent: 1, RejectQueueFull: 2, RejectShuttingDown: 1}
	for reason, events := range want {
		if byReason[reason] != events {
			t.Errorf("the ledger has %d events for %s, want %d", byReason[reason], reason, events)
		}
	}
}

// The same report five times at once, and again after a restart: stored once,
// and answered each time as what has been taken.
func TestService_TakesARepeatedReportOnce(t *testing.T) {
	sink, dir := newFlakySink(), t.TempDir()
	app, content := &App{Name: "shop"}, body("00000000000000e1", "00000000000000e2")
	r := newRig(t, dir, 1<<20, &letterBox{})
	var mu sync.Mutex
	fresh, again := 0, 0
	accept := func() {
		answer, err := r.service.Accept(Submission{App: app, Body: content})
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		fresh += answer.Accepted
		again += answer.Duplicates
	}
	var clients sync.WaitGroup
	for range 5 {
		clients.Go(accept)
	}
	clients.Wait()
	if err := r.queue.Release(); err != nil {
		t.Fatal(err)
	}
	r = newRig(t, dir, 1<<20, &letterBox{})
	accept()
	// Ids are an app's own.
	if answer, err := r.service.Accept(Submission{App: &App{Name: "blog"}, Body: content}); err != nil || answer.Accepted != 2 {
		t.Errorf("another app's events with the same ids: %+v, %v", answer, err)
	}
	// A report may bring something new beside what is known.
	if answer, err := r.service.Accept(Submission{App: app, Body: body("00000000000000e2", "00000000000000e3")}); err != nil || answer.Accepted != 1 || answer.Duplicates != 1 {
		t.Errorf("one event known, one new: %+v, %v", answer, err)
	}
	go r.pipeline.Finish(t.Context())
	r.pipeline.Run(t.Context(), sink)
	if fresh != 2 || again != 10 || sink.rows["00000000000000e1"] != 2 || sink.rows["00000000000000e3"] != 1 {
		t.Errorf("%d accepted, %d duplicates, stored %v", fresh, again, sink.rows)
	}
}

// A compact report comes again as a whole: one id tells it, also after a restart.
func TestService_RemembersACompactReportByOneID(t *testing.T) {
	compact := func(sequence int) []byte {
		return fmt.Appendf(nil, `[2,1763900000500,0,-3,"00000000000000a1",-1,%d,-3,["00000000000000b1",1763900000000,"https://shop.example/"],[],`+
			`[[2,-3,"x"],[2,1,-2,"y"],[2,2,-2,"z"]]]`, sequence)
	}
	dir, app := t.TempDir(), &App{Name: "shop"}
	r := newRig(t, dir, 1<<20, &letterBox{})
	for i, want := range []Answer{{Accepted: 3}, {Duplicates: 3}, {Accepted: 3}, {Duplicates: 3}} {
		if i == 3 {
			if err := r.queue.Release(); err != nil {
				t.Fatal(err)
			}
			r = newRig(t, dir, 1<<20, &letterBox{})
		}
		got, err := r.service.Accept(Submission{App: app, Body: compact(i / 2)})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("report %d: %v\n%s", i, err, diff)
		}
	}
	if ids, _ := r.service.Seen.Stats(); ids != 2 {
		t.Errorf("two reports of three events each are remembered by %d ids", ids)
	}
	if got := sums(r.ledger.Entries()); got[StageAccepted] != 6 || got[StageRejected] != 3 {
		t.Errorf("the ledger: %v", got)
	}
}

// The collector's clock is set forward and back by more than the window, also
// across restarts: what is delivered again a moment later is still told.
func TestService_TellsRepeatedReportsWhenTheClockIsSet(t *testing.T) {
	sink, dir := newFlakySink(), t.TempDir()
	app, first := &App{Name: "shop"}, body("00000000000000e1")
	r := newRig(t, dir, 1<<20, &letterBox{})
	for i, offset := range []time.Duration{0, time.Hour, -time.Hour, 2 * time.Hour, 0} {
		if i == 3 { // the log's records are an hour old, or come from the future
			go r.pipeline.Finish(t.Context())
			r.pipeline.Run(t.Context(), sink)
			if err := r.queue.Release(); err != nil {
				t.Fatal(err)
			}
			r = newRig(t, dir, 1<<20, &letterBox{})
		}
		r.service.Now = func() time.Time { return time.Now().Add(offset).Round(0) }
		fresh := body(fmt.Sprintf("%016x", 0xf0+i))
		for range 2 {
			for _, content := range [][]byte{first, fresh} {
				if _, err := r.service.Accept(Submission{App: app, Body: content}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if got := sums(r.ledger.Entries()); got[StageAccepted] != 6 || got[StageRejected] != 14 {
		t.Errorf("of 6 events, 14 times repeated: %v", got)
	}
}

// When time runs out the rest stays in the log, and the next life stores it.
func TestPipeline_LeavesInTheLogWhatItHadNoTimeToStore(t *testing.T) {
	sink, dir := newFlakySink(), t.TempDir()
	sink.fail = func() error { return errors.New("down") }
	r := newRig(t, dir, 1<<20, &letterBox{})
	for i := range 30 {
		if _, err := r.service.Accept(Submission{App: &App{Name: "shop"}, Body: body(fmt.Sprintf("%016x", i))}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r.pipeline.Run(ctx, sink)
	if got := sums(r.ledger.Entries()); queued(got) != 30 || got[StageAccepted] != 30 {
		t.Errorf("ledger %v", got)
	}
	if err := r.queue.Release(); err != nil {
		t.Fatal(err)
	}
	sink.fail = nil
	r = newRig(t, dir, 1<<20, &letterBox{})
	if events, _ := r.queue.Held(); events != 30 {
		t.Errorf("the next life finds %d events", events)
	}
	go r.pipeline.Finish(t.Context())
	r.pipeline.Run(t.Context(), sink)
	if got := sums(r.ledger.Entries()); queued(got) != 0 || got[StageStored] != 30 || len(sink.rows) != 30 {
		t.Errorf("ledger %v, %d rows", got, len(sink.rows))
	}
}

// A journey names a transaction without knowing how it is defined.
func TestRefuseUnknownTransactions_KnowsTheVersion(t *testing.T) {
	pay := Transaction{Name: "Pay"}
	app := &App{Name: "shop", Transactions: []Transaction{pay}}
	ref := &beacon.TransactionRef{Name: "Pay", InstanceID: "00000000000000c1"}
	report := &beacon.Report{Events: []beacon.Event{
		{Transaction: ref, TransactionDone: &beacon.TransactionDone{}},
		{Transaction: &beacon.TransactionRef{Name: "Pay", Version: "1a2b3c4d"}},
	}}
	if rejects := refuseUnknownTransactions(app, report, nil); len(rejects) > 0 || len(report.Events) != 2 {
		t.Fatalf("got %v", rejects)
	}
	if got := report.Events[0].Transaction; got.Version != pay.Version() || got.InstanceID != ref.InstanceID || ref.Version != "" {
		t.Errorf("got %+v", got)
	}
	if got := report.Events[1].Transaction.Version; got != "1a2b3c4d" {
		t.Errorf("a version that is known became %s", got)
	}
}

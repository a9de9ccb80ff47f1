package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"pgregory.net/rapid"

	"throughline/beacon"
	"throughline/ingest/queue"
)

// flakySink keeps what it is given and fails as it is told. It stands for a
// database in trouble; the real one is tested in package clickhouse.
type flakySink struct {
	mu           sync.Mutex
	fail         func() error // of writes; nil: never
	failLedger   func() error // of the ledger's writes; nil: never
	losesAnswers bool         // half of the failures come after the rows were stored
	rows         map[string]int
	ledger       map[string]uint64 // by stage
	tokens       map[string]bool
}

func newFlakySink(fail func() error) *flakySink {
	return &flakySink{fail: fail, rows: map[string]int{}, ledger: map[string]uint64{}, tokens: map[string]bool{}}
}

func (s *flakySink) Write(_ context.Context, batch Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[batch.Token] {
		return nil
	}
	err := failure(s.fail)
	var refused *RefusedError
	if errors.As(err, &refused) {
		// Some tables take theirs, others do not.
		cut := rand.IntN(len(batch.Rows) + 1)
		refused.Rows, batch.Rows = batch.Rows[:cut], batch.Rows[cut:]
	}
	if err == nil || refused != nil || s.losesAnswers && rand.IntN(2) == 0 {
		s.tokens[batch.Token] = true
		for _, row := range batch.Rows {
			s.rows[row.Event.ID]++
		}
	}
	return err
}

func (s *flakySink) WriteLedger(_ context.Context, token string, _ time.Time, entries []Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := failure(s.failLedger)
	if (err == nil || s.losesAnswers && rand.IntN(2) == 0) && !s.tokens[token] {
		s.tokens[token] = true
		for _, e := range entries {
			s.ledger[string(e.Stage)] += e.Events
		}
	}
	return err
}

func failure(fail func() error) error {
	if fail == nil {
		return nil
	}
	return fail()
}

func pipelineFor(t testing.TB, q *queue.Queue[Record], sink Sink, ledger *Ledger) *Pipeline {
	t.Helper()
	p, err := NewPipeline(PipelineOptions{
		Queue: q, Sink: sink, Ledger: ledger, Cut: queue.Cut{MaxEvents: 20, MaxAge: 10 * time.Millisecond},
		LedgerEvery: 5 * time.Millisecond, Backoff: time.Millisecond, Now: time.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Tracer: tracenoop.NewTracerProvider().Tracer(""), Meter: noop.NewMeterProvider().Meter(""),
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

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

// Whatever comes in, good or bad, more than fits, with the database failing at
// random: every accepted event is stored once or dead-lettered, and the books
// balance at every look, and in the database in the end.
func TestLedger_BalancesUnderFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		failing := rapid.IntRange(0, 90).Draw(rt, "percent of writes that fail")
		refusing := rapid.IntRange(0, 10).Draw(rt, "percent of writes refused")
		reports := rapid.IntRange(1, 60).Draw(rt, "reports")
		bound := rapid.IntRange(5, 200).Draw(rt, "queue bound")
		synctest.Test(t, func(t *testing.T) {
			unsteady := func() error {
				if rand.IntN(100) < failing {
					return errors.New("connection reset")
				}
				return nil
			}
			sink := newFlakySink(func() error {
				if rand.IntN(100) < refusing {
					return &RefusedError{Err: errors.New("poison")}
				}
				return unsteady()
			})
			sink.failLedger = unsteady
			sink.losesAnswers = true
			accepted := pushReports(t, sink, reports, bound)
			for id, times := range sink.rows {
				if times != 1 || !accepted[id] {
					t.Fatalf("event %s stored %d times, accepted: %v", id, times, accepted[id])
				}
			}
		})
	})
}

// pushReports sends reports through a service and a pipeline until both are
// done, and checks the ledger all the while. It returns the accepted ids.
func pushReports(t *testing.T, sink *flakySink, reports, bound int) map[string]bool {
	ledger := NewLedger()
	q := queue.New[Record](queue.Limits{Events: bound, SizeBytes: 1 << 20}, time.Now)
	service := NewService(q, ledger, time.Now)
	pipeline := pipelineFor(t, q, sink, ledger)
	ended := make(chan error, 1)
	go func() { ended <- pipeline.Run(context.Background()) }()

	app := &App{Name: "shop"}
	accepted := map[string]bool{}
	for i := range reports {
		ids := []string{fmt.Sprintf("%016x", 3*i), fmt.Sprintf("%016x", 3*i+1), "broken"}
		content := body(ids...)
		if i%7 == 3 {
			content = []byte(`{"v":1`)
		}
		answer, err := service.Accept(Submission{App: app, Body: content})
		if err == nil {
			if answer.Accepted != 2 || len(answer.Rejected) != 1 {
				t.Fatalf("answer %+v", answer)
			}
			accepted[ids[0]], accepted[ids[1]] = true, true
		}
		if got := sums(ledger.Entries()); got[StageReceived] != got[StageRejected]+got[StageAccepted] ||
			got[StageAccepted] < got[StageStored]+got[StageDeadLettered] {
			t.Fatalf("the ledger does not balance: %v", got)
		}
		time.Sleep(time.Duration(rand.IntN(3)) * time.Millisecond)
	}
	q.Close()
	if err := <-ended; err != nil {
		t.Fatalf("pipeline: %v", err)
	}
	got := sums(ledger.Entries())
	if queued(got) != 0 || int(got[StageAccepted]) != len(accepted) || int(got[StageStored]) != len(sink.rows) {
		t.Fatalf("accepted %d, stored %d rows, ledger %v", len(accepted), len(sink.rows), got)
	}
	for stage, events := range got {
		if sink.ledger[string(stage)] != events {
			t.Fatalf("the database's ledger has %d %s, ours %d", sink.ledger[string(stage)], stage, events)
		}
	}
	return accepted
}

// queued are accepted events that are neither stored nor dead-lettered.
func queued(total map[Stage]uint64) uint64 {
	return total[StageAccepted] - total[StageStored] - total[StageDeadLettered]
}

func TestService_NamesWhatItRefuses(t *testing.T) {
	ledger := NewLedger()
	q := queue.New[Record](queue.Limits{Events: 3, SizeBytes: 1 << 20}, time.Now)
	service := NewService(q, ledger, time.Now)
	app := &App{Name: "shop"}
	accept := func(agent bool, content []byte) error {
		_, err := service.Accept(Submission{App: app, Agent: agent, Body: content})
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
	if err := accept(false, body("00000000000000e1", "00000000000000e2")); !errors.As(err, &busy) || busy.Reason != RejectQueueFull || busy.RetryAfter <= 0 {
		t.Errorf("a full queue: %v", err)
	}
	q.Close()
	if err := accept(false, body("00000000000000e1")); !errors.As(err, &busy) || busy.Reason != RejectShuttingDown {
		t.Errorf("a closed queue: %v", err)
	}
	byReason := map[beacon.Reason]uint64{}
	for _, e := range ledger.Entries() {
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

func TestPipeline_CountsWhatItHadNoTimeToStore(t *testing.T) {
	ledger := NewLedger()
	q := queue.New[Record](queue.Limits{Events: 100, SizeBytes: 1 << 20}, time.Now)
	service := NewService(q, ledger, time.Now)
	for i := range 30 {
		if _, err := service.Accept(Submission{App: &App{Name: "shop"}, Body: body(fmt.Sprintf("%016x", i))}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	sink := newFlakySink(func() error { return errors.New("down") })
	err := pipelineFor(t, q, sink, ledger).Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "30 events not stored") {
		t.Errorf("Run: %v", err)
	}
	if got := sums(ledger.Entries()); got[StageDeadLettered] != 30 || queued(got) != 0 {
		t.Errorf("ledger %v", got)
	}
	if told := sink.ledger[string(StageDeadLettered)]; told != 30 {
		t.Errorf("the database was told of %d lost events", told)
	}
}

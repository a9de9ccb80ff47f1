package ingest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"throughline/ingest/naming"
	"throughline/ingest/queue"
	"throughline/ingest/seen"
)

// plainEncoder writes rows as JSON: an event's app and id, or a ledger entry.
type plainEncoder struct{}

type plainRow struct {
	App, ID string
	Entry   *Entry
}

func (plainEncoder) AppendRow(dst []byte, row *Row) []byte {
	return appendPlain(dst, plainRow{App: row.App, ID: row.Event.ID})
}

func (plainEncoder) AppendLedger(dst []byte, _ time.Time, entries []Entry) []byte {
	for i := range entries {
		dst = appendPlain(dst, plainRow{Entry: &entries[i]})
	}
	return dst
}

func (plainEncoder) Schema() []byte { return []byte("plain") }

func appendPlain(dst []byte, row plainRow) []byte {
	text, _ := json.Marshal(row) // a struct of texts
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

func readPlain(rows []byte) (list []plainRow) {
	for r := (byteReader{rest: rows}); len(r.rest) > 0; {
		var row plainRow
		_ = json.Unmarshal(r.text(), &row) // of appendPlain
		list = append(list, row)
	}
	return list
}

// flakySink keeps what it is given, by table and token as the real one, and
// fails as it is told. It stands for a database in trouble, which outlives the
// collector; the real one is tested in package clickhouse.
type flakySink struct {
	mu           sync.Mutex
	fail         func() error        // of writes; nil: never
	poison       func(plainRow) bool // rows never to be taken; nil: none
	losesAnswers bool                // half of the failures come after the rows were stored
	rows         map[string]int
	ledger       map[Stage]uint64
	tokens       map[string]bool
}

func newFlakySink() *flakySink {
	return &flakySink{rows: map[string]int{}, ledger: map[Stage]uint64{}, tokens: map[string]bool{}}
}

func (s *flakySink) Write(_ context.Context, batch Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	if s.fail != nil {
		failed = s.fail()
	}
	if failed != nil && !(s.losesAnswers && rand.IntN(2) == 0) {
		return failed
	}
	refused := &RefusedError{Err: errors.New("poison")}
	for _, record := range batch.Records {
		for _, row := range readPlain(record.Rows) {
			if s.poison != nil && row.Entry == nil && s.poison(row) {
				refused.Rows = append(refused.Rows, RefusedRow{App: row.App, Event: true, Values: []byte(`"` + row.ID + `"`)})
				continue
			}
			if !s.tokens[batch.Token] {
				s.keep(row)
			}
		}
	}
	s.tokens[batch.Token] = true
	if failed == nil && len(refused.Rows) > 0 {
		return refused
	}
	return failed
}

func (s *flakySink) keep(row plainRow) {
	if row.Entry != nil {
		s.ledger[row.Entry.Stage] += row.Entry.Events
		return
	}
	s.rows[row.ID]++
}

// letterBox keeps dead letters by token.
type letterBox struct {
	mu      sync.Mutex
	letters map[string][]RefusedRow
}

func (b *letterBox) Keep(token string, rows []RefusedRow) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.letters == nil {
		b.letters = map[string][]RefusedRow{}
	}
	b.letters[token] = rows
	return nil
}

func (b *letterBox) count() (rows int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, letters := range b.letters {
		rows += len(letters)
	}
	return rows
}

// rig is a collector without its door.
type rig struct {
	queue    *queue.Queue
	ledger   *Ledger
	service  *Service
	pipeline *Pipeline
}

// newRig opens the log in dir and recovers what is there.
func newRig(t testing.TB, dir string, maxBytes int64, letters DeadLetters) *rig {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	q, err := queue.Open(queue.Options{
		Dir: dir, MaxBytes: maxBytes, SegmentBytes: 64 << 10, MaxRecordBytes: 32 << 10,
		KeepFor: 10 * time.Minute, Preamble: plainEncoder{}.Schema(), Now: time.Now, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Release() })
	ids := seen.New(10*time.Minute, 1_000_000)
	ledger, err := Recover(q, ids, quiet)
	if err != nil {
		t.Fatal(err)
	}
	pipeline, err := NewPipeline(PipelineOptions{
		Queue: q, Encoder: plainEncoder{}, DeadLetters: letters, Ledger: ledger,
		Cut:         queue.Cut{MaxEvents: 20, MaxBytes: 1 << 20, MaxAge: 2 * time.Millisecond},
		LedgerEvery: 5 * time.Millisecond, Backoff: time.Millisecond, Now: time.Now,
		Log: quiet, Tracer: tracenoop.NewTracerProvider().Tracer(""), Meter: noop.NewMeterProvider().Meter(""),
	})
	if err != nil {
		t.Fatal(err)
	}
	service := NewService(ServiceOptions{Queue: q, Encoder: plainEncoder{}, Seen: ids, Ledger: ledger, Names: naming.New(), Now: time.Now})
	return &rig{q, ledger, service, pipeline}
}

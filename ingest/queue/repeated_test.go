package queue_test

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"throughline/ingest"
	"throughline/ingest/clickhouse"
	"throughline/ingest/naming"
	"throughline/ingest/queue"
	"throughline/ingest/seen"
)

// A report comes a second time while the first copy is on its way to a disk
// that is about to fail. Neither may be answered as kept, and the third copy,
// once the disk works again, is new.
func TestService_AnswersNoRepeatedReportForACopyThatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var slow atomic.Bool
		failNow := make(chan struct{})
		disk := func(operation string) error {
			if operation != "datasync" || !slow.Load() {
				return nil
			}
			<-failNow
			return errors.New("input/output error")
		}
		accept, q := service(t, disk)
		type outcome struct {
			answer ingest.Answer
			err    error
		}
		outcomes := make(chan outcome, 2)
		slow.Store(true)
		for range 2 {
			go func() {
				answer, err := accept()
				outcomes <- outcome{answer, err}
			}()
			synctest.Wait() // the first waits for the disk, the second for the first
		}
		slow.Store(false)
		close(failNow)
		for range 2 {
			var busy *ingest.BusyError
			if got := <-outcomes; !errors.As(got.err, &busy) || busy.Reason != ingest.RejectDiskFailure {
				t.Errorf("answered %+v, %v", got.answer, got.err)
			}
		}
		time.Sleep(time.Minute) // the log heals
		if answer, err := accept(); err != nil || answer.Accepted != 1 || answer.Duplicates != 0 {
			t.Errorf("once the disk works again: %+v, %v", answer, err)
		}
		if events, _ := q.Held(); events != 1 {
			t.Errorf("the log holds %d events", events)
		}
	})
}

// service is a Service over a log on that disk; accept sends it one report,
// always the same.
func service(t *testing.T, disk func(operation string) error) (accept func() (ingest.Answer, error), q *queue.Queue) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	encoder := clickhouse.NewEncoder()
	q, err := queue.Open(queue.Options{
		MaxBytes: 1 << 20, SegmentBytes: 64 << 10, MaxRecordBytes: 32 << 10,
		KeepFor: 10 * time.Minute, Preamble: encoder.Schema(), Now: time.Now, Log: quiet,
	}.InMemory(disk))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Release() })
	ids := seen.New(10*time.Minute, 1000)
	ledger, err := ingest.Recover(q, ids, quiet)
	if err != nil {
		t.Fatal(err)
	}
	taking := ingest.NewService(ingest.ServiceOptions{Queue: q, Encoder: encoder, Seen: ids, Ledger: ledger, Names: naming.New(), Now: time.Now})
	report := []byte(`{"v":1,"sent_at_ms":1763900000500,"source":"rum","session_id":"00000000000000a1",` +
		`"view":{"id":"00000000000000b1","url":"https://shop.example/","navigation":"navigate"},` +
		`"events":[{"id":"00000000000000e1","at_ms":1763900000000,"error":{"kind":"error","message":"x","count":1}}]}`)
	return func() (ingest.Answer, error) {
		return taking.Accept(ingest.Submission{App: &ingest.App{Name: "shop"}, Body: report})
	}, q
}

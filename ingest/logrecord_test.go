package ingest

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadRecord_ReadsWhatWasWritten(t *testing.T) {
	at := time.UnixMilli(1763900001234).UTC()
	entries := []Entry{{App: "shop", Stage: StageRejected, Reason: RejectDuplicate, Events: 7}, {Stage: StageReceived, Events: 1 << 40}}
	for name, c := range map[string]struct {
		data []byte
		want logRecord
	}{
		"events": {appendEventsHeader(nil, "shop", at, []uint64{1, 1 << 63}), logRecord{App: "shop", ReceivedAt: at, IDs: []uint64{1, 1 << 63}, Rows: []byte("rows")}},
		"ledger": {appendLedgerHeader(nil, entries), logRecord{Ledger: entries, Rows: []byte("rows")}},
	} {
		got, err := readRecord(append(c.data, "rows"...))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add(appendEventsHeader(nil, "shop", time.UnixMilli(0), []uint64{1, 2, 3}))
	f.Add(appendLedgerHeader(nil, []Entry{{App: "a", Stage: "b", Reason: "c", Events: 1}}))
	f.Add([]byte{recordEvents, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := readRecord(data)
		if err != nil || record.Ledger != nil {
			return
		}
		if data[0] != recordEvents {
			return
		}
		again, err := readRecord(append(appendEventsHeader(nil, record.App, record.ReceivedAt, record.IDs), record.Rows...))
		if err != nil || !bytes.Equal(again.Rows, record.Rows) || len(again.IDs) != len(record.IDs) {
			t.Errorf("%v, %+v is not %+v", err, again, record)
		}
	})
}

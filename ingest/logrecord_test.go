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
		"events":                {appendEventsHeader(nil, "shop", at, 2, []uint64{1, 1 << 63}), logRecord{App: "shop", ReceivedAt: at, Events: 2, IDs: []uint64{1, 1 << 63}, Rows: []byte("rows")}},
		"events with one id":    {appendEventsHeader(nil, "shop", at, 300, []uint64{7}), logRecord{App: "shop", ReceivedAt: at, Events: 300, IDs: []uint64{7}, Rows: []byte("rows")}},
		"of an earlier version": {[]byte("\x01\x04shop\xd2\x0b\xa2\xb0\x9a\x01\x00\x00\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80"), logRecord{App: "shop", ReceivedAt: at, Events: 2, IDs: []uint64{1, 1 << 63}, Rows: []byte("rows")}},
		"ledger":                {appendLedgerHeader(nil, entries), logRecord{Ledger: entries, Rows: []byte("rows")}},
	} {
		got, err := readRecord(append(c.data, "rows"...))
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func FuzzReadRecord(f *testing.F) {
	f.Add(appendEventsHeader(nil, "shop", time.UnixMilli(0), 3, []uint64{1, 2, 3}))
	f.Add(appendLedgerHeader(nil, []Entry{{App: "a", Stage: "b", Reason: "c", Events: 1}}))
	f.Add([]byte{recordEventsByID, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := readRecord(data)
		if err != nil || data[0] == recordLedger {
			return
		}
		again, err := readRecord(append(appendEventsHeader(nil, record.App, record.ReceivedAt, int(record.Events), record.IDs), record.Rows...))
		if err != nil || !bytes.Equal(again.Rows, record.Rows) || len(again.IDs) != len(record.IDs) || again.Events != record.Events {
			t.Errorf("%v, %+v is not %+v", err, again, record)
		}
	})
}

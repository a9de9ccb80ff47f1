package ingest

import (
	"encoding/binary"
	"errors"
	"time"

	"throughline/beacon"
)

// A record of the log, behind the frame that package queue puts around it:
//
//	kind      1 byte    recordEvents or recordLedger
//
// of a record of events:
//
//	app       text      uvarint length and bytes
//	received  8 bytes   arrival, milliseconds since 1970, little endian
//	events    uvarint
//	ids       uvarint n, then n times 8 bytes: what the events are remembered by (idKey),
//	          one for each, or one for all
//	rows      the rest  what the RowEncoder wrote
//
// Records of kind 1, which earlier versions wrote, lack the number of events: it is that of ids.
//
// of a record of the ledger:
//
//	entries   uvarint n, then n times app, stage, reason (texts) and uvarint events
//	rows      the rest
//
// Recovery reads the part before the rows; only the sink reads those.
const (
	recordEventsByID = 1
	recordLedger     = 2
	recordEvents     = 3
)

// errBadRecord is a record that this program cannot read.
var errBadRecord = errors.New("the record is not of a kind that this version knows")

// logRecord is what stands before the rows of a record.
type logRecord struct {
	App        string
	ReceivedAt time.Time
	Events     uint64
	IDs        []uint64 // of its events
	Ledger     []Entry  // instead of events
	Rows       []byte
}

func appendEventsHeader(dst []byte, app string, receivedAt time.Time, events int, ids []uint64) []byte {
	dst = append(dst, recordEvents)
	dst = appendText(dst, app)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(receivedAt.UnixMilli()))
	dst = binary.AppendUvarint(dst, uint64(events))
	dst = binary.AppendUvarint(dst, uint64(len(ids)))
	for _, id := range ids {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	return dst
}

func appendLedgerHeader(dst []byte, entries []Entry) []byte {
	dst = append(dst, recordLedger)
	dst = binary.AppendUvarint(dst, uint64(len(entries)))
	for _, e := range entries {
		dst = appendText(dst, e.App)
		dst = appendText(dst, string(e.Stage))
		dst = appendText(dst, string(e.Reason))
		dst = binary.AppendUvarint(dst, e.Events)
	}
	return dst
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// readRecord reads a record; Rows refers to data.
func readRecord(data []byte) (logRecord, error) {
	r := byteReader{rest: data}
	var record logRecord
	switch kind := r.bytes(1); {
	case r.failed:
	case kind[0] == recordEvents, kind[0] == recordEventsByID:
		record.App = string(r.text())
		record.ReceivedAt = time.UnixMilli(int64(r.fixed64())).UTC()
		if kind[0] == recordEvents {
			record.Events = r.uvarint()
		}
		count := r.uvarint()
		if count > uint64(len(r.rest)/8) {
			return logRecord{}, errBadRecord
		}
		if kind[0] == recordEventsByID {
			record.Events = count
		}
		record.IDs = make([]uint64, count)
		for i := range record.IDs {
			record.IDs[i] = r.fixed64()
		}
	case kind[0] == recordLedger:
		for count := r.uvarint(); count > 0 && !r.failed; count-- {
			record.Ledger = append(record.Ledger, Entry{
				App: string(r.text()), Stage: Stage(r.text()), Reason: beacon.Reason(r.text()), Events: r.uvarint(),
			})
		}
	default:
		return logRecord{}, errBadRecord
	}
	if r.failed {
		return logRecord{}, errBadRecord
	}
	record.Rows = r.rest
	return record, nil
}

// byteReader reads from the front of a slice until something does not fit.
type byteReader struct {
	rest   []byte
	failed bool
}

func (r *byteReader) bytes(n uint64) []byte {
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *byteReader) uvarint() uint64 {
	value, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.failed = true
		return 0
	}
	r.rest = r.rest[n:]
	return value
}

func (r *byteReader) text() []byte { return r.bytes(r.uvarint()) }

func (r *byteReader) fixed64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

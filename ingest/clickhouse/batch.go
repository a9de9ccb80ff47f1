package clickhouse

import (
	"bytes"
	"runtime"

	"throughline/ingest"
)

// batchReader knows where the rows of a batch are.
type batchReader struct {
	records []batchRecord
	found   [][]rowPlace // of each table's rows
	// refused are rows that no table can have.
	refused []ingest.RefusedRow
}

type batchRecord struct {
	app    string
	layout layout
	rows   []byte
}

// rowPlace is where a row begins.
type rowPlace struct{ record, offset uint32 }

// readBatch looks at the frames of all rows of a batch. own is the schema of
// this program, and layout how to read it.
func readBatch(batch ingest.Batch, tables []table, own []byte, ownLayout layout) *batchReader {
	b := &batchReader{found: make([][]rowPlace, len(tables)), records: make([]batchRecord, 0, len(batch.Records))}
	parsed := map[string]layout{string(own): ownLayout}
	last, lastSchema := ownLayout, own
	for i, r := range batch.Records {
		if i%rowsAtATime == 0 {
			runtime.Gosched()
		}
		if !bytes.Equal(r.Schema, lastSchema) {
			l, ok := parsed[string(r.Schema)]
			if !ok {
				l = readLayout(r.Schema, tables)
				parsed[string(r.Schema)] = l
			}
			last, lastSchema = l, r.Schema
		}
		b.read(batchRecord{r.App, last, r.Rows})
	}
	return b
}

func (b *batchReader) read(r batchRecord) {
	number := uint32(len(b.records))
	b.records = append(b.records, r)
	for rest := r.rows; len(rest) > 0; {
		table, body, behind, err := nextRow(rest)
		switch {
		case err != nil:
			b.refused = append(b.refused, unreadable(r.app, "", rest, err))
			return
		case int(table) >= len(r.layout):
			b.refused = append(b.refused, unreadable(r.app, "", body, errNoSuchTable))
		case r.layout[table].to < 0:
			b.refused = append(b.refused, r.layout[table].refuse(r.app, body, "this program has no table "+r.layout[table].name))
		default:
			to := r.layout[table].to
			b.found[to] = append(b.found[to], rowPlace{number, uint32(len(r.rows) - len(rest))})
		}
		rest = behind
	}
}

// rows is a run of the rows of one table of a batch, by their places.
type rows struct {
	batch    *batchReader
	table    int
	from, to int
}

// first returns the first of the rows.
func (r rows) first() (app string, l *tableLayout, body []byte) {
	place := r.batch.found[r.table][r.from]
	record := &r.batch.records[place.record]
	row := record.rows[place.offset:]
	number, body, _, err := nextRow(row)
	if err != nil {
		panic(err) // readBatch has seen it whole
	}
	return record.app, &record.layout[number], body
}

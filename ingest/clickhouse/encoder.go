package clickhouse

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/bits"
	"slices"
	"time"

	"throughline/beacon"
	"throughline/ingest"
)

// A row in the log:
//
//	table   1 byte    place in the schema's list of tables
//	length  4 bytes   of the rest, little endian
//	there   a bit for each column of the schema, the lowest first, up to a whole byte:
//	        whether its value follows; else it is NULL, empty or 0, of a weight 1
//	values  of those columns, as their kinds say
//
// All values have the bytes of ClickHouse's native format, so that they are
// only copied on their way into a block.
const rowHeaderBytes = 5

// idCharacters is how long an id is on the wire.
const idCharacters = 16

// Encoder writes rows as they wait in the log. It is safe for concurrent use.
type Encoder struct {
	tables []tableEncoder
	schema []byte
}

// tableEncoder is what the encoder needs of a table, ready for the hot path.
type tableEncoder struct {
	holds  func(record) bool
	fields []fieldEncoder
}

type fieldEncoder struct {
	source
	kind      kind
	nullable  bool
	eighths   bool
	otherwise float64
}

var _ ingest.RowEncoder = (*Encoder)(nil)

// NewEncoder returns an Encoder for the tables that this program knows.
func NewEncoder() *Encoder { return newEncoder(tables()) }

func newEncoder(all []table) *Encoder {
	e := &Encoder{schema: encodeSchema(all)}
	for _, t := range all {
		encoder := tableEncoder{holds: t.holds}
		for _, c := range t.columns {
			info := c.typ.info()
			encoder.fields = append(encoder.fields, fieldEncoder{c.from, info.kind, info.nullable, info.eighths, float64(info.otherwise)})
		}
		e.tables = append(e.tables, encoder)
	}
	return e
}

// Schema describes the encoding as JSON; see schema.
func (e *Encoder) Schema() []byte { return e.schema }

// AppendRow appends the row; nothing when no table holds such an event.
func (e *Encoder) AppendRow(dst []byte, row *ingest.Row) []byte {
	return e.append(dst, record{Row: row})
}

// AppendLedger appends the entries as rows of ingest_log.
func (e *Encoder) AppendLedger(dst []byte, at time.Time, entries []ingest.Entry) []byte {
	for i := range entries {
		row := ingest.Row{App: entries[i].App, Timestamp: at}
		dst = e.append(dst, record{Row: &row, entry: &entries[i]})
	}
	return dst
}

func (e *Encoder) append(dst []byte, r record) []byte {
	for i := range e.tables {
		if t := &e.tables[i]; t.holds(r) {
			return appendRow(dst, byte(i), t, r)
		}
	}
	return dst
}

func appendRow(dst []byte, number byte, t *tableEncoder, r record) []byte {
	start := len(dst)
	dst = append(dst, number, 0, 0, 0, 0)
	there := len(dst)
	dst = append(dst, make([]byte, bitmapBytes(len(t.fields)))...)
	for i := range t.fields {
		before := len(dst)
		dst = t.fields[i].append(dst, r)
		if len(dst) > before {
			dst[there+i/8] |= 1 << (i % 8)
		}
	}
	binary.LittleEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-rowHeaderBytes))
	return dst
}

func bitmapBytes(columns int) int { return (columns + 7) / 8 }

// append appends the value of the record; nothing when it is NULL, empty, 0, or
// what the column has otherwise.
func (f *fieldEncoder) append(dst []byte, r record) []byte {
	switch f.kind {
	case kindText:
		if value := f.text(r); value != "" {
			dst = appendText(dst, value)
		}
	case kindID:
		if value := f.text(r); value != "" {
			dst = appendID(dst, value)
		}
	case kindFloat32:
		if value, ok := f.float(r); ok && (value != f.otherwise || f.nullable) {
			if f.eighths {
				value = math.Round(8*value) / 8
			}
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(value)))
		}
	case kindUint16, kindUint32, kindUint64:
		if value, ok := f.number(r); ok && (value != 0 || f.nullable) {
			dst = appendInteger(dst, f.kind, value)
		}
	case kindTime:
		dst = binary.LittleEndian.AppendUint64(dst, uint64(f.time(r).UnixMilli()))
	case kindPairs:
		if value := f.pairs(r); len(value) > 0 {
			dst = appendPairs(dst, value)
		}
	}
	return dst
}

// appendPairs appends pairs in the order of their keys, so that the same pairs have
// the same bytes.
func appendPairs(dst []byte, value map[string]string) []byte {
	var few [beacon.MaxAttributes]string
	keys, length := few[:0], 0
	for key, text := range value {
		keys = append(keys, key)
		length += textBytes(key) + textBytes(text)
	}
	slices.Sort(keys)
	dst = binary.AppendUvarint(dst, uint64(length))
	for _, key := range keys {
		dst = appendText(appendText(dst, key), value[key])
	}
	return dst
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// textBytes is how long a text is with its length before it.
func textBytes(text string) int {
	return (bits.Len64(uint64(len(text))|1)+6)/7 + len(text)
}

// digitValues are the values of the characters from 0 to f. A comparison for
// each digit would be guessed wrong every other time.
const (
	noDigit     = 0xff
	digitValues = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09" +
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" +
		"\x0a\x0b\x0c\x0d\x0e\x0f"
)

// appendID appends the number that 16 hexadecimal characters stand for. What
// is no id is left out: reports with such ids are refused at the door.
func appendID(dst []byte, id string) []byte {
	if len(id) != idCharacters {
		return dst
	}
	var number uint64
	for i := range idCharacters {
		place := id[i] - '0'
		if int(place) >= len(digitValues) || digitValues[place] == noDigit {
			return dst
		}
		number = number<<4 | uint64(digitValues[place])
	}
	return binary.LittleEndian.AppendUint64(dst, number)
}

// appendInteger appends the value in as many bytes as the kind has; a value
// that does not fit becomes the greatest that does.
func appendInteger(dst []byte, k kind, value uint64) []byte {
	switch k {
	case kindUint16:
		return binary.LittleEndian.AppendUint16(dst, uint16(min(value, math.MaxUint16)))
	case kindUint32:
		return binary.LittleEndian.AppendUint32(dst, uint32(min(value, math.MaxUint32)))
	default:
		return binary.LittleEndian.AppendUint64(dst, value)
	}
}

// schema is what goes with encoded rows, as JSON, so that a program with other
// tables and columns can read them.
type schema struct {
	Format int           `json:"format"` // of a row: [rowFormat]
	Tables []schemaTable `json:"tables"`
}

type schemaTable struct {
	Name    string      `json:"name"`
	Columns [][2]string `json:"columns"` // name and kind
}

const rowFormat = 1

func encodeSchema(all []table) []byte {
	s := schema{Format: rowFormat, Tables: make([]schemaTable, 0, len(all))}
	for _, t := range all {
		described := schemaTable{Name: t.name}
		for _, c := range t.columns {
			described.Columns = append(described.Columns, [2]string{c.name, c.typ.info().kind.String()})
		}
		s.Tables = append(s.Tables, described)
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and a number
	}
	return encoded
}

package clickhouse

import (
	"encoding/binary"
	"math"

	"github.com/ClickHouse/ch-go/proto"
)

// block is a run of rows of one table as columns in ClickHouse's native format.
// Filling it copies bytes. It is used again for run after run.
type block struct {
	columns []blockColumn
	rows    int
	bytes   int // of the rows' values
}

func newBlock(columns []column) *block {
	b := &block{columns: make([]blockColumn, len(columns))}
	for i, c := range columns {
		info := c.typ.info()
		b.columns[i] = blockColumn{
			typ: proto.ColumnType(info.sql), width: info.kind.width(), nullable: info.nullable,
			pairs: info.kind == kindPairs, otherwise: info.otherwise,
		}
		if info.few {
			b.columns[i].places = map[string]uint16{}
		}
	}
	return b
}

// input is the block as ch-go takes it.
func (b *block) input(columns []column) proto.Input {
	input := make(proto.Input, len(columns))
	for i, c := range columns {
		input[i] = proto.InputColumn{Name: c.name, Data: &b.columns[i]}
	}
	return input
}

// append adds a row with these values; columns without one have NULL, or the
// type's empty value.
func (b *block) append(cells []cell) {
	for i := range cells {
		b.columns[cells[i].to].append(b.rows, cells[i].bytes)
		b.bytes += len(cells[i].bytes)
	}
	b.rows++
}

// finish makes all columns as long as the block.
func (b *block) finish() {
	for i := range b.columns {
		b.columns[i].pad(b.rows)
	}
}

// keptBytes is the memory that a column keeps for the next run: what grew
// beyond for an unusual one is given back.
const keptBytes = 1 << 20

func (b *block) reset() {
	for i := range b.columns {
		b.columns[i].reset()
	}
	b.rows, b.bytes = 0, 0
}

// blockColumn is one column of a block. It implements proto.ColInput.
type blockColumn struct {
	typ      proto.ColumnType
	width    int // of a value in bytes, 0 for texts
	nullable bool
	rows     int
	nulls    []byte // of a nullable column: 1 for each NULL, 0 for each value
	data     []byte
	// otherwise is what a row without a value has, where it is not 0.
	otherwise float32

	// Of a column of pairs: data holds the keys, texts the values, and ends how many
	// pairs there are up to the end of each row, in 8 bytes.
	pairs       bool
	ends, texts []byte
	held        uint64 // pairs

	// Of a column of few texts: data holds each of them once, places says where,
	// keys has the place for each row, and last the text of the last row.
	places    map[string]uint16
	keys      []uint16
	last      []byte
	lastPlace uint16
	noText    [1]byte // the text of no bytes
}

var (
	_ proto.ColInput     = (*blockColumn)(nil)
	_ proto.StateEncoder = (*blockColumn)(nil)
)

// append adds a value for that row, which is not before the column's end.
func (c *blockColumn) append(row int, value []byte) {
	if c.rows < row {
		c.pad(row)
	}
	c.rows++
	if c.places != nil {
		c.keys = append(c.keys, c.place(value))
		return
	}
	if c.pairs {
		eachPair(value, func(key, text []byte) {
			c.data, c.texts = append(c.data, key...), append(c.texts, text...)
			c.held++
		})
		c.ends = binary.LittleEndian.AppendUint64(c.ends, c.held)
		return
	}
	if c.nullable {
		c.nulls = append(c.nulls, 0)
	}
	c.data = append(c.data, value...)
}

// pad fills the column up to that row with NULL or the type's empty value.
func (c *blockColumn) pad(row int) {
	missing := row - c.rows
	if missing <= 0 {
		return
	}
	c.rows = row
	if c.places != nil {
		for none := c.place(c.noText[:]); missing > 0; missing-- {
			c.keys = append(c.keys, none)
		}
		return
	}
	if c.pairs {
		for range missing {
			c.ends = binary.LittleEndian.AppendUint64(c.ends, c.held)
		}
		return
	}
	if c.otherwise != 0 {
		for range missing {
			c.data = binary.LittleEndian.AppendUint32(c.data, math.Float32bits(c.otherwise))
		}
		return
	}
	if c.nullable {
		for range missing {
			c.nulls = append(c.nulls, 1)
		}
	}
	// A text without bytes is the one byte that says so.
	c.data = append(c.data, make([]byte, missing*max(1, c.width))...)
}

// place is where the dictionary of a column of few texts has the value. Most
// often it is that of the row before.
func (c *blockColumn) place(value []byte) uint16 {
	if len(c.keys) > 0 && string(value) == string(c.last) {
		return c.lastPlace
	}
	place, ok := c.places[string(value)]
	if !ok {
		place = uint16(len(c.places)) // a block has fewer rows than fit
		c.places[string(value)] = place
		c.data = append(c.data, value...)
	}
	c.last, c.lastPlace = value, place
	return place
}

func (c *blockColumn) reset() {
	c.rows = 0
	c.nulls, c.data = emptied(c.nulls, keptBytes), emptied(c.data, keptBytes)
	c.ends, c.texts, c.held = emptied(c.ends, keptBytes), emptied(c.texts, keptBytes), 0
	c.keys, c.last = c.keys[:0], nil
	clear(c.places)
}

// emptied returns b without its content, and without its memory when that is
// more than may be kept.
func emptied(b []byte, kept int) []byte {
	if cap(b) > kept {
		return nil
	}
	return b[:0]
}

// Type implements proto.ColInput.
func (c *blockColumn) Type() proto.ColumnType { return c.typ }

// Rows implements proto.ColInput.
func (c *blockColumn) Rows() int { return c.rows }

// Of ClickHouse's serialization of LowCardinality.
const (
	dictionaryVersion = 1      // shared dictionaries with additional keys
	dictionaryHere    = 3 << 9 // the keys follow the dictionary, which replaces the one before
	placesOf16Bits    = 1
)

// EncodeState implements proto.StateEncoder.
func (c *blockColumn) EncodeState(b *proto.Buffer) {
	if c.places != nil {
		b.PutInt64(dictionaryVersion)
	}
}

// EncodeColumn implements proto.ColInput.
func (c *blockColumn) EncodeColumn(b *proto.Buffer) {
	if c.places != nil {
		b.Buf = c.appendDictionary(b.Buf)
		return
	}
	b.Buf = append(append(b.Buf, c.nulls...), c.ends...)
	b.Buf = append(append(b.Buf, c.data...), c.texts...)
}

// WriteColumn implements proto.ColInput.
func (c *blockColumn) WriteColumn(w *proto.Writer) { w.ChainBuffer(c.EncodeColumn) }

func (c *blockColumn) appendDictionary(dst []byte) []byte {
	short := len(c.places) <= math.MaxUint8+1
	meta := uint64(dictionaryHere)
	if !short {
		meta |= placesOf16Bits
	}
	dst = binary.LittleEndian.AppendUint64(dst, meta)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(c.places)))
	dst = append(dst, c.data...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(c.keys)))
	for _, key := range c.keys {
		if short {
			dst = append(dst, byte(key))
		} else {
			dst = binary.LittleEndian.AppendUint16(dst, key)
		}
	}
	return dst
}

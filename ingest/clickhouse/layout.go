package clickhouse

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// layout says how to read rows of a schema, and where their values go.
type layout []tableLayout

// tableLayout is one table of a schema.
type tableLayout struct {
	name   string
	to     int // place in tables(), -1 when this program has no such table
	fields []field
	bad    error // why rows of it cannot be read
}

// field is a column of a schema.
type field struct {
	name string
	kind kind
	to   int // place in the columns of the table, -1 when it has no such column
}

// maxSchemaTables is what a row's table number can tell apart.
const maxSchemaTables = 256

// readLayout reads a schema. Of one that cannot be read no row can be.
func readLayout(encoded []byte, known []table) layout {
	l, err := parseLayout(encoded, known)
	if err == nil {
		return l
	}
	l = make(layout, maxSchemaTables)
	for i := range l {
		l[i] = tableLayout{to: -1, bad: err}
	}
	return l
}

// parseLayout reads a schema and finds its columns, by name, in the tables of
// this program.
func parseLayout(encoded []byte, known []table) (layout, error) {
	var s schema
	if err := json.Unmarshal(encoded, &s); err != nil {
		return nil, fmt.Errorf("read the schema of rows: %w", err)
	}
	if s.Format != rowFormat {
		return nil, fmt.Errorf("rows have format %d, this program reads %d", s.Format, rowFormat)
	}
	if len(s.Tables) > maxSchemaTables {
		return nil, fmt.Errorf("the schema of rows has %d tables", len(s.Tables))
	}
	l := make(layout, 0, len(s.Tables))
	for _, described := range s.Tables {
		l = append(l, matchTable(described, known))
	}
	return l, nil
}

func matchTable(described schemaTable, known []table) tableLayout {
	l := tableLayout{name: described.Name, fields: make([]field, 0, len(described.Columns))}
	l.to = slices.IndexFunc(known, func(t table) bool { return t.name == described.Name })
	for _, c := range described.Columns {
		f := field{name: c[0], kind: kind(max(0, slices.Index(kindNames(), c[1]))), to: -1}
		if f.kind == 0 {
			// What follows such a value cannot be found.
			l.bad = fmt.Errorf("column %s.%s is of kind %q, which this program does not know", l.name, c[0], c[1])
		}
		if l.to >= 0 {
			f.to = slices.IndexFunc(known[l.to].columns, func(own column) bool { return own.name == f.name })
		}
		if f.to >= 0 && slices.ContainsFunc(l.fields, func(earlier field) bool { return earlier.to == f.to }) {
			l.bad = fmt.Errorf("the schema of rows has two columns %s.%s", l.name, f.name)
		}
		if f.to >= 0 && l.bad == nil {
			if own := known[l.to].columns[f.to].typ.info().kind; own != f.kind {
				l.bad = fmt.Errorf("column %s.%s was %s and is %s now", l.name, f.name, f.kind, own)
			}
		}
		l.fields = append(l.fields, f)
	}
	return l
}

var (
	errNotAllThere = errors.New("a row does not end where it should")
	errNoSuchTable = errors.New("a row of a table that its schema does not have")
)

// nextRow takes the first row off rows.
func nextRow(rows []byte) (number byte, body, rest []byte, err error) {
	if len(rows) < rowHeaderBytes {
		return 0, nil, nil, errNotAllThere
	}
	length := binary.LittleEndian.Uint32(rows[1:])
	if uint64(length) > uint64(len(rows)-rowHeaderBytes) {
		return 0, nil, nil, errNotAllThere
	}
	end := rowHeaderBytes + int(length)
	return rows[0], rows[rowHeaderBytes:end], rows[end:], nil
}

// cell is the value of a row in the column to.
type cell struct {
	to    int
	bytes []byte
}

// split appends the values that a row has to cells, in the order of its schema.
// It returns an error when the row cannot be read.
func (l *tableLayout) split(cells []cell, body []byte) ([]cell, error) {
	if l.bad != nil {
		return nil, l.bad
	}
	bitmap := bitmapBytes(len(l.fields))
	if len(body) < bitmap {
		return nil, errNotAllThere
	}
	rest := body[bitmap:]
	for i, there := range body[:bitmap] {
		for ; there != 0; there &= there - 1 {
			number := 8*i + bits.TrailingZeros8(there)
			if number >= len(l.fields) {
				return nil, errNotAllThere
			}
			f := &l.fields[number]
			size := f.kind.size(rest)
			if size < 0 || size > len(rest) {
				return nil, errNotAllThere
			}
			if f.to >= 0 {
				cells = append(cells, cell{f.to, rest[:size:size]})
			}
			rest = rest[size:]
		}
	}
	if len(rest) > 0 {
		return nil, errNotAllThere
	}
	return cells, nil
}

// inOwnOrder is the layout for reading rows without any table.
func (l tableLayout) inOwnOrder() tableLayout {
	l.fields = slices.Clone(l.fields)
	for i := range l.fields {
		l.fields[i].to = i
	}
	return l
}

// size is how many of the bytes are the value at their front; more than there
// are, or -1, when it is not whole.
func (k kind) size(rest []byte) int {
	if width := k.width(); width > 0 {
		return width
	}
	size := textSize(rest)
	if k == kindPairs && size >= 0 && size <= len(rest) && !arePairs(rest[:size]) {
		return -1
	}
	return size
}

// textSize is how many of the bytes are the text at their front, as size tells it.
func textSize(rest []byte) int {
	if len(rest) > 0 && rest[0] < 1<<7 {
		return 1 + int(rest[0])
	}
	length, n := binary.Uvarint(rest)
	if n <= 0 || length > uint64(len(rest)) {
		return -1
	}
	return n + int(length)
}

// arePairs says whether a value of kindPairs holds whole texts, two by two.
func arePairs(value []byte) bool {
	texts := 0
	for rest := content(value); len(rest) > 0; texts++ {
		size := textSize(rest)
		if size < 0 || size > len(rest) {
			return false
		}
		rest = rest[size:]
	}
	return texts%2 == 0
}

// content is a value without the length before it.
func content(value []byte) []byte {
	_, n := binary.Uvarint(value)
	return value[n:]
}

// eachPair calls do for each pair of a value that has been read, with both texts as
// they stand there.
func eachPair(value []byte, do func(key, text []byte)) {
	for rest := content(value); len(rest) > 0; {
		middle := textSize(rest)
		end := middle + textSize(rest[middle:])
		do(rest[:middle], rest[middle:end])
		rest = rest[end:]
	}
}

package sourcemap

import "math"

// A number is written in digits of base 64, the least significant first: five
// bits each, and a sixth that says that more follow. The lowest bit of the
// number is its sign (ECMA-426, section 9.2, "Base64 VLQ").
const (
	digitBits   = 5
	moreFollows = 1 << digitBits
	// maxShift is where the last digit stands that a number of 32 bits can have.
	maxShift = 30
)

// digitValue is what a digit of base 64 stands for (RFC 4648, section 4), or none.
func digitValue(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	default:
		return none
	}
}

// What the numbers of a segment are, in their order.
const (
	fieldColumn = iota
	fieldSource
	fieldSourceLine
	fieldSourceColumn
	fieldName
	fields
)

// segment is one place of the script, from which on code comes from one place of
// a source. Lines and columns count from 0.
type segment struct {
	line, column             uint32
	source                   int64 // none if the code comes from no source
	sourceLine, sourceColumn uint32
	name                     int64 // none if nothing is called by a name there
}

const none = -1

// after says whether the segment is behind a place of the script.
func (s *segment) after(line, column uint32) bool {
	return s.line > line || s.line == line && s.column > column
}

// mappings decodes the text of a map's mappings, piece by piece. Numbers are
// differences to those of the segment before, columns to 0 in each line.
type mappings struct {
	emit  func(segment) error
	fault func(format string, args ...any) error

	line    int64
	values  [fields]int64 // running sums
	count   int           // of numbers in the segment so far
	number  uint64        // of the digits so far
	shift   uint          // of the next digit
	partial bool          // the last digit says that more follow
	// The highest indexes that a segment named; none if none did.
	maxSource, maxName int64
}

// write decodes a piece.
func (m *mappings) write(piece []byte) error {
	for _, c := range piece {
		var err error
		switch c {
		case ',':
			err = m.endSegment()
		case ';':
			if err = m.endSegment(); err == nil {
				m.line++
				m.values[fieldColumn] = 0
			}
			if m.line > math.MaxInt32 {
				err = m.fault("mappings: too many lines")
			}
		default:
			err = m.digit(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *mappings) digit(c byte) error {
	value := digitValue(c)
	if value < 0 {
		return m.fault("mappings: line %d: %q is no digit of base 64", m.line, c)
	}
	if m.shift > maxShift {
		return m.fault("mappings: line %d: a number of more than 32 bits", m.line)
	}
	m.number |= uint64(value&(moreFollows-1)) << m.shift
	if m.partial = value&moreFollows != 0; m.partial {
		m.shift += digitBits
		return nil
	}
	number := int64(m.number >> 1)
	if m.number&1 != 0 {
		number = -number
	}
	m.number, m.shift = 0, 0
	if m.count == fields {
		return m.fault("mappings: line %d: a segment of more than %d numbers", m.line, fields)
	}
	sum := m.values[m.count] + number
	if sum < 0 || sum > math.MaxInt32 {
		return m.fault("mappings: line %d: a position or index of %d", m.line, sum)
	}
	m.values[m.count] = sum
	m.count++
	return nil
}

// endSegment emits the segment that ends here. An empty one is none.
func (m *mappings) endSegment() error {
	if m.partial {
		return m.fault("mappings: line %d: a number without its last digit", m.line)
	}
	s := segment{line: uint32(m.line), column: uint32(m.values[fieldColumn]), source: none, name: none}
	switch m.count {
	case 0:
		return nil
	case 1:
	case fields:
		s.name = m.values[fieldName]
		m.maxName = max(m.maxName, s.name)
		fallthrough
	case fields - 1:
		s.source = m.values[fieldSource]
		s.sourceLine, s.sourceColumn = uint32(m.values[fieldSourceLine]), uint32(m.values[fieldSourceColumn])
		m.maxSource = max(m.maxSource, s.source)
	default:
		return m.fault("mappings: line %d: a segment of %d numbers; it has 1, 4 or 5", m.line, m.count)
	}
	m.count = 0
	return m.emit(s)
}

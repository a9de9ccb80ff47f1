package beacon

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"
)

// reader passes once over the JSON of a report as senders write it, and gives
// up on everything else: a wrong type, broken JSON, a name in other letters, a
// text that is not UTF-8. What it gives up on is read by the standard library
// ([readCarefully]), and what it takes it must read as the standard library
// would; FuzzReader compares the two.
//
// After it has given up nothing follows any more, so its callers need not ask
// before the end.
type reader struct {
	data   []byte
	text   string // a copy of data, which the texts of the report are parts of
	at     int
	gaveUp bool

	floats chunk[float64]
	sizes  chunk[int64]
}

func newReader(data []byte) *reader { return &reader{data: data, text: string(data)} }

func (r *reader) giveUp() {
	r.gaveUp = true
	r.at = len(r.data)
}

// peek passes white space and returns the byte after it, or 0 at the end.
func (r *reader) peek() byte {
	for r.at < len(r.data) {
		c := r.data[r.at]
		if c > ' ' {
			return c
		}
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return 0 // no JSON begins or goes on with it
		}
		r.at++
	}
	return 0
}

// ended says whether all was read, up to the end.
func (r *reader) ended() bool {
	r.peek()
	return !r.gaveUp && r.at == len(r.data)
}

// firstKey enters an object and returns its first key, or false if it has none.
func (r *reader) firstKey() (string, bool) {
	if r.peek() != '{' {
		r.giveUp()
		return "", false
	}
	r.at++
	if r.peek() == '}' {
		r.at++
		return "", false
	}
	return r.key()
}

// nextKey passes to the next key of an object, or leaves the object.
func (r *reader) nextKey() (string, bool) {
	switch r.peek() {
	case ',':
		r.at++
		return r.key()
	case '}':
		r.at++
	default:
		r.giveUp()
	}
	return "", false
}

// key passes a plain key and the colon after it.
func (r *reader) key() (string, bool) {
	if r.peek() != '"' {
		r.giveUp()
		return "", false
	}
	start := r.at + 1
	end := r.special(start)
	if end == len(r.data) || r.data[end] != '"' {
		r.giveUp()
		return "", false
	}
	r.at = end + 1
	if r.peek() != ':' {
		r.giveUp()
		return "", false
	}
	r.at++
	return r.text[start:end], true
}

// special returns where from at on the first byte stands that is a quote, a
// backslash, a control character or not ASCII; the end if there is none.
func (r *reader) special(at int) int {
	const (
		each = 0x0101010101010101 // a one in each byte of a word
		high = 0x80 * each
	)
	for ; at+8 <= len(r.data); at += 8 {
		word := binary.LittleEndian.Uint64(r.data[at:])
		// A subtraction sets a byte's high bit when the byte was below what is
		// taken off. Its borrow can mislead above the first such byte only.
		quote, backslash := word^('"'*each), word^('\\'*each)
		if found := (word | (word - ' '*each) | (quote - each) | (backslash - each)) & high; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
	}
	for ; at < len(r.data); at++ {
		if c := r.data[at]; c == '"' || c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			break
		}
	}
	return at
}

// null passes a null, if there is one.
func (r *reader) null() bool {
	if r.peek() != 'n' {
		return false
	}
	r.literal("null")
	return true
}

func (r *reader) literal(word string) {
	if !strings.HasPrefix(r.text[r.at:], word) {
		r.giveUp()
		return
	}
	r.at += len(word)
}

// boolean passes true or false.
func (r *reader) boolean() bool {
	switch r.peek() {
	case 't':
		r.literal("true")
		return true
	case 'f':
		r.literal("false")
	default:
		r.giveUp()
	}
	return false
}

// string passes a string and returns what it says.
func (r *reader) string() string {
	if r.peek() != '"' {
		r.giveUp()
		return ""
	}
	start := r.at + 1
	end := r.special(start)
	if end < len(r.data) && r.data[end] == '"' {
		r.at = end + 1
		return r.text[start:end]
	}
	return r.richString(start, end)
}

// richString is string for one with escapes or other letters than ASCII, the
// first of them at the given place.
func (r *reader) richString(start, at int) string {
	escaped := false
	for ; at < len(r.data) && r.data[at] != '"'; at = r.special(at) {
		switch c := r.data[at]; {
		case c == '\\':
			escaped = true
			at += 2
		case c < ' ':
			r.giveUp()
			return ""
		default:
			at++
		}
	}
	if at >= len(r.data) || !utf8.ValidString(r.text[start:at]) {
		r.giveUp()
		return ""
	}
	r.at = at + 1
	if escaped {
		return r.unescape(r.text[start:at])
	}
	return r.text[start:at]
}

// unescape returns what a string with escapes says.
func (r *reader) unescape(raw string) string {
	said := make([]byte, 0, len(raw))
	for {
		before, escape, found := strings.Cut(raw, `\`)
		said = append(said, before...)
		if !found {
			return string(said)
		}
		if escape[0] == 'u' {
			letter, width := unicodeEscape(escape)
			if width == 0 {
				r.giveUp()
				return ""
			}
			said = utf8.AppendRune(said, letter)
			raw = escape[width:]
			continue
		}
		which := strings.IndexByte(`"\/bfnrt`, escape[0])
		if which < 0 {
			r.giveUp()
			return ""
		}
		said = append(said, "\"\\/\b\f\n\r\t"[which])
		raw = escape[1:]
	}
}

// unicodeEscape reads uXXXX, or uXXXX\uXXXX for a letter that takes two, and
// returns its width; 0 if it is broken or half a pair.
func unicodeEscape(escape string) (letter rune, width int) {
	first, ok := fourHex(escape, 1)
	if !ok {
		return 0, 0
	}
	if first < 0xD800 || first > 0xDFFF {
		return first, 5
	}
	second, ok := fourHex(escape, 7)
	if !ok || first > 0xDBFF || escape[5:7] != `\u` || second < 0xDC00 || second > 0xDFFF {
		return 0, 0
	}
	return (first-0xD800)<<10 | (second - 0xDC00) + 0x10000, 11
}

func fourHex(text string, at int) (rune, bool) {
	if len(text) < at+4 {
		return 0, false
	}
	var value rune
	for _, c := range []byte(text[at : at+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		value = value<<4 | rune(c)
	}
	return value, true
}

// decimal is a number as it is written.
type decimal struct {
	mantissa           uint64 // its digits, if they are not too many
	digits             int
	scale              float64 // 10 to the number of digits after the point
	negative, exponent bool
}

// number passes a number.
func (r *reader) number() (d decimal) {
	d.scale = 1
	d.negative = r.peek() == '-'
	if d.negative {
		r.at++
	}
	zero := r.at < len(r.data) && r.data[r.at] == '0'
	d.digits = r.digits(&d)
	if d.digits == 0 || zero && d.digits > 1 {
		r.giveUp()
		return d
	}
	if r.at < len(r.data) && r.data[r.at] == '.' {
		r.at++
		fraction := r.digits(&d)
		if fraction == 0 {
			r.giveUp()
		}
		for range min(fraction, 400) { // at 400 it is infinite
			d.scale *= 10
		}
		d.digits += fraction
	}
	if r.at < len(r.data) && r.data[r.at]|0x20 == 'e' {
		d.exponent = true
		r.at++
		if r.at < len(r.data) && (r.data[r.at] == '+' || r.data[r.at] == '-') {
			r.at++
		}
		if r.digits(&d) == 0 {
			r.giveUp()
		}
	}
	return d
}

func (r *reader) digits(d *decimal) (n int) {
	start := r.at
	for ; r.at < len(r.data); r.at++ {
		digit := r.data[r.at] - '0'
		if digit > 9 {
			break
		}
		d.mantissa = d.mantissa*10 + uint64(digit)
	}
	return r.at - start
}

// float passes a number of any form.
func (r *reader) float() float64 {
	r.peek()
	start := r.at
	d := r.number()
	if r.gaveUp {
		return 0
	}
	if d.exponent || d.digits > 15 {
		value, err := strconv.ParseFloat(r.text[start:r.at], 64)
		if err != nil {
			r.giveUp()
		}
		return value
	}
	// Both are whole and below 2^53, so that the quotient is the nearest float.
	value := float64(d.mantissa) / d.scale
	if d.negative {
		value = -value
	}
	return value
}

// integer passes a whole number without point and exponent.
func (r *reader) integer() int64 {
	d := r.number()
	if r.gaveUp || d.exponent || d.scale != 1 || d.digits > 18 {
		r.giveUp()
		return 0
	}
	if d.negative {
		return -int64(d.mantissa)
	}
	return int64(d.mantissa)
}

// maxSkippedDepth bounds how deep reader follows what it does not know.
const maxSkippedDepth = 32

// unknown passes a field that this version of the contract does not have. The
// standard library takes names in other letters, too, so on a name that might
// be one of them it gives up.
func (r *reader) unknown(key string) {
	for i := range len(key) {
		if key[i] >= 'A' && key[i] <= 'Z' {
			r.giveUp()
			return
		}
	}
	r.skip(maxSkippedDepth)
}

// skip passes one value of any kind.
func (r *reader) skip(depth int) {
	if depth == 0 {
		r.giveUp()
		return
	}
	switch r.peek() {
	case '{':
		for _, more := r.firstKey(); more; _, more = r.nextKey() {
			r.skip(depth - 1)
		}
	case '[':
		for more := r.firstItem(); more; more = r.nextItem() {
			r.skip(depth - 1)
		}
	case '"':
		r.string()
	case 't', 'f':
		r.boolean()
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
}

// firstItem enters an array, and is false if it is empty.
func (r *reader) firstItem() bool {
	if r.peek() != '[' {
		r.giveUp()
		return false
	}
	r.at++
	if r.peek() == ']' {
		r.at++
		return false
	}
	return true
}

// nextItem passes to the next item of an array, or leaves the array.
func (r *reader) nextItem() bool {
	switch r.peek() {
	case ',':
		r.at++
		return true
	case ']':
		r.at++
	default:
		r.giveUp()
	}
	return false
}

// chunk gives room for single values, many at once.
type chunk[T any] []T

// take returns room for one value; size is how many to make when none is left.
func (c *chunk[T]) take(size int) *T {
	if len(*c) == 0 {
		*c = make([]T, size)
	}
	taken := &(*c)[0]
	*c = (*c)[1:]
	return taken
}

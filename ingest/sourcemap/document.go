package sourcemap

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	documentBufferBytes = 64 << 10
	maxDepth            = 64  // of objects and arrays within each other
	maxKeyBytes         = 64  // longer than any key that means something here
	maxNumberBytes      = 400 // the longest float64 written out has about 330
)

// document reads JSON while it streams by. A source map is a few very long
// strings, and a [json.Decoder] holds each as a whole, twice. This one hands them
// on in pieces and holds none of them.
type document struct {
	in       io.Reader
	buffer   []byte
	pos, end int   // what is left of buffer
	passed   int64 // bytes before buffer
	depth    int
}

func newDocument(in io.Reader) *document {
	return &document{in: in, buffer: make([]byte, documentBufferBytes)}
}

// invalid is what is wrong with the document, and where.
func (d *document) invalid(format string, args ...any) error {
	return &InvalidError{fmt.Sprintf("byte %d: ", d.passed+int64(d.pos)) + fmt.Sprintf(format, args...)}
}

// fill makes buffer[pos] the next byte, or fails with io.EOF at the end.
func (d *document) fill() error {
	for tries := 0; d.pos == d.end; tries++ {
		d.passed += int64(d.end)
		n, err := d.in.Read(d.buffer)
		d.pos, d.end = 0, n
		switch {
		case n > 0:
		case err != nil:
			return err
		case tries == 100:
			return io.ErrNoProgress
		}
	}
	return nil
}

// peek returns the next byte and leaves it there.
func (d *document) peek() (byte, error) {
	if err := d.fill(); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, d.invalid("the map ends early")
		}
		return 0, err
	}
	return d.buffer[d.pos], nil
}

// token skips white space and returns the byte behind it, which stays there.
func (d *document) token() (byte, error) {
	for {
		c, err := d.peek()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
		d.pos++
	}
}

// expect skips white space and that byte.
func (d *document) expect(want byte) error {
	c, err := d.token()
	if err != nil {
		return err
	}
	if c != want {
		return d.invalid("%q where %q should be", c, want)
	}
	d.pos++
	return nil
}

// ends fails unless only white space is left.
func (d *document) ends() error {
	for {
		if err := d.fill(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch d.buffer[d.pos] {
		case ' ', '\n', '\r', '\t':
			d.pos++
		default:
			return d.invalid("something follows the map")
		}
	}
}

// object reads an object; member reads the value of a key. Keys are cut at
// maxKeyBytes.
func (d *document) object(member func(key string) error) error {
	return d.list('{', '}', func() error {
		key, err := d.text(maxKeyBytes)
		if err != nil {
			return err
		}
		if err := d.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// array reads an array; item reads one value of it.
func (d *document) array(item func() error) error { return d.list('[', ']', item) }

func (d *document) list(opening, closing byte, item func() error) error {
	if err := d.expect(opening); err != nil {
		return err
	}
	if d.depth++; d.depth > maxDepth {
		return d.invalid("more than %d levels", maxDepth)
	}
	defer func() { d.depth-- }()
	c, err := d.token()
	for first := true; err == nil && c != closing; first = false {
		if !first {
			if err := d.expect(','); err != nil {
				return err
			}
		}
		if err := item(); err != nil {
			return err
		}
		c, err = d.token()
	}
	if err != nil {
		return err
	}
	d.pos++
	return nil
}

// null skips a null, if that comes next.
func (d *document) null() (bool, error) {
	if c, err := d.token(); err != nil || c != 'n' {
		return false, err
	}
	return true, d.word("null")
}

func (d *document) word(word string) error {
	for i := range len(word) {
		c, err := d.peek()
		if err != nil {
			return err
		}
		if c != word[i] {
			return d.invalid("%q in what should be %s", c, word)
		}
		d.pos++
	}
	return nil
}

// skip passes over a value of any kind.
func (d *document) skip() error {
	c, err := d.token()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return d.object(func(string) error { return d.skip() })
	case '[':
		return d.array(d.skip)
	case '"':
		return d.pieces(func([]byte) error { return nil })
	case 't':
		return d.word("true")
	case 'f':
		return d.word("false")
	case 'n':
		return d.word("null")
	default:
		_, err := d.number()
		return err
	}
}

// integer reads a number without fraction and exponent.
func (d *document) integer() (int64, error) {
	if _, err := d.token(); err != nil {
		return 0, err
	}
	text, err := d.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, d.invalid("%.20s is not a whole number in range", text)
	}
	return n, nil
}

func (d *document) number() (string, error) {
	var text []byte
	for {
		err := d.fill()
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if err != nil || len(text) == maxNumberBytes || !strings.ContainsRune("+-.0123456789eE", rune(d.buffer[d.pos])) {
			break
		}
		text = append(text, d.buffer[d.pos])
		d.pos++
	}
	if !json.Valid(text) {
		return "", d.invalid("no value where one should be")
	}
	return string(text), nil
}

// text reads a string, cut to at most maxBytes whole characters' bytes and
// without control characters.
func (d *document) text(maxBytes int) (string, error) {
	var text []byte
	err := d.pieces(func(piece []byte) error {
		text = append(text, piece[:min(len(piece), maxBytes+utf8.UTFMax-len(text))]...)
		return nil
	})
	return clean(text, maxBytes), err
}

// clean makes valid UTF-8 of text, without control characters, cut to maxBytes.
func clean(text []byte, maxBytes int) string {
	kept := text[:0:0]
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		text = text[size:]
		if len(kept)+utf8.RuneLen(c) > maxBytes {
			break
		}
		if c >= ' ' && c != 0x7f {
			kept = utf8.AppendRune(kept, c)
		}
	}
	return string(kept)
}

// pieces reads a string and hands on its content piece by piece, without
// escapes. A piece is valid until each returns.
func (d *document) pieces(each func(piece []byte) error) error {
	if err := d.expect('"'); err != nil {
		return err
	}
	var room [2 * utf8.UTFMax]byte
	var half rune // the first of a surrogate pair
	for {
		c, err := d.peek()
		if err != nil {
			return err
		}
		piece := room[:0]
		if half != 0 && c != '\\' {
			piece, half = utf8.AppendRune(piece, utf8.RuneError), 0
		} else if c == '\\' {
			piece, half, err = d.escape(piece, half)
		} else if c == '"' {
			d.pos++
			return nil
		} else if piece = d.plain(); len(piece) == 0 {
			err = d.invalid("a control character in a string")
		}
		if err == nil {
			err = each(piece)
		}
		if err != nil {
			return err
		}
	}
}

// plain passes over what needs no escape, as far as the buffer goes.
func (d *document) plain() []byte {
	start := d.pos
	for d.pos < d.end && d.buffer[d.pos] != '"' && d.buffer[d.pos] != '\\' && d.buffer[d.pos] >= ' ' {
		d.pos++
	}
	return d.buffer[start:d.pos]
}

// escape reads an escape and appends what it stands for. Of a surrogate pair the
// first comes back as a half, which belongs to the next call; a half without
// another stands for U+FFFD, as in encoding/json.
func (d *document) escape(to []byte, half rune) (_ []byte, again rune, err error) {
	c, err := d.escaped()
	switch {
	case err != nil:
		return nil, 0, err
	case half != 0:
		if pair := utf16.DecodeRune(half, c); pair != utf8.RuneError {
			return utf8.AppendRune(to, pair), 0, nil
		}
		to = utf8.AppendRune(to, utf8.RuneError)
	}
	if utf16.IsSurrogate(c) {
		return to, c, nil
	}
	return utf8.AppendRune(to, c), 0, nil
}

func (d *document) escaped() (rune, error) {
	const short, meaning = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	d.pos++
	c, err := d.peek()
	if err != nil {
		return 0, err
	}
	d.pos++
	if c == 'u' {
		return d.hex()
	}
	if i := strings.IndexByte(short, c); i >= 0 {
		return rune(meaning[i]), nil
	}
	return 0, d.invalid("no escape begins with %q", c)
}

func (d *document) hex() (rune, error) {
	var value rune
	for range 4 {
		c, err := d.peek()
		if err != nil {
			return 0, err
		}
		switch {
		case c >= '0' && c <= '9':
			value = value<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			value = value<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, d.invalid("%q is not a hexadecimal digit", c)
		}
		d.pos++
	}
	return value, nil
}

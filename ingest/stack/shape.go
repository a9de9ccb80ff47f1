package stack

import "strings"

// maxShapeBytes bounds the shape, not the message, so that long messages differ
// by their beginnings whatever the length of what was taken out there.
const maxShapeBytes = 256

// shapeOf returns a line of text in small letters, with an asterisk for
// everything that tells one occurrence from another: numbers, ids, hashes,
// dates, addresses, what is quoted and what a scrubber took out. Several in a
// row are one.
func shapeOf(line string) string {
	s := shaper{rest: line}
	for s.rest != "" && len(s.shape) < maxShapeBytes {
		s.step()
	}
	return strings.TrimRight(string(s.shape[:min(len(s.shape), maxShapeBytes)]), " .,:;!")
}

type shaper struct {
	rest  string
	shape []byte
	// unclosed are quotation marks that are known to have no partner, so that
	// each is looked for once.
	unclosed [maxQuotes]bool
}

// step takes one word, quotation, placeholder or other character.
func (s *shaper) step() {
	b := s.rest[0]
	if end := max(placeholderEnd(s.rest), uuidEnd(s.rest), s.quotation()); end > 0 {
		s.takeOut(end)
		return
	}
	if isLetter(b) || isDigit(b) {
		s.word()
		return
	}
	s.rest = s.rest[1:]
	if b == '\t' {
		b = ' '
	}
	if b != ' ' || len(s.shape) > 0 && s.last() != ' ' {
		s.shape = append(s.shape, b)
	}
}

// last returns what was written last, a space at the beginning.
func (s *shaper) last() byte {
	if len(s.shape) == 0 {
		return ' '
	}
	return s.shape[len(s.shape)-1]
}

// word takes letters and digits.
func (s *shaper) word() {
	end := 0
	for end < len(s.rest) && isWordByte(s.rest[end]) {
		end++
	}
	word, behind := s.rest[:end], s.rest[end:]
	switch {
	case strings.HasPrefix(behind, "://"):
		s.takeOut(end + addressEnd(behind))
	case s.isErrorNumber(word):
		s.keep(word)
	case isDigit(word[0]), isVariable(word), isMixture(word), isDateName(word):
		s.takeOut(end)
	case s.last() == '*' && isTimeSuffix(word), s.endsWith("* ") && isTimeSuffix(word):
		s.takeOut(end + zoneEnd(behind))
	default:
		s.keep(word)
	}
}

// keep writes a word in small letters. A number at its end is none of its own.
func (s *shaper) keep(word string) {
	stem := strings.TrimRight(word, "0123456789")
	for i := range len(stem) {
		b := stem[i]
		if isUpper(b) {
			b |= 0x20
		}
		s.shape = append(s.shape, b)
	}
	switch {
	case stem == "":
		s.shape = append(s.shape, word...)
	case len(stem) < len(word):
		s.shape = append(s.shape, '*')
	}
	s.rest = s.rest[len(word):]
}

// takeOut writes an asterisk for the next n bytes. Parts of a date or a list,
// with only punctuation between them, are one; a sign is part of a number.
func (s *shaper) takeOut(n int) {
	s.rest = s.rest[n:]
	end := len(s.shape)
	for end > 0 && strings.IndexByte(" ,.:/-+_", s.shape[end-1]) >= 0 {
		end--
	}
	if end > 0 && s.shape[end-1] == '*' {
		s.shape = s.shape[:end]
		return
	}
	if last := len(s.shape) - 1; last >= 0 && strings.IndexByte("-+", s.shape[last]) >= 0 && (last == 0 || s.shape[last-1] == ' ') {
		s.shape = s.shape[:last]
	}
	s.shape = append(s.shape, '*')
}

func (s *shaper) endsWith(text string) bool {
	start := len(s.shape) - len(text)
	return start >= 0 && string(s.shape[start:]) == text
}

// isErrorNumber reports whether a word is a number that names the error, by the
// words before it: people tell status 404 from status 500.
func (s *shaper) isErrorNumber(word string) bool {
	if len(word) > maxErrorNumberDigits || strings.Trim(word, "0123456789") != "" {
		return false
	}
	for _, before := range []string{"error #", "error code ", "error code: ", "status ", "status: ", "status code ", "status code: ", "status of ", "http "} {
		if s.endsWith(before) {
			return true
		}
	}
	return false
}

const maxErrorNumberDigits = 4

func isWordByte(b byte) bool { return isLetter(b) || isDigit(b) || b == '_' || b == '$' }

// isMixture reports whether letters and digits take turns as they do in ids only.
func isMixture(word string) bool {
	turns := 0
	for i := 1; i < len(word); i++ {
		if isDigit(word[i]) != isDigit(word[i-1]) {
			turns++
		}
	}
	return turns >= 3
}

// addressEnd returns the length of the rest of a URL. Brackets and full stops
// at its end are the sentence's.
func addressEnd(rest string) int {
	end := strings.IndexAny(rest, " \t\"'`<>")
	if end < 0 {
		end = len(rest)
	}
	return len(strings.TrimRight(rest[:end], ".,;:!?)]}"))
}

// uuidEnd returns the length of a UUID that the text begins with, or 0.
func uuidEnd(text string) int {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	if len(text) < len(form) || text[8] != '-' {
		return 0
	}
	for i := range len(form) {
		b := text[i]
		if isHex := isDigit(b) || isLetter(b) && (b|0x20) <= 'f'; form[i] == '-' && b != '-' || form[i] == 'x' && !isHex {
			return 0
		}
	}
	return len(form)
}

// isDateName knows the names of days and months as JavaScript writes dates.
func isDateName(word string) bool {
	switch word {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec":
		return true
	}
	return false
}

// isTimeSuffix knows what stands behind a time and belongs to it.
func isTimeSuffix(word string) bool {
	switch word {
	case "AM", "PM", "GMT", "UTC":
		return true
	}
	return false
}

// maxZoneBytes is longer than the names of time zones are in any language.
const maxZoneBytes = 128

// zoneEnd returns the length of the offset and the name, in the reader's
// language, of a zone: "+0100 (Central European Standard Time)".
func zoneEnd(text string) int {
	const offsetBytes = len("+0100")
	if len(text) < offsetBytes || text[0] != '+' && text[0] != '-' {
		return 0
	}
	rest, named := strings.CutPrefix(text[offsetBytes:], " (")
	name, _, closed := strings.Cut(rest[:min(len(rest), maxZoneBytes)], ")")
	if !named || !closed {
		return offsetBytes
	}
	return offsetBytes + len(" ()") + len(name)
}

// quotes are opening marks and their partners.
var quotes = [maxQuotes][2]string{
	{`"`, `"`}, {"'", "'"}, {"`", "`"}, {"“", "”"}, {"‘", "’"}, {"«", "»"}, {"„", "“"},
}

const maxQuotes = 7

// quotation returns the length of what is quoted here, with its marks, or 0.
func (s *shaper) quotation() int {
	for i, marks := range quotes {
		if s.unclosed[i] || !strings.HasPrefix(s.rest, marks[0]) {
			continue
		}
		if marks[0] == "'" && (isLetter(s.last()) || s.last() == '*') {
			return 0 // an apostrophe
		}
		if end := closing(s.rest[len(marks[0]):], marks[1]); end >= 0 {
			return len(marks[0]) + end + len(marks[1])
		}
		s.unclosed[i] = true
	}
	return 0
}

// closing finds a mark that no letter follows, since that would be an apostrophe.
func closing(text, mark string) int {
	for at := 0; ; {
		next := strings.Index(text[at:], mark)
		if next < 0 {
			return -1
		}
		at += next
		behind := at + len(mark)
		if mark != "'" || behind == len(text) || !isLetter(text[behind]) {
			return at
		}
		at = behind
	}
}

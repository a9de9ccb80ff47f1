package naming

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRunes is longer than words that are typed; what is longer is data.
const maxRunes = 40

// cutSegment cuts the first segment off a path, without its parameters; "" when
// there is none. Empty ones do not count.
func cutSegment(path string) (segment, left string) {
	for path != "" {
		segment, path, _ = strings.Cut(path, "/")
		if segment, _, _ = strings.Cut(segment, ";"); segment != "" {
			return segment, path
		}
	}
	return "", ""
}

// generic is a segment, unescaped, or what stands for it: the wildcard, with the
// extension of a file if it has one. What it returns stands for itself.
func generic(segment string) string {
	if strings.IndexByte(segment, '%') >= 0 {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return wildcard
		}
		segment = plain
	}
	stem, extension := segment, ""
	if dot := strings.LastIndexByte(segment, '.'); dot > 0 && isExtension(segment[dot+1:]) {
		stem, extension = segment[:dot], segment[dot:]
	}
	if isData(stem) {
		return wildcard + extension
	}
	return segment
}

// isExtension tells the ending of a page from the rest of a name with a dot.
func isExtension(text string) bool {
	switch strings.ToLower(text) {
	case "html", "htm", "xhtml", "php", "asp", "aspx", "jsp", "jsf", "do", "action", "cgi", "pdf", "json", "xml":
		return true
	}
	return false
}

// shape is what of a segment tells words from data.
type shape struct {
	digits, lower, upper int
	hex                  int // of the digits and letters, those up to F
	changes              int // of kind, between neighbours
}

// shapeOf returns the shape of a segment; false if there is something in it that
// is not in words: it is an address, a list, a mark of the scrubber, or nonsense.
func shapeOf(segment string) (s shape, ok bool) {
	before := byte('-')
	for i := range len(segment) {
		c, kind := segment[i], byte('-')
		switch {
		case c >= '0' && c <= '9':
			s.digits++
			kind = '0'
		case c >= 'a' && c <= 'z':
			s.lower++
			kind = 'a'
		case c >= 'A' && c <= 'Z':
			s.upper++
			kind = 'A'
		case c >= utf8.RuneSelf: // of a letter in another script
			s.lower++
			kind = 'a'
		case strings.IndexByte("-_.~'()&", c) < 0:
			return s, false
		}
		if kind == '0' || kind != '-' && c|0x20 <= 'f' {
			s.hex++
		}
		if kind != before && kind != '-' && before != '-' {
			s.changes++
		}
		before = kind
	}
	return s, true
}

// isData says whether a segment looks like something that a program has filled
// in: numbers, dates, ids, hashes, addresses. What it takes for a word may be data
// all the same, and is found out when there is too much of it.
func isData(segment string) bool {
	if segment == "." || segment == ".." || len(segment) > maxRunes && utf8.RuneCountInString(segment) > maxRunes {
		return true
	}
	s, ok := shapeOf(segment)
	if !ok || !isPrintable(segment) {
		return true
	}
	const hash, noise = 8, 16 // bytes from which on they are told from words
	letters := s.lower + s.upper
	switch {
	case s.digits == 0:
		// Base64 without a digit has capital letters within, camelCase has fewer.
		return len(segment) >= noise && s.lower > 0 && s.upper > 0 && s.changes*2 > len(segment)
	case letters == 0:
		return true // a number or a date, whatever parts it
	case s.digits >= 4 && longestNumber(segment) >= 4: // blue-mug-20481, IMG_2041
		return true
	case s.digits > 1 && letters+s.digits >= hash && s.hex == letters+s.digits: // with dashes: a UUID
		return true
	case s.upper == 0:
		// Letters and digits that take turns, as in 4b9z1c, but not in k8s or v1beta1.
		return s.changes >= 4 && s.digits*5 >= letters
	}
	return s.changes >= 3 && s.digits*5 >= letters || s.changes*2 > letters+s.digits && letters+s.digits > 4 // x7Kq2, A8F3
}

func isPrintable(segment string) bool {
	for i := range len(segment) {
		if segment[i] >= utf8.RuneSelf {
			return utf8.ValidString(segment) && !strings.ContainsFunc(segment, func(r rune) bool { return !unicode.IsPrint(r) })
		}
	}
	return true
}

// longestNumber is the length of the longest number that is no year.
func longestNumber(segment string) (longest int) {
	for start := 0; start < len(segment); start++ {
		end := start
		for end < len(segment) && segment[end] >= '0' && segment[end] <= '9' {
			end++
		}
		if end-start > longest && !isYear(segment, start, end) {
			longest = end - start
		}
		start = end
	}
	return longest
}

// isYear says whether a number is the year of something that comes every year,
// as in black-friday-2026.
func isYear(segment string, start, end int) bool {
	number := segment[start:end]
	return len(number) == 4 && number >= "1990" && number < "2040" &&
		(start == 0 || segment[start-1] == '-' || segment[start-1] == '_') &&
		(end == len(segment) || segment[end] == '-' || segment[end] == '_') &&
		strings.ToLower(segment) == segment
}

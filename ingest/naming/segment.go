package naming

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// segmentsOf are the segments of a path, one more than a name has at most, with
// the wildcard in the place of what looks like data.
func segmentsOf(path string) []string {
	segments := make([]string, 0, maxDepth+1)
	for segment := range strings.SplitSeq(path, "/") {
		if segment, _, _ = strings.Cut(segment, ";"); segment == "" {
			continue
		}
		if segments = append(segments, generic(segment)); len(segments) > maxDepth {
			break
		}
	}
	return segments
}

// generic is a segment, or what stands for it: the wildcard, with the extension
// of a file if it has one.
func generic(segment string) string {
	if strings.IndexByte(segment, '%') >= 0 {
		plain, err := url.PathUnescape(segment)
		if err != nil || !utf8.ValidString(plain) || strings.ContainsFunc(plain, func(r rune) bool { return !unicode.IsPrint(r) || r == '/' || r == '*' }) {
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

// isData says whether a segment looks like something that a program has filled
// in: numbers, dates, ids, hashes, addresses.
func isData(segment string) bool {
	if len(segment) > maxSegmentBytes || strings.ContainsAny(segment, "@[]=*{}$!,:+ ") {
		return true
	}
	var digits, lower, upper, hex, changes int
	var before byte
	for i := range len(segment) {
		c, kind := segment[i], byte('-')
		switch {
		case c >= '0' && c <= '9':
			digits++
			hex++
			kind = '0'
		case c >= 'a' && c <= 'z':
			lower++
			kind = 'a'
			if c <= 'f' {
				hex++
			}
		case c >= 'A' && c <= 'Z':
			upper++
			kind = 'A'
			if c <= 'F' {
				hex++
			}
		}
		if before != 0 && kind != before && kind != '-' && before != '-' {
			changes++
		}
		before = kind
	}
	letters := lower + upper
	const hash, noise = 8, 16
	switch {
	case digits == 0:
		// Base64 without a digit has capital letters within, camelCase has fewer.
		return len(segment) >= noise && lower > 0 && upper > 0 && changes*2 > len(segment)
	case letters == 0:
		return true // a number or a date, whatever parts it
	case longestNumber(segment) >= 4: // blue-mug-20481, IMG_2041
		return true
	case len(segment) >= hash && hex == digits+letters: // with dashes: a UUID
		return true
	}
	// Letters and digits that take turns: x7Kq2, 4b9z1c. Words have one number.
	return changes >= 3 && digits*5 >= digits+letters || changes*2 > digits+letters
}

// longestNumber is the length of the longest run of digits.
func longestNumber(segment string) (longest int) {
	run := 0
	for i := range len(segment) {
		if c := segment[i]; c < '0' || c > '9' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

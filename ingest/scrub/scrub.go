// Package scrub takes out of texts and URLs what may be secret or say who a
// person is, before they are stored: queries, fragments and credentials of URLs,
// e-mail and IP addresses, card numbers, tokens and ids. In its place stands
// what it was: [email], [ip], [card], [token], [id], or [hidden] for a whole
// value.
//
// It goes by the shape of things, in one pass over the text, and would rather
// take out too much than too little. What it keeps is what grouping errors and
// finding their code needs: names of files with the hash of their build, lines
// and columns, names, short numbers.
package scrub

import (
	"fmt"
	"regexp"
	"strings"
)

// What stands in the place of what was taken out.
const (
	placeEmail  = "[email]"
	placeIP     = "[ip]"
	placeCard   = "[card]"
	placeToken  = "[token]"
	placeID     = "[id]"
	placeHidden = "[hidden]"
)

// Scrubber scrubs the texts of one app. It does not change, so it is safe for
// concurrent use.
type Scrubber struct{ allowed []*regexp.Regexp }

// New returns a Scrubber that leaves alone what one of these regular
// expressions matches as a whole, such as order numbers: [A-Z]{2}-\d{10}.
func New(allow []string) (*Scrubber, error) {
	s := &Scrubber{}
	for _, expression := range allow {
		compiled, err := regexp.Compile("^(?:" + expression + ")$")
		if err != nil {
			return nil, fmt.Errorf("allow %q: %w", expression, err)
		}
		s.allowed = append(s.allowed, compiled)
	}
	return s, nil
}

// URL scrubs a URL that has no query, fragment and credentials any more, as
// beacon.CleanURL returns it. Its host is left as it is.
func (s *Scrubber) URL(url string) string {
	start := 0
	if _, rest, ok := strings.Cut(url, "://"); ok {
		start = len(url) - len(rest)
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return url
		}
		start += slash
	}
	path := url[start:]
	switch {
	case harmless(path):
		return url
	case strings.IndexByte(path, '%') >= 0:
		return url[:start] + s.escapedPath(path)
	}
	if scrubbed := s.patterns(path, inPath); scrubbed != path {
		return url[:start] + scrubbed
	}
	return url
}

// Text scrubs a text for people: a message, a selector, a reason.
func (s *Scrubber) Text(text string) string { return s.patterns(cutURLs(text, false), inText) }

// Stack scrubs a stack. The line and column behind a URL stay.
func (s *Scrubber) Stack(stack string) string { return s.patterns(cutURLs(stack, true), inText) }

// Name scrubs a name that the makers of an app have chosen, such as that of a
// release. Numbers and hexadecimal digits in it name versions, and stay.
func (s *Scrubber) Name(name string) string {
	if len(name) < minCredential && strings.IndexByte(name, '@') < 0 && strings.IndexByte(name, '=') < 0 {
		return name
	}
	return s.patterns(name, inName)
}

// Value scrubs a value that goes by a name, such as an attribute that an app
// has set.
func (s *Scrubber) Value(name, value string) string {
	if value != "" && isSecretName(name) {
		return placeHidden
	}
	return s.Text(value)
}

// keeps says whether the app allows what looks like a secret.
func (s *Scrubber) keeps(found string) bool {
	for _, allowed := range s.allowed {
		if allowed.MatchString(found) {
			return true
		}
	}
	return false
}

// escapedPath scrubs a path segment by segment, as it is and as it reads without
// escapes. A segment that only then shows what it is goes as a whole.
func (s *Scrubber) escapedPath(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		plain := unescape(segment)
		if scrubbed := s.patterns(plain, inPath); scrubbed != plain {
			segments[i] = scrubbed
			if plain != segment {
				segments[i] = firstPlace(scrubbed)
			}
		}
	}
	return strings.Join(segments, "/")
}

// firstPlace is the first placeholder in a scrubbed text.
func firstPlace(scrubbed string) string {
	at, place := len(scrubbed), placeHidden
	for _, candidate := range []string{placeEmail, placeIP, placeCard, placeToken, placeID} {
		if i := strings.Index(scrubbed, candidate); i >= 0 && i < at {
			at, place = i, candidate
		}
	}
	return place
}

// unescape takes the escapes out of a segment, those of escapes too; a broken
// one stays as it is.
func unescape(segment string) string {
	const layers = 3
	for range layers {
		if strings.IndexByte(segment, '%') < 0 {
			break
		}
		var b strings.Builder
		for i := 0; i < len(segment); i++ {
			if c, ok := escaped(segment[i:]); ok {
				b.WriteByte(c)
				i += len("%20") - 1
				continue
			}
			b.WriteByte(segment[i])
		}
		segment = b.String()
	}
	return segment
}

// escaped is the byte that an escape at the beginning of a text stands for.
func escaped(text string) (byte, bool) {
	if len(text) < len("%20") || text[0] != '%' || class(text[1])&hex == 0 || class(text[2])&hex == 0 {
		return 0, false
	}
	digit := func(c byte) byte {
		if c <= '9' {
			return c - '0'
		}
		return c | 0x20 - 'a' + 10
	}
	return digit(text[1])<<4 | digit(text[2]), true
}

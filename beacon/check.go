package beacon

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

// check collects the first thing wrong with a report or an event.
type check struct{ reject *Reject }

func (c *check) fail(field string, reason Reason, detail string) {
	if c.reject == nil {
		c.reject = &Reject{Index: -1, Field: field, Reason: reason, Detail: detail}
	}
}

func (c *check) id(field, value string) { c.hex(field, value, 16) }

func (c *check) hex(field, value string, length int) {
	if value == "" {
		c.fail(field, RejectMissing, "required")
		return
	}
	// Without branches, which would be guessed wrong every other time: below its
	// bound is what becomes negative.
	digits := int32(-1)
	for i := range len(value) {
		digits &= (int32(value[i]-'0') - 10) | (int32(value[i]-'a') - 6)
	}
	if len(value) != length || digits >= 0 {
		c.fail(field, RejectInvalid, fmt.Sprintf("must be %d lower-case hexadecimal characters", length))
	}
}

// name checks a text that identifies something, and makes it safe to print.
func (c *check) name(field string, value *string, required bool) {
	if *value == "" && required {
		c.fail(field, RejectMissing, "required")
	}
	if len(*value) > MaxNameBytes {
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", MaxNameBytes))
	}
	*value = printable(*value)
}

// word takes what consists of letters only.
func (c *check) word(field, value string, required bool) {
	const longest = 32
	switch {
	case value == "" && required:
		c.fail(field, RejectMissing, "required")
	case len(value) > longest:
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", longest))
	case strings.IndexFunc(value, func(r rune) bool { return (r|0x20 < 'a' || r|0x20 > 'z') && r != '-' && r != '_' }) >= 0:
		c.fail(field, RejectInvalid, "must be letters")
	}
}

// MaxCodeBytes bounds what names a class, such as one of errors.
const MaxCodeBytes = 64

// IsCode says whether a text is made of what names of classes are made of: letters,
// digits, dots, hyphens and underscores. The empty one is.
func IsCode(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	}) < 0
}

// code takes what names a class of errors.
func (c *check) code(field, value string) {
	switch {
	case len(value) > MaxCodeBytes:
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", MaxCodeBytes))
	case !IsCode(value):
		c.fail(field, RejectInvalid, "must be letters, digits, dots, hyphens and underscores")
	}
}

// text makes a text for people safe to print and cuts it to size.
func (c *check) text(value *string, limit int) { *value = CleanText(*value, limit) }

// CleanText makes a text for people safe to print, and cuts it to at most
// limitBytes at a rune boundary; an ellipsis then ends it. The limit must leave
// room for that, which is 3 bytes.
func CleanText(text string, limitBytes int) string {
	text = printable(text)
	if len(text) <= limitBytes {
		return text
	}
	const mark = "…"
	cut := limitBytes - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + mark
}

// url checks an absolute http(s) URL and takes out what may hold secrets.
func (c *check) url(field string, value *string, required bool) {
	switch {
	case *value == "" && required:
		c.fail(field, RejectMissing, "required")
		return
	case *value == "":
		return
	case len(*value) > MaxURLBytes:
		c.fail(field, RejectTooLong, fmt.Sprintf("at most %d bytes", MaxURLBytes))
		return
	}
	clean, ok := CleanURL(*value)
	if !ok {
		c.fail(field, RejectInvalid, "must be an absolute http or https URL")
		return
	}
	*value = clean
}

// place checks where something is kept: an http address, one of a bucket such as
// s3://evidence/run, or a path. A query is taken off, since it may hold a signature.
func (c *check) place(field string, value *string) {
	if strings.HasPrefix(*value, "http") {
		c.url(field, value, false)
		return
	}
	if end := strings.IndexAny(*value, "?#"); end >= 0 {
		*value = (*value)[:end]
	}
	c.text(value, MaxURLBytes)
}

func (c *check) number(field string, value *float64, limit float64) {
	if value != nil && !(*value >= 0 && *value <= limit) {
		c.fail(field, RejectOutOfRange, fmt.Sprintf("must be from 0 to %g", limit))
	}
}

func (c *check) duration(field string, value *float64) {
	c.number(field, value, float64(MaxDuration/time.Millisecond))
}

func (c *check) size(field string, value *int64) {
	if value != nil && (*value < 0 || *value > MaxTransferBytes) {
		c.fail(field, RejectOutOfRange, fmt.Sprintf("must be from 0 to %d", int64(MaxTransferBytes)))
	}
}

func (c *check) integer(field string, value, least, most int) {
	if value < least || value > most {
		c.fail(field, RejectOutOfRange, fmt.Sprintf("must be from %d to %d", least, most))
	}
}

// instant checks a wall clock. Wrong clocks are the collector's to correct, so
// any time that a 64-bit count of nanoseconds can hold will do.
func (c *check) instant(field string, value int64) {
	if value <= 0 || value > math.MaxInt64/int64(time.Millisecond) {
		c.fail(field, RejectOutOfRange, "must be milliseconds since 1970")
	}
}

func oneOf[T ~string](c *check, field string, value T, allowed ...T) {
	for _, a := range allowed {
		if value == a {
			return
		}
	}
	if value == "" {
		c.fail(field, RejectMissing, "required")
		return
	}
	words := make([]string, 0, len(allowed))
	for _, a := range allowed {
		if a != "" {
			words = append(words, string(a))
		}
	}
	c.fail(field, RejectInvalid, "must be one of "+strings.Join(words, ", "))
}

// printable takes out what has no place in a text: invalid UTF-8 becomes U+FFFD,
// control characters other than line feed and tab are dropped.
func printable(text string) string {
	clean := true
	for i := 0; i < len(text); i++ {
		if b := text[i]; b >= utf8.RuneSelf || b < ' ' || b == 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r < 0x7f || r > 0x9f {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// CleanURL returns an absolute http or https URL without credentials, query
// and fragment, and false if it is not one. Paths are kept as browsers write
// them, also where an escape is broken, as in /100%/x.
func CleanURL(raw string) (string, bool) {
	raw = printable(raw)
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		return "", false
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, path, _ := strings.Cut(rest, "/")
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	if host == "" || strings.ContainsAny(host, " \t\n\\\"<>^`{|}%") {
		return "", false
	}
	if end := len(scheme) + len("://") + len(host); len(raw) == end+len("/")+len(path) && raw[end] == '/' &&
		strings.HasPrefix(raw, scheme) && raw[end-len(host):end] == host {
		return raw, true // clean as it came
	}
	return scheme + "://" + host + "/" + path, true
}

// initiator checks an initiatorType of Resource Timing.
func (c *check) initiator(field, value string) {
	c.word(field, value, true)
	if value == InitiatorNEL {
		c.fail(field, RejectInvalid, "browsers report these by themselves")
	}
}

// attributes checks names and values that an app makes up.
func (c *check) attributes(field string, attributes map[string]string) {
	if len(attributes) > MaxAttributes {
		c.fail(field, RejectTooMany, fmt.Sprintf("at most %d attributes", MaxAttributes))
		return
	}
	for name, value := range attributes {
		clean := CleanText(name, MaxNameBytes)
		if clean == "" {
			c.fail(field, RejectMissing, "attributes have names")
		}
		if clean != name {
			delete(attributes, name)
		}
		attributes[clean] = CleanText(value, MaxAttributeBytes)
	}
}

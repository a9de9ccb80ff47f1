package reporting

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"throughline/beacon"
)

// check remembers the first thing that is wrong with a report.
type check struct{ reject *beacon.Reject }

func (c *check) fail(field string, reason beacon.Reason, detail string) {
	if c.reject == nil {
		c.reject = &beacon.Reject{Field: field, Reason: reason, Detail: detail}
	}
}

// decode reads an object that stands at a place.
func (c *check) decode(at string, raw []byte, into any) {
	if len(raw) == 0 || string(raw) == "null" {
		c.fail(at, beacon.RejectMissing, "required")
		return
	}
	err := json.Unmarshal(raw, into)
	if err == nil {
		return
	}
	reject := beacon.JSONReject(err)
	c.fail(strings.Trim(at+"."+reject.Field, "."), reject.Reason, reject.Detail)
}

// name checks a text that identifies something, and makes it safe to print.
func (c *check) name(field, value string) string {
	clean := beacon.CleanText(value, beacon.MaxNameBytes)
	switch {
	case clean == "":
		c.fail(field, beacon.RejectMissing, "required")
	case len(value) > beacon.MaxNameBytes:
		c.fail(field, beacon.RejectTooLong, fmt.Sprintf("at most %d bytes", beacon.MaxNameBytes))
	}
	return clean
}

// url checks an absolute http(s) URL and takes out what may hold secrets. What is too
// long is so without it: browsers, unlike the beacon, send queries.
func (c *check) url(field, value string) string {
	clean, ok := beacon.CleanURL(value)
	switch {
	case value == "":
		c.fail(field, beacon.RejectMissing, "required")
	case !ok:
		c.fail(field, beacon.RejectInvalid, "must be an absolute http or https URL")
	case len(clean) > beacon.MaxURLBytes:
		c.fail(field, beacon.RejectTooLong, fmt.Sprintf("at most %d bytes without its query", beacon.MaxURLBytes))
	}
	return clean
}

// milliseconds checks a duration, from 0 to a limit.
func (c *check) milliseconds(field string, value float64, most time.Duration) time.Duration {
	limit := float64(most / time.Millisecond)
	if !(value >= 0 && value <= limit) {
		c.fail(field, beacon.RejectOutOfRange, fmt.Sprintf("must be from 0 to %.0f ms", limit))
		return 0
	}
	return time.Duration(value * float64(time.Millisecond))
}

// isWord knows the words that specifications enumerate: scheme names, directives,
// types of errors.
func isWord(text string) bool {
	return text != "" && len(text) <= beacon.MaxCodeBytes && beacon.IsCode(text)
}

// word returns a text that is a word, and "" instead of any other.
func word(text string) string {
	if !isWord(text) {
		return ""
	}
	return text
}

package reporting

import (
	"fmt"
	"strings"
	"time"

	"throughline/beacon"
)

// networkError is what is read of the body of a report of Network Error Logging. Its
// referrer, headers and server_ip are not.
type networkError struct {
	Type       string  `json:"type"`
	Method     string  `json:"method"`
	StatusCode int     `json:"status_code"`
	ElapsedMS  float64 `json:"elapsed_time"`
}

// readNetworkError reads a request, and returns how long it took. One that went well
// is a report, too, if the site asks for a success_fraction.
func readNetworkError(c *check, url string, raw []byte) (*beacon.Request, time.Duration) {
	var n networkError
	c.decode("body", raw, &n)
	const maxStatusCode = 999
	switch {
	case n.Type == "":
		c.fail("body.type", beacon.RejectMissing, "required")
	case len(n.Type) > beacon.MaxCodeBytes:
		c.fail("body.type", beacon.RejectTooLong, fmt.Sprintf("at most %d bytes", beacon.MaxCodeBytes))
	case !isWord(n.Type):
		c.fail("body.type", beacon.RejectInvalid, "must be letters, digits, dots, hyphens and underscores")
	}
	if n.Method != "" && !isMethod(n.Method) {
		c.fail("body.method", beacon.RejectInvalid, "must be letters")
	}
	if n.StatusCode < 0 || n.StatusCode > maxStatusCode {
		c.fail("body.status_code", beacon.RejectOutOfRange, fmt.Sprintf("must be from 0 to %d", maxStatusCode))
	}
	took := c.milliseconds("body.elapsed_time", n.ElapsedMS, beacon.MaxDuration)
	request := &beacon.Request{
		Method: strings.ToUpper(n.Method), URL: url, Initiator: beacon.InitiatorNEL, StatusCode: n.StatusCode,
		Failure: failure(n.Type), DurationMS: n.ElapsedMS,
	}
	if n.Type != "ok" {
		request.Error = n.Type
	}
	return request, took
}

// failure says why a request got no answer, by the types of section 8 of the
// specification. It has many, and browsers add their own: what names neither a person
// nor a clock is the network.
func failure(kind string) beacon.RequestFailure {
	switch {
	case kind == "ok", kind == "http.error": // answered, if with an error
		return ""
	case kind == "abandoned":
		return beacon.RequestFailureAborted
	case strings.HasSuffix(kind, ".timed_out"):
		return beacon.RequestFailureTimeout
	default:
		return beacon.RequestFailureNetwork
	}
}

// isMethod takes the methods that package beacon takes.
func isMethod(text string) bool {
	const longest = 32
	return len(text) <= longest && isWord(text) && !strings.ContainsAny(text, ".0123456789")
}

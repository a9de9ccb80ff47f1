package synthetic

import "strings"

// TraceHeader is W3C Trace Context's.
const TraceHeader = "traceparent"

// Traceparent is the header's value for one request of a trace, whose id is 32
// hexadecimal characters.
func Traceparent(traceID string) string {
	return strings.Join([]string{"00", traceID, newID(), "01"}, "-")
}

// newTrace returns a trace id for a step; empty if no host is traced.
func newTrace(hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	return newID() + newID()
}

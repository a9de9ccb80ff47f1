package beacon

import "fmt"

// Reason says why something was not kept. The same strings stand in answers,
// metric labels, the ledger and the documentation.
type Reason string

// The reasons for which this package refuses a report or an event.
const (
	// RejectMalformed is JSON that does not parse, or a value of the wrong type.
	RejectMalformed Reason = "malformed"
	// RejectVersion is a version of the wire contract that is not known.
	RejectVersion Reason = "unknown_version"
	// RejectMissing is a required field that is absent or empty.
	RejectMissing Reason = "missing"
	// RejectInvalid is a value outside of what the field allows.
	RejectInvalid Reason = "invalid"
	// RejectTooLong is a name, id or URL above its limit.
	RejectTooLong Reason = "too_long"
	// RejectOutOfRange is a number that is negative, not finite or absurd.
	RejectOutOfRange Reason = "out_of_range"
	// RejectTooMany is an event above [MaxEvents].
	RejectTooMany Reason = "too_many"
)

// Reject says which field of a report or event could not be accepted, and why.
// It is an error, and its JSON is an entry of the collector's answer.
type Reject struct {
	// Index is the event's position in the report, or -1 for the report itself.
	Index int `json:"index"`
	// Field is the path of the field, such as page_view.lcp_ms.
	Field  string `json:"field,omitempty"`
	Reason Reason `json:"reason"`
	// Events is how many events it is about, from Index on; 0 means one.
	Events int `json:"events,omitempty"`
	// Detail is for people; it never repeats what the sender sent.
	Detail string `json:"detail,omitempty"`
}

// Error implements error.
func (r *Reject) Error() string {
	where := "report"
	if r.Index >= 0 {
		where = fmt.Sprintf("events[%d]", r.Index)
	}
	if r.Field != "" {
		where += "." + r.Field
	}
	return fmt.Sprintf("%s: %s: %s", where, r.Reason, r.Detail)
}

var _ error = (*Reject)(nil)

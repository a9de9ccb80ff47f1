package beacon

import (
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-json"
)

// rawReport is a Report whose events are not decoded yet, so that a wrong type
// in one event does not cost the others.
type rawReport struct {
	Report
	Events []json.RawMessage `json:"events"`
}

// Decode reads one report and checks it against the contract.
//
// On success it returns the report with the events that may be kept, texts for
// people cut to their limits, and a Reject for each event that may not, but one
// for all above [MaxEvents] together. An
// error is a *Reject about the report itself; then nothing may be kept.
//
// Decode never panics, whatever the bytes. It is safe for concurrent use, and
// the report does not refer to data.
func Decode(data []byte) (*Report, []Reject, error) {
	var raw rawReport
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, nil, typeReject(-1, data, &raw, err)
	}
	report := raw.Report
	if reject := validateReport(&report, len(raw.Events)); reject != nil {
		return nil, nil, reject
	}
	var rejects []Reject
	report.Events = make([]Event, 0, min(len(raw.Events), MaxEvents))
	for i, message := range raw.Events {
		if i == MaxEvents {
			// One for all of them: there may be thousands.
			rejects = append(rejects, Reject{
				Index: i, Reason: RejectTooMany, Events: len(raw.Events) - MaxEvents,
				Detail: fmt.Sprintf("a report holds at most %d events", MaxEvents),
			})
			break
		}
		event, reject := decodeEvent(i, message, &report)
		if reject != nil {
			rejects = append(rejects, *reject)
			continue
		}
		report.Events = append(report.Events, event)
	}
	return &report, rejects, nil
}

func decodeEvent(index int, message json.RawMessage, report *Report) (Event, *Reject) {
	var event Event
	if err := json.Unmarshal(message, &event); err != nil {
		return Event{}, typeReject(index, message, &event, err)
	}
	if reject := validateEvent(&event, report); reject != nil {
		reject.Index = index
		return Event{}, reject
	}
	return event, nil
}

// typeReject names the field that made the fast decoder fail. The standard
// library's decoder tells fields apart better, so it reads the data again; this
// path is taken for refused data only.
func typeReject(index int, data []byte, target any, fast error) *Reject {
	reject := &Reject{Index: index, Reason: RejectMalformed, Detail: "not valid JSON"}
	err := stdjson.Unmarshal(data, target)
	if err == nil {
		err = fast
	}
	var wrongType *stdjson.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		// rawReport's embedding shows in the path; the wire has no such level.
		reject.Field = strings.TrimPrefix(wrongType.Field, "Report.")
		reject.Detail = fmt.Sprintf("expected %s, found %s", jsonKind(wrongType.Type.Kind().String()), jsonKind(wrongType.Value))
		return reject
	}
	var syntax *stdjson.SyntaxError
	if errors.As(err, &syntax) {
		reject.Detail = fmt.Sprintf("not valid JSON at byte %d", syntax.Offset)
	}
	return reject
}

// jsonKind turns Go's word for a type, or the decoder's word for a value, into
// JSON's; it drops the value itself, which is the sender's.
func jsonKind(word string) string {
	word, _, _ = strings.Cut(word, " ")
	switch strings.TrimRight(word, "0123456789") {
	case "int", "uint", "float", "number":
		return "a number"
	case "struct", "map", "object":
		return "an object"
	case "slice", "array":
		return "an array"
	case "bool":
		return "a boolean"
	case "string":
		return "a string"
	default:
		return "another type"
	}
}

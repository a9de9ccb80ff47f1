package beacon

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Decode reads one report and checks it against the contract.
//
// On success it returns the report with the events that may be kept, texts for
// people cut to their limits, and a Reject for each event that may not, but one
// for all above [MaxEvents] together. An
// error is a *Reject about the report itself; then nothing may be kept.
//
// Decode never panics, whatever the bytes. It is safe for concurrent use. The
// report does not refer to data, but its texts may be parts of one copy of it:
// whoever keeps one of them for longer than the report should clone it.
func Decode(data []byte) (*Report, []Reject, error) { return decode(data, nil) }

// DecodeFor is [Decode] for what the beacon in a page of a journey reports: whatever
// it says of its source and its journey, it is of this one.
func DecodeFor(journey JourneyContext, data []byte) (*Report, []Reject, error) {
	return decode(data, &journey)
}

func decode(data []byte, journey *JourneyContext) (*Report, []Reject, error) {
	report, events, malformed, err := read(data)
	if err != nil {
		return nil, nil, err
	}
	if journey != nil {
		report.Source, report.Journey = SourceSynthetic, journey
	}
	if reject := validateReport(report, events); reject != nil {
		return nil, nil, reject
	}
	return report, keepGood(report, events, malformed), nil
}

// read reads a report of any version that there has been, which is one of [Version]
// then. It returns how many events were sent, and what is known to be wrong with
// each of those that it has read, or nil.
func read(data []byte) (report *Report, events int, malformed []*Reject, err error) {
	if isCompact(data) {
		report, events, malformed, err = readCompact(data)
		if err == nil && (report.Version == CompactVersion || report.Version == compactBefore) {
			report.Version = Version
		}
		return report, events, malformed, err
	}
	report = new(Report)
	r := newReader(data)
	events = r.report(report)
	if r.ended() {
		return report, events, nil, nil
	}
	return readCarefully(data)
}

// keepGood takes the events out of the report that may not be kept, and returns
// why. events is how many were sent; malformed holds what is known to be wrong
// with each of them, or is nil.
func keepGood(report *Report, events int, malformed []*Reject) (rejects []Reject) {
	kept := report.Events[:0]
	for i := range report.Events {
		var reject *Reject
		if malformed != nil {
			reject = malformed[i]
		}
		if reject == nil {
			reject = validateEvent(&report.Events[i], report)
		}
		if reject == nil {
			kept = append(kept, report.Events[i])
			continue
		}
		reject.Index = i
		rejects = append(rejects, *reject)
	}
	if events > MaxEvents {
		// One for all of them: there may be thousands.
		rejects = append(rejects, Reject{
			Index: MaxEvents, Reason: RejectTooMany, Events: events - MaxEvents,
			Detail: fmt.Sprintf("a report holds at most %d events", MaxEvents),
		})
	}
	report.Events = kept
	return rejects
}

// rawReport is a Report whose events are not decoded yet, so that a wrong type
// in one event does not cost the others.
type rawReport struct {
	Report
	Events []json.RawMessage `json:"events"`
}

// readCarefully reads what [reader] gave up on: slower, each event on its own,
// and telling fields apart. It returns the first [MaxEvents] events, for each of
// them nil or what is wrong with its JSON, and how many events there are.
func readCarefully(data []byte) (report *Report, events int, malformed []*Reject, err error) {
	var raw rawReport
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, 0, nil, JSONReject(err)
	}
	report = &raw.Report
	report.Events = make([]Event, min(len(raw.Events), MaxEvents))
	malformed = make([]*Reject, len(report.Events))
	for i := range report.Events {
		if err := json.Unmarshal(raw.Events[i], &report.Events[i]); err != nil {
			malformed[i] = JSONReject(err)
		}
	}
	return report, len(raw.Events), malformed, nil
}

// JSONReject says of an error of encoding/json which field does not decode. It never
// repeats what was sent. Index is -1.
func JSONReject(err error) *Reject {
	reject := &Reject{Index: -1, Reason: RejectMalformed, Detail: "not valid JSON"}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		// rawReport's embedding shows in the path; the wire has no such level.
		reject.Field = strings.TrimPrefix(wrongType.Field, "Report.")
		reject.Detail = fmt.Sprintf("expected %s, found %s", jsonKind(wrongType.Type.Kind().String()), jsonKind(wrongType.Value))
		return reject
	}
	var syntax *json.SyntaxError
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

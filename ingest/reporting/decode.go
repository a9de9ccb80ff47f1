package reporting

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"throughline/beacon"
)

// Bounds of a report, beside those of package beacon.
const (
	// MaxUserAgentBytes bounds a user agent; what is longer is cut.
	MaxUserAgentBytes = 512
	// MaxAge bounds how old a report may say it is. Chrome gives up after 15 minutes;
	// a device that slept has longer.
	MaxAge = 30 * 24 * time.Hour
)

// Report is one thing that a browser reported. Exactly one of Error and Request is
// set; all texts are clean and bounded.
type Report struct {
	// Index is its position in the body.
	Index int
	// Age is how long before the body was sent it happened, or began if it is a
	// request; from 0 on. It comes from a monotonic clock. Reports of report-uri, and
	// Safari's, are sent at once: 0.
	Age time.Duration
	// URL is the page's of an error, and the request's own of a request.
	URL string
	// UserAgent is the browser's that made the report; empty when it is not told.
	UserAgent string
	Error     *beacon.Error
	Request   *beacon.Request
}

// Decode reads the body of one request by which a browser delivers reports, and
// returns those that may be kept, in order, and why each of the others may not. An
// error is a *beacon.Reject about the body as a whole: it is not JSON, holds no
// reports, or has a content type other than application/reports+json,
// application/csp-report or application/json.
//
// At most beacon.MaxEvents reports are read. Unknown fields are ignored, and of two
// of the same name the later counts. JSON nested deeper than 10,000 levels is
// malformed, as it is to encoding/json. The caller bounds the body: time and memory
// are proportional to it.
//
// Decode never panics, whatever the bytes. It is safe for concurrent use, and keeps
// nothing of the body.
func Decode(contentType string, body []byte) ([]Report, []beacon.Reject, error) {
	entries, err := split(contentType, body)
	if err != nil {
		return nil, nil, err
	}
	var reports []Report
	var rejects []beacon.Reject
	for i := range entries[:min(len(entries), beacon.MaxEvents)] {
		report, reject := entries[i].read()
		if reject != nil {
			reject.Index = i
			rejects = append(rejects, *reject)
			continue
		}
		report.Index = i
		reports = append(reports, report)
	}
	if more := len(entries) - beacon.MaxEvents; more > 0 {
		rejects = append(rejects, beacon.Reject{
			Index: beacon.MaxEvents, Reason: beacon.RejectTooMany, Events: more,
			Detail: fmt.Sprintf("a body holds at most %d reports", beacon.MaxEvents),
		})
	}
	return reports, rejects, nil
}

// element is one report as it stands in a body.
type element struct {
	json []byte
	// ofCSP is set for what report-uri sends: only the body of a violation.
	ofCSP bool
}

// The content types: of the Reporting API, of report-uri, and what old browsers and
// proxies make of either.
const (
	typeReports   = "application/reports+json"
	typeViolation = "application/csp-report"
	typeJSON      = "application/json"
)

// split finds the reports of a body. A list is what the Reporting API sends; Safari
// sent, up to version 16, single reports of it.
func split(contentType string, body []byte) ([]element, error) {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	if mediaType != typeReports && mediaType != typeViolation && mediaType != typeJSON {
		return nil, whole("content-type", beacon.RejectInvalid, "must be "+typeReports+" or "+typeViolation)
	}
	if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte{'['}) {
		var list []json.RawMessage
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, beacon.JSONReject(err)
		}
		if len(list) == 0 {
			return nil, whole("", beacon.RejectMissing, "a body holds at least one report")
		}
		elements := make([]element, 0, len(list))
		for _, raw := range list {
			elements = append(elements, element{json: raw})
		}
		return elements, nil
	}
	var single struct {
		Violation json.RawMessage `json:"csp-report"`
	}
	if err := json.Unmarshal(body, &single); err != nil {
		return nil, beacon.JSONReject(err)
	}
	switch {
	case single.Violation != nil:
		return []element{{json: single.Violation, ofCSP: true}}, nil
	case mediaType == typeViolation:
		return nil, whole("csp-report", beacon.RejectMissing, "required")
	}
	return []element{{json: body}}, nil
}

func whole(field string, reason beacon.Reason, detail string) *beacon.Reject {
	return &beacon.Reject{Index: -1, Field: field, Reason: reason, Detail: detail}
}

// entry is one report of the Reporting API.
type entry struct {
	Type      string          `json:"type"`
	AgeMS     float64         `json:"age"`
	URL       string          `json:"url"`
	UserAgent string          `json:"user_agent"`
	Body      json.RawMessage `json:"body"`
}

// read reads a report.
func (e element) read() (Report, *beacon.Reject) {
	var c check
	if e.ofCSP {
		page, complaint := readViolation(&c, "csp-report", e.json)
		return Report{URL: c.url("csp-report.document-uri", page), Error: complaint}, c.reject
	}
	var told entry
	c.decode("", e.json, &told)
	report := Report{
		Age:       c.milliseconds("age", told.AgeMS, MaxAge),
		UserAgent: beacon.CleanText(told.UserAgent, MaxUserAgentBytes),
	}
	switch kind := c.name("type", told.Type); kind {
	case "network-error":
		var took time.Duration
		report.URL = c.url("url", told.URL)
		report.Request, took = readNetworkError(&c, report.URL, told.Body)
		report.Age += took
	case "csp-violation":
		var page string
		page, report.Error = readViolation(&c, "body", told.Body)
		report.URL = c.url("url", cmp.Or(told.URL, page))
	default:
		report.Error = readComplaint(&c, kind, told.Body)
		report.URL = c.url("url", told.URL)
	}
	return report, c.reject
}

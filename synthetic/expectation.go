package synthetic

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"throughline/beacon"
)

// Expectation is what the answer to a request must be like. The zero value wants
// a status below 400.
type Expectation struct {
	// Status holds the ranges that are allowed.
	Status []StatusRange
	// Body holds texts that the body must contain.
	Body []string
	// JSON are values in the body.
	JSON []JSONValue
	// Header holds texts that headers must contain, by name.
	Header map[string]string
	// ResponseTime is the longest that the whole answer may take; 0 is any time.
	ResponseTime time.Duration
	// CertificateDaysLeft is how long the certificates must hold; 0 is not checked.
	CertificateDaysLeft int
}

// StatusRange is from one HTTP status to another, both included.
type StatusRange struct{ From, To int }

func (s StatusRange) String() string {
	switch {
	case s.From == s.To:
		return strconv.Itoa(s.From)
	case s.From%100 == 0 && s.To == s.From+99:
		return strconv.Itoa(s.From/100) + "xx"
	default:
		return fmt.Sprintf("%d to %d", s.From, s.To)
	}
}

// JSONValue is a value at a path of a JSON document, such as items.0.id.
type JSONValue struct {
	Path string
	// Value is JSON.
	Value []byte
}

// maxShownBytes bounds how much of an answer a message shows.
const maxShownBytes = 100

func missed(format string, args ...any) error {
	return &Fault{Reason: beacon.ReasonAssertion, Message: fmt.Sprintf(format, args...)}
}

// expand fills in the variables.
func (e Expectation) expand(ctx context.Context, values *values) (Expectation, error) {
	var err error
	body := make([]string, len(e.Body))
	for i, text := range e.Body {
		if body[i], err = values.expand(ctx, text); err != nil {
			return Expectation{}, err
		}
	}
	e.Body = body
	members := make([]JSONValue, len(e.JSON))
	for i, member := range e.JSON {
		members[i].Path = member.Path
		if members[i].Value, err = expandJSON(ctx, values, member.Value); err != nil {
			return Expectation{}, err
		}
	}
	e.JSON = members
	e.Header, err = values.all(ctx, e.Header)
	return e, err
}

// check compares an answer. What is missed is a *Fault.
func (e Expectation) check(response HTTPResponse) error {
	for _, check := range []func(HTTPResponse) error{
		e.checkStatus, e.checkHeader, e.checkBody, e.checkJSON, e.checkTime, e.checkCertificate,
	} {
		if err := check(response); err != nil {
			return err
		}
	}
	return nil
}

func (e Expectation) checkStatus(response HTTPResponse) error {
	wanted := e.Status
	if len(wanted) == 0 {
		wanted = []StatusRange{{100, 399}}
	}
	words := make([]string, 0, len(wanted))
	for _, allowed := range wanted {
		if response.StatusCode >= allowed.From && response.StatusCode <= allowed.To {
			return nil
		}
		words = append(words, allowed.String())
	}
	return missed("HTTP status %d, expected %s", response.StatusCode, strings.Join(words, " or "))
}

func (e Expectation) checkHeader(response HTTPResponse) error {
	for _, name := range sortedKeys(e.Header) {
		got := strings.Join(response.Header.Values(name), ", ")
		if !strings.Contains(got, e.Header[name]) || got == "" {
			return missed("the header %s is %q, expected to contain %q", name, cut(got, maxShownBytes), cut(e.Header[name], maxShownBytes))
		}
	}
	return nil
}

func (e Expectation) checkBody(response HTTPResponse) error {
	for _, text := range e.Body {
		if !strings.Contains(string(response.Body), text) {
			return missed("the body does not contain %q%s", cut(text, maxShownBytes), ofCut(response))
		}
	}
	return nil
}

// ofCut says that the body is not known to its end.
func ofCut(response HTTPResponse) string {
	if !response.Cut {
		return ""
	}
	return fmt.Sprintf(" in its first %d bytes", MaxResponseBytes)
}

func (e Expectation) checkJSON(response HTTPResponse) error {
	for _, member := range e.JSON {
		got, err := valueAt(response, member.Path)
		if err != nil {
			return err
		}
		want, err := decodeJSON(member.Value)
		if err != nil {
			return err
		}
		if !sameJSON(got, want) {
			shown, err := encodeJSON(got)
			if err != nil {
				return err
			}
			return missed("%s is %s, expected %s", member.Path, cut(string(shown), maxShownBytes), cut(string(member.Value), maxShownBytes))
		}
	}
	return nil
}

func (e Expectation) checkTime(response HTTPResponse) error {
	if e.ResponseTime > 0 && response.Took > e.ResponseTime {
		return missed("the answer took %s, expected at most %s", response.Took.Round(time.Millisecond), e.ResponseTime)
	}
	return nil
}

func (e Expectation) checkCertificate(response HTTPResponse) error {
	switch left := response.CertificateDaysLeft; {
	case e.CertificateDaysLeft == 0:
		return nil
	case left == nil:
		return missed("the answer came without TLS, expected a certificate for %d days more", e.CertificateDaysLeft)
	case *left < e.CertificateDaysLeft:
		return missed("the certificate ends in %d days, expected at least %d", *left, e.CertificateDaysLeft)
	}
	return nil
}

// sameJSON compares values; numbers count as what they mean.
func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		other, ok := b.(json.Number)
		if !ok {
			return false
		}
		x, errX := a.Float64()
		y, errY := other.Float64()
		return a == other || errX == nil && errY == nil && x == y
	case []any:
		other, ok := b.([]any)
		if !ok || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !sameJSON(a[i], other[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		other, ok := b.(map[string]any)
		if !ok || len(a) != len(other) {
			return false
		}
		for key := range a {
			member, there := other[key]
			if !there || !sameJSON(a[key], member) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(a, b)
	}
}

// valueAt follows a path into the body.
func valueAt(response HTTPResponse, path string) (any, error) {
	if response.Cut {
		return nil, missed("the body is larger than %d bytes, too large to look for %s", MaxResponseBytes, path)
	}
	value, err := decodeJSON(response.Body)
	if err != nil {
		return nil, missed("the body is not valid JSON")
	}
	walked := ""
	for part := range strings.SplitSeq(path, ".") {
		next, ok := memberOf(value, part)
		if !ok {
			return nil, missed("the body has no %s", walked+part)
		}
		value, walked = next, walked+part+"."
	}
	return value, nil
}

func memberOf(value any, part string) (any, bool) {
	switch value := value.(type) {
	case map[string]any:
		member, ok := value[part]
		return member, ok
	case []any:
		if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < len(value) {
			return value[i], true
		}
	}
	return nil, false
}

func readExpectation(r *reader) Expectation {
	e := Expectation{Header: r.texts("header")}
	if n, given := r.get("status"); given {
		e.Status = r.statusRanges("status", n)
	}
	if n, given := r.get("body_contains"); given {
		e.Body = r.oneOrMore("body_contains", n)
	}
	if n, given := r.get("json"); given {
		members := r.of(n, "json")
		for _, path := range members.object.keys {
			members.checkPath(path, path)
			value := members.document(path)
			if value == nil { // null, which counts as not given elsewhere
				value = []byte("null")
			}
			e.JSON = append(e.JSON, JSONValue{Path: path, Value: value})
		}
	}
	e.ResponseTime = r.duration("response_time", 0, MaxTimeout)
	if days, given := r.number("tls_days_left"); given {
		e.CertificateDaysLeft = int(days)
		if days != float64(e.CertificateDaysLeft) || days < 1 || days > 3650 {
			r.fail("tls_days_left", "must be a whole number from 1 to 3650")
		}
	}
	return e
}

// checkPath refuses paths that lead nowhere.
func (r *reader) checkPath(field, path string) {
	for part := range strings.SplitSeq(path, ".") {
		if part == "" {
			r.fail(field, "must be names and indexes with dots between, such as items.0.id")
		}
	}
}

// statusRanges reads 200, "2xx", or a list of those.
func (r *reader) statusRanges(field string, n node) []StatusRange {
	items, ok := n.value.([]node)
	if !ok {
		items = []node{n}
	}
	var ranges []StatusRange
	for _, item := range items {
		allowed, ok := statusRange(item)
		if !ok {
			r.fail(field, "must be a status such as 200 or 2xx, or a list of those")
		}
		ranges = append(ranges, allowed)
	}
	if len(ranges) == 0 {
		r.fail(field, "must not be empty")
	}
	return ranges
}

func statusRange(n node) (StatusRange, bool) {
	switch value := n.value.(type) {
	case float64:
		code := int(value)
		return StatusRange{code, code}, float64(code) == value && code >= 100 && code <= 599
	case string:
		if len(value) == 3 && value[0] >= '1' && value[0] <= '5' && value[1:] == "xx" {
			from := int(value[0]-'0') * 100
			return StatusRange{from, from + 99}, true
		}
	}
	return StatusRange{}, false
}

// oneOrMore reads a text or a list of texts.
func (r *reader) oneOrMore(field string, n node) []string {
	items, ok := n.value.([]node)
	if !ok {
		items = []node{n}
	}
	var texts []string
	for _, item := range items {
		text, ok := item.value.(string)
		if !ok {
			text = item.source
		}
		if text == "" {
			r.fail(field, "must be text or a list of texts")
		}
		texts = append(texts, r.templated(field, text))
	}
	return texts
}

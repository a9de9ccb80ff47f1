package synthetic

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Expectation is what the answer to a request must be like. The zero value wants
// a status below 400.
type Expectation struct {
	// Status holds what is allowed, such as 200 or 2xx.
	Status []string
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

// JSONValue is a value at a path of a JSON document, such as items.0.id.
type JSONValue struct {
	Path string
	// Value is JSON.
	Value []byte
}

// maxShownBytes bounds how much of an answer a message shows.
const maxShownBytes = 100

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
	if len(e.Status) == 0 {
		if response.StatusCode >= http.StatusBadRequest {
			return assertion("HTTP status %d", response.StatusCode)
		}
		return nil
	}
	status := strconv.Itoa(response.StatusCode)
	for _, allowed := range e.Status {
		if allowed == status || allowed == status[:1]+"xx" {
			return nil
		}
	}
	return assertion("HTTP status %s, expected %s", status, strings.Join(e.Status, " or "))
}

func (e Expectation) checkHeader(response HTTPResponse) error {
	for _, name := range sortedKeys(e.Header) {
		got := strings.Join(response.Header.Values(name), ", ")
		if !strings.Contains(got, e.Header[name]) || got == "" {
			return assertion("the header %s is %q, expected to contain %q", name, cut(got, maxShownBytes), cut(e.Header[name], maxShownBytes))
		}
	}
	return nil
}

func (e Expectation) checkBody(response HTTPResponse) error {
	for _, text := range e.Body {
		if !strings.Contains(string(response.Body), text) {
			return assertion("the body does not contain %q%s", cut(text, maxShownBytes), ofCut(response))
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
			return assertion("%s is %s, expected %s", member.Path, cut(string(shown), maxShownBytes), cut(string(member.Value), maxShownBytes))
		}
	}
	return nil
}

func (e Expectation) checkTime(response HTTPResponse) error {
	if e.ResponseTime > 0 && response.Took > e.ResponseTime {
		return assertion("the answer took %s, expected at most %s", response.Took.Round(time.Millisecond), e.ResponseTime)
	}
	return nil
}

func (e Expectation) checkCertificate(response HTTPResponse) error {
	switch left := response.CertificateDaysLeft; {
	case e.CertificateDaysLeft == 0:
		return nil
	case left == nil:
		return assertion("the answer came without TLS, expected a certificate for %d days more", e.CertificateDaysLeft)
	case *left < e.CertificateDaysLeft:
		return assertion("the certificate ends in %d days, expected at least %d", *left, e.CertificateDaysLeft)
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
		return nil, assertion("the body is larger than %d bytes, too large to look for %s", MaxResponseBytes, path)
	}
	value, err := decodeJSON(response.Body)
	if err != nil {
		return nil, assertion("the body is not valid JSON")
	}
	walked := ""
	for part := range strings.SplitSeq(path, ".") {
		next, ok := memberOf(value, part)
		if !ok {
			return nil, assertion("the body has no %s", walked+part)
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

func (e Expectation) write(w *writer) {
	w.statuses("status", e.Status)
	body := make([]string, 0, len(e.Body))
	for _, text := range e.Body {
		body = append(body, w.templated(text))
	}
	w.list("body_contains", body)
	members := w.inner()
	for _, member := range e.JSON {
		members.document(member.Path, member.Value)
	}
	w.child("json", members)
	w.texts("header", e.Header)
	if e.ResponseTime != 0 {
		w.duration("response_time", e.ResponseTime)
	}
	if e.CertificateDaysLeft != 0 {
		w.number("tls_days_left", float64(e.CertificateDaysLeft))
	}
}

func readExpectation(r *reader) Expectation {
	e := Expectation{Status: r.statuses("status"), Body: r.oneOrMore("body_contains"), Header: r.texts("header")}
	r.sketch.put("json", &schema{Type: []string{"object"}}, false)
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

// oneOrMore reads a text or a list of texts.
func (r *reader) oneOrMore(field string) []string {
	r.sketch.put(field, &schema{AnyOf: []*schema{anyText(), {Type: []string{"array"}, MinItems: 1, Items: anyText()}}}, false)
	n, given := r.get(field)
	if !given {
		return nil
	}
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

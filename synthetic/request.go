package synthetic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"throughline/beacon"
)

// DefaultRedirects is how many redirects a request follows when it does not say.
const DefaultRedirects = 10

// maxRedirects is the most that it may ask for.
const maxRedirects = 20

// Request makes an HTTP request without a browser, and judges and keeps what is
// answered. Its cookies are those of the page, or of the run if no step has one.
type Request struct {
	// Method is GET unless it says otherwise.
	Method string
	// URL is relative to the base URL or absolute.
	URL     string
	Headers map[string]string
	// Body is sent as it is; JSON instead of it, if not empty, with its type.
	Body string
	JSON []byte
	// Redirects is how many are followed; see [HTTPRequest].
	Redirects int
	Expect    Expectation
	Extracts  []Extract
}

// Type implements [Action].
func (Request) Type() string { return "request" }

func (q Request) label() string { return "request " + q.Method + " " + PublicURL(q.URL) }

func (q Request) run(ctx context.Context, on *stage) error {
	if on.session == nil {
		return &Fault{Reason: beacon.ReasonCommandRefused, Message: "requests without a browser are not possible here", Agent: true}
	}
	trace := on.trace
	on.trace = "" // until it is sent
	request, err := q.expand(ctx, on)
	if err != nil {
		return err
	}
	expect, err := q.Expect.expand(ctx, on.values)
	if err != nil {
		return err
	}
	on.address = request.URL
	if err := on.cookies.take(ctx); err != nil {
		return err
	}
	on.traced(trace, request)
	response, err := on.session.Do(ctx, request)
	on.http = &response.HTTPTiming
	if err != nil {
		return err
	}
	if err := on.cookies.give(ctx); err != nil {
		return err
	}
	if err := expect.check(response); err != nil {
		return err
	}
	for _, extract := range q.Extracts {
		text, err := extract.find(response)
		if err != nil {
			return err
		}
		on.values.set(extract.Name, text, extract.Secret)
	}
	return nil
}

// traced has a request carry the trace of the step, if its host is told, and the
// journey does not say which.
func (s *stage) traced(id string, request HTTPRequest) {
	u, err := url.Parse(request.URL)
	fits := func(host string) bool { return FitsHost(host, u) }
	if err != nil || id == "" || request.Header.Get(TraceHeader) != "" || !slices.ContainsFunc(s.traceHosts, fits) {
		return
	}
	request.Header.Set(TraceHeader, Traceparent(id))
	s.trace = id
}

// expand fills in the variables.
func (q Request) expand(ctx context.Context, on *stage) (HTTPRequest, error) {
	request := HTTPRequest{Method: q.Method, Header: http.Header{}, MaxRedirects: q.Redirects}
	var err error
	if request.URL, err = on.resolve(ctx, q.URL); err != nil {
		return HTTPRequest{}, err
	}
	if u, err := url.Parse(request.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return HTTPRequest{}, &Fault{Reason: beacon.ReasonNavigation, Message: "the address is no http or https URL"}
	}
	headers, err := on.values.all(ctx, q.Headers)
	if err != nil {
		return HTTPRequest{}, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if len(q.JSON) > 0 {
		if request.Header.Get("Content-Type") == "" {
			request.Header.Set("Content-Type", "application/json")
		}
		request.Body, err = expandJSON(ctx, on.values, q.JSON)
		return request, err
	}
	body, err := on.values.expand(ctx, q.Body)
	request.Body = []byte(body)
	return request, err
}

// expandJSON fills variables into the texts of a JSON document.
func expandJSON(ctx context.Context, values *values, document []byte) ([]byte, error) {
	if !bytes.Contains(document, []byte("${")) {
		return document, nil
	}
	value, err := decodeJSON(document)
	if err != nil {
		return nil, err
	}
	if value, err = expandTree(ctx, values, value); err != nil {
		return nil, err
	}
	return encodeJSON(value)
}

func expandTree(ctx context.Context, values *values, value any) (any, error) {
	var err error
	switch value := value.(type) {
	case string:
		return values.expand(ctx, value)
	case []any:
		for i := range value {
			if value[i], err = expandTree(ctx, values, value[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for key := range value {
			if value[key], err = expandTree(ctx, values, value[key]); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// decodeJSON reads one JSON document and keeps its numbers as they are written.
func decodeJSON(document []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("not valid JSON: more than one value")
	}
	return value, nil
}

// encodeJSON writes a value without what JSON in HTML needs.
func encodeJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

func readRequest(r *reader) Action {
	q := Request{
		Method:    strings.ToUpper(r.text("method", optional)),
		URL:       r.template("url", required),
		Headers:   r.texts("headers"),
		Body:      r.template("body", optional),
		JSON:      r.document("json"),
		Redirects: DefaultRedirects,
	}
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	if !slices.Contains(methods, q.Method) {
		r.fail("method", "must be one of %s", strings.Join(methods, ", "))
	}
	if q.Body != "" && len(q.JSON) > 0 {
		r.fail("json", "stands in the place of body")
	}
	if scheme, _, absolute := strings.Cut(q.URL, "://"); absolute && scheme != "http" && scheme != "https" && !strings.Contains(scheme, "${") {
		r.fail("url", "must be an http or https URL, or relative")
	}
	for name := range q.Headers {
		if !isToken(name) {
			r.fail("headers", "%q is no name of a header", name)
		}
	}
	q.Redirects = readRedirects(r)
	for _, field := range []string{"target", "frame", "assertedEvents"} {
		if _, given := r.get(field); given {
			r.fail(field, "a request has no page")
		}
	}
	if expect := r.child("expect"); expect != nil {
		q.Expect = readExpectation(expect)
		expect.done()
	}
	q.Extracts = readExtracts(r)
	return q
}

// readRedirects reads follow_redirects: yes or no, or how many.
func readRedirects(r *reader) int {
	const field = "follow_redirects"
	r.sketch.put(field, &schema{Type: []string{"boolean", "number"}}, false)
	n, given := r.get(field)
	switch value := n.value.(type) {
	case bool:
		if value {
			return DefaultRedirects
		}
		return 0
	case float64:
		if count := int(value); float64(count) == value && count >= 0 && count <= maxRedirects {
			return count
		}
	}
	if given {
		r.fail(field, "must be true, false, or a number from 0 to %d", maxRedirects)
	}
	return DefaultRedirects
}

// isToken says that HTTP allows a text as the name of a header.
func isToken(text string) bool {
	for _, c := range text {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("!#$%&'*+-.^_`|~", c) {
			return false
		}
	}
	return text != ""
}

// document reads any value as JSON whose texts may refer to variables.
func (r *reader) document(field string) []byte {
	r.sketch.put(field, &schema{}, false)
	n, given := r.get(field)
	if !given {
		return nil
	}
	data, err := encodeJSON(plain(r.templatesIn(field, n)))
	if err != nil {
		r.fail(field, "cannot be written as JSON")
	}
	return data
}

// templatesIn reads the texts of a value.
func (r *reader) templatesIn(field string, n node) node {
	switch value := n.value.(type) {
	case string:
		n.value = r.templated(field, value)
	case []node:
		items := make([]node, 0, len(value))
		for _, item := range value {
			items = append(items, r.templatesIn(field, item))
		}
		n.value = items
	case *object:
		members := &object{members: map[string]node{}}
		for _, key := range value.keys {
			members.put(key, r.templatesIn(field, value.members[key]))
		}
		n.value = members
	}
	return n
}

// document writes a value that is at hand as JSON, if any.
func (w *writer) document(field string, data []byte) {
	if len(data) == 0 {
		return
	}
	if n, err := parseJSON(data); err == nil {
		w.put(field, w.templatesIn(n).value)
	}
}

// templatesIn writes the texts of a value.
func (w *writer) templatesIn(n node) node {
	switch value := n.value.(type) {
	case string:
		n.value = w.templated(value)
	case []node:
		for i := range value {
			value[i] = w.templatesIn(value[i])
		}
	case *object:
		for key, member := range value.members {
			value.members[key] = w.templatesIn(member)
		}
	}
	return n
}

func (q Request) write(w *writer) {
	if q.Method != http.MethodGet {
		w.text("method", q.Method)
	}
	w.template("url", q.URL)
	w.texts("headers", q.Headers)
	if q.Body != "" {
		w.template("body", q.Body)
	}
	w.document("json", q.JSON)
	if q.Redirects != DefaultRedirects {
		w.number("follow_redirects", float64(q.Redirects))
	}
	expect := w.inner()
	q.Expect.write(expect)
	w.child("expect", expect)
	extracts := w.inner()
	for _, extract := range q.Extracts {
		one := w.inner()
		extract.write(one)
		extracts.child(extract.Name, one)
	}
	w.child("capture", extracts)
}

// sets implements [setter].
func (q Request) sets() []string {
	names := make([]string, 0, len(q.Extracts))
	for _, extract := range q.Extracts {
		names = append(names, extract.Name)
	}
	return names
}

// requestDescriptions says what the fields of requests are for, as far as only
// they have them.
func requestDescriptions() map[string]string {
	return map[string]string{
		"http":             "A check without a browser: one request, in the place of steps.",
		"method":           "The HTTP method; GET if not given.",
		"body":             "What to send, as it is.",
		"json":             "JSON: what to send; or the values that must be in the answer, by paths such as items.0.id; or the path of a value to keep.",
		"follow_redirects": "How many redirects to follow, or whether to; 10 if not given.",
		"expect":           "What the answer must be like; a status below 400 if not given.",
		"capture":          "What of the answer to keep in variables, by their names.",
		"body_contains":    "What must be part of the body: a text or a list.",
		"header":           "What must be part of headers, by their names; or the header to keep.",
		"tls_days_left":    "For how many days the certificates must still hold.",
		"regexp":           "A regular expression to look for in the body; its first group is kept, or all that it matches.",
		"cookie":           "The cookie to keep. Its value shows nowhere.",
	}
}

// checkSchema is the short form of a check without a browser: a request with what
// a step has besides.
func checkSchema() *schema {
	kind, _ := findKind(Request{}.Type())
	check := kind.schema()
	step := stepSchema()
	params := check.AnyOf[1]
	params.Properties["name"], params.Properties["timeout"] = step.Properties["name"], step.Properties["timeout"]
	check.Description = describe("http")
	return check
}

// withRequest turns the short form of a check without a browser, which has http
// in the place of steps, into a journey of one request.
func withRequest(root node) node {
	top, ok := root.value.(*object)
	if !ok {
		return root
	}
	check, short := top.members["http"]
	if _, long := top.members["steps"]; !short || long {
		return root
	}
	step := &object{members: map[string]node{}}
	step.put("request", check)
	if params, mapping := check.value.(*object); mapping {
		request := &object{members: map[string]node{}}
		step = &object{members: map[string]node{}}
		for _, key := range params.keys {
			// What the step has, not the request.
			if key == "timeout" || key == "name" {
				step.put(key, params.members[key])
			} else {
				request.put(key, params.members[key])
			}
		}
		step.put("request", node{line: check.line, value: request})
	}
	journey := &object{members: map[string]node{}}
	for _, key := range top.keys {
		if key != "http" {
			journey.put(key, top.members[key])
		}
	}
	journey.put("steps", node{line: check.line, value: []node{{line: check.line, value: step}}})
	return node{line: root.line, value: journey}
}

func (o *object) put(key string, member node) {
	o.keys = append(o.keys, key)
	o.members[key] = member
}

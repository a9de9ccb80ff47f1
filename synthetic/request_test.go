package synthetic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
	"throughline/synthetic/probe"
)

// newAPI serves what journeys without a browser ask for.
func newAPI(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/login", func(w http.ResponseWriter, r *http.Request) {
		var login struct {
			User string `json:"user"`
			Age  int    `json:"age"`
		}
		if json.NewDecoder(r.Body).Decode(&login) != nil || login.User != `an"na` || login.Age != 41 || r.Header.Get("Content-Type") != "application/json" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "cookie-hush"})
		w.Header().Set("X-Request-Id", "r-17")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"data": {"token": "token-hush", "id": 12345678901234567890, "admin": false}, "items": [{"id": "a"}, {"id": "b"}]}`)
	})
	mux.HandleFunc("GET /api/me", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("session")
		if err != nil || cookie.Value != "cookie-hush" || r.Header.Get("Authorization") != "Bearer token-hush" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = fmt.Fprintf(w, `{"id": %s, "echo": "token-hush", "order": "order 4711 is on its way"}`, r.URL.Query().Get("id"))
	})
	mux.HandleFunc("GET /slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /late", func(http.ResponseWriter, *http.Request) { time.Sleep(50 * time.Millisecond) })
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, `<!doctype html><input id=order>`)
	})
	api := httptest.NewServer(mux)
	t.Cleanup(func() { api.CloseClientConnections(); api.Close() })
	return api
}

// newProber returns a runner whose journeys must need no browser.
func newProber(t *testing.T) (*synthetic.Runner, *sink) {
	t.Helper()
	return newRunner(t, func(o *synthetic.RunnerOptions) {
		o.Requester = probe.New(probe.Options{})
		o.Launch = func(context.Context) (synthetic.Browser, error) {
			t.Error("a browser is started")
			return nil, errors.New("no browser")
		}
	})
}

const signIn = `
name: Sign in
variables: {user: 'an"na', age: "41"}
steps:
  - name: Log in
    request:
      method: POST
      url: /api/login
      json: {user: "${user}", age: 41}
      expect: {status: 201, json: {data.admin: false, items.1.id: b, items: [{id: a}, {id: b}]}, header: {x-request-id: r-}}
      capture:
        token: {json: data.token, secret: true}
        id: {json: data.id}
        session: {cookie: session}
        request: {header: X-Request-Id}
  - name: See me
    request:
      url: /api/me?id=${id}
      headers: {Authorization: "Bearer ${token}"}
      expect: {status: [200, 3xx], body_contains: ["${token}", order], json: {id: 12345678901234567890, echo: "${token}"}, response_time: 20s}
      capture: {order: {regexp: 'order (\d+)'}}
`

func TestRequest_JourneyWithoutABrowser(t *testing.T) {
	api := newAPI(t)
	runner, sink := newProber(t)
	result := runner.Run(t.Context(), load(t, signIn), synthetic.RunOptions{BaseURL: api.URL})
	if result.Outcome != beacon.RunPassed || len(result.Steps) != 2 || result.Browser != "" || len(result.Artifacts) != 0 {
		t.Fatalf("got %+v", result)
	}
	for _, step := range result.Steps {
		if step.HTTP == nil || step.HTTP.StatusCode == 0 || step.HTTP.Connect <= 0 || step.HTTP.FirstByte <= 0 || step.HTTP.CertificateDaysLeft != nil {
			t.Errorf("got %+v", step.HTTP)
		}
	}
	if got := sink.runs[0].Events[2].JourneyStep; got.URL != api.URL+"/api/me" || got.Type != "request" {
		t.Errorf("got %+v", got)
	}
	// Cookies are not kept from run to run.
	alone := load(t, "name: Alone\nsteps: [{request: {url: /api/me?id=1, headers: {Authorization: Bearer token-hush}}}]")
	if result := runner.Run(t.Context(), alone, synthetic.RunOptions{BaseURL: api.URL}); result.Message != "HTTP status 403" {
		t.Errorf("got %+v", result)
	}
}

func TestRequest_MixedWithThePage(t *testing.T) {
	api := newAPI(t)
	runner, _ := newRunner(t, func(o *synthetic.RunnerOptions) { o.Requester = probe.New(probe.Options{}) })
	result := runner.Run(t.Context(), load(t, signIn+`
  - navigate: /page
  - change: {selectors: "#order", value: "${order}"}
  - waitForExpression: document.querySelector("#order").value === "4711"
`), synthetic.RunOptions{BaseURL: api.URL})
	if result.Outcome != beacon.RunPassed || result.Browser == "" || result.Steps[2].HTTP != nil {
		t.Errorf("got %+v", result)
	}
}

func TestRequest_Fails(t *testing.T) {
	api := newAPI(t)
	for name, test := range map[string]struct {
		step   string
		reason beacon.RunReason
		says   string
	}{
		"status":          {"{url: /absent}", beacon.ReasonAssertion, "HTTP status 404"},
		"status wanted":   {"{url: /late, expect: {status: [201, 5xx]}}", beacon.ReasonAssertion, "HTTP status 200, expected 201 or 5xx"},
		"body":            {"{url: /page, expect: {body_contains: Welcome}}", beacon.ReasonAssertion, `the body does not contain "Welcome"`},
		"no JSON":         {"{url: /page, expect: {json: {a: 1}}}", beacon.ReasonAssertion, "the body is not valid JSON"},
		"header":          {"{url: /page, expect: {header: {Content-Type: json}}}", beacon.ReasonAssertion, `the header Content-Type is "text/html", expected to contain "json"`},
		"slow":            {"{url: /late, expect: {response_time: 10ms}}", beacon.ReasonAssertion, "expected at most 10ms"},
		"no TLS":          {"{url: /page, expect: {tls_days_left: 14}}", beacon.ReasonAssertion, "without TLS"},
		"nothing to take": {"{url: /page, capture: {x: {regexp: 'nowhere'}}}", beacon.ReasonAssertion, "the answer has no regexp nowhere for the variable x"},
		"no cookie":       {"{url: /page, capture: {x: {cookie: session}}}", beacon.ReasonAssertion, "the answer has no cookie session"},
		"refused":         {"{url: 'http://127.0.0.1:1/'}", beacon.ReasonNavigation, "the connection was refused"},
		"other scheme":    {"{url: '${scheme}://127.0.0.1/'}", beacon.ReasonNavigation, "no http or https URL"},
	} {
		t.Run(name, func(t *testing.T) {
			runner, sink := newProber(t)
			runner.Run(t.Context(), load(t, "name: J\nvariables: {scheme: ftp}\nsteps: [{request: "+test.step+"}]"), synthetic.RunOptions{BaseURL: api.URL})
			if run := sink.run(); run.Outcome != beacon.RunFailed || run.Reason != test.reason || !strings.Contains(run.Message, test.says) {
				t.Errorf("got %s %s %q, want %s with %q", run.Outcome, run.Reason, run.Message, test.reason, test.says)
			}
		})
	}
}

func TestRequest_JSONDiffers(t *testing.T) {
	api := newAPI(t)
	for expect, says := range map[string]string{
		"data.admin: true":      "data.admin is false, expected true",
		"items.0.id: b":         `items.0.id is "a", expected "b"`,
		"items.2.id: b":         "the body has no items.2",
		"data.name: x":          "the body has no data.name",
		"data.id: 7":            "data.id is 12345678901234567890, expected 7",
		`data.token: "${user}"`: `data.token is "***", expected "an\"na"`,
		"items: [{id: a}]":      `items is [{"id":"a"},{"id":"b"}], expected [{"id":"a"}]`,
		"data.token.x: null":    "the body has no data.token.x",
	} {
		runner, sink := newProber(t)
		t.Setenv("THE_TOKEN", "token-hush")
		runner.Run(t.Context(), load(t, `
name: J
variables: {user: 'an"na', token: {secret: THE_TOKEN}}
steps: [{request: {method: post, url: /api/login, json: {user: "${user}", age: 41}, expect: {json: {`+expect+`}}}}]
`), synthetic.RunOptions{BaseURL: api.URL})
		if run := sink.run(); run.Reason != beacon.ReasonAssertion || run.Message != says {
			t.Errorf("%s: got %s %q, want %q", expect, run.Reason, run.Message, says)
		}
	}
}

func TestRequest_Timeouts(t *testing.T) {
	api := newAPI(t)
	runner, sink := newProber(t)
	runner.Run(t.Context(), load(t, "name: J\nhttp: {url: /slow, timeout: 300ms}"), synthetic.RunOptions{BaseURL: api.URL})
	if run := sink.run(); run.Reason != beacon.ReasonTimeout || run.Outcome != beacon.RunFailed || !strings.Contains(run.Message, "still waiting for the answer") {
		t.Errorf("got %+v", run)
	}
}

func TestRequest_ShortForm(t *testing.T) {
	for name, text := range map[string]string{
		"address":  "http: https://shop.example/health",
		"mapping":  "http: {url: https://shop.example/health}",
		"in steps": "steps: [request: https://shop.example/health]",
	} {
		journey := load(t, "name: Health\n"+text)
		request, ok := journey.Steps[0].Action.(synthetic.Request)
		if !ok || len(journey.Steps) != 1 || request.URL != "https://shop.example/health" || request.Method != "GET" || request.Redirects != synthetic.DefaultRedirects {
			t.Errorf("%s: got %+v", name, journey)
		}
	}
	named := load(t, "name: Health\nhttp: {name: Look, timeout: 2s, url: 'https://shop.example/health?token=hush', follow_redirects: false}").Steps[0]
	if named.Name != "Look" || named.Timeout != 2*time.Second || named.Action.(synthetic.Request).Redirects != 0 || named.Label() != "request GET https://shop.example/health" {
		t.Errorf("got %+v", named)
	}
}

func TestRequest_NeedsARequester(t *testing.T) {
	runner, sink := newRunner(t, nil)
	runner.Run(t.Context(), load(t, "name: J\nhttp: http://127.0.0.1:1/"), synthetic.RunOptions{})
	if run := sink.run(); run.Outcome != beacon.RunAgentError || run.Reason != beacon.ReasonCommandRefused {
		t.Errorf("got %+v", run)
	}
}

// An answer must not lead us to this machine: only hosts in the journey may.
func TestRequest_CapturedAddressesAreGuarded(t *testing.T) {
	inner := newAPI(t)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"next": "%s/page"}`, strings.Replace(inner.URL, "127.0.0.1", "localhost", 1))
	}))
	t.Cleanup(evil.Close)
	runner, sink := newProber(t)
	runner.Run(t.Context(), load(t, "name: J\nsteps: [{request: {url: /, capture: {next: {json: next}}}}, {request: '${next}'}]"), synthetic.RunOptions{BaseURL: evil.URL})
	if run := sink.run(); run.StepsDone != 1 || run.Reason != beacon.ReasonNavigation || !strings.Contains(run.Message, "does not name the host") {
		t.Errorf("got %+v", run)
	}
}

// A journey without a browser tells of the business transactions that it names.
func TestRequest_NamesTransactions(t *testing.T) {
	api := newAPI(t)
	runner, sink := newProber(t)
	result := runner.Run(t.Context(), load(t, `
name: By API
steps:
  - {transaction: Look, request: /page}
  - {transaction: Pay, request: /page}
  - {transaction: Pay, request: {url: /page, expect: {status: 404}}}
`), synthetic.RunOptions{BaseURL: api.URL})
	events := sink.runs[0].Events
	if result.Outcome != beacon.RunFailed || len(events) != 6 {
		t.Fatalf("got %+v with %d events", result, len(events))
	}
	look, pay := events[4], events[5]
	if look.Transaction.Name != "Look" || look.TransactionDone.Outcome != beacon.OutcomeCompleted || *events[1].Transaction != *look.Transaction {
		t.Errorf("got %+v", look)
	}
	if pay.Transaction.Name != "Pay" || pay.TransactionDone.Outcome != beacon.OutcomeFailed || pay.TransactionDone.Reason != "assertion" ||
		*events[2].Transaction != *pay.Transaction || *events[3].Transaction != *pay.Transaction || *events[0].Transaction != *pay.Transaction {
		t.Errorf("got %+v", pay)
	}
}

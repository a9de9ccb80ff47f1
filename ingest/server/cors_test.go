package server

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"throughline/beacon"
	"throughline/ingest"
)

// answering is a service that gives one answer.
type answering struct {
	openMinded
	answer ingest.Answer
	err    error
}

func (a answering) Accept(ingest.Submission) (ingest.Answer, error) { return a.answer, a.err }

func (a answering) AcceptReports(string, ingest.Submission) (ingest.Answer, error) {
	return a.answer, a.err
}

// A page can read every answer, whatever it is: browsers show errors without
// these headers as faults of CORS.
func TestCORS_IsOnEveryAnswer(t *testing.T) {
	past := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	used := ingest.Limits{EventsPerSecond: 1, Burst: 1, EventsPerDay: 1}
	internal := errors.New("the password is hunter2")
	for name, c := range map[string]struct {
		method, path string
		service      Service
		body         string
		headers      map[string]string
		used         bool // what the app may send
		status       int
	}{
		"kept":               {status: 202},
		"kept, quietly":      {path: "/v1/events?quiet=1&key=" + key, status: 204},
		"preflight":          {method: "OPTIONS", status: 204},
		"wrong report":       {service: answering{err: &beacon.Reject{Index: -1, Reason: beacon.RejectMalformed}}, status: 400},
		"wrong events":       {service: answering{answer: ingest.Answer{Rejected: []beacon.Reject{{Reason: beacon.RejectInvalid}}}}, status: 400},
		"corrupt gzip":       {headers: map[string]string{"Content-Encoding": "gzip"}, body: "x", status: 400},
		"unknown key":        {path: "/v1/events?key=nobodys-key", status: 401},
		"forbidden origin":   {headers: map[string]string{"Origin": "https://evil.example"}, status: 403},
		"no agent":           {service: answering{err: &beacon.Reject{Index: -1, Reason: ingest.RejectNotAnAgent}}, status: 403},
		"no such page":       {path: "/v2/events", status: 404},
		"no such script":     {method: "GET", path: "/t/nobodys-key.js", status: 404},
		"another method":     {method: "GET", status: 405},
		"and another":        {method: "PUT", status: 405},
		"too large":          {body: strings.Repeat("x", beacon.MaxBrowserBodyBytes+1), status: 413},
		"another encoding":   {headers: map[string]string{"Content-Encoding": "br"}, status: 415},
		"rate or quota":      {used: true, status: 429},
		"a fault of ours":    {service: answering{err: internal}, status: 500},
		"full":               {service: answering{err: &ingest.BusyError{Reason: ingest.RejectQueueFull, RetryAfter: time.Second}}, status: 503},
		"the description":    {method: "GET", path: "/v1/openapi.yaml", status: 200},
		"without an origin":  {headers: map[string]string{"Origin": ""}, status: 403},
		"from a local file":  {headers: map[string]string{"Origin": "null"}, status: 403},
		"a method of no use": {method: "BREW", status: 405},
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, 64<<10, func(o *Options, apps []ingest.App) {
				o.Service, o.Now = openMinded{}, func() time.Time { return past }
				if c.service != nil {
					o.Service = c.service
				}
				if c.used {
					apps[0].Limits = used
				}
			})
			if c.used {
				d.post(t, "?key="+key, "x", nil)
			}
			if c.method == "" {
				c.method = http.MethodPost
			}
			if c.path == "" {
				c.path = "/v1/events?key=" + key
			}
			request, err := http.NewRequestWithContext(t.Context(), c.method, d.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Origin", origin)
			for name, value := range c.headers {
				request.Header.Set(name, value)
			}
			response, err := d.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			answer, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != c.status || strings.Contains(string(answer), "hunter2") {
				t.Errorf("%d %s, want %d", response.StatusCode, answer, c.status)
			}
			header := response.Header
			if header.Get(echo.HeaderAccessControlAllowOrigin) != request.Header.Get("Origin") || header.Get(echo.HeaderVary) != echo.HeaderOrigin {
				t.Errorf("the page cannot read the answer: %v", header)
			}
			if later := c.status == 429 || c.status == 503; (header.Get(echo.HeaderRetryAfter) != "") != later || (header.Get(echo.HeaderAccessControlExposeHeaders) == echo.HeaderRetryAfter) != later {
				t.Errorf("when to come back: %v", header)
			}
			if strings.HasPrefix(c.path, "/v1/events") && (c.method == http.MethodPost || c.method == http.MethodOptions) {
				d.check(t, response, string(answer))
			}
		})
	}
}

// What a page sends across origins without asking first (the Fetch standard's
// CORS-safelisted methods and headers) is all that a report needs.
func TestCORS_ReportsNeedNoPreflight(t *testing.T) {
	good := fixture(t, "good_early_report")
	for _, contentType := range []string{"", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
		for name, body := range map[string]string{"plain": good, "packed": pack(t, good)} {
			response, answer := openDoor(t, 64<<10).post(t, "?key="+key, body, map[string]string{"Content-Type": contentType})
			if response.StatusCode != http.StatusAccepted {
				t.Errorf("%s, of type %q: %d %s", name, contentType, response.StatusCode, answer)
			}
		}
	}
}

func TestOpenAPI_IsServedForThePathInUse(t *testing.T) {
	for collect, served := range map[string]string{"/v1/events": "/v1/openapi.yaml", "/e": "/openapi.yaml", "/a/b/c": "/a/b/openapi.yaml"} {
		d := openDoor(t, 64<<10, func(o *Options, _ []ingest.App) { o.CollectPath = collect })
		response, err := d.Client().Get(d.URL + served)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 || response.Header.Get("Content-Type") != "application/yaml" || !strings.Contains(string(text), "\n  "+collect+":\n") {
			t.Errorf("%s: %d %v %v", served, response.StatusCode, response.Header, err)
		}
	}
}

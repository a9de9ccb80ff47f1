package server

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"throughline/beacon"
	"throughline/ingest"
)

// refusal is a request that is turned away as a whole.
type refusal struct {
	status int
	app    string // "" when the key is unknown
	reject beacon.Reject
}

// Error implements error.
func (r *refusal) Error() string { return r.reject.Error() }

func refuse(status int, app string, reason beacon.Reason, field, detail string) *refusal {
	return &refusal{status, app, beacon.Reject{Index: -1, Field: field, Reason: reason, Detail: detail}}
}

// collect is POST /v1/events: one report. It answers 202 with what became of
// each event, or a status of errors.go's table.
func (s *Server) collect(c echo.Context) error {
	allowOrigin(c)
	request := c.Request()
	app, agent, err := s.admit(request)
	if err != nil {
		return err
	}
	body, err := readBody(c.Response(), request, app.Name, maxBody(agent))
	if err != nil {
		return err
	}
	answer, err := s.Service.Accept(ingest.Submission{
		App:       app,
		Agent:     agent,
		UserAgent: shortUserAgent(request),
		Country:   s.country(request),
		Body:      body,
	})
	if err != nil {
		return err
	}
	status := http.StatusAccepted
	if answer.Accepted == 0 {
		status = http.StatusBadRequest
	}
	return c.JSON(status, answer)
}

// admit finds the app that a request reports for and checks that it may.
func (s *Server) admit(r *http.Request) (app *ingest.App, agent bool, err error) {
	app, ok := s.Apps.ByKey(r.URL.Query().Get("key"))
	if !ok {
		return nil, false, refuse(http.StatusUnauthorized, "", ingest.RejectUnknownKey, "key", "no app has this write key; it stands in the query, as in ?key=…")
	}
	if agent = s.isAgent(r); !agent && !app.AllowsOrigin(r.Header.Get(echo.HeaderOrigin)) {
		return nil, false, refuse(http.StatusForbidden, app.Name, ingest.RejectForbiddenOrigin, "origin", "the app does not list the page's origin; add it to the app's origins")
	}
	if r.Header.Get(echo.HeaderContentEncoding) != "" {
		return nil, false, refuse(http.StatusUnsupportedMediaType, app.Name, ingest.RejectEncoding, "content-encoding", "send the body as it is")
	}
	return app, agent, nil
}

func readBody(w http.ResponseWriter, r *http.Request, app string, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refuse(http.StatusRequestEntityTooLarge, app, ingest.RejectTooLarge, "body", "the body is larger than a report may be")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, app, ingest.RejectUnreadable, "body", "the body ended early")
	}
	return body, nil
}

// maxUserAgentBytes bounds what is kept of the header; the longest of real
// browsers have about half of it.
const maxUserAgentBytes = 512

func shortUserAgent(r *http.Request) string {
	agent := r.UserAgent()
	if len(agent) > maxUserAgentBytes {
		agent = agent[:maxUserAgentBytes]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1 // the header is plain ASCII, or not a browser's
		}
		return c
	}, agent)
}

// country is what the trusted proxy told, if it looks like a country.
func (s *Server) country(r *http.Request) string {
	if s.CountryHeader == "" {
		return ""
	}
	code := strings.ToUpper(r.Header.Get(s.CountryHeader))
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return ""
	}
	return code
}

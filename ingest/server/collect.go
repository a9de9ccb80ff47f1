package server

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
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
// each event, or a status of errors.go's table. Senders that want to hear of
// trouble only, such as the beacon, say quiet=1 in the query: they get 204 when
// every event is kept.
func (s *Server) collect(c echo.Context) error {
	allowOrigin(c)
	request := c.Request()
	app, agent, err := s.tenants.Load().admit(request)
	if err != nil {
		return err
	}
	body := s.bodies.Get().(*bytes.Buffer)
	defer s.release(body)
	if err := readBody(c.Response(), request, app.Name, maxBody(agent), body); err != nil {
		return err
	}
	answer, err := s.Service.Accept(ingest.Submission{
		App:       app,
		Agent:     agent,
		UserAgent: shortUserAgent(request),
		Country:   s.country(request),
		Body:      body.Bytes(),
	})
	if err != nil {
		return err
	}
	if len(answer.Rejected) == 0 && queryValue(request.URL.RawQuery, "quiet") == "1" {
		return c.NoContent(http.StatusNoContent)
	}
	return reply(c, answer)
}

// reply answers what became of a report. A report that came before is taken,
// too: its sender must not send it once more.
func reply(c echo.Context, answer ingest.Answer) error {
	if len(answer.Rejected) > 0 || answer.Duplicates > 0 {
		status := http.StatusAccepted
		if answer.Accepted+answer.Duplicates == 0 {
			status = http.StatusBadRequest
		}
		return c.JSON(status, answer)
	}
	// The commonest answer, without a detour over reflection.
	var text [32]byte
	content := append(text[:0], `{"accepted":`...)
	content = append(strconv.AppendInt(content, int64(answer.Accepted), 10), "}\n"...)
	return c.Blob(http.StatusAccepted, echo.MIMEApplicationJSON, content)
}

// Almost every report fits these. More room than the first is not made before
// its bytes are there, since a client may announce many and send none; larger
// buffers than the second are not kept for the next report.
const (
	readyBufferBytes = 8 << 10
	keptBufferBytes  = 16 << 10
)

func (s *Server) release(body *bytes.Buffer) {
	if body.Cap() <= keptBufferBytes {
		body.Reset()
		s.bodies.Put(body)
	}
}

// admit finds the app that a request reports for and checks that it may.
func (t *tenants) admit(r *http.Request) (app *ingest.App, agent bool, err error) {
	app, ok := t.apps.ByKey(queryValue(r.URL.RawQuery, "key"))
	if !ok {
		return nil, false, refuse(http.StatusUnauthorized, "", ingest.RejectUnknownKey, "key", "no app has this write key; it stands in the query, as in ?key=…")
	}
	if agent = t.isAgent(r); !agent && !app.AllowsOrigin(r.Header.Get(echo.HeaderOrigin)) {
		return nil, false, refuse(http.StatusForbidden, app.Name, ingest.RejectForbiddenOrigin, "origin", "the app does not list the page's origin; add it to the app's origins")
	}
	if r.Header.Get(echo.HeaderContentEncoding) != "" {
		return nil, false, refuse(http.StatusUnsupportedMediaType, app.Name, ingest.RejectEncoding, "content-encoding", "send the body as it is")
	}
	return app, agent, nil
}

// queryValue returns the first value of a name in a query, as it stands there:
// keys have no characters that need escaping.
func queryValue(query, name string) string {
	for pair := range strings.SplitSeq(query, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// readBody reads a body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, app string, limit int64, body *bytes.Buffer) error {
	bounded := r.Body // by its length, if it tells one
	if r.ContentLength < 0 || r.ContentLength > limit {
		bounded = http.MaxBytesReader(w, r.Body, limit)
	}
	// ReadFrom wants room behind the last byte to see that it was the last.
	body.Grow(int(min(max(r.ContentLength, 0), readyBufferBytes)) + bytes.MinRead)
	_, err := body.ReadFrom(bounded)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refuse(http.StatusRequestEntityTooLarge, app, ingest.RejectTooLarge, "body", "the body is larger than a report may be")
	case err != nil:
		return refuse(http.StatusBadRequest, app, ingest.RejectUnreadable, "body", "the body ended early")
	}
	return nil
}

// maxUserAgentBytes bounds what is kept of the header; the longest of real
// browsers have about half of it.
const maxUserAgentBytes = 512

func shortUserAgent(r *http.Request) string {
	agent := r.UserAgent()
	if len(agent) > maxUserAgentBytes {
		agent = agent[:maxUserAgentBytes]
	}
	clean := true
	for i := range len(agent) {
		clean = clean && agent[i] >= ' ' && agent[i] <= '~'
	}
	if clean {
		return agent
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

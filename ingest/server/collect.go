package server

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/client"
	"throughline/ingest/geo"
)

// collect is POST /v1/events: one report. It answers 202 with what became of
// each event, or a status of errors.go's table. Senders that want to hear of
// trouble only, such as the beacon, say quiet=1 in the query: they get 204 when
// every event is kept.
func (s *Server) collect(c echo.Context) error {
	allowOrigin(c)
	request := c.Request()
	now := s.Now()
	from, err := s.tenants.Load().admit(request, now)
	if err != nil {
		return err
	}
	answer, err := s.take(c, from, now, s.Service.Accept)
	if err != nil {
		return err
	}
	if len(answer.Rejected) == 0 && queryValue(request.URL.RawQuery, "quiet") == "1" {
		return c.NoContent(http.StatusNoContent)
	}
	return reply(c, answer)
}

// accept is what becomes of a body that was let in.
type accept func(ingest.Submission) (ingest.Answer, error)

// take reads the body of a request and has it kept, as far as its app may send.
func (s *Server) take(c echo.Context, from sender, now time.Time, accept accept) (ingest.Answer, error) {
	request := c.Request()
	packed, err := encoding(request, from.app.Name)
	if err != nil {
		return ingest.Answer{}, err
	}
	if !from.agent {
		if err := from.account.Room(now); err != nil {
			pause(request.Context(), limitedPause/2+rand.N(limitedPause))
			return ingest.Answer{}, err
		}
	}
	b := s.newBody(from.account)
	defer s.release(b)
	if err := b.read(c.Response(), request, from.app.Name, maxBody(from.agent)); err != nil {
		return ingest.Answer{}, err
	}
	answer, err := s.keep(request, from, b, packed, now, accept)
	if !from.agent {
		from.account.Take(now, eventsOf(answer), answer.Accepted)
	}
	return answer, err
}

// limitedPause is how long a sender waits, on average, for the answer that its app has
// sent too much. Who sends again at once would otherwise take as much of the collector
// for being refused as others for being served. Each waits differently, so that many
// who come together do not come together again.
const limitedPause = 250 * time.Millisecond

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// keep waits for a slot, and has the report kept in it.
func (s *Server) keep(request *http.Request, from sender, b *body, packed bool, now time.Time, accept accept) (ingest.Answer, error) {
	if err := from.account.Enter(request.Context(), now); err != nil {
		return ingest.Answer{}, err
	}
	defer from.account.Leave()
	content, err := s.content(b, packed, from.app.Name, maxBody(from.agent))
	if err != nil {
		return ingest.Answer{}, err
	}
	place := s.place(request)
	return accept(ingest.Submission{
		App:       from.app,
		Agent:     from.agent,
		UserAgent: shortUserAgent(request),
		Hints:     clientHints(request.Header),
		Country:   place.Country,
		Region:    place.Region,
		Network:   place.Network,
		Body:      content,
	})
}

// eventsOf is how many events a report had; one that was refused as a whole
// counts as one, so that nobody can send such for nothing.
func eventsOf(answer ingest.Answer) int {
	events := answer.Accepted + answer.Duplicates
	for _, reject := range answer.Rejected {
		events += max(1, reject.Events)
	}
	return max(1, events)
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

// sender is who sends a request, as far as that is known.
type sender struct {
	tenant
	agent bool
}

// find finds the app that a request reports for.
func (t *tenants) find(r *http.Request) (tenant, error) {
	found, ok := t.byKey[queryValue(r.URL.RawQuery, "key")]
	if !ok {
		return tenant{}, refuse(http.StatusUnauthorized, "", ingest.RejectUnknownKey, "key", "no app has this write key; it stands in the query, as in ?key=…")
	}
	return found, nil
}

// admit finds the app that a request reports for and checks that it may.
func (t *tenants) admit(r *http.Request, now time.Time) (sender, error) {
	tenant, err := t.find(r)
	if err != nil {
		return sender{}, err
	}
	authorization, origin := r.Header.Get(echo.HeaderAuthorization), r.Header.Get(echo.HeaderOrigin)
	if authorization != "" {
		err := beacon.CheckAgentToken(authorization, t.agentToken, now)
		if err == nil {
			return sender{tenant, true}, nil
		}
		if origin == "" { // no page; those may have the header for a proxy in between
			return sender{}, refuse(http.StatusForbidden, tenant.app.Name, ingest.RejectNotAnAgent, "authorization", err.Error())
		}
	}
	if !tenant.app.AllowsOrigin(origin) {
		return sender{}, refuse(http.StatusForbidden, tenant.app.Name, ingest.RejectForbiddenOrigin, "origin", "the app does not list the page's origin; add it to the app's origins")
	}
	return sender{tenant, false}, nil
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

func shortUserAgent(r *http.Request) string {
	agent := r.UserAgent()
	if len(agent) > beacon.MaxUserAgentBytes {
		agent = agent[:beacon.MaxUserAgentBytes]
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

// clientHints are those of the headers; most requests have three of them.
func clientHints(header http.Header) client.Hints {
	return client.Hints{
		UA: first(header["Sec-Ch-Ua"]), FullVersionList: first(header["Sec-Ch-Ua-Full-Version-List"]),
		Platform: first(header["Sec-Ch-Ua-Platform"]), PlatformVersion: first(header["Sec-Ch-Ua-Platform-Version"]),
		Mobile: first(header["Sec-Ch-Ua-Mobile"]), Model: first(header["Sec-Ch-Ua-Model"]),
	}
}

// first is the first value of a header, of which the canonical name is at hand.
func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// place is where a request came from: what the trusted proxy told of the country,
// and what the address says of the rest, which is not kept.
func (s *Server) place(r *http.Request) geo.Place {
	var place geo.Place
	if s.Places != nil {
		place = s.Places.Place(clientAddress(r.RemoteAddr, r.Header, s.TrustedProxies))
	}
	if s.CountryHeader == "" {
		return place
	}
	code := strings.ToUpper(r.Header.Get(s.CountryHeader))
	if len(code) != 2 || code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z' {
		return place
	}
	if place.Country != code {
		place.Country, place.Region = code, ""
	}
	return place
}

package chrome

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"

	"throughline/synthetic"
)

// Bounds of what is kept of a page's requests.
const (
	maxExchanges    = 500
	maxAddressBytes = 2048
	maxHeaderBytes  = 512
	maxWordBytes    = 64
)

// traffic keeps the last requests of a page.
type traffic struct {
	queries bool // keep those of addresses

	mu sync.Mutex
	// exchanges holds the requests, oldest first; open those of them that have not
	// ended.
	exchanges []*exchange
	open      map[network.RequestID]*exchange
	lost      int
	// failed is the request of the step that failed and tells most.
	failed failure
}

// exchange is a request with what the browser's clock says of it.
type exchange struct {
	synthetic.Exchange
	id     network.RequestID
	issued cdp.MonotonicTime
	timing *network.ResourceTiming
}

// failure is a request that failed. Higher ranks tell more.
type failure struct {
	rank int
	text string
}

func newTraffic(queries bool) traffic {
	return traffic{queries: queries, open: map[network.RequestID]*exchange{}}
}

// follow notes what an event says.
func (t *traffic) follow(event any, step int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		t.sent(e, step)
	case *network.EventRequestServedFromCache:
		if x := t.open[e.RequestID]; x != nil {
			x.Cached = true
		}
	case *network.EventResponseReceived:
		if x := t.open[e.RequestID]; x != nil {
			t.answered(x, e.Response)
		}
	case *network.EventLoadingFinished:
		if x := t.open[e.RequestID]; x != nil {
			x.ReceivedBytes = int64(e.EncodedDataLength)
			t.end(x, e.Timestamp)
		}
	case *network.EventLoadingFailed:
		if x := t.open[e.RequestID]; x != nil {
			t.broke(x, e)
		}
	default:
		t.followSocket(event, step)
	}
}

// followSocket notes what an event says of a web socket.
func (t *traffic) followSocket(event any, step int) {
	switch e := event.(type) {
	case *network.EventWebSocketCreated:
		t.add(&exchange{id: e.RequestID, Exchange: synthetic.Exchange{
			Step: step, Started: time.Now(), Method: "GET", URL: t.address(e.URL), Kind: "websocket",
		}})
	case *network.EventWebSocketWillSendHandshakeRequest:
		if x := t.open[e.RequestID]; x != nil {
			x.issued, x.Started = e.Timestamp, moment(e.WallTime)
		}
	case *network.EventWebSocketHandshakeResponseReceived:
		if x := t.open[e.RequestID]; x != nil && e.Response != nil {
			x.Status, x.StatusText = int(e.Response.Status), cutBytes(e.Response.StatusText, maxWordBytes)
			x.Response = headerLines(e.Response.Headers)
		}
	case *network.EventWebSocketFrameError:
		if x := t.open[e.RequestID]; x != nil {
			x.Error = cutBytes(e.ErrorMessage, maxMessageBytes)
			t.note(x, 1, "failed: "+shorten(x.Error))
		}
	case *network.EventWebSocketClosed:
		if x := t.open[e.RequestID]; x != nil {
			t.end(x, e.Timestamp)
		}
	}
}

// sent notes a request. One that follows a redirect has the id of the one that was
// redirected.
func (t *traffic) sent(e *network.EventRequestWillBeSent, step int) {
	if e.Request == nil || !strings.HasPrefix(e.Request.URL, "http") {
		return // data: and the like
	}
	if x := t.open[e.RequestID]; x != nil && e.RedirectResponse != nil {
		t.answered(x, e.RedirectResponse)
		x.Redirect = t.address(e.Request.URL)
		t.end(x, e.Timestamp)
	}
	t.add(&exchange{id: e.RequestID, issued: e.Timestamp, Exchange: synthetic.Exchange{
		Step: step, Started: moment(e.WallTime), Method: cutBytes(e.Request.Method, maxWordBytes),
		URL: t.address(e.Request.URL), Kind: strings.ToLower(string(e.Type)), Request: headerLines(e.Request.Headers),
	}})
}

// add forgets the oldest request when there is no room.
func (t *traffic) add(x *exchange) {
	x.Pending = true
	x.Phases = synthetic.Phases{DNS: -1, Connect: -1, TLS: -1}
	if len(t.exchanges) >= maxExchanges {
		oldest := t.exchanges[0]
		if t.open[oldest.id] == oldest {
			delete(t.open, oldest.id)
		}
		t.exchanges = slices.Delete(t.exchanges, 0, 1)
		t.lost++
	}
	t.exchanges = append(t.exchanges, x)
	t.open[x.id] = x
}

// address is what may be kept of a request's address.
func (t *traffic) address(raw string) string {
	if t.queries {
		if u, err := url.Parse(raw); err == nil {
			u.User, u.Fragment, u.RawFragment = nil, "", ""
			return cutBytes(u.String(), maxAddressBytes)
		}
	}
	return cutBytes(synthetic.PublicURL(raw), maxAddressBytes)
}

func (t *traffic) answered(x *exchange, r *network.Response) {
	if r == nil {
		return
	}
	x.Status, x.StatusText = int(r.Status), cutBytes(r.StatusText, maxWordBytes)
	x.Protocol, x.MediaType = cutBytes(r.Protocol, maxWordBytes), cutBytes(r.MimeType, maxWordBytes)
	x.Response = headerLines(r.Headers)
	x.Cached = x.Cached || r.FromDiskCache
	if r.RemoteIPAddress != "" {
		x.Server = strings.Trim(cutBytes(r.RemoteIPAddress, maxWordBytes), "[]")
	}
	if r.ConnectionID > 0 {
		x.Connection = strconv.FormatFloat(r.ConnectionID, 'f', 0, 64)
	}
	x.timing = r.Timing
	if x.Status >= 400 {
		t.note(x, rank(x.Kind), fmt.Sprintf("answered %d", x.Status))
	}
}

// broke notes a request without an answer, or without all of it.
func (t *traffic) broke(x *exchange, e *network.EventLoadingFailed) {
	x.Error = cutBytes(e.ErrorText, maxWordBytes)
	if e.ErrorText == refusal {
		x.Error = netError(refusal)
	}
	if e.CorsErrorStatus != nil {
		x.Error = cutBytes(x.Error+" (CORS: "+string(e.CorsErrorStatus.CorsError)+")", 2*maxWordBytes)
	}
	if x.Error == "" && e.BlockedReason != "" {
		x.Error = "blocked: " + cutBytes(string(e.BlockedReason), maxWordBytes)
	}
	// What was given up did not fail, nor did what the journey has blocked.
	if !e.Canceled && e.BlockedReason != network.BlockedReasonInspector {
		t.note(x, rank(x.Kind), "failed: "+x.Error)
	}
	t.end(x, e.Timestamp)
}

// rank tells documents and data from what decorates a page.
func rank(kind string) int {
	switch kind {
	case "document", "xhr", "fetch":
		return 2
	default:
		return 1
	}
}

// note keeps the last failure of those that tell most.
func (t *traffic) note(x *exchange, rank int, what string) {
	if rank >= t.failed.rank {
		t.failed = failure{rank, x.Method + " " + synthetic.PublicURL(x.URL) + " " + what}
	}
}

func (t *traffic) end(x *exchange, at cdp.MonotonicTime) {
	x.Pending = false
	x.measure(time.Duration(float64(at-x.issued) * float64(time.Second)))
	if t.open[x.id] == x {
		delete(t.open, x.id)
	}
}

// measure tells the phases of a request that took a time.
func (x *exchange) measure(took time.Duration) {
	x.Duration = max(took, 0)
	x.Phases = synthetic.Phases{DNS: -1, Connect: -1, TLS: -1, Wait: x.Duration}
	t := x.timing
	if t == nil || x.issued == 0 {
		return
	}
	ms := func(from, to float64) time.Duration {
		if from < 0 || to < from {
			return -1
		}
		return time.Duration((to - from) * float64(time.Millisecond))
	}
	// Times are relative to when the network began with the request.
	queued := (t.RequestTime - float64(x.issued)) * 1000
	first := t.SendStart
	for _, start := range []float64{t.DNSStart, t.ConnectStart} {
		if start >= 0 {
			first = min(first, start)
		}
	}
	x.Phases = synthetic.Phases{
		Blocked: max(0, ms(0, queued+first)),
		DNS:     ms(t.DNSStart, t.DNSEnd), Connect: ms(t.ConnectStart, t.ConnectEnd), TLS: ms(t.SslStart, t.SslEnd),
		Send: max(0, ms(t.SendStart, t.SendEnd)), Wait: max(0, ms(t.SendEnd, t.ReceiveHeadersEnd)),
		Receive: max(0, x.Duration-time.Duration((queued+t.ReceiveHeadersEnd)*float64(time.Millisecond))),
	}
}

// forgive forgets the failures of the step before.
func (t *traffic) forgive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = failure{}
}

func (t *traffic) blame() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failed.text
}

// all returns copies; those still open have lasted until now.
func (t *traffic) all(now time.Time) (exchanges []synthetic.Exchange, lost int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, x := range t.exchanges {
		if x.Pending {
			x.measure(now.Sub(x.Started))
		}
		exchanges = append(exchanges, x.Exchange)
	}
	return exchanges, t.lost
}

// headerLines returns the headers that are no credentials, by name: only those
// that are known not to be.
func headerLines(headers network.Headers) []synthetic.Line {
	var lines []synthetic.Line
	for name, value := range headers {
		text, ok := value.(string)
		if !ok || !harmless(name) {
			continue
		}
		lines = append(lines, synthetic.Line{Name: name, Value: publicText(cutBytes(text, maxHeaderBytes))})
	}
	slices.SortFunc(lines, func(a, b synthetic.Line) int { return strings.Compare(a.Name, b.Name) })
	return lines
}

// harmless names the headers that hold no credential.
func harmless(name string) bool {
	switch strings.ToLower(name) {
	case "accept", "accept-encoding", "accept-language", "accept-ranges", "age", "allow", "alt-svc",
		"cache-control", "connection", "content-disposition", "content-encoding", "content-language",
		"content-length", "content-range", "content-security-policy", "content-type", "date", "etag", "expires",
		"host", "if-modified-since", "if-none-match", "keep-alive", "last-modified", "origin", "pragma", "range",
		"referer", "retry-after", "server", "server-timing", "strict-transport-security", "timing-allow-origin",
		"traceparent", "transfer-encoding", "upgrade", "user-agent", "vary", "via", "x-cache",
		"x-content-type-options", "x-frame-options", "x-request-id",
		"access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods",
		"access-control-allow-origin", "access-control-request-headers", "access-control-request-method":
		return true
	default:
		return false
	}
}

package synthetic

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"time"
)

// Exchange is a request of a page and what became of it.
type Exchange struct {
	// Step is the index of the step that it began in; -1 before the first.
	Step    int
	Started time.Time
	// Duration is the time until it ended or, while it is pending, until now.
	Duration time.Duration
	Method   string
	// URL has no credentials and no fragment, and a query only if it was asked for.
	URL string
	// Kind is what the browser wanted it for, such as document, fetch or image.
	Kind string
	// Protocol is that of the answer, such as http/1.1 or h2; empty if there is none.
	Protocol string
	// Request and Response hold the headers that are no credentials.
	Request, Response []Line
	// Status is 0 when there was no answer.
	Status     int
	StatusText string
	// Redirect is where the answer leads to, as URL.
	Redirect  string
	MediaType string
	// ReceivedBytes counts what came over the network.
	ReceivedBytes int64
	// Server is the address that answered; Connection the browser's number of the
	// connection. Both may be empty.
	Server, Connection string
	// Error is the browser's name of why it failed, such as net::ERR_FAILED.
	Error string
	// Pending says that it had not ended when the record was taken.
	Pending bool
	// Cached says that the answer came from the browser's cache.
	Cached bool
	Phases Phases
}

// Line is a header line.
type Line struct{ Name, Value string }

// Phases are the parts of a request's time. DNS, Connect and TLS are negative
// when there was none; Connect includes TLS.
type Phases struct {
	Blocked, DNS, Connect, TLS, Send, Wait, Receive time.Duration
}

// total is the sum of the phases.
func (p Phases) total() time.Duration {
	return p.Blocked + max(p.DNS, 0) + max(p.Connect, 0) + p.Send + p.Wait + p.Receive
}

// The types of an HTTP Archive, version 1.2. Fields with an underscore are our
// own, as the format allows.
type (
	harFile struct {
		Log harLog `json:"log"`
	}
	harLog struct {
		Version string     `json:"version"`
		Creator harAgent   `json:"creator"`
		Browser harAgent   `json:"browser"`
		Entries []harEntry `json:"entries"`
		Comment string     `json:"comment,omitempty"`
		Lost    int        `json:"_lost,omitempty"`
	}
	harAgent struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	harEntry struct {
		Started    time.Time   `json:"startedDateTime"`
		TimeMS     float64     `json:"time"`
		Request    harRequest  `json:"request"`
		Response   harResponse `json:"response"`
		Cache      struct{}    `json:"cache"`
		Timings    harTimings  `json:"timings"`
		Server     string      `json:"serverIPAddress,omitempty"`
		Connection string      `json:"connection,omitempty"`
		Comment    string      `json:"comment,omitempty"`
		Step       int         `json:"_step"`
		Kind       string      `json:"_resourceType,omitempty"`
		Pending    bool        `json:"_pending,omitempty"`
		Cached     bool        `json:"_cached,omitempty"`
	}
	harRequest struct {
		Method      string    `json:"method"`
		URL         string    `json:"url"`
		HTTPVersion string    `json:"httpVersion"`
		Cookies     []harPair `json:"cookies"`
		Headers     []harPair `json:"headers"`
		Query       []harPair `json:"queryString"`
		HeadersSize int       `json:"headersSize"`
		BodySize    int       `json:"bodySize"`
	}
	harResponse struct {
		Status      int        `json:"status"`
		StatusText  string     `json:"statusText"`
		HTTPVersion string     `json:"httpVersion"`
		Cookies     []harPair  `json:"cookies"`
		Headers     []harPair  `json:"headers"`
		Content     harContent `json:"content"`
		RedirectURL string     `json:"redirectURL"`
		HeadersSize int        `json:"headersSize"`
		BodySize    int64      `json:"bodySize"`
		Error       string     `json:"_error,omitempty"`
	}
	harPair struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	harContent struct {
		Size      int64  `json:"size"`
		MediaType string `json:"mimeType"`
	}
	harTimings struct {
		Blocked float64 `json:"blocked"`
		DNS     float64 `json:"dns"`
		Connect float64 `json:"connect"`
		Send    float64 `json:"send"`
		Wait    float64 `json:"wait"`
		Receive float64 `json:"receive"`
		TLS     float64 `json:"ssl"`
	}
)

// unknown is how the format says that a size or a time is not known.
const unknown = -1

// encodeHAR writes exchanges as an HTTP Archive, each text redacted before it is
// escaped. Cookies and bodies are left out, and so are the sizes of what was sent.
func encodeHAR(record Record, creator, browser harAgent, redact func(string) string) ([]byte, error) {
	file := harFile{Log: harLog{
		Version: "1.2", Creator: creator, Browser: browser, Lost: record.LostExchanges,
		Entries: make([]harEntry, 0, len(record.Exchanges)),
		Comment: "without cookies, credentials and bodies",
	}}
	for _, exchange := range record.Exchanges {
		file.Log.Entries = append(file.Log.Entries, harOf(exchange, redact))
	}
	return json.MarshalIndent(file, "", " ")
}

func harOf(e Exchange, redact func(string) string) harEntry {
	address := redactAddress(e.URL, redact)
	entry := harEntry{
		Started: e.Started.UTC(), TimeMS: harMS(e.Phases.total()),
		Request: harRequest{
			Method: redact(e.Method), URL: address, HTTPVersion: cmp.Or(e.Protocol, "unknown"),
			Cookies: []harPair{}, Headers: harPairs(e.Request, redact), Query: harQuery(address, redact),
			HeadersSize: unknown, BodySize: unknown,
		},
		Response: harResponse{
			Status: e.Status, StatusText: redact(e.StatusText), HTTPVersion: cmp.Or(e.Protocol, "unknown"),
			Cookies: []harPair{}, Headers: harPairs(e.Response, redact),
			Content:     harContent{Size: e.ReceivedBytes, MediaType: cmp.Or(redact(e.MediaType), "x-unknown")},
			RedirectURL: redactAddress(e.Redirect, redact), HeadersSize: unknown, BodySize: unknown, Error: e.Error,
		},
		Timings: harTimings{
			Blocked: harMS(e.Phases.Blocked), DNS: harMS(e.Phases.DNS), Connect: harMS(e.Phases.Connect),
			Send: harMS(e.Phases.Send), Wait: harMS(e.Phases.Wait), Receive: harMS(e.Phases.Receive), TLS: harMS(e.Phases.TLS),
		},
		Server: e.Server, Connection: e.Connection,
		Step: e.Step, Kind: e.Kind, Pending: e.Pending, Cached: e.Cached,
	}
	if e.Pending {
		entry.Comment = "pending when the run ended"
	}
	return entry
}

// harMS is a duration in milliseconds; a phase that did not happen is -1.
func harMS(d time.Duration) float64 {
	if d < 0 {
		return unknown
	}
	return float64(d.Microseconds()) / 1000
}

func harPairs(lines []Line, redact func(string) string) []harPair {
	pairs := make([]harPair, 0, len(lines))
	for _, line := range lines {
		pairs = append(pairs, harPair{Name: line.Name, Value: redact(line.Value)})
	}
	return pairs
}

// harQuery lists the parameters of an address, by name.
func harQuery(address string, redact func(string) string) []harPair {
	pairs := []harPair{}
	u, err := url.Parse(address)
	if err != nil {
		return pairs
	}
	query := u.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[name] {
			pairs = append(pairs, harPair{Name: redact(name), Value: redact(value)})
		}
	}
	return pairs
}

// redactAddress redacts an address. One that hides a secret behind its escapes
// loses all but its origin.
func redactAddress(address string, redact func(string) string) string {
	address = redact(address)
	plain, err := url.QueryUnescape(address)
	if err == nil && redact(plain) == plain {
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/…"
}

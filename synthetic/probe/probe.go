package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"throughline/synthetic"
)

// maxHeaderBytes bounds the headers of an answer.
const maxHeaderBytes = 256 << 10

// Options configures [New]. The zero value is good.
type Options struct {
	// UserAgent is sent by requests that say no other.
	UserAgent string
	// Proxy is what requests go through, as host:port; nil is none, whatever the
	// environment says. What it connects to is its affair: the guard sees only it.
	Proxy *url.URL
	// RootCAs are the authorities to trust; nil are the system's.
	RootCAs *x509.CertPool
	// Now is the clock that certificates are judged by; default time.Now.
	Now func() time.Time
}

// Prober makes requests. It implements [synthetic.Requester] and is safe for
// concurrent use.
type Prober struct{ options Options }

// New returns a prober.
func New(options Options) *Prober {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Prober{options}
}

// Session implements [synthetic.Requester].
func (p *Prober) Session(hosts []string, cookies http.CookieJar) synthetic.Session {
	return &session{prober: p, jar: cookies, hosts: hosts}
}

// session is what the requests of one run share.
type session struct {
	prober *Prober
	jar    http.CookieJar
	hosts  []string // host:port
}

// Do implements [synthetic.Session]. The cause of a *[synthetic.Fault] is an *[Error].
func (s *session) Do(ctx context.Context, request synthetic.HTTPRequest) (synthetic.HTTPResponse, error) {
	watch := &stopwatch{clock: s.prober.options.Now}
	begun := time.Now()
	response, err := s.do(watch.attach(ctx), request)
	response.Took = time.Since(begun)
	watch.end()
	response.HTTPTiming = watch.timing(response.StatusCode)
	if err != nil {
		fault, left := s.prober.fault(ctx, request.URL, watch.last(), err)
		if left != nil {
			response.CertificateDaysLeft = left
		}
		return response, fault
	}
	return response, nil
}

func (s *session) do(ctx context.Context, request synthetic.HTTPRequest) (response synthetic.HTTPResponse, err error) {
	out, err := http.NewRequestWithContext(ctx, request.Method, request.URL, bytes.NewReader(request.Body))
	if err != nil {
		return response, fmt.Errorf("make the request: %w", err)
	}
	out.Header = request.Header.Clone()
	if out.Header == nil {
		out.Header = http.Header{}
	}
	if out.Header.Get("User-Agent") == "" && s.prober.options.UserAgent != "" {
		out.Header.Set("User-Agent", s.prober.options.UserAgent)
	}
	if host := out.Header.Get("Host"); host != "" {
		out.Host = host
	}
	transport := s.transport()
	defer transport.CloseIdleConnections()
	cookies := &cookieNotes{next: transport, set: map[string]string{}}
	way := &way{jar: s.jar, max: request.MaxRedirects, own: request.Header}
	way.begin(out)
	client := &http.Client{Transport: cookies, Jar: s.jar, CheckRedirect: way.next}
	answer, err := client.Do(out)
	if err != nil {
		if answer != nil { // the redirect that was not followed
			response.StatusCode = answer.StatusCode
		}
		return response, err
	}
	defer func() { _ = answer.Body.Close() }()
	response.StatusCode, response.Protocol, response.Header = answer.StatusCode, answer.Proto, answer.Header
	response.Cookies = cookies.set
	response.Body, err = io.ReadAll(io.LimitReader(answer.Body, synthetic.MaxResponseBytes+1))
	if len(response.Body) > synthetic.MaxResponseBytes {
		response.Body, response.Cut = response.Body[:synthetic.MaxResponseBytes], true
	}
	if err != nil {
		return response, fmt.Errorf("read the body: %w", err)
	}
	return response, nil
}

// transport makes connections that nothing else uses.
func (s *session) transport() *http.Transport {
	transport := &http.Transport{
		DialContext:            s.dial,
		TLSClientConfig:        &tls.Config{RootCAs: s.prober.options.RootCAs, Time: s.prober.options.Now, MinVersion: tls.VersionTLS12},
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
	if s.prober.options.Proxy != nil {
		transport.Proxy = http.ProxyURL(s.prober.options.Proxy)
	}
	return transport
}

// dial connects. To hosts that the journey does not name, such as those that a
// redirect leads to, only addresses that are not this machine's are open.
func (s *session) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{}
	proxy := s.prober.options.Proxy
	named := func(host string) bool { return strings.EqualFold(host, address) }
	if !slices.ContainsFunc(s.hosts, named) && (proxy == nil || !named(proxy.Host)) {
		dialer.Control = guard
	}
	return dialer.DialContext(ctx, network, address)
}

// cookieNotes notes the cookies that answers set, those of redirects too.
type cookieNotes struct {
	next http.RoundTripper
	set  map[string]string
}

// RoundTrip implements [http.RoundTripper].
func (c *cookieNotes) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(request)
	if err == nil {
		for _, cookie := range answer.Cookies() {
			c.set[cookie.Name] = cookie.Value
		}
	}
	return answer, err
}

// way is the redirects of one request.
type way struct {
	jar http.CookieJar
	max int
	// own are the headers that the step gave.
	own  http.Header
	seen map[string]bool
}

var (
	errLoop    = errors.New("redirect loop")
	errTooMany = errors.New("too many redirects")
)

// begin notes where the way begins.
func (w *way) begin(request *http.Request) { w.seen = map[string]bool{w.key(request): true} }

// next decides whether a redirect is followed.
func (w *way) next(request *http.Request, via []*http.Request) error {
	if w.max == 0 {
		return http.ErrUseLastResponse
	}
	key := w.key(request)
	if w.seen[key] {
		return errLoop
	}
	w.seen[key] = true
	if len(via) > w.max {
		return errTooMany
	}
	harmless := []string{"Accept", "Accept-Language", "Content-Type", "User-Agent"}
	if request.URL.Host != via[0].URL.Host || request.URL.Scheme != via[0].URL.Scheme {
		// What the step sends may be a credential, which is nobody else's.
		for name := range w.own {
			if !slices.Contains(harmless, name) {
				request.Header.Del(name)
			}
		}
	}
	return nil
}

// key is what would be answered in the same way again: sites redirect to where
// one came from once they have set a cookie.
func (w *way) key(request *http.Request) string {
	key := request.Method + " " + request.URL.String()
	for _, cookie := range w.jar.Cookies(request.URL) {
		key += "\n" + cookie.Name + "=" + cookie.Value
	}
	return key
}

package synthetic

import (
	"context"
	"net/http"
	"time"
)

// Requester makes HTTP requests without a browser. It is used by several
// goroutines at a time.
type Requester interface {
	// Session begins what the requests of one run share. hosts are the host:port
	// that the journey itself names, and those that the user lists: only they may
	// have addresses of this machine or of the cloud's metadata. cookies are sent, and
	// take what is answered.
	Session(hosts []string, cookies http.CookieJar) Session
}

// Session makes the requests of one run, one at a time.
type Session interface {
	// Do makes a request and follows redirects as it says. Failures are a
	// *[Fault]; the response then tells how far it came.
	Do(ctx context.Context, request HTTPRequest) (HTTPResponse, error)
}

// HTTPRequest is a request to make.
type HTTPRequest struct {
	Method string
	// URL is absolute.
	URL    string
	Header http.Header
	Body   []byte
	// MaxRedirects is how many redirects are followed. With 0 a redirect is the
	// answer; beyond others it is a failure.
	MaxRedirects int
}

// MaxResponseBytes bounds what is read of a response's body.
const MaxResponseBytes = 1 << 20

// HTTPResponse is the answer to a request, after redirects.
type HTTPResponse struct {
	HTTPTiming
	// Took is the time from the request to the body's end.
	Took time.Duration
	// Protocol is such as HTTP/1.1 or HTTP/2.0.
	Protocol string
	Header   http.Header
	// Body holds at most [MaxResponseBytes]; Cut says that there was more.
	Body []byte
	Cut  bool
	// Cookies are those that the answers set, redirects' too, by name.
	Cookies map[string]string
}

// HTTPTiming is where the time of a request went, summed over redirects.
type HTTPTiming struct {
	// StatusCode is 0 when there was no answer.
	StatusCode int
	// DNS is looking the name up, Connect and TLS the handshakes, FirstByte from
	// the request being sent to the answer's first byte, Transfer from there to
	// the body's end. Each is 0 if it did not come to it.
	DNS, Connect, TLS, FirstByte, Transfer time.Duration
	// CertificateDaysLeft is how many whole days the certificates hold, up to the
	// first of the chain that ends; negative when one has ended, nil without TLS.
	CertificateDaysLeft *int
}

//go:build linux

package chrome

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"throughline/beacon"
	"throughline/synthetic"
)

// newRude answers every connection with bytes of its own.
func newRude(t *testing.T, answer string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				conn.Write([]byte(answer))
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// TestNavigate_Errors goes to what no page comes from: each has words of its own.
func TestNavigate_Errors(t *testing.T) {
	t.Parallel()
	loop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(loop.Close)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	page := open(t, launch(t, nil), synthetic.PageOptions{})
	for address, words := range map[string]string{
		"http://nowhere.invalid": "the name of the host is not known (net::ERR_NAME_NOT_RESOLVED)",
		"http://127.0.0.1:1024":  "the server refuses connections (net::ERR_CONNECTION_REFUSED)",
		"http://127.0.0.1:1":     "browsers do not use this port (net::ERR_UNSAFE_PORT)",
		loop.URL:                 "the redirects do not end (net::ERR_TOO_MANY_REDIRECTS)",
		newRude(t, ""):           "the server answered nothing (net::ERR_EMPTY_RESPONSE)",
		newRude(t, "HTTP/1.1 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"): "the head of the server's answer is not valid (net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH)",
		secure.URL: "the certificate is not from a known authority (net::ERR_CERT_AUTHORITY_INVALID)",
		strings.Replace(newRude(t, "no handshake\n"), "http:", "https:", 1): "no secure connection could be made (net::ERR_SSL_PROTOCOL_ERROR)",
	} {
		_, err := page.Navigate(within(t, patience), address+"/?secret=1")
		fault := wantFault(t, err, beacon.ReasonNavigation, address+"/: "+words)
		if fault.Agent || strings.Contains(fault.Message, "secret") {
			t.Errorf("got %+v", fault)
		}
	}
	for code, want := range map[string]string{
		"net::ERR_CERT_COMMON_NAME_INVALID": "the certificate is for another host (net::ERR_CERT_COMMON_NAME_INVALID)",
		"net::ERR_CERT_SYMANTEC_LEGACY":     "the certificate is not valid (net::ERR_CERT_SYMANTEC_LEGACY)",
		"net::ERR_CERT_DATE_INVALID":        "the certificate has expired or is not valid yet (net::ERR_CERT_DATE_INVALID)",
		"net::ERR_NEW_TROUBLE":              "net::ERR_NEW_TROUBLE", "HTTP status 204 holds no page": "HTTP status 204 holds no page",
	} {
		if got := netError(code); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package probe

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

const day = 24 * time.Hour

func newAuthority(t *testing.T, holds time.Duration) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: time.Now().Add(-100 * day), NotAfter: time.Now().Add(holds),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{certificate, key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// sign returns a certificate for 127.0.0.1, changed as the test wants.
func (a authority) sign(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "shop"},
		NotBefore: time.Now().Add(-100 * day), NotAfter: time.Now().Add(90*day + time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func serveTLS(t *testing.T, certificate tls.Certificate) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func get(address string) synthetic.HTTPRequest {
	return synthetic.HTTPRequest{Method: http.MethodGet, URL: address, MaxRedirects: 3}
}

// patience is for what succeeds, on however busy a machine.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// local is a session of a journey that names these addresses.
func local(t *testing.T, options Options, addresses ...string) synthetic.Session {
	var hosts []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil {
			hosts = append(hosts, u.Host)
		}
	}
	return New(options).Session(hosts, cookies(t))
}

func cookies(t *testing.T) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return jar
}

func wantCause(t *testing.T, err error, reason beacon.RunReason, cause Cause, words string) {
	t.Helper()
	var fault *synthetic.Fault
	var trouble *Error
	if !errors.As(err, &fault) || !errors.As(err, &trouble) {
		t.Fatalf("got %v, want a fault", err)
	}
	if fault.Reason != reason || trouble.Cause != cause || !strings.Contains(fault.Message, words) || fault.Agent {
		t.Errorf("got %s %s %q, want %s %s with %q", fault.Reason, trouble.Cause, fault.Message, reason, cause, words)
	}
}

func TestDo_TellsCausesApart(t *testing.T) {
	ca := newAuthority(t, 1000*day)
	nothing := func(*x509.Certificate) {}
	expired := serveTLS(t, ca.sign(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-3*day - time.Hour) }))
	early := serveTLS(t, ca.sign(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(day) }))
	wrong := serveTLS(t, ca.sign(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} }))
	unknown := serveTLS(t, newAuthority(t, day).sign(t, nothing))
	self := newAuthority(t, day)
	selfSigned := serveTLS(t, tls.Certificate{Certificate: [][]byte{self.certificate.Raw}, PrivateKey: self.key})
	site := newSite(t)
	for name, test := range map[string]struct {
		address string
		cause   Cause
		words   string
	}{
		"no such host":      {"http://nowhere.invalid/", CauseDNS, "nowhere.invalid: DNS "},
		"refused":           {"http://127.0.0.1:1/?token=hush", CauseRefused, "127.0.0.1:1: the connection was refused"},
		"closed":            {site + "/closed", CauseClosed, "closed before the answer ended"},
		"half":              {site + "/half", CauseClosed, "closed before the answer ended"},
		"expired":           {expired.URL, CauseTLSExpired, "the certificate expired on "},
		"not yet valid":     {early.URL, CauseTLSExpired, "not valid before "},
		"wrong host":        {wrong.URL, CauseTLSHost, "is for [other.example], not for 127.0.0.1"},
		"unknown authority": {unknown.URL, CauseTLSUnknown, "unknown authority"},
		"self-signed":       {selfSigned.URL, CauseTLSSelfSigned, "self-signed"},
		"no TLS":            {strings.Replace(site, "http:", "https:", 1), CauseTLS, "does not speak TLS"},
		"loop":              {site + "/loop", CauseRedirectLoop, "go round in a loop"},
		"many":              {site + "/hop/0", CauseRedirects, "more redirects"},
	} {
		t.Run(name, func(t *testing.T) {
			response, err := local(t, Options{RootCAs: ca.pool()}, test.address).Do(patience(t), get(test.address))
			wantCause(t, err, beacon.ReasonNavigation, test.cause, test.words)
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("a query shows in %v", err)
			}
			if name == "expired" && (response.CertificateDaysLeft == nil || *response.CertificateDaysLeft != -4) {
				t.Errorf("days left: %v", response.CertificateDaysLeft)
			}
		})
	}
}

// newSite serves what the tests ask for.
func newSite(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	mux.HandleFunc("GET /closed", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	mux.HandleFunc("GET /mute", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("GET /loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop?again", http.StatusFound) })
	mux.HandleFunc("GET /hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/hop/1"+r.PathValue("n"), http.StatusFound)
	})
	// Sites send visitors back to where they came from once they have a cookie.
	mux.HandleFunc("GET /gate", func(w http.ResponseWriter, r *http.Request) {
		if _, err := r.Cookie("seen"); err == nil {
			_, _ = io.WriteString(w, "in")
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "seen", Value: "1"})
		http.Redirect(w, r, "/gate", http.StatusFound)
	})
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(bytes.Repeat([]byte("x"), synthetic.MaxResponseBytes+10))
	})
	mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s|%s|%s|", r.Header.Get("X-Key"), r.Header.Get("Content-Type"), r.UserAgent())
		_, _ = io.Copy(w, r.Body)
	})
	site := httptest.NewServer(mux)
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	return site.URL
}

func TestDo_Timeouts(t *testing.T) {
	site := newSite(t)
	for path, words := range map[string]string{"/mute": "still waiting for the answer", "/slow": "still reading the answer"} {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		response, err := local(t, Options{}, site).Do(ctx, get(site+path))
		cancel()
		wantCause(t, err, beacon.ReasonTimeout, CauseTimeout, words)
		if response.FirstByte+response.Transfer < 300*time.Millisecond || response.Took < 400*time.Millisecond {
			t.Errorf("%s: got %+v", path, response.HTTPTiming)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := local(t, Options{}, site).Do(ctx, get(site))
	wantCause(t, err, beacon.ReasonCancelled, CauseCancelled, "cancelled")
}

func TestDo_MeasuresAndNeverReuses(t *testing.T) {
	ca := newAuthority(t, 20*day+time.Hour)
	server := serveTLS(t, ca.sign(t, func(*x509.Certificate) {}))
	session := local(t, Options{RootCAs: ca.pool()}, server.URL)
	for range 3 {
		response, err := session.Do(patience(t), get(server.URL))
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK || response.Protocol != "HTTP/2.0" || string(response.Body) != "HTTP/2.0" {
			t.Errorf("got %d %s %s", response.StatusCode, response.Protocol, response.Body)
		}
		if response.DNS != 0 || response.Connect <= 0 || response.TLS <= 0 || response.FirstByte <= 0 || response.Transfer < 0 {
			t.Errorf("got %+v", response.HTTPTiming)
		}
		if sum := response.Connect + response.TLS + response.FirstByte + response.Transfer; sum > response.Took {
			t.Errorf("the phases take %s, the request %s", sum, response.Took)
		}
		// The authority ends before the certificate does.
		if response.CertificateDaysLeft == nil || *response.CertificateDaysLeft != 20 {
			t.Errorf("days left: %v", response.CertificateDaysLeft)
		}
	}
}

func TestDo_LooksNamesUp(t *testing.T) {
	address, err := url.Parse(newSite(t))
	if err != nil {
		t.Fatal(err)
	}
	response, err := local(t, Options{}, "http://localhost:"+address.Port()).Do(patience(t), get("http://localhost:"+address.Port()))
	if err != nil || response.DNS <= 0 || response.CertificateDaysLeft != nil {
		t.Errorf("got %+v, %v", response.HTTPTiming, err)
	}
}

func TestDo_SendsAndBounds(t *testing.T) {
	site := newSite(t)
	session := local(t, Options{UserAgent: "agent/1"}, site)
	request := synthetic.HTTPRequest{
		Method: http.MethodPost, URL: site + "/echo", Body: []byte("body"),
		Header: http.Header{"X-Key": {"k"}, "Content-Type": {"text/plain"}},
	}
	response, err := session.Do(patience(t), request)
	if err != nil || string(response.Body) != "k|text/plain|agent/1|body" {
		t.Errorf("got %s, %v", response.Body, err)
	}
	response, err = session.Do(patience(t), get(site+"/large"))
	if err != nil || len(response.Body) != synthetic.MaxResponseBytes || !response.Cut {
		t.Errorf("got %d bytes, cut %t, %v", len(response.Body), response.Cut, err)
	}
}

func TestDo_RedirectsAndCookies(t *testing.T) {
	site := newSite(t)
	session := local(t, Options{}, site)
	response, err := session.Do(patience(t), get(site+"/gate"))
	if err != nil || string(response.Body) != "in" || response.Cookies["seen"] != "1" {
		t.Errorf("got %q, %v, %v", response.Body, response.Cookies, err)
	}
	once := get(site + "/gate")
	once.MaxRedirects = 0
	if response, err = session.Do(patience(t), once); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the cookie is not kept: %d, %v", response.StatusCode, err)
	}
	if response, err = local(t, Options{}, site).Do(patience(t), once); err != nil || response.StatusCode != http.StatusFound {
		t.Errorf("another run has the cookie, or a redirect is followed: %d, %v", response.StatusCode, err)
	}
}

// What a step sends may be a credential. It goes to no other host.
func TestDo_RedirectsCarryNoCredentials(t *testing.T) {
	var got http.Header
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	t.Cleanup(other.Close)
	site := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(site.Close)
	request := get(site.URL)
	request.Header = http.Header{"X-Api-Key": {"hush"}, "Authorization": {"hush"}, "Accept": {"text/html"}}
	if _, err := local(t, Options{}, site.URL, other.URL).Do(patience(t), request); err != nil {
		t.Fatal(err)
	}
	if got.Get("X-Api-Key") != "" || got.Get("Authorization") != "" || got.Get("Accept") != "text/html" {
		t.Errorf("the other host was sent %v", got)
	}
}

func TestDo_GuardsThisMachine(t *testing.T) {
	address, err := url.Parse(newSite(t))
	if err != nil {
		t.Fatal(err)
	}
	evil := httptest.NewServer(http.RedirectHandler("http://localhost:"+address.Port(), http.StatusFound))
	t.Cleanup(evil.Close)
	_, err = local(t, Options{}, evil.URL).Do(patience(t), get(evil.URL))
	wantCause(t, err, beacon.ReasonNavigation, CauseGuarded, "localhost:"+address.Port()+": the address is this machine's")
	_, err = New(Options{}).Session(nil, cookies(t)).Do(patience(t), get(evil.URL))
	wantCause(t, err, beacon.ReasonNavigation, CauseGuarded, "the journey does not name the host")
}

func TestGuarded(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"169.254.169.254": true, "fe80::1%eth0": true, "fd00:ec2::254": true, "100.100.100.200": true, "224.0.0.1": true,
		"10.0.0.1": false, "192.168.1.1": false, "93.184.216.34": false, "2606:2800:220:1::1": false,
	} {
		if got := guarded(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
}

func TestDo_ProxyOnlyIfConfigured(t *testing.T) {
	var mu sync.Mutex
	asked := ""
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = r.URL.String()
		_, _ = io.WriteString(w, "by proxy")
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL)
	_, err := New(Options{}).Session(nil, cookies(t)).Do(patience(t), get("http://nowhere.invalid/"))
	wantCause(t, err, beacon.ReasonNavigation, CauseDNS, "DNS ")
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	response, err := New(Options{Proxy: address}).Session(nil, cookies(t)).Do(patience(t), get("http://nowhere.invalid/x"))
	mu.Lock()
	defer mu.Unlock()
	if err != nil || string(response.Body) != "by proxy" || asked != "http://nowhere.invalid/x" {
		t.Errorf("got %q, %v; the proxy was asked for %q", response.Body, err, asked)
	}
}

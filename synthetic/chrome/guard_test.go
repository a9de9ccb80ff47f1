//go:build linux

package chrome

import (
	"crypto/sha1"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"

	"throughline/beacon"
	"throughline/synthetic"
)

// newSecrets is a server of this machine that no page is to reach.
func newSecrets(t *testing.T) *ear {
	t.Helper()
	return newEar(t, map[string]http.HandlerFunc{
		"/open": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Access-Control-Allow-Origin", "*") },
	})
}

// hostOf is the host:port of a server.
func hostOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(server.URL)
	check(t, err)
	return u.Host
}

// What a page asks of this machine is not sent, however it asks, unless allowed.
func TestGuard_Requests(t *testing.T) {
	t.Parallel()
	const kept, unknown = "kept from the machine", "NAME_NOT_RESOLVED"
	secrets, browser := newSecrets(t), launch(t, nil)
	for name, c := range map[string]struct{ host, want string }{
		"address": {"127.0.0.1", kept}, "name": {"localhost", kept}, "another address": {"127.8.9.10", kept}, "short": {"127.1", kept},
		"any": {"0.0.0.0", unknown}, "below": {"a.localhost", kept}, "root": {"localhost.", kept}, "number": {"2130706433", kept},
		"IPv6": {"[::1]", kept}, "any IPv6": {"[::]", unknown}, "mapped any": {"[::ffff:0.0.0.0]", unknown}, "mapped": {"[::ffff:127.0.0.1]", kept},
		"link": {"169.254.169.254", kept}, "mapped link": {"[::ffff:169.254.169.254]", kept}, "IPv6 link": {"[fe80::1]", kept},
		"cloud": {"metadata.google.internal", unknown}, "IPv6 cloud": {"[fd00:ec2::254]", unknown},
	} {
		t.Run(name, func(t *testing.T) {
			address := secrets.on(c.host)
			site := newEar(t, map[string]http.HandlerFunc{"/": markup(`<img src="` + address + `/a"><link rel=stylesheet href="` + address + `/b"><script>
				navigator.sendBeacon("` + address + `/e")
				new WebSocket("` + strings.Replace(address, "http", "ws", 1) + `/f").onerror = () => {
					Promise.allSettled([fetch("` + address + `/open"), fetch("` + address + `/d", {mode: "no-cors", method: "POST", body: "x"}), fetch("/own")])
						.then(all => { document.title = all.map(x => x.status) })
				}</script>`)})
			page := open(t, browser, synthetic.PageOptions{AllowHosts: []string{hostOf(t, site.Server)}})
			visit(t, page, site.URL+"/")
			wantTitle(t, page, "rejected,rejected,fulfilled")
			if e := exchangeOf(t, page, "/d"); !strings.Contains(e.Error, c.want) {
				t.Errorf("%s failed for %q", e.URL, e.Error)
			}
			secrets.mu.Lock()
			defer secrets.mu.Unlock()
			for _, r := range secrets.heard {
				t.Errorf("%s %s was sent", r.Method, r.URL)
			}
			secrets.heard = nil
		})
	}
}

func TestGuard_Documents(t *testing.T) {
	t.Parallel()
	secrets, browser := newSecrets(t), launch(t, nil)
	site := newEar(t, map[string]http.HandlerFunc{
		"/frame": markup(`<iframe src="` + secrets.URL + `/frame"></iframe>`),
		"/link":  markup(`<a href="` + secrets.URL + `/link">Go</a>`),
		"/redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, secrets.URL+"/redirect", http.StatusFound)
		},
	})
	for name, act := range map[string]func(page *Page) error{
		"frame": func(page *Page) error {
			if _, err := page.Navigate(within(t, patience), site.URL+"/frame"); err != nil {
				return err
			}
			return page.WaitForExpression(within(t, patience), "false")
		},
		"link": func(page *Page) error {
			visit(t, page, site.URL+"/link")
			if _, err := page.Click(within(t, patience), selectors(t, "text/Go"), synthetic.ClickOptions{}); err != nil {
				return err
			}
			return page.WaitForExpression(within(t, patience), "false")
		},
		"redirect": func(page *Page) error {
			if _, err := page.Navigate(within(t, patience), site.URL+"/redirect"); err != nil {
				return err
			}
			return page.WaitForExpression(within(t, patience), "false")
		},
	} {
		t.Run(name, func(t *testing.T) {
			page := open(t, browser, synthetic.PageOptions{AllowHosts: []string{hostOf(t, site.Server)}})
			wantFault(t, act(page), beacon.ReasonNavigation, "/"+name+" is on the machine that runs the journey")
			if sent := secrets.requests("/" + name); len(sent) > 0 {
				t.Errorf("%d requests were sent", len(sent))
			}
		})
	}
	allowed := open(t, browser, synthetic.PageOptions{AllowHosts: []string{hostOf(t, site.Server), hostOf(t, secrets.Server)}})
	visit(t, allowed, site.URL+"/redirect")
	check(t, allowed.WaitForExpression(within(t, patience), "true"))
	listener, err := net.Listen("tcp", "127.8.9.10:0")
	check(t, err)
	go func() { _ = http.Serve(listener, markup("")) }()
	t.Cleanup(func() { _ = listener.Close() })
	other := open(t, browser, synthetic.PageOptions{AllowHosts: []string{listener.Addr().String()}})
	visit(t, other, "http://"+listener.Addr().String()+"/")
	_, err = other.Navigate(within(t, patience), secrets.on("0.0.0.0")+"/")
	wantFault(t, err, beacon.ReasonNavigation, "write 127.0.0.1 or localhost")
}

// A page has web sockets to where it may go.
func TestGuard_SocketHome(t *testing.T) {
	t.Parallel()
	site, browser := newEar(t, map[string]http.HandlerFunc{
		"/": markup(`<script>new WebSocket("ws://" + location.host + "/socket").onopen = () => { document.title = "Open" }</script>`),
		"/socket": func(w http.ResponseWriter, r *http.Request) {
			sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455, 4.2.2
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Sec-Websocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
			w.WriteHeader(http.StatusSwitchingProtocols)
		},
	}), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{AllowHosts: []string{hostOf(t, site.Server)}})
	visit(t, page, site.URL+"/")
	wantTitle(t, page, "Open")
}

// Answers tell what names hide.
func TestGuard_Answers(t *testing.T) {
	guard := newGuard([]string{"shop.example:443", "127.0.0.1:8080", "[::1]:80"})
	answer := func(address, ip string) string {
		return guard.offence(&network.EventResponseReceived{RequestID: "1", Response: &network.Response{URL: address, RemoteIPAddress: ip}})
	}
	for _, test := range []struct {
		address, ip string
		stopped     bool
	}{
		{"https://evil.example/", "127.0.0.1", true},
		{"https://evil.example/", "127.9.9.9", true},
		{"https://evil.example/", "[::1]", true},
		{"https://evil.example/", "::ffff:127.0.0.1", true},
		{"https://evil.example/", "169.254.169.254", true},
		{"https://evil.example/", "[fe80::1]", true},
		{"https://evil.example/", "[fd00:ec2::254]", true},
		{"https://evil.example/", "0.0.0.0", true},
		{"https://shop.example/", "127.0.0.1", false},
		{"https://shop.example:8443/", "127.0.0.1", true},
		{"http://127.0.0.1:8080/", "127.0.0.1", false},
		{"http://127.0.0.1:8081/", "127.0.0.1", true},
		{"http://[::1]/", "[::1]", false},
		{"https://intranet.example/", "10.1.2.3", false},
		{"https://intranet.example/", "192.168.1.1", false},
		{"https://intranet.example/", "[fd00::1]", false},
		{"https://public.example/", "93.184.216.34", false},
		{"https://public.example/", "", false},
	} {
		if got := answer(test.address, test.ip); (got != "") != test.stopped {
			t.Errorf("%s at %s: stopped %t", test.address, test.ip, got != "")
		}
	}
	guard.offence(&network.EventRequestWillBeSent{RequestID: "2", Request: &network.Request{URL: "https://evil.example/x"}})
	if got := guard.offence(&network.EventResponseReceivedExtraInfo{RequestID: "2", ResourceIPAddressSpace: network.IPAddressSpaceLoopback}); got == "" {
		t.Error("an answer that the page may not read is not noticed")
	}
	redirected := &network.EventRequestWillBeSent{
		RequestID: "2", Request: &network.Request{URL: "https://shop.example/"},
		RedirectResponse: &network.Response{URL: "https://evil.example/x", RemoteIPAddress: "127.0.0.1"},
	}
	if got := guard.offence(redirected); got != "https://evil.example/x" {
		t.Errorf("a redirect gives %q", got)
	}
	for i := range 3 * maxAsked {
		guard.offence(&network.EventRequestWillBeSent{RequestID: network.RequestID(strconv.Itoa(i)), Request: &network.Request{URL: "https://a.example/"}})
	}
	if len(guard.asked) > maxAsked {
		t.Errorf("%d requests are remembered", len(guard.asked))
	}
}

package chrome

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"

	"throughline/beacon"
	"throughline/synthetic"
)

// guard keeps a page from the machine that it is tested on: from its loopback
// addresses, from link-local ones, and from where clouds tell a machine its
// credentials. Private networks stay open, since what is tested may be there.
//
// What names such an address is not sent: a document there fails the step, and
// anything else just fails. Three things are noticed only when they were sent, and
// then the page is stopped before it can do more: requests to a name that the name
// service leads there, web sockets, and what a cross-origin request is answered.
// Workers are guarded as their page is.
type guard struct {
	on    bool
	allow []string // host:port

	mu sync.Mutex
	// asked holds the addresses of requests whose answer is awaited.
	asked map[network.RequestID]string
}

// maxAsked bounds the requests that are remembered.
const maxAsked = 1000

func newGuard(allow []string) *guard {
	g := &guard{on: allow != nil, asked: map[network.RequestID]string{}}
	for _, host := range allow {
		g.allow = append(g.allow, strings.ToLower(host))
	}
	return g
}

// patterns are what the browser is to refuse; the first that fits decides.
func (g *guard) patterns() []*network.BlockPattern {
	if !g.on {
		return nil
	}
	var patterns []*network.BlockPattern
	for _, host := range g.allow {
		name, port := synthetic.SplitPort(host)
		for _, scheme := range []string{"http", "https", "ws", "wss"} {
			u := &url.URL{Scheme: scheme, Host: host}
			if port == synthetic.PortOf(&url.URL{Scheme: scheme}) {
				u.Host = name // as the browser writes it
			}
			patterns = append(patterns, &network.BlockPattern{URLPattern: scheme + "://" + escaped(u.Host) + "/*"})
		}
	}
	// IPv4 addresses are compared whole, so the others are for the resolver.
	for _, host := range []string{
		"localhost", "localhost.", "*.localhost", "*.localhost.", "127.0.0.1", "0.0.0.0",
		"[::]", "[::1]", "[::ffff:7f*]", "[::ffff:a9fe*]", "[fe80:*]", "[fd00:ec2::254]", "metadata.google.internal",
	} {
		patterns = append(patterns, &network.BlockPattern{URLPattern: "*://" + escaped(host) + ":*/*", Block: true})
	}
	return patterns
}

// unresolved are the rules of the browser's resolver, for all of its pages: what no
// page reaches unless the browser's options allow it.
func unresolved(allow []string) string {
	rules := []string{
		"MAP 127.* ~NOTFOUND", "EXCLUDE 127.0.0.1", "MAP 169.254.* ~NOTFOUND",
		"MAP metadata.google.internal ~NOTFOUND", "MAP metadata.google.internal. ~NOTFOUND",
	}
	for _, host := range allow {
		name, _ := synthetic.SplitPort(host)
		rules = append(rules, "EXCLUDE "+name)
	}
	return strings.Join(rules, ",")
}

// documents are the documents that the browser holds until the guard has seen their
// address: its list of what to refuse does not hold for them.
func (g *guard) documents() []*fetch.RequestPattern {
	if !g.on {
		return nil
	}
	var patterns []*fetch.RequestPattern
	for _, host := range []string{"localhost", "*.localhost", "127.", "0.0.0.0", "169.254.", "metadata.google.internal", "["} {
		patterns = append(patterns, &fetch.RequestPattern{URLPattern: "http*://" + host + "*", ResourceType: network.ResourceTypeDocument})
	}
	return patterns
}

// escaped writes the colons of an IPv6 address so that they are no names of a
// pattern's groups.
func escaped(host string) string {
	end := strings.LastIndexByte(host, ']') + 1
	return strings.ReplaceAll(host[:end], ":", `\:`) + host[end:]
}

// allows tells whether an address is one that the page may reach anyway.
func (g *guard) allows(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return slices.Contains(g.allow, host+":"+synthetic.PortOf(u))
}

// own tells the addresses of the machine itself.
func own(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip == netip.AddrFrom16([16]byte{0xfd, 0x00, 0x0e, 0xc2, 14: 0x02, 15: 0x54})
}

// literal tells whether an address names the machine itself.
func literal(u *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "metadata.google.internal" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && own(ip)
}

// watch ends the page when an event tells that it reached for what it must not.
func (p *tab) watch(event any) {
	if !p.guard.on {
		return
	}
	if address := p.guard.offence(event); address != "" {
		p.stop(address)
	}
}

// stop ends the page for what it reached for.
func (p *shared) stop(address string) {
	p.die(&synthetic.Fault{Reason: beacon.ReasonNavigation, Message: fmt.Sprintf(
		"the page was stopped: %s is on the machine that runs the journey; list its host:port in allow_hosts if it is meant", publicURL(address))})
}

// forbids tells whether an address names the machine itself and is not allowed.
func (g *guard) forbids(address string) bool {
	if !g.on {
		return false
	}
	u, err := url.Parse(address)
	return err == nil && literal(u) && !g.allows(u)
}

// offence returns the address that an event tells was reached; empty if none was.
func (g *guard) offence(event any) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.Request == nil {
			return ""
		}
		if len(g.asked) >= maxAsked {
			clear(g.asked)
		}
		g.asked[e.RequestID] = e.Request.URL
		return g.answered(e.RedirectResponse)
	case *network.EventResponseReceived:
		return g.answered(e.Response)
	case *network.EventResponseReceivedExtraInfo:
		// The only word of an answer that the page may not read.
		if e.ResourceIPAddressSpace == network.IPAddressSpaceLoopback && g.refuses(g.asked[e.RequestID]) {
			return g.asked[e.RequestID]
		}
	case *network.EventWebSocketCreated:
		if g.forbids(e.URL) {
			return e.URL
		}
	case *network.EventLoadingFailed:
		delete(g.asked, e.RequestID)
	case *network.EventLoadingFinished:
		delete(g.asked, e.RequestID)
	}
	return ""
}

// answered returns the address of an answer that came from the machine itself and
// is not allowed.
func (g *guard) answered(response *network.Response) string {
	if response == nil || response.FromDiskCache || response.FromServiceWorker {
		return ""
	}
	ip, err := netip.ParseAddr(strings.Trim(response.RemoteIPAddress, "[]"))
	if err != nil || !own(ip) || !g.refuses(response.URL) {
		return ""
	}
	return response.URL
}

// refuses tells whether an address on the machine itself is not allowed.
func (g *guard) refuses(address string) bool {
	u, err := url.Parse(address)
	return address != "" && err == nil && !g.allows(u)
}

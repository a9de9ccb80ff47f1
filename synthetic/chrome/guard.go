package chrome

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/network"

	"throughline/beacon"
	"throughline/synthetic"
)

// guard keeps a page from the machine that it is tested on: from its loopback
// addresses, from link-local ones, and from where clouds tell a machine its
// credentials. Private networks stay open, since what is tested may be there.
//
// What names such an address is not sent, whatever part of the page asks: the browser
// context sends it to a proxy that does not exist. A document there fails the step,
// and anything else just fails. A name that only the name service leads there is
// noticed when the request was sent, or answered, and then the page is stopped before
// it can do more; a web socket to such a name is not noticed.
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

// nowhere is a proxy that does not exist, and refusal is how the browser says so.
const (
	nowhere = "nowhere.invalid:9"
	refusal = "net::ERR_PROXY_CONNECTION_FAILED"
)

// unresolved are the rules of the browser's resolver, for all of its pages: the proxy,
// and what a page's way round the proxy cannot leave out.
const unresolved = "MAP nowhere.invalid ~NOTFOUND," +
	"MAP 0.0.0.0 ~NOTFOUND,MAP :: ~NOTFOUND,MAP ::ffff:0:0 ~NOTFOUND,MAP fd00:ec2::254 ~NOTFOUND," +
	"MAP metadata.google.internal ~NOTFOUND,MAP metadata.google.internal. ~NOTFOUND"

// direct is what a page reaches without the proxy; empty if there is none. Of the rules
// the last that fits decides; <-loopback> is the browser's word for the addresses of
// this machine and link-local ones, however they are written.
func (g *guard) direct() string {
	if !g.on {
		return ""
	}
	rules := []string{"*", "<-loopback>"}
	for _, host := range g.allow {
		if literal(&url.URL{Host: host}) {
			rules = append(rules, host)
		}
	}
	return strings.Join(rules, ";")
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
		"the page was stopped: %s is on the machine that runs the journey; list its host:port in allow_hosts (--allow-host at the desk) if it is meant", publicURL(address))})
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
		if e.Type == network.ResourceTypeDocument && g.forbids(e.Request.URL) {
			return e.Request.URL
		}
		return g.answered(e.RedirectResponse)
	case *network.EventResponseReceived:
		return g.answered(e.Response)
	case *network.EventResponseReceivedExtraInfo:
		// The only word of an answer that the page may not read.
		if e.ResourceIPAddressSpace == network.IPAddressSpaceLoopback && g.refuses(g.asked[e.RequestID]) {
			return g.asked[e.RequestID]
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

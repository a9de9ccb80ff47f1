package synthetic

import (
	"net/url"
	"strings"
)

// FitsHost tells whether an http or https address is at a host: a name,
// "*.example.org" for all below one, or name:port.
func FitsHost(host string, u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host = strings.ToLower(host)
	name, port := SplitPort(host)
	if port != "" && port != PortOf(u) {
		return false
	}
	have := strings.ToLower(u.Hostname())
	if below, ok := strings.CutPrefix(name, "*"); ok && strings.HasPrefix(below, ".") {
		return strings.HasSuffix(have, below) && len(have) > len(below)
	}
	return have == strings.Trim(name, "[]")
}

// SplitPort takes the port off a host that may be an IPv6 address in brackets.
func SplitPort(host string) (name, port string) {
	colon := strings.LastIndexByte(host, ':')
	if colon < 0 || strings.HasSuffix(host, "]") {
		return host, ""
	}
	return host[:colon], host[colon+1:]
}

// PortOf is the port of an address, which may be its scheme's.
func PortOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https" || u.Scheme == "wss":
		return "443"
	default:
		return "80"
	}
}

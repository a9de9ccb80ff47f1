package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// A chain of proxies is short. What stands further from here is not read.
const (
	maxHops         = 16
	maxAddressBytes = 64 // an IPv6 address with zone, brackets and port has fewer
)

// clientAddress returns the address of whoever sent a request. remote is the peer's,
// with its port. A peer that is no trusted proxy is the client, whatever its headers
// say. Of a trusted one X-Forwarded-For or Forwarded (RFC 7239) is read from the
// right, which is the end that the nearest proxy has written, up to the first
// address that is not trusted. When all are, it is the leftmost.
//
// A proxy writes one of the two headers and may pass the other on as the client
// sent it, so when both are there they must agree. The result is not valid when
// they do not, when a trusted proxy names what is no address, and when there are
// more than 16 hops: a client can hide, but not be somebody else.
//
// The address is personal data. It is for use while the request is under way: it
// goes into no log, and into nothing that outlives the request.
func clientAddress(remote string, header http.Header, trusted []netip.Prefix) netip.Addr {
	peer := parseAddress(remote)
	if !contains(trusted, peer) {
		return peer
	}
	forwardedFor, forwarded := header["X-Forwarded-For"], header["Forwarded"]
	switch {
	case len(forwarded) == 0:
		return farthestHop(peer, forwardedFor, trusted, parseAddress)
	case len(forwardedFor) == 0:
		return farthestHop(peer, forwarded, trusted, parseForwarded)
	}
	client := farthestHop(peer, forwardedFor, trusted, parseAddress)
	if client != farthestHop(peer, forwarded, trusted, parseForwarded) {
		return netip.Addr{}
	}
	return client
}

// farthestHop follows a list of hops from the right for as long as it can be
// believed. Lines of a header are one list.
func farthestHop(peer netip.Addr, lines []string, trusted []netip.Prefix, parse func(string) netip.Addr) netip.Addr {
	hop, left := peer, maxHops
	for _, line := range slices.Backward(lines) {
		for more := true; more; left-- {
			if left == 0 {
				return netip.Addr{}
			}
			element := line
			comma := strings.LastIndexByte(line, ',')
			if more = comma >= 0; more {
				line, element = line[:comma], line[comma+1:]
			}
			if element = strings.Trim(element, " \t"); element == "" {
				continue // a list may have empty elements (RFC 9110, section 5.6.1)
			}
			if hop = parse(element); !contains(trusted, hop) {
				return hop
			}
		}
	}
	return hop
}

// contains is false for an address that is not valid.
func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, prefix := range prefixes {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// parseAddress reads an address, perhaps with a port and a zone, which are dropped,
// and perhaps in brackets. It is not valid for anything else.
func parseAddress(text string) netip.Addr {
	if len(text) > maxAddressBytes {
		return netip.Addr{}
	}
	host, port, hasPort := text, "", false
	if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
		rest, closed := "", false
		host, rest, closed = strings.Cut(inner, "]")
		port, hasPort = strings.CutPrefix(rest, ":")
		if !closed || rest != "" && !hasPort || !strings.Contains(host, ":") {
			return netip.Addr{}
		}
	} else if before, after, ok := strings.Cut(text, ":"); ok && !strings.Contains(after, ":") {
		host, port, hasPort = before, after, true
	}
	if hasPort && !isPort(port) {
		return netip.Addr{}
	}
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap()
}

// isPort takes what RFC 7239, section 6, allows: digits, or a name that begins with
// an underscore and hides them.
func isPort(text string) bool {
	hidden := strings.HasPrefix(text, "_")
	for i := range len(text) {
		c := text[i]
		digit := c >= '0' && c <= '9'
		if !digit && (!hidden || !isTokenByte(c)) {
			return false
		}
	}
	return text != ""
}

// parseForwarded reads the address of an element of Forwarded, such as
// for="[2001:db8::1]:4711";proto=https. The element was cut off at the last comma
// before its end, so it is taken only if it is well-formed from end to end: then
// that comma was not inside a quoted text.
func parseForwarded(element string) netip.Addr {
	node := ""
	for pair := range strings.SplitSeq(element, ";") {
		name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
		value, isValue := unquote(value)
		if !ok || !isToken(name, "") || !isValue {
			return netip.Addr{}
		}
		if strings.EqualFold(name, "for") {
			if node != "" {
				return netip.Addr{}
			}
			node = value
		}
	}
	return parseAddress(node)
}

// unquote reads a token or a quoted text. Ports and IPv6 addresses are taken
// without quotes, too, which they should have. Texts with quotes or backslashes
// within are legal and not taken: no address has one.
func unquote(value string) (string, bool) {
	inner, quoted := strings.CutPrefix(value, `"`)
	if !quoted {
		return value, isToken(value, ":[]")
	}
	inner, closed := strings.CutSuffix(inner, `"`)
	return inner, closed && !strings.ContainsAny(inner, `"\`)
}

// isToken says whether a text is a token of RFC 9110, section 5.6.2, which may have
// the bytes of more as well.
func isToken(text, more string) bool {
	for i := range len(text) {
		if !isTokenByte(text[i]) && strings.IndexByte(more, text[i]) < 0 {
			return false
		}
	}
	return text != ""
}

func isTokenByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

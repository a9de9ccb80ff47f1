package server

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops is how many addresses of X-Forwarded-For are looked at.
const maxHops = 32

// clientAddress is the address that a request came from: the peer's, or if that is
// a proxy to be trusted what it says. Proxies add the address of their own peer
// at the end, so the header is read from there, over further proxies; what stands
// before may be made up. The address is invalid if nobody has told it.
//
// An address must not be kept longer than its request.
func clientAddress(remote string, header http.Header, trusted []netip.Prefix) netip.Addr {
	client := parseAddress(remote)
	if len(trusted) == 0 || !isTrusted(client, trusted) {
		return client
	}
	// Several headers of the name are one list.
	lists := header.Values("X-Forwarded-For")
	hops := 0
	for i := len(lists) - 1; i >= 0; i-- {
		for list, more := lists[i], true; more && hops < maxHops; hops++ {
			last := list
			if comma := strings.LastIndexByte(list, ','); comma >= 0 {
				list, last = list[:comma], list[comma+1:]
			} else {
				more = false
			}
			client = parseAddress(strings.TrimSpace(last))
			if !isTrusted(client, trusted) {
				return client
			}
		}
	}
	return client
}

func isTrusted(address netip.Addr, trusted []netip.Prefix) bool {
	for _, prefix := range trusted {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

// parseAddress reads an address with or without a port.
func parseAddress(text string) netip.Addr {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap().WithZone("")
	}
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

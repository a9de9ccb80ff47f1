package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// errGuarded is an address that is not for others to use through us.
var errGuarded = errors.New("the address is this machine's, or the cloud's metadata service's")

// guard refuses to connect to such addresses. It sees the address itself, after
// the name was looked up, so that no name can lead there.
func guard(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("read the address %s: %w", address, err)
	}
	if guarded(target.Addr()) {
		return errGuarded
	}
	return nil
}

// guarded tells addresses of this machine, of its link, where clouds have their
// metadata services, and of those services elsewhere.
func guarded(address netip.Addr) bool {
	address = address.Unmap()
	return address.IsLoopback() || address.IsUnspecified() || address.IsLinkLocalUnicast() || address.IsMulticast() ||
		address == netip.MustParseAddr("100.100.100.200") || address.WithZone("") == netip.MustParseAddr("fd00:ec2::254")
}

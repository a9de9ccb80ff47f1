package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen opens a port for somebody. When it is taken, the error names the port,
// who wants it and the option that moves it.
func listen(ctx context.Context, addr, who, option string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		_, port, _ := net.SplitHostPort(addr)
		return nil, fmt.Errorf("port %s (%s) is taken; choose another with %s", port, who, option)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s for %s (see %s): %w", addr, who, option, err)
	}
	return listener, nil
}

// localURL is the address at which this machine reaches a listener.
func localURL(listener net.Listener) string {
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		return "http://" + listener.Addr().String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

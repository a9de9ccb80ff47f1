package engine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// listener is one of the engine's two ports.
type listener struct {
	use    string // what it is for, in words
	option string // the command line option that moves it
}

var (
	nativeListener = listener{use: "ClickHouse native protocol", option: "--clickhouse-native-port"}
	httpListener   = listener{use: "ClickHouse HTTP", option: "--clickhouse-http-port"}
)

// loopback returns the address of a port of the loopback interface.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// choosePorts returns the two ports to listen on: those wanted, which must be
// free, or free ones for those that are 0. Free means free now: somebody else
// may still be quicker.
func choosePorts(native, http int) (int, int, error) {
	a, nativePort, err := nativeListener.claim(native)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = a.Close() }()
	b, httpPort, err := httpListener.claim(http)
	if err != nil {
		return 0, 0, err
	}
	return nativePort, httpPort, b.Close()
}

// claim listens on port, or on a free one for 0. Holding the listener keeps a
// second claim from getting the same port.
func (l listener) claim(port int) (net.Listener, int, error) {
	conn, err := net.Listen("tcp", loopback(port))
	switch {
	case err == nil:
		return conn, conn.Addr().(*net.TCPAddr).Port, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, 0, fmt.Errorf("port %d (%s) is taken%s; choose another with %s", port, l.use, portHolder("/proc", port), l.option)
	default:
		return nil, 0, fmt.Errorf("listen on port %d (%s): %w; choose another with %s", port, l.use, err, l.option)
	}
}

// portHolder names the process that listens on a local TCP port as
// " by NAME (process ID)", or returns "" when the system does not tell. proc is
// where the proc file system is mounted.
func portHolder(proc string, port int) string {
	inodes := make(map[string]bool)
	for _, table := range []string{"net/tcp", "net/tcp6"} {
		text, err := os.ReadFile(filepath.Join(proc, table))
		if err == nil {
			addListeningInodes(inodes, string(text), port)
		}
	}
	if len(inodes) == 0 {
		return ""
	}
	sockets, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd", "*"))
	for _, fd := range sockets {
		target, err := os.Readlink(fd)
		if err != nil || !inodes[target] {
			continue
		}
		dir := filepath.Dir(filepath.Dir(fd))
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		return fmt.Sprintf(" by %s (process %s)", strings.TrimSpace(string(name)), filepath.Base(dir))
	}
	return ""
}

// addListeningInodes adds to inodes, as "socket:[n]", the sockets of a
// /proc/net/tcp table that listen on port.
func addListeningInodes(inodes map[string]bool, table string, port int) {
	const (
		localColumn, stateColumn, inodeColumn = 1, 3, 9

		stateListen = "0A"
	)
	suffix := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > inodeColumn && strings.HasSuffix(f[localColumn], suffix) && f[stateColumn] == stateListen {
			inodes["socket:["+f[inodeColumn]+"]"] = true
		}
	}
}

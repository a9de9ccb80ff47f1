package server

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Around every request [http.Server] moves the connection's deadlines eight
// times, and while the handler works it reads one byte ahead, to cancel the
// request of a client that hangs up. For a handler that waits for the disk and
// not for its context that is a system call, a turn of the poller and a switch
// between goroutines for nothing. A reportConn has the same bounds on slow
// clients for less: a deadline that is only put off is kept as it is until it is
// due, and a read ahead finds nothing. What it would have read is read with the
// next request.
//
// The server must have all its time-outs.
type reportConn struct {
	net.Conn
	opened time.Time
	// idleSince is since when it waits for a next request, in nanoseconds since
	// 1970; 0 while there is one.
	idleSince atomic.Int64
	closing   sync.Once
	closed    func() // tells the listener

	mu      sync.Mutex
	readBy  time.Time // what the server asked for; zero is no deadline
	armed   time.Time // what the connection has; never later than readBy
	writeBy time.Time // what the connection has
}

// Read implements net.Conn. A read of one byte without a deadline is one ahead:
// the server reads requests with a deadline only.
func (c *reportConn) Read(p []byte) (int, error) {
	if len(p) == 1 && c.endless() {
		return 0, nil
	}
	for {
		n, err := c.Conn.Read(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !c.putOff() {
			return n, err
		}
	}
}

func (c *reportConn) endless() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.readBy.IsZero()
}

// putOff gives the connection the deadline that the server asked for; false
// when that is due.
func (c *reportConn) putOff() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.readBy.IsZero() && !time.Now().Before(c.readBy) {
		return false
	}
	c.armed = c.readBy
	return c.Conn.SetReadDeadline(c.armed) == nil
}

// SetReadDeadline implements net.Conn. One from before the connection was opened
// is the server's way to end its read ahead, which ends by itself.
func (c *reportConn) SetReadDeadline(t time.Time) error {
	if !t.IsZero() && t.Before(c.opened) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	if t.IsZero() || !c.armed.IsZero() && !t.Before(c.armed) {
		return nil
	}
	c.armed = t
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn. The server sets one before each answer
// and takes it away afterwards; there is nothing to write in between.
func (c *reportConn) SetWriteDeadline(t time.Time) error {
	const near = time.Second
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() || t.Sub(c.writeBy).Abs() < near {
		return nil
	}
	c.writeBy = t
	return c.Conn.SetWriteDeadline(t)
}

// Close implements net.Conn. The listener may close it, too.
func (c *reportConn) Close() error {
	c.closing.Do(c.closed)
	return c.Conn.Close()
}

// CloseWrite ends the answers, as the server does before it hangs up on a client
// that still sends: it can read the answer first.
func (c *reportConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

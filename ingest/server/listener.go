package server

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// DefaultMaxConnections is how many connections a [Server] keeps open unless told
// otherwise.
const DefaultMaxConnections = 10_000

// minRest is how long a connection has been without a request, at least, when it
// is closed for others: then hardly a request is on its way to it.
const minRest = time.Second

// reportListener makes connections reportConns and bounds how many are open. When
// all are taken, a new one takes the place of those that have been idle for
// longest, or else waits until one closes.
type reportListener struct {
	net.Listener
	places  chan struct{} // has an element for each open connection
	ended   chan struct{}
	ending  sync.Once
	minRest time.Duration

	mu   sync.Mutex
	open map[*reportConn]struct{}
}

func newReportListener(listener net.Listener, maxConnections int) *reportListener {
	return &reportListener{
		Listener: listener, minRest: minRest, ended: make(chan struct{}),
		places: make(chan struct{}, cmp.Or(maxConnections, DefaultMaxConnections)),
		open:   map[*reportConn]struct{}{},
	}
}

// Accept implements net.Listener.
func (l *reportListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if !l.takePlace() {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	c := &reportConn{Conn: conn, opened: time.Now()}
	c.closed = func() { l.forget(c) }
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = struct{}{}
	return c, nil
}

// Close implements net.Listener.
func (l *reportListener) Close() error {
	l.ending.Do(func() { close(l.ended) })
	return l.Listener.Close()
}

// takePlace waits for a place, and makes one if it can; false when the listener
// was closed.
func (l *reportListener) takePlace() bool {
	for {
		select {
		case l.places <- struct{}{}:
			return true
		default:
		}
		l.closeIdle()
		select {
		case l.places <- struct{}{}:
			return true
		case <-l.ended:
			return false
		case <-time.After(l.minRest): // others may be idle by then
		}
	}
}

// closeIdle closes the connections that have been idle for longest: several, so
// that a rush of new ones does not look for them each time.
func (l *reportListener) closeIdle() {
	restedBy := time.Now().Add(-l.minRest).UnixNano()
	l.mu.Lock()
	resting := slices.Collect(maps.Keys(l.open))
	l.mu.Unlock()
	since := make(map[*reportConn]int64, len(resting))
	resting = slices.DeleteFunc(resting, func(c *reportConn) bool {
		since[c] = c.idleSince.Load()
		return since[c] == 0 || since[c] > restedBy
	})
	slices.SortFunc(resting, func(a, b *reportConn) int { return cmp.Compare(since[a], since[b]) })
	for _, c := range resting[:min(len(resting), 1+cap(l.places)/64)] {
		_ = c.Close() // the server notices
	}
}

func (l *reportListener) forget(c *reportConn) {
	l.mu.Lock()
	delete(l.open, c)
	l.mu.Unlock()
	<-l.places
}

// track is the [http.Server]'s ConnState.
func (l *reportListener) track(conn net.Conn, state http.ConnState) {
	c, ok := conn.(*reportConn)
	if !ok {
		return
	}
	switch state {
	case http.StateIdle:
		c.idleSince.Store(time.Now().UnixNano())
	case http.StateNew, http.StateActive, http.StateHijacked, http.StateClosed:
		c.idleSince.Store(0)
	}
}

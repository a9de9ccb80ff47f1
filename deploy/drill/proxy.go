package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// endOfStream is the last byte of what the server answers when it has stored an
// insert (ClickHouse's native protocol).
const endOfStream = 5

// rule says what a proxy does to the connections through it. The zero rule
// lets everything pass.
type rule struct {
	// gate, when not nil, holds up everything until it is closed.
	gate chan struct{}
	// refusal, when not nil, is the server's answer to every login; who is logged
	// in is thrown out.
	refusal []byte
	// delay holds up the server's answer to each insert.
	delay time.Duration
	// cutAfter resets the connection once so many bytes of an insert have
	// reached the server; 0 never does.
	cutAfter int
	// answered, when not nil, is called with each answer to an insert that came
	// whole, and what passes it on; false resets the connection afterwards.
	answered func(pass func()) bool
}

// proxy stands between collectors and ClickHouse.
type proxy struct {
	target, addr string

	mu       sync.Mutex
	rule     rule
	listener net.Listener // nil while connections are refused
	links    map[*link]bool
}

func newProxy(target string) (*proxy, error) {
	p := &proxy{target: target, addr: "127.0.0.1:0", links: map[*link]bool{}}
	return p, p.open()
}

// open takes connections.
func (p *proxy) open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		return fmt.Errorf("listen in front of ClickHouse: %w", err)
	}
	p.listener, p.addr = listener, listener.Addr().String()
	go p.accept(listener)
	return nil
}

// refuse resets all connections and takes no more, until open.
func (p *proxy) refuse() {
	p.mu.Lock()
	listener, links := p.listener, p.links
	p.listener, p.links = nil, map[*link]bool{}
	p.mu.Unlock()
	if listener != nil {
		_ = listener.Close()
	}
	for l := range links {
		l.reset()
	}
}

// set puts a rule into force; the gate of the one before is opened.
func (p *proxy) set(r rule) {
	p.mu.Lock()
	if p.rule.gate != nil {
		close(p.rule.gate)
	}
	p.rule = r
	var out map[*link]bool
	if r.refusal != nil {
		out, p.links = p.links, map[*link]bool{}
	}
	p.mu.Unlock()
	for l := range out {
		l.reset()
	}
}

func (p *proxy) close() {
	p.set(rule{})
	p.refuse()
}

func (p *proxy) current() rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rule
}

func (p *proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go p.connect(client.(*net.TCPConn))
	}
}

func (p *proxy) connect(client *net.TCPConn) {
	if refusal := p.current().refusal; refusal != nil {
		refuseLogin(client, refusal)
		return
	}
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{proxy: p, client: client, server: server.(*net.TCPConn)}
	p.mu.Lock()
	refusing := p.listener == nil || p.rule.refusal != nil
	if !refusing {
		p.links[l] = true
	}
	p.mu.Unlock()
	if refusing {
		l.reset()
		return
	}
	go l.forward()
	l.back()
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
}

// refuseLogin answers what a client says first, and hangs up.
func refuseLogin(client *net.TCPConn, refusal []byte) {
	const patience = 5 * time.Second
	_ = client.SetDeadline(time.Now().Add(patience))
	if _, err := client.Read(make([]byte, 4<<10)); err == nil {
		_, _ = client.Write(refusal)
		_ = client.CloseWrite()
		_, _ = io.Copy(io.Discard, client) // a reset could overtake the answer
	}
	_ = client.Close()
}

// link is one connection through a proxy.
type link struct {
	proxy          *proxy
	client, server *net.TCPConn

	mu        sync.Mutex
	inserting bool
	sent      int // bytes of the insert
}

// reset ends both halves at once, without the usual goodbye.
func (l *link) reset() {
	for _, conn := range []*net.TCPConn{l.client, l.server} {
		_ = conn.SetLinger(0)
		_ = conn.Close()
	}
}

// hang waits while the rule's gate is closed.
func (l *link) hang() rule {
	r := l.proxy.current()
	if r.gate != nil {
		<-r.gate
		return l.hang()
	}
	return r
}

// forward takes bytes from the client to the server.
func (l *link) forward() {
	defer l.end()
	buffer := make([]byte, 32<<10)
	for {
		n, err := l.client.Read(buffer)
		if n > 0 {
			r := l.hang()
			part := l.note(buffer[:n], r.cutAfter)
			if _, err := l.server.Write(part); err != nil {
				return
			}
			if len(part) < n {
				l.reset()
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// note watches for inserts; it returns the part of data that may pass.
func (l *link) note(data []byte, cutAfter int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.Contains(data, []byte("INSERT INTO ")) {
		l.inserting, l.sent = true, 0
	}
	if !l.inserting {
		return data
	}
	if cutAfter > 0 && l.sent+len(data) > cutAfter {
		data = data[:max(0, cutAfter-l.sent)]
	}
	l.sent += len(data)
	return data
}

// back takes bytes from the server to the client.
func (l *link) back() {
	defer l.end()
	buffer := make([]byte, 32<<10)
	for {
		n, err := l.server.Read(buffer)
		if n > 0 && !l.passBack(buffer[:n]) {
			return
		}
		if err != nil {
			return
		}
	}
}

// passBack returns false when the connection is over.
func (l *link) passBack(data []byte) bool {
	r := l.hang()
	var failed error
	pass := func() { _, failed = l.client.Write(data) }
	if !l.answers(data) {
		pass()
		return failed == nil
	}
	time.Sleep(r.delay)
	if r.answered == nil {
		pass()
	} else if !r.answered(pass) {
		l.reset()
		return false
	}
	return failed == nil
}

// answers says whether data is the end of the answer to an insert.
func (l *link) answers(data []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.inserting || data[len(data)-1] != endOfStream {
		return false
	}
	l.inserting = false
	return true
}

// end closes what is still open.
func (l *link) end() {
	_ = l.client.Close()
	_ = l.server.Close()
}

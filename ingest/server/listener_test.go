package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// serveFew answers on at most that many connections, and closes idle ones for
// new ones after a rest.
func serveFew(t *testing.T, maxConnections int, rest time.Duration) (addr string, listener *reportListener, stop func() error) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener = newReportListener(tcp, maxConnections)
	listener.minRest = rest
	server := &http.Server{
		Handler: http.HandlerFunc(echoBody), ConnState: listener.track, ReadHeaderTimeout: time.Minute, ReadTimeout: time.Minute,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	stop = sync.OnceValue(func() error {
		_ = server.Close()
		select {
		case err := <-ended:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("the server does not end")
		}
	})
	t.Cleanup(func() { _ = stop() })
	return tcp.Addr().String(), listener, stop
}

// ask sends a request and reads its answer.
func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	_, _ = fmt.Fprintf(conn, post, 1, "x")
	answers(t, bufio.NewReader(conn), "x")
}

func TestReportListener_IdleConnectionsMakePlace(t *testing.T) {
	addr, listener, _ := serveFew(t, 2, time.Millisecond)
	oldest, busy := dial(t, addr), dial(t, addr)
	ask(t, oldest)
	_, _ = io.WriteString(busy, "POST / HTTP/1.1\r\n") // and no more for now
	for range 3 {
		ask(t, dial(t, addr))
	}
	untilClosed(t, oldest)
	_, _ = io.WriteString(busy, "Host: x\r\nContent-Length: 1\r\n\r\ny")
	answers(t, bufio.NewReader(busy), "y")
	if open := len(listener.places); open > 2 {
		t.Errorf("%d connections are open", open)
	}
}

// Connections with a request are never closed for new ones, which wait.
func TestReportListener_BusyConnectionsKeepTheirPlace(t *testing.T) {
	addr, listener, stop := serveFew(t, 1, time.Millisecond)
	busy := dial(t, addr)
	_, _ = io.WriteString(busy, "POST / HTTP/1.1\r\n")
	for len(listener.places) == 0 {
		time.Sleep(time.Millisecond)
	}
	next := dial(t, addr)
	_, _ = fmt.Fprintf(next, post, 1, "x")
	if err := next.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := next.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Fatal("a connection above the bound was answered")
	}
	_ = busy.Close()
	if err := next.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	answers(t, bufio.NewReader(next), "x")
	if err := stop(); err != http.ErrServerClosed {
		t.Error(err)
	}
}

// One that waits for a place does not keep the server from ending.
func TestReportListener_EndsWhileOneWaits(t *testing.T) {
	addr, listener, stop := serveFew(t, 1, time.Hour)
	dial(t, addr)
	for len(listener.places) == 0 {
		time.Sleep(time.Millisecond)
	}
	dial(t, addr)
	if err := stop(); err != http.ErrServerClosed {
		t.Error(err)
	}
}

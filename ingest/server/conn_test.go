package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// serveConns answers on reportConns with these bounds, and returns the address.
func serveConns(t *testing.T, server *http.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	go func() { _ = server.Serve(newReportListener(listener, 0)) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// untilClosed is how long it takes until the server hangs up.
func untilClosed(t *testing.T, conn net.Conn) time.Duration {
	t.Helper()
	start := time.Now()
	if err := conn.SetReadDeadline(start.Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the server does not hang up")
	}
	return time.Since(start)
}

const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"

func echoBody(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write(body)
}

// answers reads answers and checks their bodies.
func answers(t *testing.T, from *bufio.Reader, want ...string) {
	t.Helper()
	for _, want := range want {
		response, err := http.ReadResponse(from, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || string(body) != want {
			t.Errorf("answer is %q, want %q, %v", body, want, err)
		}
	}
}

func TestReportConn_AnswersOneAfterTheOther(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		echoBody(w, r)
		time.Sleep(20 * time.Millisecond) // the server reads ahead meanwhile
	}
	conn := dial(t, serveConns(t, &http.Server{Handler: http.HandlerFunc(slow), ReadHeaderTimeout: time.Second, ReadTimeout: time.Second, WriteTimeout: time.Second, IdleTimeout: time.Second}))
	from := bufio.NewReader(conn)
	for i := range 3 {
		_, _ = fmt.Fprintf(conn, post, 1, fmt.Sprint(i))
		answers(t, from, fmt.Sprint(i))
	}
	// The last byte of the server's buffer is no read ahead.
	const buffer = 4096
	start := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nX: "
	_, _ = io.WriteString(conn, start+strings.Repeat("y", buffer-1-len(start)))
	time.Sleep(20 * time.Millisecond)
	_, _ = io.WriteString(conn, "yyy\r\n\r\nz")
	answers(t, from, "z")
	// Several at once, of which the server must not lose a byte.
	_, _ = fmt.Fprintf(conn, post+post+post, 1, "a", 0, "", 2, "bc")
	answers(t, from, "a", "", "bc")
}

func TestReportConn_HangsUpOnClientsThatAreTooSlow(t *testing.T) {
	const bound, other = 200 * time.Millisecond, 2 * time.Second
	cases := map[string]struct {
		server *http.Server
		send   string
	}{
		"no header":             {&http.Server{ReadHeaderTimeout: bound, ReadTimeout: other, IdleTimeout: other}, "POST / HT"},
		"no body":               {&http.Server{ReadHeaderTimeout: bound / 2, ReadTimeout: bound, IdleTimeout: other}, fmt.Sprintf(post, 5, "ab")},
		"idle":                  {&http.Server{ReadHeaderTimeout: bound / 2, ReadTimeout: bound / 2, IdleTimeout: bound}, fmt.Sprintf(post, 2, "ab")},
		"idle after a longer":   {&http.Server{ReadHeaderTimeout: other, ReadTimeout: other, IdleTimeout: bound}, fmt.Sprintf(post, 2, "ab")},
		"no header of a second": {&http.Server{ReadHeaderTimeout: bound, ReadTimeout: other, IdleTimeout: other}, fmt.Sprintf(post, 2, "ab") + "POST /"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.server.Handler = http.HandlerFunc(echoBody)
			conn := dial(t, serveConns(t, c.server))
			_, _ = io.WriteString(conn, c.send)
			// It hangs up a little later on a body, to let the client read the answer.
			if took := untilClosed(t, conn); took < bound-20*time.Millisecond || took > bound+time.Second {
				t.Errorf("hung up after %s, want %s", took, bound)
			}
		})
	}
}

// A body that comes drop by drop has no longer than one that does not come.
func TestReportConn_HangsUpOnBodiesThatDrip(t *testing.T) {
	const bound = 300 * time.Millisecond
	conn := dial(t, serveConns(t, &http.Server{Handler: http.HandlerFunc(echoBody), ReadHeaderTimeout: bound, ReadTimeout: bound, IdleTimeout: bound}))
	_, _ = fmt.Fprintf(conn, post, 1000, "a")
	go func() {
		for err := error(nil); err == nil; time.Sleep(10 * time.Millisecond) {
			_, err = io.WriteString(conn, "a")
		}
	}()
	if took := untilClosed(t, conn); took < bound-20*time.Millisecond || took > bound+2*time.Second {
		t.Errorf("hung up after %s, want %s", took, bound)
	}
}

// A client that is refused in the middle of its body reads the answer, and its end.
func TestReportConn_EndsAnAnswerBeforeItHangsUp(t *testing.T) {
	addr := serveConns(t, &http.Server{ReadTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1))
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})})
	conn := dial(t, addr)
	start := time.Now()
	_, _ = fmt.Fprintf(conn, post, 1<<20, strings.Repeat("x", 1<<10))
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 413 ") {
		t.Errorf("%v\n%s", err, answer)
	}
	if took := time.Since(start); took > 400*time.Millisecond { // the server hangs up later
		t.Errorf("the answer ended after %s", took)
	}
}

func TestReportConn_HangsUpOnClientsThatDoNotRead(t *testing.T) {
	written := make(chan error, 1)
	addr := serveConns(t, &http.Server{ReadTimeout: time.Second, WriteTimeout: 200 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 64<<20))
		written <- err
	})})
	conn := dial(t, addr)
	_, _ = fmt.Fprintf(conn, post, 0, "")
	select {
	case err := <-written:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("writing ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the server waits for ever")
	}
}

// A connection that is open while the server ends must not keep it.
func TestReportConn_ClosesInTheMiddleOfARequest(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	server := &http.Server{ReadTimeout: time.Minute, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(begun); <-goOn })}
	conn := dial(t, serveConns(t, server))
	_, _ = fmt.Fprintf(conn, post, 0, "")
	<-begun
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	untilClosed(t, conn)
	close(goOn)
}

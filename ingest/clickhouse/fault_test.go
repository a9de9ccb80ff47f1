package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/deploy/engine/enginetest"
	"throughline/ingest"
)

// proxy stands between a store and the engine and breaks connections.
type proxy struct {
	net.Listener
	server string
	// room is how many bytes pass to the server before the connection is reset.
	room atomic.Int64
	// mute keeps the server's answers back.
	mute atomic.Bool
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: listener, server: enginetest.Start(t).NativeAddr()}
	p.room.Store(1 << 40)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client.(*net.TCPConn))
		}
	}()
	return p
}

func (p *proxy) serve(client *net.TCPConn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				_ = client.Close()
				return
			}
			if !p.mute.Load() {
				_, _ = client.Write(buffer[:n])
			}
		}
	}()
	buffer := make([]byte, 1<<12)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if p.room.Add(-int64(n)) < 0 {
			_ = client.SetLinger(0) // a reset, not an end
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// through is a second store on the database of s, by way of these addresses.
func through(t *testing.T, s *Store, addr ...string) *Store {
	t.Helper()
	options := s.options
	options.Addr = addr
	other, err := newStore(s.conn, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { (<-other.inserters).drop() })
	return other
}

func manyRequests(n int) []ingest.Row {
	rows := make([]ingest.Row, n)
	for i := range rows {
		rows[i] = ingest.Row{
			App: "shop", Source: beacon.SourceRUM, SessionID: fmt.Sprintf("%016x", i/7), Timestamp: time.UnixMilli(1763900000000 + int64(i)), ReceivedAt: time.UnixMilli(1763900001000),
			Release: fmt.Sprintf("1.%d", i%700), Country: []string{"DE", "", "FR"}[i%3],
			RequestDomain: "api.example", RequestPath: fmt.Sprintf("/v1/%d", i),
			Event: beacon.Event{ID: fmt.Sprintf("%016x", i+1), Request: &beacon.Request{Initiator: "fetch", DurationMS: float64(i)}},
		}
	}
	return rows
}

const stored = "SELECT concat(toString(count()), ' ', toString(uniqExact(event_id))) AS x FROM requests"

func TestWrite_ConnectionThatIsResetStoresNothingTwice(t *testing.T) {
	s := open(t)
	p := newProxy(t)
	broken := through(t, s, p.Addr().String())
	batch := batchOf("a", manyRequests(20000)...)
	for _, room := range []int64{100, 5000, 500_000, 1_500_000} {
		p.room.Store(room)
		if err := broken.Write(t.Context(), batch); err == nil {
			t.Fatalf("reset after %d bytes: no error", room)
		}
		if got := one(t, s, stored); got[0] != "0 0" {
			t.Fatalf("reset after %d bytes: stored %s", room, got[0])
		}
	}
	p.room.Store(1 << 40)
	for range 3 {
		if err := broken.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, s, stored); got[0] != "20000 20000" {
		t.Errorf("stored %s", got[0])
	}
}

func TestWrite_LostAnswerStoresNothingTwice(t *testing.T) {
	s := open(t)
	p := newProxy(t)
	broken := through(t, s, p.Addr().String())
	batch := batchOf("a", rowsOf(t, "good_early_report", "good_final_report")...)
	if err := broken.Write(t.Context(), batchOf("before", manyRequests(1)...)); err != nil {
		t.Fatal(err) // the connection is there, and what it says is lost from now on
	}
	p.mute.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := broken.Write(ctx, batch); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without an answer: %v", err)
	}
	p.mute.Store(false)
	for range 2 {
		if err := broken.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	if got := one(t, s, "SELECT count() AS x FROM transactions"); got[0] != "2" {
		t.Errorf("transactions has %s rows", got[0])
	}
	if got := one(t, s, "SELECT sum(instances) AS x FROM rollup_transactions"); got[0] != "2" {
		t.Errorf("the rollup counts %s instances", got[0])
	}
}

func TestWrite_ServerThatHangs(t *testing.T) {
	s := open(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	before := runtime.NumGoroutine()
	hanging := through(t, s, silent.Addr().String())
	batch := batchOf("a", manyRequests(1)...)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := hanging.Write(ctx, batch); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	into := <-hanging.inserters
	into.timeout = 50 * time.Millisecond
	hanging.inserters <- into
	if err := hanging.Write(t.Context(), batch); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("by its own bound: %v", err)
	}
	if into.conn != nil {
		t.Error("the connection is kept")
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestWrite_WaitsForItsTurnNoLongerThanItsContext(t *testing.T) {
	s := open(t)
	into := <-s.inserters // somebody writes
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Write(ctx, batchOf("a", manyRequests(1)...)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	s.inserters <- into
}

func TestWrite_TakesTheNextAddressAndANewConnection(t *testing.T) {
	s := open(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	p := newProxy(t)
	other := through(t, s, closed.Addr().String(), p.Addr().String())
	if err := other.Write(t.Context(), batchOf("a", manyRequests(1)...)); err != nil {
		t.Fatal(err)
	}
	into := <-other.inserters
	into.conn.close() // as a server that restarts would
	other.inserters <- into
	if err := other.Write(t.Context(), batchOf("b", manyRequests(1)...)); err != nil {
		t.Errorf("after the connection was lost: %v", err)
	}
	if got := one(t, s, stored); got[0] != "2 1" {
		t.Errorf("stored %s", got[0])
	}
}

func TestWrite_CompressedOverANetwork(t *testing.T) {
	s := open(t)
	into := <-s.inserters
	if err := into.connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if into.conn.compressor != nil {
		t.Error("compresses on the same machine")
	}
	into.conn.compress()
	s.inserters <- into
	if err := s.Write(t.Context(), batchOf("a", manyRequests(20000)...)); err != nil {
		t.Fatal(err)
	}
	if got := one(t, s, stored); got[0] != "20000 20000" {
		t.Errorf("stored %s", got[0])
	}
}

func TestWrite_AfterClose(t *testing.T) {
	s, err := newStore(open(t).conn, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	(<-s.inserters).drop()
	close(s.inserters)
	if err := s.Write(t.Context(), batchOf("a", manyRequests(1)...)); err == nil {
		t.Error("no error")
	}
}

// Who asks after readiness must not hang with the server.
func TestReady_EndsWithItsContext(t *testing.T) {
	p := newProxy(t)
	options := open(t).options
	options.Addr = []string{p.Addr().String()}
	s, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.mute.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start := time.Now()
	if err := s.Ready(ctx); !errors.Is(err, context.Canceled) || time.Since(start) > 2*time.Second {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}

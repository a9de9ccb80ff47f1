package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"throughline/ingest/queue"
)

// ceilingArg makes this program the server that ours is measured against.
const ceilingArg = "ceiling-server"

// serveCeiling is what the machine can do at most: an Echo handler that reads
// the body and answers 204. It writes its address to out and ends with in. With a
// directory it keeps the body in a log there, first, and understands nothing of it:
// what can be done at most by who is durable.
func serveCeiling(in io.Reader, out io.Writer, logDir string) (err error) {
	take := func(body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	if logDir != "" {
		log, err := openLog(logDir)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.Release()) }()
		buffers := sync.Pool{New: func() any { return &bytes.Buffer{} }}
		take = func(body io.Reader) error {
			buffer := buffers.Get().(*bytes.Buffer)
			defer buffers.Put(buffer)
			buffer.Reset()
			return keep(log, body, buffer)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	e := echo.New()
	e.POST(collectPath, func(c echo.Context) error {
		if err := take(c.Request().Body); err != nil {
			return fmt.Errorf("take the body: %w", err)
		}
		return c.NoContent(http.StatusNoContent)
	})
	server := &http.Server{Handler: e}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	if _, err := fmt.Fprintln(out, listener.Addr()); err != nil {
		return fmt.Errorf("tell the address: %w", err)
	}
	if err := server.Serve(listener); err != nil && err != http.ErrServerClosed {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// openLog opens a log like the collector's.
func openLog(dir string) (*queue.Queue, error) {
	return queue.Open(queue.Options{
		Dir: dir, MaxBytes: 64 << 30, SegmentBytes: 64 << 20, MaxRecordBytes: 1 << 20, CommitEvery: 3 * time.Millisecond,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
}

// keep puts a body into the log, and returns when it is safe.
func keep(log *queue.Queue, body io.Reader, buffer *bytes.Buffer) error {
	if _, err := buffer.ReadFrom(body); err != nil {
		return err
	}
	commit, err := log.Enqueue(buffer.Bytes(), 1, func(queue.Position, error) {})
	if err != nil {
		return err
	}
	return commit.Wait(context.Background())
}

// ceiling is that server as a process of its own.
type ceiling struct {
	cmd   *exec.Cmd
	input io.Closer
	addr  string
}

// startCeiling starts it; logDir is the directory of its log, empty for none.
func startCeiling(ctx context.Context, logDir string) (*ceiling, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, ceilingArg, logDir)
	cmd.Stderr, cmd.WaitDelay = os.Stderr, time.Second
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("connect to the ceiling's server: %w", err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("connect to the ceiling's server: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the ceiling's server: %w", err)
	}
	c := &ceiling{cmd: cmd, input: input}
	if _, err := fmt.Fscanln(output, &c.addr); err != nil {
		c.stop()
		return nil, fmt.Errorf("read the address of the ceiling's server: %w", err)
	}
	return c, nil
}

func (c *ceiling) stop() {
	_ = c.input.Close()
	_ = c.cmd.Wait() // it was told to end
}

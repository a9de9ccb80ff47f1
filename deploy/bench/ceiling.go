package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"time"

	"github.com/labstack/echo/v4"
)

// ceilingArg makes this program the server that ours is measured against.
const ceilingArg = "ceiling-server"

// serveCeiling is what the machine can do at most: an Echo handler that reads
// the body and answers 204. It writes its address to out and ends with in.
func serveCeiling(in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	e := echo.New()
	e.POST(collectPath, func(c echo.Context) error {
		if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
			return fmt.Errorf("read the body: %w", err)
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

// ceiling is that server as a process of its own.
type ceiling struct {
	cmd   *exec.Cmd
	input io.Closer
	addr  string
}

func startCeiling(ctx context.Context) (*ceiling, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, ceilingArg)
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

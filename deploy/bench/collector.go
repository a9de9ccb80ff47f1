package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	collectPath = "/v1/events"
	benchKey    = "bench-web-7d1e90"
	origin      = "https://shop.example"
)

// stopPatience is how long a process may take to end.
const stopPatience = time.Minute

// collector is `throughline serve` with the embedded engine, everything else as
// it is without a configuration.
type collector struct {
	cmd      *exec.Cmd
	ended    chan error
	addr     string
	admin    string
	database database
}

const configuration = `listen: %s
admin: {listen: %s}
shutdown_delay: 0s
clickhouse:
  embedded: {native_port: %d, http_port: %d}
apps:
  - name: shop
    key: ` + benchKey + `
    origins: [` + origin + `]
    environment: production
transactions:
  - {name: View product, app: shop, objectives: {satisfied: 2s}, complete: {page: /product/*}}
`

func startCollector(ctx context.Context, binary, dir string) (*collector, error) {
	ports, err := freePorts(4)
	if err != nil {
		return nil, err
	}
	local := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	c := &collector{addr: local(ports[0]), admin: "http://" + local(ports[1]), ended: make(chan error, 1)}
	c.database = database{url: "http://" + local(ports[3])}
	file := filepath.Join(dir, "throughline.yaml")
	text := fmt.Sprintf(configuration, c.addr, local(ports[1]), ports[2], ports[3])
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the configuration: %w", err)
	}
	c.cmd = exec.Command(binary, "serve", "--config", file, "--data-dir", filepath.Join(dir, "data"), "--log-level", "warn")
	c.cmd.Stdout, c.cmd.Stderr = os.Stderr, os.Stderr
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make build makes it): %w", binary, err)
	}
	go func() { c.ended <- c.cmd.Wait() }()
	if err := c.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// freePorts returns that many ports that were free a moment ago.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = listener.Close() }() // only then, so that they differ
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func (c *collector) awaitReady(ctx context.Context) error {
	const patience = 60 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		response, err := get(ctx, c.admin+"/readyz")
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-c.ended:
			c.ended <- err
			return fmt.Errorf("throughline serve ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("wait until throughline serve is ready: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// stop ends the collector as an operator would, and kills it when it does not.
func (c *collector) stop() error { return stop(c.cmd, c.ended) }

func stop(cmd *exec.Cmd, ended chan error) error {
	_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s %s: %w", filepath.Base(cmd.Path), cmd.Args[1], err)
		}
		return nil
	case <-time.After(stopPatience):
		_ = cmd.Process.Kill()
		<-ended
		return fmt.Errorf("%s %s did not end within %s", filepath.Base(cmd.Path), cmd.Args[1], stopPatience)
	}
}

// queued is how many accepted events are not in the database yet.
func (c *collector) queued(ctx context.Context) (int, error) {
	response, err := get(ctx, c.admin+"/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if !strings.HasPrefix(lines.Text(), "throughline_ingest_queue_events") {
			continue
		}
		_, value, _ := strings.Cut(lines.Text(), " ")
		events, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return 0, fmt.Errorf("read the metric of the queue: %w", err)
		}
		return int(events), nil
	}
	return 0, errors.New("the metrics do not tell of the queue")
}

// drain waits until everything that was accepted is in the database, and
// returns how long that took.
func (c *collector) drain(ctx context.Context) (time.Duration, error) {
	const patience = 5 * time.Minute
	for start := time.Now(); ; {
		events, err := c.queued(ctx)
		switch {
		case err != nil:
			return 0, err
		case events == 0:
			return time.Since(start), nil
		case time.Since(start) > patience:
			return 0, fmt.Errorf("%d events are still queued after %s", events, patience)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// peakMemoryMB is the most memory that the collector was resident with since it
// started, without the engine, which is a process of its own. Linux tells it.
func (c *collector) peakMemoryMB() (float64, error) { return peakMemoryMB(c.cmd.Process.Pid) }

// peakMemoryMB is the most memory that a process was resident with.
func peakMemoryMB(pid int) (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("read a process's memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		var kB float64
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kB); err == nil {
			return kB / 1024, nil
		}
	}
	return 0, errors.New("the system does not tell of a process's memory")
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", url, err)
	}
	return response, nil
}

// sleep waits for d, or fails when ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

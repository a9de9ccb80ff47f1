package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// maxAnswerBytes bounds what Query reads of an answer.
const maxAnswerBytes = 1 << 20

// portTries is how often free ports are chosen at the start: each time somebody
// else may be quicker to listen on them.
const portTries = 5

// patience says how long the supervisor waits, and for what.
type patience struct {
	start       time.Duration // for the engine to answer; its library has 566 MB to read
	firstPause  time.Duration // before it is started again; doubles each time
	longPause   time.Duration // the most that it grows to
	stable      time.Duration // for how long it must have run for the pause to start anew
	failedTries int           // starts in a row without an answer until it gives up
}

func defaultPatience() patience {
	return patience{
		start: 2 * time.Minute, firstPause: 100 * time.Millisecond, longPause: 10 * time.Second,
		stable: 30 * time.Second, failedTries: 10,
	}
}

// Engine is an embedded ClickHouse with its supervisor. Its methods are safe
// for concurrent use.
type Engine struct {
	options              Options
	patience             patience
	layout               layout
	lock                 *os.File
	nativePort, httpPort int
	nonce                string
	client               *http.Client

	cancel context.CancelFunc
	closed sync.Once
	done   chan struct{}
	err    error // why it gave up; for after done
}

// Start runs an engine and returns once it answers statements on both ports.
// ctx bounds the start only; Close ends the engine. The error names what stands
// in the way: the library, the directory's lock, a port, or the engine's own
// last words.
func Start(ctx context.Context, o Options) (*Engine, error) {
	return start(ctx, o, defaultPatience())
}

func start(ctx context.Context, o Options, p patience) (*Engine, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		options: o, patience: p, layout: layout{o.DataDir}, nonce: rand.Text(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Second}},
		done:   make(chan struct{}),
	}
	if err := os.MkdirAll(e.layout.data(), 0o700); err != nil {
		return nil, fmt.Errorf("create ClickHouse data directory: %w", err)
	}
	if e.lock, err = lockDir(ctx, o.DataDir); err != nil {
		return nil, err
	}
	child, err := e.firstLaunch(ctx)
	if err != nil {
		return nil, errors.Join(err, e.lock.Close())
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	e.cancel = cancel
	go e.supervise(life, child)
	return e, nil
}

// firstLaunch chooses the ports and starts the engine, again when a port that
// it chose itself was lost to somebody else.
func (e *Engine) firstLaunch(ctx context.Context) (*process, error) {
	for try := 1; ; try++ {
		var err error
		e.nativePort, e.httpPort, err = choosePorts(e.options.NativePort, e.options.HTTPPort)
		if err != nil {
			return nil, err
		}
		child, err := e.launch(ctx)
		if err == nil {
			return child, nil
		}
		_, _, taken := choosePorts(e.nativePort, e.httpPort)
		ours := e.options.NativePort != 0 && e.options.HTTPPort != 0
		if taken == nil || ours || try == portTries {
			return nil, errors.Join(err, taken)
		}
	}
}

// launch starts a child and waits until it answers.
func (e *Engine) launch(ctx context.Context) (*process, error) {
	if err := e.layout.writeConfig(e.options, e.httpPort, e.nonce); err != nil {
		return nil, err
	}
	if err := forgetCutOff(e.layout.data(), e.options.Log); err != nil {
		return nil, err
	}
	config := childConfig{Library: e.options.Library, Args: e.layout.args(e.nativePort, e.httpPort)}
	out := &output{log: e.options.Log, now: time.Now}
	child, err := spawn(e.options.Command, e.options.DataDir, e.lock, config, out)
	if err != nil {
		return nil, err
	}
	if err := e.awaitAnswer(ctx, child); err != nil {
		child.stop()
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	e.options.Log.Info("ClickHouse runs", "native_addr", e.NativeAddr(), "http_addr", e.HTTPAddr(),
		"data_dir", e.options.DataDir, "pid", child.cmd.Process.Pid)
	return child, nil
}

// awaitAnswer returns once the child answers a statement. It opens the HTTP
// port after the native one, so that both are open then.
func (e *Engine) awaitAnswer(ctx context.Context, child *process) error {
	ctx, cancel := context.WithTimeout(ctx, e.patience.start)
	defer cancel()
	for {
		answer, err := e.Query(ctx, "SELECT getMacro('engine')")
		if err == nil && strings.TrimSpace(answer) == e.nonce {
			return nil
		}
		select {
		case <-child.ended:
			return child.reason()
		case <-ctx.Done():
			return fmt.Errorf("no answer on port %d: %w", e.httpPort, ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// supervise keeps the engine running until ctx ends or it gives up.
func (e *Engine) supervise(ctx context.Context, child *process) {
	defer close(e.done)
	defer func() { _ = e.lock.Close() }()
	wait := e.patience.firstPause
	for e.watch(ctx, child, &wait) {
		var err error
		if child, err = e.relaunch(ctx, child.reason(), &wait); err != nil {
			if ctx.Err() == nil {
				e.err = err
			}
			return
		}
	}
}

// watch returns true when the child died, and ends it and returns false when
// ctx ends. Once the child has run for long, wait starts anew.
func (e *Engine) watch(ctx context.Context, child *process, wait *time.Duration) bool {
	defer func() { _ = child.control.Close() }()
	stable := time.NewTimer(e.patience.stable)
	defer stable.Stop()
	for {
		select {
		case <-ctx.Done():
			child.stop()
			return false
		case <-stable.C:
			*wait = e.patience.firstPause
		case <-child.ended:
			return true
		}
	}
}

// relaunch starts the engine again after it died for the reason given, with
// growing pauses before the tries. It fails when ctx ends or when it gives up.
func (e *Engine) relaunch(ctx context.Context, reason error, wait *time.Duration) (*process, error) {
	for try := 1; ctx.Err() == nil; try++ {
		e.options.Log.Error("ClickHouse died and is started again", "reason", reason.Error(), "pause", *wait)
		if err := pause(ctx, *wait); err != nil {
			return nil, err
		}
		*wait = min(2**wait, e.patience.longPause)
		child, err := e.launch(ctx)
		if err == nil {
			return child, nil
		}
		if try == e.patience.failedTries {
			return nil, fmt.Errorf("gave up after %d starts without success: %w", try, err)
		}
		reason = err
	}
	return nil, ctx.Err()
}

// NativeAddr is host:port of the native protocol.
func (e *Engine) NativeAddr() string { return loopback(e.nativePort) }

// HTTPAddr is host:port of the HTTP interface.
func (e *Engine) HTTPAddr() string { return loopback(e.httpPort) }

// Done is closed when the engine has ended for good: after Close, or when the
// supervisor gave up because many starts in a row failed.
func (e *Engine) Done() <-chan struct{} { return e.done }

// Err says why the supervisor gave up. It is nil before Done and after Close.
func (e *Engine) Err() error {
	select {
	case <-e.done:
		return e.err
	default:
		return nil
	}
}

// Close ends the engine and returns when its process is gone and the ports and
// the directory are free. What was answered is stored, except inserts with
// wait_for_async_insert=0. It returns Err; later calls do the same.
func (e *Engine) Close() error {
	e.closed.Do(e.cancel)
	<-e.done
	e.client.CloseIdleConnections()
	return e.Err()
}

// Query runs one statement over HTTP and returns the answer as text, in the
// format that the statement names or tab separated. Its error holds
// ClickHouse's. It is meant for administration: at most 1 MiB is returned.
func (e *Engine) Query(ctx context.Context, statement string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.HTTPAddr()+"/", strings.NewReader(statement))
	if err != nil {
		return "", fmt.Errorf("query ClickHouse: %w", err)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("query ClickHouse: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes))
	if err != nil {
		return "", fmt.Errorf("query ClickHouse: read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("query ClickHouse: %s", strings.TrimSpace(string(body)))
	}
	return string(body), nil
}

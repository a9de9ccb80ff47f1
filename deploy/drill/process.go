package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopPatience is how long a process may take to end.
const stopPatience = time.Minute

// spawner starts processes, all from one thread that lives as long as the
// drill: Linux ends them when the thread does that started them.
type spawner struct{ starts chan func() }

func newSpawner() *spawner {
	s := &spawner{starts: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for start := range s.starts {
			start()
		}
	}()
	return s
}

// start starts a command whose output goes to the end of a file, with some
// variables more than the drill's own environment.
func (s *spawner) start(logFile string, environment []string, command ...string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", command[0], err)
	}
	defer func() { _ = log.Close() }() // the process has its own
	info, err := log.Stat()
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", command[0], err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), environment...)
	cmd.SysProcAttr = attributes()
	started := make(chan error)
	s.starts <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s (make build makes it): %w", command[0], err)
	}
	p := &process{cmd: cmd, logFile: logFile, logFrom: info.Size(), ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// process is one that the drill started.
type process struct {
	cmd     *exec.Cmd
	logFile string
	logFrom int64         // where its part of the log begins
	ended   chan struct{} // closed when it was reaped
	err     error         // how it ended; for after ended
	killing sync.Once
}

// kill ends the process as a power failure would and waits until it is gone.
func (p *process) kill() {
	p.shoot()
	<-p.ended
}

// shoot is kill without waiting.
func (p *process) shoot() { p.killing.Do(func() { _ = p.cmd.Process.Kill() }) }

func (p *process) signal(s os.Signal) { _ = p.cmd.Process.Signal(s) } // it may have ended

// stop asks the process to end and returns how it did.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	return p.wait(context.Background(), stopPatience)
}

// wait waits until the process has ended and returns how; one that takes longer
// is killed.
func (p *process) wait(ctx context.Context, patience time.Duration) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		p.kill()
		return ctx.Err()
	case <-timer.C:
		p.kill()
		return fmt.Errorf("%s did not end within %s", p.cmd.Args[1], patience)
	}
}

// alive says whether the process still runs.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// said is what the process has written so far.
func (p *process) said() string {
	all, err := os.ReadFile(p.logFile)
	if err != nil || int64(len(all)) < p.logFrom {
		return ""
	}
	return string(all[p.logFrom:])
}

// lastWords are the last lines of what it said.
func (p *process) lastWords() string {
	lines := strings.Split(strings.TrimSpace(p.said()), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " / ")
}

// errEnded is a process that is not there any more.
var errEnded = errors.New("ended")

// until waits until done says so, the process ends, or patience is at its end.
func (p *process) until(ctx context.Context, what string, patience time.Duration, done func(context.Context) (bool, error)) error {
	err := until(ctx, patience, func(ctx context.Context) (bool, error) {
		if !p.alive() {
			return false, fmt.Errorf("%w (%v): %s", errEnded, p.err, p.lastWords())
		}
		return done(ctx)
	})
	if err != nil {
		return fmt.Errorf("wait until %s: %w", what, err)
	}
	return nil
}

// until waits until done says so, or fails when it does, when ctx ends, or when
// patience is at its end.
func until(ctx context.Context, patience time.Duration, done func(context.Context) (bool, error)) error {
	const look = 10 * time.Millisecond
	deadline := time.Now().Add(patience)
	for {
		yes, err := done(ctx)
		switch {
		case err != nil:
			return err
		case yes:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("not within %s", patience)
		}
		if err := sleep(ctx, look); err != nil {
			return err
		}
	}
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

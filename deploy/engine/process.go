package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// stopWait is how long a child may take to end once its pipe is closed, before
// it is killed. To the data it makes no difference.
const stopWait = time.Second

// process is a running child.
type process struct {
	cmd     *exec.Cmd
	control io.Closer // our end of the pipe
	output  *output
	ended   chan struct{} // closed when the child was reaped
}

// spawn starts a child and hands it what to run.
func spawn(command []string, dir string, lock *os.File, config childConfig, out *output) (*process, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	defer func() { _ = theirs.Close() }()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	// Memory that it has freed stays with it for a while: to get it anew for every
	// insert and merge costs a sixth of their time.
	const memory = "MALLOC_CONF=dirty_decay_ms:60000"
	cmd.Env = []string{"HOME=" + dir, "TZ=UTC", "LC_ALL=C.UTF-8", memory}
	cmd.Stderr = out
	cmd.ExtraFiles = []*os.File{theirs, lock} // controlFD and lockFD
	cmd.WaitDelay = stopWait
	// Its own group: the terminal's signals are for the supervisor, and the
	// engine answers SYSTEM SHUTDOWN by sending signals to its whole group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		_ = ours.Close()
		return nil, fmt.Errorf("start ClickHouse: %w", err)
	}
	p := &process{cmd: cmd, control: ours, output: out, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	if err := json.NewEncoder(ours).Encode(config); err != nil {
		p.stop()
		return nil, fmt.Errorf("tell ClickHouse what to run: %w", err)
	}
	return p, nil
}

// stop ends the child and returns when it is reaped.
func (p *process) stop() {
	_ = p.control.Close()
	timer := time.NewTimer(stopWait)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.ended
	}
}

// reason says how the child ended, with its last words unless it was killed;
// for after ended.
func (p *process) reason() error {
	state := p.cmd.ProcessState
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return errors.New("the ClickHouse process was killed")
	}
	if last := p.output.Last(); last != "" {
		return fmt.Errorf("the ClickHouse process ended (%s): %s", state, last)
	}
	return fmt.Errorf("the ClickHouse process ended (%s)", state)
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockWait is how long a lock that another process holds is asked for again:
// the child of a supervisor that was just killed needs a moment to end.
const lockWait = 2 * time.Second

// lockDir locks dir for this process and the child that inherits the file, and
// writes our process id into it. The lock ends when all who hold the file
// have closed it or ended.
func lockDir(ctx context.Context, dir string) (*os.File, error) {
	path := filepath.Join(dir, "engine.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock ClickHouse data directory: %w", err)
	}
	if err := flock(ctx, f); err != nil {
		defer func() { _ = f.Close() }()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("the ClickHouse data directory %s is in use by process %s; stop that or choose another directory", dir, holder(f))
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("write process id into %s: %w", path, err), f.Close())
	}
	return f, nil
}

// flock takes the lock. It waits for it, at most lockWait, when the process
// that took it is gone: then its child is about to end.
func flock(ctx context.Context, f *os.File) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || runs(holder(f)) || pause(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// holder reads from a lock file the id of the process that took the lock.
func holder(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, 20))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

// runs tells whether there is a process with the id pid.
func runs(pid string) bool {
	id, err := strconv.Atoi(pid)
	return err == nil && !errors.Is(syscall.Kill(id, 0), syscall.ESRCH)
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// pause waits for d, or until ctx ends and says why.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

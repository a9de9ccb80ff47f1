//go:build !linux

package queue

import (
	"os"
	"syscall"
)

func (f osFile) preallocate(sizeBytes int64) error { return f.Truncate(sizeBytes) }

func (f osFile) datasync() error { return f.Sync() }

func flock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

//go:build !linux

package engine

import (
	"fmt"
	"syscall"
)

// beNice lets this process give way to others.
func beNice() error {
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10); err != nil {
		return fmt.Errorf("lower the priority: %w", err)
	}
	return nil
}

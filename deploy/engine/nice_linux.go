package engine

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// niceness of the engine: what it does can wait for a moment, who reports and
// who asks cannot.
const niceness = 10

// beNice lets all threads of this process, and those that they will start,
// give way to other processes.
func beNice() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("list threads: %w", err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, niceness); err != nil {
			return fmt.Errorf("lower the priority: %w", err)
		}
	}
	return nil
}

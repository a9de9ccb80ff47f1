package main

import (
	"fmt"
	"os"
	"strings"
)

// memoryBoundMB is how much memory the collector may be resident with, whatever
// happens to it. The engine is a process of its own.
const memoryBoundMB = 150

// residentMB is how much memory a process is resident with, now and at most so
// far. Linux tells it; elsewhere it is an error.
func (p *process) residentMB() (now, most float64, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read the collector's memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		const kBPerMB = 1024
		var kB float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kB); err == nil {
			now = kB / kBPerMB
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kB); err == nil {
			most = kB / kBPerMB
		}
	}
	return now, most, nil
}

// judgeMemory holds the collector that runs against its bound.
func (f *field) judgeMemory(v *verdict) {
	if f.collector == nil || !f.collector.alive() {
		return
	}
	_, most, err := f.collector.residentMB()
	if err != nil || most == 0 {
		return // not told here
	}
	if most >= memoryBoundMB {
		v.problem("the collector was resident with %.0f MB", most)
		return
	}
	v.detail("at most %.0f MB", most)
}

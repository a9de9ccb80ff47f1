package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// meter reads how much processor time processes have used. It tells where the
// time goes, and hardly changes when something else runs on the machine.
type meter struct {
	names []string
	pids  []int
	spent []time.Duration // when last looked at
}

// tick is the unit in which Linux tells of processor time.
const tick = 10 * time.Millisecond

// newMeter returns a meter of this program and of a server with its children.
func newMeter(server int) *meter {
	m := &meter{names: []string{"senders", "server"}, pids: []int{os.Getpid(), server}}
	for _, child := range childrenOf(server) {
		m.names, m.pids = append(m.names, "ClickHouse"), append(m.pids, child)
	}
	m.spent = make([]time.Duration, len(m.pids))
	m.look()
	return m
}

// look returns what each process has used since the last look.
func (m *meter) look() []time.Duration {
	used := make([]time.Duration, len(m.pids))
	for i, pid := range m.pids {
		spent := processorTime(pid)
		used[i], m.spent[i] = spent-m.spent[i], spent
	}
	return used
}

// perReport says what each process has used since the last look for each of so
// many reports.
func (m *meter) perReport(reports int) string {
	var parts []string
	for i, used := range m.look() {
		parts = append(parts, fmt.Sprintf("%s %.1f", m.names[i], float64(used.Microseconds())/float64(max(1, reports))))
	}
	return "microseconds of processor time per report: " + strings.Join(parts, ", ")
}

// processorTime is what a process has used since it began; 0 where the system
// does not tell.
func processorTime(pid int) time.Duration {
	own, _ := processorTimes(pid)
	return own
}

// treeTime is what a process and all that it has started have used, those that have
// ended among them.
func treeTime(pid int) time.Duration {
	own, ended := processorTimes(pid)
	total := own + ended
	for _, child := range childrenOf(pid) {
		total += treeTime(child)
	}
	return total
}

// processorTimes are what a process has used, and those of its children that have
// ended.
func processorTimes(pid int) (own, ended time.Duration) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0
	}
	// Behind the name, which may hold anything, the 12th to 15th field are user and
	// system time of the process, and of its children.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 15 {
		return 0, 0
	}
	var ticks [4]int64
	for i := range ticks {
		count, err := strconv.ParseInt(fields[11+i], 10, 64)
		if err != nil {
			return 0, 0
		}
		ticks[i] = count
	}
	return time.Duration(ticks[0]+ticks[1]) * tick, time.Duration(ticks[2]+ticks[3]) * tick
}

// childrenOf are the processes that a process has started.
func childrenOf(pid int) []int {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	var children []int
	for _, file := range files {
		list, err := os.ReadFile(file)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(list)) {
			if child, err := strconv.Atoi(field); err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMeter_TellsWhatProcessesUse(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("the system has no /proc")
	}
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = child.Process.Kill()
		_ = child.Wait()
	}()
	if children := childrenOf(os.Getpid()); !slices.Contains(children, child.Process.Pid) {
		t.Errorf("children %v, want %d among them", children, child.Process.Pid)
	}
	m := newMeter(child.Process.Pid)
	for before := m.spent[0]; processorTime(os.Getpid()) < before+5*tick; { // it takes processor time
	}
	if said := m.perReport(10); !strings.Contains(said, "senders ") || strings.Contains(said, "senders 0.0") || !strings.Contains(said, "server 0.0") {
		t.Error(said)
	}
	if used := m.look(); used[0] > time.Minute {
		t.Errorf("used %s since the last look", used[0])
	}
}

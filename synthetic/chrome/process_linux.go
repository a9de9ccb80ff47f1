package chrome

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tether binds the browser to us: a group of its own, so that an interrupt typed
// at us does not reach it before we have left its pages, and death with us.
func tether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// family is the browser's processes. A process is told by when it started, too,
// since ids are used again.
type family []process

type process struct {
	pid, parent int
	state       byte
	started     string
}

// familyOf returns a process with all below it.
func familyOf(pid int) family {
	children := map[int][]process{}
	var tree family
	for _, p := range processes() {
		children[p.parent] = append(children[p.parent], p)
		if p.pid == pid {
			tree = append(tree, p)
		}
	}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i].pid]...)
	}
	return tree
}

// end kills what is left of the family, and what else uses the profile, waits
// until it is gone, and reaps what has become our child by its parent's death,
// as it does when we are process 1. It waits for no other child: those belong to
// whoever started them.
func (f family) end(profile string) {
	const patience, pause = 2 * time.Second, 10 * time.Millisecond
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		left := 0
		for _, p := range append(f, usersOf(profile)...) {
			now, ok := readProcess(p.pid)
			if !ok || now.started != p.started {
				continue
			}
			if now.state == 'Z' {
				if now.parent == os.Getpid() {
					syscall.Wait4(p.pid, nil, syscall.WNOHANG, nil)
				}
				continue
			}
			left++
			syscall.Kill(p.pid, syscall.SIGKILL)
		}
		if left == 0 {
			return
		}
	}
}

// usersOf returns the processes that have the profile in their command line.
func usersOf(profile string) family {
	want := []byte("--user-data-dir=" + profile)
	var users family
	for _, p := range processes() {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
		if err != nil {
			continue
		}
		for arg := range bytes.SplitSeq(line, []byte{0}) {
			if bytes.Equal(arg, want) {
				users = append(users, p)
				break
			}
		}
	}
	return users
}

func processes() []process {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var all []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// readProcess reads /proc/PID/stat: the name stands in parentheses and may hold
// any character, so the fields count from the last closing one.
func readProcess(pid int) (process, bool) {
	data, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return process{}, false
	}
	text := string(data)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const state, parent, started = 0, 1, 19
	if len(fields) <= started {
		return process{}, false
	}
	ppid, err := strconv.Atoi(fields[parent])
	if err != nil {
		return process{}, false
	}
	return process{pid: pid, parent: ppid, state: fields[state][0], started: fields[started]}, true
}

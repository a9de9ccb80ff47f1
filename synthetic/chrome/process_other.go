//go:build unix && !linux

package chrome

import (
	"os/exec"
	"syscall"
)

// tether gives the browser a group of its own, so that an interrupt typed at us
// does not reach it before we have left its pages. It ends with us because its
// pipe to us closes.
func tether(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// family is the browser's process group.
type family []int

func familyOf(pid int) family { return family{pid} }

// end kills what is left of the group.
func (f family) end(string) {
	for _, pid := range f {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
}

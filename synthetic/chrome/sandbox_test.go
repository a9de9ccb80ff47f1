//go:build linux

package chrome

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"throughline/synthetic"
)

// For whoever is not root the renderers are in Chrome's sandbox, or there is no
// browser at all. Tests that run as root start themselves again as nobody.
func TestLaunch_IsSandboxed(t *testing.T) {
	if os.Getuid() == 0 {
		runAsNobody(t)
		return
	}
	var log bytes.Buffer
	path, err := Find(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	browser, err := Launch(t.Context(), Options{Path: path, ProfileRoot: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		if !strings.Contains(err.Error(), NoSandboxVariable) {
			t.Fatal(err)
		}
		t.Skip("this system has no sandbox for Chrome, which says so: ", err)
	}
	defer func() { _ = browser.Close() }()
	page, err := browser.NewPage(t.Context(), synthetic.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Close(context.WithoutCancel(t.Context())) }()
	renderers := 0
	for _, process := range familyOf(browser.client.Process().Pid) {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", process.pid))
		if err != nil || !bytes.Contains(command, []byte("--type=renderer")) {
			continue
		}
		renderers++
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process.pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"\nSeccomp:\t2\n", "\nNoNewPrivs:\t1\n"} {
			if !bytes.Contains(status, []byte(want)) {
				t.Errorf("a renderer's status lacks %q:\n%s", want, status)
			}
		}
	}
	if renderers == 0 {
		t.Error("no renderer is there")
	}
	if log.Len() > 0 {
		t.Errorf("the log has\n%s", &log)
	}
}

// runAsNobody runs the test that calls it in a process of a user who may do nothing.
func runAsNobody(t *testing.T) {
	const nobody = 65534
	dir, err := os.MkdirTemp("", "throughline-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Where tests are built, nobody may look.
	mine := filepath.Join(dir, "test")
	if err := copyFile(mine, program); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, mine, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	switch {
	case err != nil:
		t.Errorf("as nobody: %v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("as nobody: %s", out)
	}
}

func copyFile(to, from string) (err error) {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(target, source); err != nil {
		return err
	}
	return target.Close()
}

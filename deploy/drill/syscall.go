package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// syncsFail lets every fdatasync of the collector fail for a while.
func syncsFail(ctx context.Context, f *field) (verdict, error) { return f.failing(ctx, "fdatasync") }

// writesFail lets every pwrite of the collector fail for a while.
func writesFail(ctx context.Context, f *field) (verdict, error) { return f.failing(ctx, "pwrite64") }

// failing lets a system call fail for a while. The log must then go on in
// another file.
func (f *field) failing(ctx context.Context, call string) (v verdict, err error) {
	var t *tracer
	var before []string
	harm := func() (err error) {
		if before, err = f.segments(); err != nil {
			return err
		}
		t, err = f.attach(ctx, call, "")
		return err
	}
	v, err = f.brokenDisk(ctx, harm, func() error { return t.detach(ctx) })
	if err != nil || v.skipped {
		return v, err
	}
	after, err := f.segments()
	if err != nil {
		return v, err
	}
	if newest := after[len(after)-1]; len(before) > 0 && newest <= before[len(before)-1] {
		v.problem("the log goes on in %s, whose %s failed", filepath.Base(newest), call)
	}
	return v, t.judge(&v)
}

// syncsFlaky lets some of the collector's writes and syncs fail among others
// that do not, and kills it now and then while they do.
func syncsFlaky(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	calls := []string{"fdatasync", "pwrite64", "fdatasync,pwrite64,fsync"}
	var taken, refused int
	for round := range max(f.rounds, 1) {
		before := l.snapshot()
		t, err := f.attach(ctx, calls[round%len(calls)], ":when=3+7")
		if err != nil {
			return skip(err)
		}
		if err := sleep(ctx, between(2*time.Second, 4*time.Second)); err != nil {
			return v, err
		}
		during := l.snapshot()
		taken, refused = taken+during.reports-before.reports, refused+during.busy-before.busy
		if round%2 == 1 {
			f.collector.kill()
			err = f.serve(ctx)
		} else if err = t.detach(ctx); err == nil {
			err = f.awaitReady(ctx)
		}
		if err != nil {
			return v, err
		}
		if err := t.judge(&v); err != nil {
			return v, err
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if taken == 0 || refused == 0 {
		judged.problem("successes and failures did not interleave")
	}
	judged.detail("%d spells in which every seventh call of a thread failed: %d reports taken, 503 %d times", f.rounds, taken, refused)
	return judged, err
}

// tracer is a strace that lets system calls of the collector fail.
type tracer struct {
	strace *process
	victim *process
	calls  string // that fail
	trace  string // file of the calls that were made
}

// attach lets some system calls fail with EIO: all, or those that strace's
// expression says.
func (f *field) attach(ctx context.Context, calls, when string) (*tracer, error) {
	program, err := exec.LookPath("strace")
	if err != nil {
		return nil, fmt.Errorf("%w: strace is missing (Debian: apt-get install strace)", errNotHere)
	}
	t := &tracer{victim: f.collector, calls: calls, trace: filepath.Join(f.dir, "strace.trace")}
	_ = os.Remove(t.trace) // of another spell
	t.strace, err = f.spawner.start(filepath.Join(f.dir, "strace.log"), nil, program, "-f", "-qq", "-y", "-s", "0", "-o", t.trace,
		"-e", "trace=fdatasync,pwrite64", "-e", "signal=none", "-e", "inject="+calls+":error=EIO"+when, "-p", strconv.Itoa(t.victim.cmd.Process.Pid))
	if err != nil {
		return nil, err
	}
	const patience = 10 * time.Second
	err = t.strace.until(ctx, "strace has attached", patience, func(context.Context) (bool, error) {
		threads, traced, _ := t.threads()
		return threads > 0 && threads == traced, nil
	})
	if errors.Is(err, errEnded) {
		return nil, fmt.Errorf("%w: strace may not attach: %s", errNotHere, t.strace.lastWords())
	}
	return t, err
}

// threads counts those of the collector, those that are traced, and those that
// stand still.
func (t *tracer) threads() (all, traced, stopped int) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", t.victim.cmd.Process.Pid))
	if err != nil {
		return 0, 0, 0 // the pattern is a good one
	}
	for _, file := range files {
		status, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		all++
		if !strings.Contains(string(status), "TracerPid:\t0\n") {
			traced++
		}
		if strings.Contains(string(status), "State:\tT") || strings.Contains(string(status), "State:\tt") {
			stopped++
		}
	}
	return all, traced, stopped
}

// detach lets the collector go, which must be as before.
func (t *tracer) detach(ctx context.Context) error {
	t.strace.signal(syscall.SIGINT)
	_ = t.strace.wait(ctx, stopPatience) // it ends by the signal
	const patience = 5 * time.Second
	return t.victim.until(ctx, "strace has let go of the collector", patience, func(context.Context) (bool, error) {
		all, traced, stopped := t.threads()
		return all > 0 && traced == 0 && stopped == 0, nil
	})
}

// judge looks at what was asked of the log's files: of one that has failed,
// nothing more.
func (t *tracer) judge(v *verdict) error {
	file, err := os.Open(t.trace)
	if err != nil {
		return fmt.Errorf("read what strace saw: %w", err)
	}
	defer func() { _ = file.Close() }()
	failures, again, err := readTrace(bufio.NewScanner(file))
	if err != nil {
		return fmt.Errorf("read what strace saw: %w", err)
	}
	if failures == 0 {
		v.problem("strace saw no call of %s fail", t.calls)
	}
	for _, line := range again {
		v.problem("a file was used after it had failed: %s", line)
	}
	v.detail("%d calls failed (%s)", failures, t.calls)
	return nil
}

// traceLine is a system call on a file as strace -f -y tells it, or the end of one.
var traceLine = regexp.MustCompile(`^(\d+) +(?:\w+\(\d+<([^>]*)>|<\.\.\. \w+ resumed>)(.*)$`)

// readTrace counts the calls that failed, and returns those on segments of the
// log that had failed before.
func readTrace(lines *bufio.Scanner) (failures int, again []string, err error) {
	underway, failed := map[string]string{}, map[string]bool{}
	for lines.Scan() {
		found := traceLine.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		thread, file, rest := found[1], found[2], found[3]
		if file == "" {
			file = underway[thread]
		} else if underway[thread] = file; failed[file] {
			again = append(again, lines.Text())
		}
		if strings.Contains(rest, " = -1 EIO") {
			failures++
			failed[file] = strings.HasSuffix(file, ".log")
		}
	}
	return failures, again, lines.Err()
}

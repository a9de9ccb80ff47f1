package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"throughline/deploy/engine"
	"throughline/deploy/engine/enginetest"
)

const library = "THROUGHLINE_CHDB_LIB"

func TestKilledEngineIsStartedAgainWithItsData(t *testing.T) {
	o := options(t)
	e := startEngine(t, o)
	query(t, e, "CREATE DATABASE kept ENGINE = Atomic")
	query(t, e, "CREATE TABLE kept.t (id UInt64) ENGINE = MergeTree ORDER BY id")
	addr := e.HTTPAddr()
	for round := 1; round <= 2; round++ {
		query(t, e, fmt.Sprintf("INSERT INTO kept.t VALUES (%d)", round))
		kill(t, childPID(t, o.DataDir))
		eventually(t, "the engine answers again", func() bool {
			_, err := e.Query(t.Context(), "SELECT 1")
			return err == nil
		})
		if got := query(t, e, "SELECT count() FROM kept.t"); got != strconv.Itoa(round) {
			t.Fatalf("after death %d there are %s rows", round, got)
		}
	}
	if e.HTTPAddr() != addr {
		t.Errorf("the address changed from %s to %s", addr, e.HTTPAddr())
	}
}

func TestSignalsToEndDoNotEndTheChild(t *testing.T) {
	o := options(t)
	e := startEngine(t, o)
	pid := childPID(t, o.DataDir)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if _, err := e.Query(t.Context(), "SELECT 1"); err != nil {
			t.Errorf("after signal %v: %v", s, err)
		}
	}
	if now := childPID(t, o.DataDir); now != pid {
		t.Errorf("the engine was started again: process %d, before %d", now, pid)
	}
}

func TestShutdownStatementSparesTheSupervisor(t *testing.T) {
	e := startEngine(t, options(t))
	for _, statement := range []string{"SYSTEM SHUTDOWN", "SYSTEM KILL"} {
		_, _ = e.Query(t.Context(), statement)
		eventually(t, "the engine answers after "+statement, func() bool {
			_, err := e.Query(t.Context(), "SELECT 1")
			return err == nil
		})
	}
}

func TestKilledParentTakesTheChildAlong(t *testing.T) {
	command := enginetest.Command(t)
	dir := t.TempDir()
	parent := exec.CommandContext(t.Context(), command[0], parentArg, dir, command[1])
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the parent started no engine: %v", err)
	}
	pid := childPID(t, dir)
	kill(t, parent.Process.Pid)
	_ = parent.Wait()
	eventually(t, "the child is gone", func() bool { return !alive(pid) })
	eventually(t, "the port is free", func() bool {
		l, err := net.Listen("tcp", strings.TrimSpace(addr))
		return err == nil && l.Close() == nil
	})
	o := options(t)
	o.DataDir = dir
	query(t, startEngine(t, o), "SELECT 1")
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	o := options(t)
	e := startEngine(t, o)
	pid := childPID(t, o.DataDir)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if alive(pid) {
		t.Error("the child is still there")
	}
	select {
	case <-e.Done():
	default:
		t.Error("Done is open after Close")
	}
	for _, addr := range []string{e.HTTPAddr(), e.NativeAddr()} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("the port is still taken: %v", err)
		}
		_ = l.Close()
	}
	query(t, startEngine(t, o), "SELECT 1")
}

func TestCloseWhileItStartsAgain(t *testing.T) {
	o := options(t)
	e := startEngine(t, o)
	kill(t, childPID(t, o.DataDir))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	query(t, startEngine(t, o), "SELECT 1")
}

func TestSecondEngineOnOneDirectoryIsRefused(t *testing.T) {
	o := options(t)
	startEngine(t, o)
	_, err := engine.Start(t.Context(), o)
	wantError(t, err, fmt.Sprintf("the ClickHouse data directory %s is in use by process %d; stop that or choose another directory", o.DataDir, os.Getpid()))
}

func TestTakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := l.Addr().(*net.TCPAddr).Port
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	by := fmt.Sprintf("by %s (process %d)", strings.TrimSpace(string(comm)), os.Getpid())

	o := options(t)
	o.NativePort = port
	_, err = engine.Start(t.Context(), o)
	wantError(t, err, fmt.Sprintf("port %d (ClickHouse native protocol) is taken %s; choose another with --clickhouse-native-port", port, by))
	o.NativePort, o.HTTPPort = 0, port
	_, err = engine.Start(t.Context(), o)
	wantError(t, err, fmt.Sprintf("port %d (ClickHouse HTTP) is taken %s; choose another with --clickhouse-http-port", port, by))
}

func TestGivenPortsAreUsed(t *testing.T) {
	first := startEngine(t, options(t))
	o := options(t)
	_, native, _ := strings.Cut(first.NativeAddr(), ":")
	_, http, _ := strings.Cut(first.HTTPAddr(), ":")
	o.NativePort, _ = strconv.Atoi(native)
	o.HTTPPort, _ = strconv.Atoi(http)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	e := startEngine(t, o)
	if e.NativeAddr() != first.NativeAddr() || e.HTTPAddr() != first.HTTPAddr() {
		t.Errorf("it listens on %s and %s, not on ports %d and %d", e.NativeAddr(), e.HTTPAddr(), o.NativePort, o.HTTPPort)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	good := options(t)
	for name, test := range map[string]struct {
		change func(*engine.Options)
		want   string
	}{
		"no directory":  {func(o *engine.Options) { o.DataDir = "" }, "clickhouse: no data directory given"},
		"no command":    {func(o *engine.Options) { o.Command = nil }, "clickhouse: no command given that starts the child"},
		"odd port":      {func(o *engine.Options) { o.NativePort = 65536 }, "clickhouse: 65536 is not a port"},
		"same port":     {func(o *engine.Options) { o.NativePort, o.HTTPPort = 9, 9 }, "clickhouse: port 9 is given for both the native protocol and HTTP"},
		"little memory": {func(o *engine.Options) { o.MemoryLimitBytes = 1 << 20 }, "clickhouse: a memory limit of 1048576 bytes is below the minimum of 536870912"},
		"no such command": {
			func(o *engine.Options) { o.Command = []string{"/nowhere/throughline"} },
			"start ClickHouse: fork/exec /nowhere/throughline: no such file or directory",
		},
		"another command": {
			func(o *engine.Options) { o.Command = []string{"/bin/false"} },
			"start ClickHouse: the ClickHouse process ended (exit status 1)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			test.change(&o)
			_, err := engine.Start(t.Context(), o)
			wantError(t, err, test.want)
		})
	}
	query(t, startEngine(t, good), "SELECT 1")
}

func TestMissingLibraryNamesTheCommand(t *testing.T) {
	t.Setenv(library, "")
	t.Chdir(t.TempDir())
	_, err := engine.FindLibrary("")
	wantError(t, err, "the ClickHouse engine (libchdb.so) is not installed: run `npm ci --prefix deploy/engine` in the project's folder, or set THROUGHLINE_CHDB_LIB to its path")
	_, err = engine.FindLibrary("/nowhere/libchdb.so")
	wantError(t, err, "the ClickHouse engine is not at /nowhere/libchdb.so, as configured: correct the path, or leave it out and run `npm ci --prefix deploy/engine` in the project's folder")
	t.Setenv(library, "/nowhere/either.so")
	_, err = engine.FindLibrary("")
	wantError(t, err, "the ClickHouse engine is not at /nowhere/either.so, as $THROUGHLINE_CHDB_LIB says: correct the path, or leave it out and run `npm ci --prefix deploy/engine` in the project's folder")
}

func TestLibraryIsFound(t *testing.T) {
	t.Setenv(library, "")
	installed, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(library, installed)
	t.Chdir(t.TempDir())
	if got, err := engine.FindLibrary(""); got != installed || err != nil {
		t.Errorf("by environment: %q, %v", got, err)
	}
	t.Setenv(library, "/nowhere")
	if got, err := engine.FindLibrary(installed); got != installed || err != nil {
		t.Errorf("by option: %q, %v", got, err)
	}
}

func TestBrokenLibraryIsToldAtTheStart(t *testing.T) {
	o := options(t)
	o.Library = filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(o.Library, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := engine.Start(t.Context(), o)
	wantError(t, err, "start ClickHouse: the ClickHouse process ended (exit status 1): Error: load engine: "+o.Library+": file too short")
}

func TestGivesUpAfterManyFailedStarts(t *testing.T) {
	o := options(t)
	installed, err := engine.FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	o.Library = filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.Symlink(installed, o.Library); err != nil {
		t.Fatal(err)
	}
	e, err := engine.StartImpatient(t.Context(), o, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(o.Library); err != nil {
		t.Fatal(err)
	}
	if err := e.Err(); err != nil {
		t.Errorf("Err of a running engine: %v", err)
	}
	kill(t, childPID(t, o.DataDir))
	eventually(t, "the supervisor gives up", func() bool {
		select {
		case <-e.Done():
			return true
		default:
			return false
		}
	})
	want := "gave up after 3 starts without success: start ClickHouse: the ClickHouse process ended (exit status 1): Error: load engine: " + o.Library + "..."
	wantError(t, e.Err(), want)
	wantError(t, e.Close(), want)
	o.Library = ""
	query(t, startEngine(t, o), "SELECT 1")
}

func TestStartIsBounded(t *testing.T) {
	o := options(t)
	o.Command = []string{"/bin/sleep", "60"} // has to be killed
	_, err := engine.StartImpatient(t.Context(), o, 50*time.Millisecond)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a child that never answers: %v", err)
	}
	o.Command = []string{"/bin/sh", "-c", "exec cat <&3"} // ends with the pipe
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("a start that was called off: %v", err)
	}
	o.Command = enginetest.Command(t)
	query(t, startEngine(t, o), "SELECT 1")
}

func TestConfigurationBesideOursIsMerged(t *testing.T) {
	o := options(t)
	o.DataDir = filepath.Join(o.DataDir, "a & <b> 'c'")
	dropIn := filepath.Join(o.DataDir, "config.d")
	if err := os.MkdirAll(dropIn, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "<clickhouse><remote_servers><pair><shard><replica><host>127.0.0.1</host><port>9</port></replica></shard></pair></remote_servers></clickhouse>"
	if err := os.WriteFile(filepath.Join(dropIn, "cluster.xml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEngine(t, o)
	if got := query(t, e, "SELECT port FROM system.clusters WHERE cluster = 'pair'"); got != "9" {
		t.Errorf("the cluster's port is %q", got)
	}
}

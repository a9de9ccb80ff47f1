// Package enginetest gives tests a real ClickHouse: one engine per test
// binary, started by the first test that wants it.
//
// A package whose tests use it needs
//
//	func TestMain(m *testing.M) { enginetest.Main(m) }
//
// since the engine's process is the test binary itself, run a second time.
package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/deploy/engine"
)

// childArg is the only argument of a test binary that is to be the engine.
const childArg = "throughline-engine-child"

// timeout bounds the start of the engine, and each statement of ours.
const timeout = 2 * time.Minute

// shared is the engine of this test binary. It is the package's state because
// the tests of a binary have nothing else in common.
var shared struct {
	sync.Mutex
	ready  bool // Main was called
	dir    string
	engine *engine.Engine
	err    error
}

// Main runs the tests, ends the engine and exits. In the process that is to be
// the engine it is the engine.
func Main(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArg {
		fmt.Fprintln(os.Stderr, "Error:", engine.RunChild())
		os.Exit(1)
	}
	shared.Lock()
	shared.ready = true
	shared.Unlock()
	code := m.Run()
	if err := stop(); err != nil {
		fmt.Fprintln(os.Stderr, "end ClickHouse:", err)
		code = 1
	}
	os.Exit(code)
}

// Command is the engine.Options.Command for a test that starts an engine of its
// own, in a package whose TestMain is Main.
func Command(t testing.TB) []string {
	t.Helper()
	command, err := command()
	if err != nil {
		t.Fatal(err)
	}
	return command
}

func command() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find test binary: %w", err)
	}
	return []string{self, childArg}, nil
}

// Start returns the engine that all tests of the binary share. The first call
// starts it, with free ports, in a temporary directory. Without an engine the
// test fails.
func Start(t testing.TB) *engine.Engine {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.ready {
		t.Fatal("no engine: TestMain of this package must call enginetest.Main")
	}
	if shared.engine == nil && shared.err == nil {
		shared.engine, shared.err = start()
	}
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.engine
}

func start() (*engine.Engine, error) {
	command, err := command()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "throughline-engine-")
	if err != nil {
		return nil, fmt.Errorf("create directory of test engine: %w", err)
	}
	shared.dir = dir
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return engine.Start(ctx, engine.Options{
		DataDir: dir, Command: command,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
}

// stop ends the shared engine, if there is one, and removes its directory.
func stop() error {
	shared.Lock()
	defer shared.Unlock()
	var err error
	if shared.engine != nil {
		err = shared.engine.Close()
	}
	if shared.dir != "" {
		err = errors.Join(err, os.RemoveAll(shared.dir))
	}
	return err
}

// Database creates an empty database in the shared engine and returns its
// name. When the test ends the database is dropped.
func Database(t testing.TB) string {
	t.Helper()
	e := Start(t)
	name := "test_" + strings.ToLower(rand.Text()[:12])
	if err := run(e, "CREATE DATABASE "+name+" ENGINE = Atomic"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := run(e, "DROP DATABASE "+name+" SYNC"); err != nil {
			t.Error(err)
		}
	})
	return name
}

func run(e *engine.Engine, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := e.Query(ctx, statement)
	return err
}

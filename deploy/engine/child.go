package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/ebitengine/purego"
)

// The files that the child inherits beside the standard ones.
const (
	controlFD = 3 // the pipe from the supervisor
	lockFD    = 4 // the lock of the data directory
)

// childConfig is what the supervisor writes into the pipe.
type childConfig struct {
	Library string   `json:"library"`
	Args    []string `json:"args"`
}

// RunChild is the engine's process: it loads the library and serves until the
// supervisor closes the pipe or dies; then it ends the process at once with
// status 0. It returns only when the engine ends by itself, and then always an
// error. Only a process that Start started through Options.Command can run it.
//
// Signals that ask to end are ignored: a service manager sends them to every
// process of the service, and the supervisor may still have rows to write.
func RunChild() error {
	syscall.CloseOnExec(controlFD)
	syscall.CloseOnExec(lockFD)
	control := os.NewFile(controlFD, "control pipe")
	decoder := json.NewDecoder(control)
	var config childConfig
	if err := decoder.Decode(&config); err != nil {
		return errors.New("this is the engine's child process, which the engine starts by itself; it cannot be run by hand")
	}
	go func() {
		_, _ = io.Copy(io.Discard, control)
		syscall.Exit(0) // not os.Exit: nothing of this process is to be tidied up
	}()
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	if err := beNice(); err != nil {
		return fmt.Errorf("prepare engine: %w", err)
	}
	if err := terminalStdin(); err != nil {
		return fmt.Errorf("prepare engine: %w", err)
	}
	if err := forbidPrograms(); err != nil {
		return fmt.Errorf("prepare engine: %w", err)
	}
	if err := callLibrary(config); err != nil {
		return err
	}
	return errors.New("the engine ended by itself")
}

// callLibrary runs the engine's command line; it returns when that ends.
func callLibrary(config childConfig) error {
	library, err := purego.Dlopen(config.Library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("load engine: %w", err)
	}
	symbol, err := purego.Dlsym(library, "chdb_query_cmdline")
	if err != nil {
		return fmt.Errorf("use %s as engine: %w", config.Library, err)
	}
	var commandLine func(argc int32, argv **byte) uintptr
	purego.RegisterFunc(&commandLine, symbol)
	argv := make([]*byte, 0, len(config.Args)+1)
	for _, arg := range config.Args {
		text, err := syscall.BytePtrFromString(arg)
		if err != nil {
			return fmt.Errorf("pass argument %q: %w", arg, err)
		}
		argv = append(argv, text)
	}
	argv = append(argv, nil)
	commandLine(int32(len(config.Args)), &argv[0])
	runtime.KeepAlive(argv)
	return nil
}

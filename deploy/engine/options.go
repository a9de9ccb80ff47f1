package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
)

// The ports of a ClickHouse server that was not told otherwise.
const (
	DefaultNativePort = 9000
	DefaultHTTPPort   = 8123
)

// The bounds of the memory ceiling.
const (
	DefaultMemoryLimitBytes int64 = 2 << 30
	// MinMemoryLimitBytes is the least that the engine can work with: it needs
	// about 210 MB when idle.
	MinMemoryLimitBytes int64 = 512 << 20
)

// Options say how to run an engine. DataDir and Command are required.
type Options struct {
	// DataDir holds everything that the engine stores; it is created when
	// missing. One engine at a time can use it.
	DataDir string
	// NativePort and HTTPPort are ports of the loopback address; 0 takes a free
	// one, which the engine then keeps for its life.
	NativePort, HTTPPort int
	// MemoryLimitBytes is the ceiling of the engine's memory: beyond it queries
	// fail. 0 means DefaultMemoryLimitBytes; otherwise at least MinMemoryLimitBytes.
	MemoryLimitBytes int64
	// Library is the path of libchdb.so; empty means to look for it, see FindLibrary.
	Library string
	// Command starts the child: a program, by its absolute path, and its
	// arguments. That program must call RunChild, print the error that it
	// returns to standard error after "Error: ", and exit with status 1.
	Command []string
	// Log gets the supervisor's messages and those of the engine; nil discards them.
	Log *slog.Logger
}

// complete checks the options and returns them with every default filled in.
func (o Options) complete() (Options, error) {
	if o.DataDir == "" {
		return o, errors.New("clickhouse: no data directory given")
	}
	if len(o.Command) == 0 {
		return o, errors.New("clickhouse: no command given that starts the child")
	}
	for _, p := range []int{o.NativePort, o.HTTPPort} {
		if p < 0 || p > 65535 {
			return o, fmt.Errorf("clickhouse: %d is not a port", p)
		}
	}
	if o.NativePort != 0 && o.NativePort == o.HTTPPort {
		return o, fmt.Errorf("clickhouse: port %d is given for both the native protocol and HTTP", o.NativePort)
	}
	if o.MemoryLimitBytes == 0 {
		o.MemoryLimitBytes = DefaultMemoryLimitBytes
	}
	if o.MemoryLimitBytes < MinMemoryLimitBytes {
		return o, fmt.Errorf("clickhouse: a memory limit of %d bytes is below the minimum of %d", o.MemoryLimitBytes, MinMemoryLimitBytes)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if o.Library, err = FindLibrary(o.Library); err != nil {
		return o, err
	}
	if o.DataDir, err = filepath.Abs(o.DataDir); err != nil {
		return o, fmt.Errorf("clickhouse: data directory: %w", err)
	}
	return o, nil
}

package geo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Role is what a file is for.
type Role string

// The roles, as the configuration names them before _file.
const (
	RolePlace   Role = "place"
	RoleNetwork Role = "network"
)

// FileError says which file cannot be used, and why.
type FileError struct {
	Role Role
	Path string
	Err  error
}

// Error implements error.
func (e *FileError) Error() string { return fmt.Sprintf("%s file %s: %s", e.Role, e.Path, e.Err) }

// Unwrap returns the reason.
func (e *FileError) Unwrap() error { return e.Err }

// badContent is a file that stays of no use until it is changed. Any other fault
// of a file may pass, such as a missing permission.
type badContent struct{ why string }

// Error implements error.
func (e *badContent) Error() string { return e.why }

// bad makes a badContent. It is bounded, since it may quote the file.
func bad(format string, args ...any) error {
	const maxBytes = 300
	return &badContent{cut(fmt.Sprintf(format, args...), maxBytes)}
}

// source is a file and the table that was made of it last. A source without a path
// has none.
type source[V comparable] struct {
	role   Role
	path   string
	decode func(maxminddb.Result) (V, error)
	table  atomic.Pointer[table[V]]

	// Only one goroutine loads.
	seen      os.FileInfo // of what was loaded or refused last; nil: load
	complaint string      // what is wrong with the file, as it was logged

	mu    sync.Mutex
	stats FileStats
}

// open loads the file for the first time.
func (s *source[V]) open(ctx context.Context, log *slog.Logger) error {
	if s.path == "" {
		return nil
	}
	loaded, info, err := s.load(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("read the %s file: %w", s.role, ctx.Err())
	}
	if err != nil {
		return &FileError{s.role, s.path, err}
	}
	s.use(loaded, info)
	s.logUse(log, "read where addresses are", loaded)
	return nil
}

// look loads the file again if it has changed.
func (s *source[V]) look(ctx context.Context, log *slog.Logger) {
	if s.path == "" || s.unchanged() {
		return
	}
	loaded, info, err := s.load(ctx)
	switch {
	case ctx.Err() != nil: // which may be why it could not be loaded
	case err == nil:
		s.use(loaded, info)
		s.count(func(stats *FileStats) { stats.Replaced++ })
		s.logUse(log, "read again where addresses are: the file was replaced", loaded)
	default:
		s.refuse(log, info, err)
	}
}

func (s *source[V]) unchanged() bool {
	if s.seen == nil {
		return false
	}
	info, err := os.Stat(s.path)
	return err == nil && same(s.seen, info)
}

// same says whether it is the same file with the same content, as far as that can
// be told without reading it.
func same(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (s *source[V]) use(loaded *table[V], info os.FileInfo) {
	s.table.Store(loaded)
	s.seen, s.complaint = info, ""
	s.count(func(stats *FileStats) {
		stats.Built, stats.Ranges = loaded.built, loaded.rangeCount()
		stats.Failing = false
	})
}

// refuse leaves the present table in force. What may pass is tried again with every
// look, and logged when it is another fault than the last time.
func (s *source[V]) refuse(log *slog.Logger, info os.FileInfo, err error) {
	var content *badContent
	changed := errors.As(err, &content)
	if s.seen = nil; changed {
		s.seen = info
	}
	complaint := err.Error()
	if !changed && complaint == s.complaint {
		return
	}
	s.complaint = complaint
	s.count(func(stats *FileStats) { stats.Refused++; stats.Failing = true })
	log.Warn("keeping what was read before of where addresses are: the file cannot be used", "role", string(s.role), "file", s.path, "error", complaint)
}

func (s *source[V]) logUse(log *slog.Logger, message string, loaded *table[V]) {
	log.Info(message, "role", string(s.role), "file", s.path,
		"type", cut(loaded.kind, maxNetworkBytes), "built", loaded.built, "ranges", loaded.rangeCount())
}

func (s *source[V]) count(change func(*FileStats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

func (s *source[V]) fares() FileStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// maxFileBytes is several times the largest of these files; larger ones are
// something else.
const maxFileBytes = 1 << 30

// load makes a table of the file as it is now. An error that is a *badContent comes
// with what the file was.
func (s *source[V]) load(ctx context.Context) (*table[V], os.FileInfo, error) {
	// Opening something else than a file, such as a pipe, might wait for ever.
	if info, err := os.Stat(s.path); err != nil {
		return nil, nil, withoutPath(err)
	} else if !info.Mode().IsRegular() {
		return nil, info, bad("is not a file")
	}
	file, err := os.Open(s.path)
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	defer func() { _ = file.Close() }() // only read
	before, err := file.Stat()
	if err != nil {
		return nil, nil, withoutPath(err)
	}
	if size := before.Size(); size == 0 || size > maxFileBytes {
		return nil, before, bad("has %d bytes, which no database has", size)
	}
	content, err := mapFile(file, int(before.Size()))
	if err != nil {
		return nil, nil, fmt.Errorf("map into memory: %w", err)
	}
	defer unmap(content)
	loaded, err := newTable(ctx, content, func() { forget(content) }, s.decode)
	after, statErr := file.Stat()
	switch {
	case statErr != nil:
		return nil, nil, withoutPath(statErr)
	case !same(before, after):
		return nil, nil, errors.New("was changed while it was read")
	}
	return loaded, before, err
}

// withoutPath is the reason of an error that is reported with the path anyway.
func withoutPath(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", path.Op, path.Err)
	}
	return err
}

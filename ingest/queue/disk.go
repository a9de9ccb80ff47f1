package queue

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// disk is one directory. The real one is [directory]; tests have one that
// fails and forgets.
type disk interface {
	// open opens a file, or makes one, for reading and writing.
	open(name string, create bool) (file, error)
	list() ([]string, error)
	rename(from, to string) error
	remove(name string) error
	// sync makes durable which files there are.
	sync() error
}

// file is a file of a disk.
type file interface {
	ReadAt(p []byte, offset int64) (int, error)
	WriteAt(p []byte, offset int64) (int, error)
	// preallocate gives the file its size on disk, all zeros.
	preallocate(sizeBytes int64) error
	truncate(sizeBytes int64) error
	// datasync makes durable what was written.
	datasync() error
	size() (int64, error)
	Close() error
}

// directory is a real directory.
type directory struct{ path string }

func (d directory) open(name string, create bool) (file, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(filepath.Join(d.path, name), flags, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d directory) list() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names, nil
}

func (d directory) rename(from, to string) error {
	return os.Rename(filepath.Join(d.path, from), filepath.Join(d.path, to))
}

func (d directory) remove(name string) error { return os.Remove(filepath.Join(d.path, name)) }

func (d directory) sync() error {
	f, err := os.Open(d.path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

type osFile struct{ *os.File }

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f osFile) truncate(sizeBytes int64) error { return f.Truncate(sizeBytes) }

// lock takes the directory for this process; the returned file holds the lock.
func lock(path string) (*os.File, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the log: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the log's directory: %w", err)
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrLocked, path), f.Close())
	}
	return f, nil
}

// noRoom says that the disk is full, or what this user may have of it. Other
// failures do not go away by removing files.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// missing says that a file is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// halfPrefix starts the names of folders that are not complete. One that is older
// than halfAge was left by a process that died.
const (
	halfPrefix = ".half-"
	halfAge    = time.Hour
)

// directory is a place in the file system. Only its owner can read it.
type directory struct{ root string }

// NewDirectory returns a store in a directory, which it makes if there is none.
func NewDirectory(path string, options Options) (*Store, error) {
	root, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("evidence directory: %w", err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("evidence directory: %w", err)
	}
	return newStore(directory{root}, options), nil
}

func (d directory) path(folder string) string {
	return filepath.Join(d.root, filepath.FromSlash(folder))
}

func (d directory) address(folder string) string { return d.path(folder) }

// put writes the files aside, and moves them to their place when all are there.
func (d directory) put(ctx context.Context, folder string, files []file) (err error) {
	aside, err := os.MkdirTemp(d.root, halfPrefix) // 0700
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(aside))
		}
	}()
	for _, f := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := os.WriteFile(filepath.Join(aside, f.name), f.data, 0o600); err != nil {
			return err
		}
	}
	final := d.path(folder)
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return err
	}
	return os.Rename(aside, final)
}

func (d directory) list(ctx context.Context) ([]stored, error) {
	var runs []stored
	days, err := os.ReadDir(d.root)
	if err != nil {
		return nil, err
	}
	for _, day := range days {
		if !day.IsDir() || strings.HasPrefix(day.Name(), ".") {
			continue
		}
		folders, err := os.ReadDir(filepath.Join(d.root, day.Name()))
		if err != nil {
			return nil, err
		}
		for _, folder := range folders {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if !folder.IsDir() {
				continue
			}
			run := stored{folder: day.Name() + "/" + folder.Name()}
			if run.bytes, err = size(d.path(run.folder)); err != nil {
				return nil, err
			}
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// size is that of a folder's files.
func size(path string) (bytes int64, err error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // somebody removed it
	}
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
	}
	return bytes, nil
}

// remove removes a run, and its day with the last.
func (d directory) remove(_ context.Context, run stored) error {
	path := d.path(run.folder)
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	_ = os.Remove(filepath.Dir(path)) // fails while the day has others
	return nil
}

func (d directory) tidy(_ context.Context, now time.Time) error {
	halves, err := filepath.Glob(filepath.Join(d.root, halfPrefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, half := range halves {
		if info, err := os.Stat(half); err == nil && now.Sub(info.ModTime()) > halfAge {
			errs = append(errs, os.RemoveAll(half))
		}
	}
	return errors.Join(errs...)
}

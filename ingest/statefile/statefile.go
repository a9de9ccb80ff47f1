// Package statefile keeps what a part has learned in a file, so that it is there
// after a restart. It is for what may be a little out of date after a crash.
package statefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// maxBytes bounds the file that is read.
const maxBytes = 256 << 20

// Load gives the content of a file to restore; a file that is not there is no
// error. One that cannot be read, or that restore cannot understand, is set aside,
// which is logged: the part then begins anew, and restore must have changed
// nothing. It is an error if the file cannot be set aside either.
func Load(file string, restore func(content []byte) error, log *slog.Logger) error {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	unusable := fmt.Errorf("it has %d bytes", info.Size())
	if info.Size() <= maxBytes {
		var content []byte
		if content, unusable = os.ReadFile(file); unusable == nil {
			unusable = restore(content)
		}
	}
	if unusable == nil {
		return nil
	}
	aside := file + ".unreadable"
	log.Error("a file cannot be read; it is set aside, and what it knew is learned anew", "file", file, "aside", aside, "error", unusable)
	if err := os.Rename(file, aside); err != nil {
		return fmt.Errorf("set %s aside: %w", file, err)
	}
	return nil
}

// Keep writes a snapshot to the file every so often when changes, a count that
// begins with 0, has gone on, and once more when ctx ends. A crash forgets what
// changed since.
func Keep(ctx context.Context, file string, every time.Duration, changes func() uint64, snapshot func() ([]byte, error), log *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var written uint64
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			ended = true
		case <-ticker.C:
		}
		now := changes()
		if now == written {
			continue
		}
		if err := write(file, snapshot); err != nil {
			log.Warn("could not keep what was learned; will try again", "file", file, "error", err)
			continue
		}
		written = now
	}
}

// write replaces the file, so that there is the old or the new one at any time.
func write(file string, snapshot func() ([]byte, error)) error {
	content, err := snapshot()
	if err != nil {
		return err
	}
	// Always the same name, so that processes which are killed here leave one file.
	f, err := os.OpenFile(file+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", file, err), os.Remove(f.Name()))
	}
	return nil
}

package statefile

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func TestKeep_WritesWhatChanged(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "state")
	// Somebody was killed while writing.
	if err := os.WriteFile(file+".new", []byte("longer than what comes now"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var changes atomic.Uint64
		content, snapshots := "one", 0
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			Keep(ctx, file, time.Minute, changes.Load, func() ([]byte, error) { snapshots++; return []byte(content), nil }, quiet)
		}()
		look := func(want string, times int) {
			t.Helper()
			got, err := os.ReadFile(file)
			if string(got) != want || snapshots != times {
				t.Errorf("the file has %q, %v, after %d snapshots; want %q after %d", got, err, snapshots, want, times)
			}
		}
		time.Sleep(90 * time.Second)
		look("", 0)
		changes.Add(1)
		time.Sleep(2 * time.Minute)
		look("one", 1)
		content = "two"
		changes.Add(1)
		end()
		<-ended
		look("two", 2)
	})
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("files: %v, %v", files, err)
	}
}

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	got := ""
	restore := func(content []byte) error { got = string(content); return nil }
	if err := Load(file, restore, quiet); err != nil || got != "" {
		t.Errorf("without a file: %q, %v", got, err)
	}
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Load(file, restore, quiet); err != nil || got != "x" {
		t.Errorf("a file: %q, %v", got, err)
	}
	if err := Load(file, func([]byte) error { return errors.New("not understood") }, quiet); err != nil {
		t.Error(err)
	}
	if aside, err := os.ReadFile(file + ".unreadable"); err != nil || string(aside) != "x" {
		t.Errorf("set aside: %q, %v", aside, err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

// A file that the disk does not give any more is no reason not to start.
func TestLoad_SetsAsideWhatCannotBeRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	restore := func([]byte) error { t.Error("something was restored"); return nil }
	if err := Load(file, restore, quiet); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file + ".unreadable"); err != nil {
		t.Error(err)
	}
}

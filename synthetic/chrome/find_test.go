//go:build linux

package chrome

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// programs makes a PATH on which there are programs of these names.
func programs(t *testing.T, names ...string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func getenv(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFind_PrefersShellsButForAWindow(t *testing.T) {
	programs(t, "chromium-headless-shell", "chromium")
	path, err := Find(getenv(nil))
	if err != nil || filepath.Base(path) != "chromium-headless-shell" {
		t.Errorf("found %s, %v", path, err)
	}
	options, err := WithWindow(getenv(map[string]string{"DISPLAY": ":7", "HOME": "/home/anna", "SECRET": "hush"}), slog.New(slog.DiscardHandler))
	if err != nil || filepath.Base(options.Path) != "chromium" || !options.Headed {
		t.Errorf("got %+v, %v", options, err)
	}
	if want := []string{"DISPLAY=:7", "XAUTHORITY=/home/anna/.Xauthority"}; !slices.Equal(options.display, want) {
		t.Errorf("the browser is told %v, want %v", options.display, want)
	}
}

func TestWithWindow_SaysWhatIsMissing(t *testing.T) {
	programs(t, "chromium-headless-shell")
	for name, test := range map[string]struct {
		environment map[string]string
		says        string
	}{
		"display": {map[string]string{}, "no display to show a browser on"},
		"browser": {map[string]string{"DISPLAY": ":7"}, "no Chrome with a window found"},
		"window":  {map[string]string{"WAYLAND_DISPLAY": "wayland-0", PathVariable: "chromium-headless-shell"}, "has no window"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := WithWindow(getenv(test.environment), nil); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %q", err, test.says)
			}
		})
	}
}

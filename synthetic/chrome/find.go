package chrome

import (
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Environment variables about the browser.
const (
	// PathVariable names the browser to use.
	PathVariable = "THROUGHLINE_CHROME"
	// NoSandboxVariable, if not empty, starts it without its sandbox.
	NoSandboxVariable = "THROUGHLINE_NO_SANDBOX"
)

// FromEnvironment returns the options for the browser that the environment
// names, or that is installed; see [Find].
func FromEnvironment(getenv func(string) string, log *slog.Logger) (Options, error) {
	path, err := Find(getenv)
	return Options{Path: path, NoSandbox: getenv(NoSandboxVariable) != "", Log: log}, err
}

// Find returns the path of a browser: the one that THROUGHLINE_CHROME names, else
// the first that is installed, headless shells before full browsers since they
// cost a fraction. getenv is usually os.Getenv.
func Find(getenv func(string) string) (string, error) {
	if named := getenv(PathVariable); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s: %w", PathVariable, err)
		}
		return path, nil
	}
	names := append(shells(), wholes()...)
	if path := firstOf(names); path != "" {
		return path, nil
	}
	return "", fmt.Errorf("no Chrome found (looked for %s): install chromium-headless-shell or chromium, or set %s to the browser's path",
		strings.Join(names, ", "), PathVariable)
}

// shells are the names of headless shells, wholes those of whole browsers.
func shells() []string { return []string{"chromium-headless-shell", "chrome-headless-shell"} }

func wholes() []string { return []string{"chromium", "google-chrome", "google-chrome-stable"} }

func firstOf(names []string) string {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// WithWindow is [FromEnvironment] for people who watch: a whole browser, which
// shows its window on the display that the environment names.
func WithWindow(getenv func(string) string, log *slog.Logger) (Options, error) {
	display := displayOf(getenv)
	if len(display) == 0 && runtime.GOOS != "darwin" {
		return Options{}, errors.New("there is no display to show a browser on: run this on a desktop, or set DISPLAY to one, such as that of Xvfb or of ssh -X")
	}
	options := Options{NoSandbox: getenv(NoSandboxVariable) != "", Headed: true, display: display, Log: log}
	var err error
	if named := getenv(PathVariable); named != "" {
		options.Path, err = Find(getenv)
		if err == nil && strings.Contains(filepath.Base(options.Path), "headless") {
			err = fmt.Errorf("%s: %s has no window; name a whole Chrome", PathVariable, named)
		}
		return options, err
	}
	if options.Path = firstOf(wholes()); options.Path == "" {
		err = fmt.Errorf("no Chrome with a window found (looked for %s): install chromium, or set %s to the browser's path",
			strings.Join(wholes(), ", "), PathVariable)
	}
	return options, err
}

// displayOf is what a browser needs of the environment to show a window.
func displayOf(getenv func(string) string) []string {
	if getenv("DISPLAY") == "" && getenv("WAYLAND_DISPLAY") == "" {
		return nil
	}
	var display []string
	for _, name := range []string{"DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"} {
		if value := getenv(name); value != "" {
			display = append(display, name+"="+value)
		}
	}
	if home := getenv("HOME"); home != "" && getenv("XAUTHORITY") == "" {
		// Where the right to use the display lies by default; the browser has
		// another home.
		display = append(display, "XAUTHORITY="+filepath.Join(home, ".Xauthority"))
	}
	return display
}

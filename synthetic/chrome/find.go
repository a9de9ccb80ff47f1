package chrome

import (
	"fmt"
	"log/slog"
	"os/exec"
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
	names := []string{
		"chromium-headless-shell", "chrome-headless-shell",
		"chromium", "google-chrome", "google-chrome-stable",
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no Chrome found (looked for %s): install chromium-headless-shell or chromium, or set %s to the browser's path",
		strings.Join(names, ", "), PathVariable)
}

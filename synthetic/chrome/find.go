package chrome

import (
	"fmt"
	"os/exec"
	"strings"
)

// PathVariable is the environment variable that names the browser to use.
const PathVariable = "THROUGHLINE_CHROME"

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

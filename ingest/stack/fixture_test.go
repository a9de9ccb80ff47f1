package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture is an error as a browser tells it. Its file has a line for the type,
// the message and the page's host, then after an empty line the stack.
type fixture struct{ name, errorType, message, pageHost, stack string }

func (f fixture) frames() []Frame { return Parse(f.stack, f.pageHost) }

func (f fixture) group() uint64 { return Group(f.errorType, f.message, f.frames()) }

// readFixtures reads the files below testdata that a pattern names.
func readFixtures(tb testing.TB, pattern string) []fixture {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no fixtures named %s: %v", pattern, err)
	}
	var fixtures []fixture
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		head, stack, _ := strings.Cut(string(text), "\n\n")
		f := fixture{name: path, stack: stack}
		for line := range strings.SplitSeq(strings.TrimSpace(head), "\n") {
			name, value, _ := strings.Cut(line, ":")
			value = strings.TrimSpace(value)
			switch name {
			case "type":
				f.errorType = value
			case "message":
				f.message = value
			case "page":
				f.pageHost = value
			default:
				tb.Fatalf("%s: what is %q?", path, line)
			}
		}
		fixtures = append(fixtures, f)
	}
	return fixtures
}

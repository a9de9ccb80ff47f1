package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// LibraryEnv is the environment variable that names the engine's library.
const LibraryEnv = "THROUGHLINE_CHDB_LIB"

const libraryVersion = "26.7.3-stable.1"

// FindLibrary returns the path of the engine's library, libchdb.so. path, when
// not empty, is where it must be; else $THROUGHLINE_CHDB_LIB is; else it is
// looked for in deploy/engine/node_modules below the working directory, below
// the module that holds the working directory, and below the executable's
// directory and its parent. The error says which command installs it.
func FindLibrary(path string) (string, error) {
	if path != "" {
		return existingLibrary(path, "as configured")
	}
	if path = os.Getenv(LibraryEnv); path != "" {
		return existingLibrary(path, "as $"+LibraryEnv+" says")
	}
	for _, root := range libraryRoots() {
		p := filepath.Join(root, "deploy", "engine", "node_modules", libraryPackage(), "libchdb.so")
		if isFile(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("the ClickHouse engine (libchdb.so) is not installed: run `%s` in the project's folder, or set %s to its path",
		installCommand(), LibraryEnv)
}

func existingLibrary(path, why string) (string, error) {
	if !isFile(path) {
		return "", fmt.Errorf("the ClickHouse engine is not at %s, %s: correct the path, or leave it out and run `%s` in the project's folder",
			path, why, installCommand())
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("locate ClickHouse engine: %w", err)
	}
	return abs, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// libraryRoots lists the folders that may hold deploy/engine.
func libraryRoots() []string {
	var roots []string
	if dir, err := os.Getwd(); err == nil {
		roots = append(roots, dir)
		if root, ok := moduleRoot(dir); ok {
			roots = append(roots, root)
		}
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		roots = append(roots, dir, filepath.Dir(dir))
	}
	return roots
}

// moduleRoot returns the nearest folder at or above dir that holds a go.mod.
func moduleRoot(dir string) (string, bool) {
	for {
		if isFile(filepath.Join(dir, "go.mod")) {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// libraryPackage is the npm package that holds the library for this machine.
func libraryPackage() string {
	system := runtime.GOOS + "-" + runtime.GOARCH
	switch system {
	case "linux-amd64":
		system = "linux-x64-gnu"
	case "linux-arm64":
		system = "linux-arm64-gnu"
	case "darwin-amd64":
		system = "darwin-x64"
	}
	return "@chdb/lib-" + system
}

// installCommand is the command that installs the library for this machine.
// The lock file holds the package for Linux on x86-64 only.
func installCommand() string {
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		return "npm ci --prefix deploy/engine"
	}
	return "npm install --no-save --prefix deploy/engine " + libraryPackage() + "@" + libraryVersion
}

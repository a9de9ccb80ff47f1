package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "throughline"
)

// golist is what `go list -deps -json` tells of a package.
type golist struct {
	ImportPath string
	Name       string
	Dir        string
	Imports    []string
	Deps       []string
	Standard   bool
}

func packages(t *testing.T) map[string]golist {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Name,Dir,Imports,Deps,Standard", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]golist{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p golist
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all[p.ImportPath] = p
	}
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func below(path, folder string) bool {
	return path == module+"/"+folder || strings.HasPrefix(path, module+"/"+folder+"/")
}

// Dependencies point one way: cmd → adapters → ingest | synthetic → beacon.
func TestArchitecture_DependenciesPointOneWay(t *testing.T) {
	for path, p := range packages(t) {
		if !ours(path) {
			continue
		}
		forbid := func(why string, forbidden func(string) bool) {
			for _, dep := range p.Deps {
				if forbidden(dep) {
					t.Errorf("%s depends on %s: %s", path, dep, why)
				}
			}
		}
		switch {
		case path == module+"/beacon":
			for _, dep := range p.Imports {
				if strings.Contains(strings.Split(dep, "/")[0], ".") || ours(dep) {
					t.Errorf("beacon imports %s: only the standard library", dep)
				}
			}
		case below(path, "ingest"):
			forbid("ingest does not know journeys", func(dep string) bool { return below(dep, "synthetic") })
			forbid("an adapter is wired in cmd only", func(dep string) bool { return below(dep, "dashboards") || below(dep, "deploy") || below(dep, "js") })
		case below(path, "synthetic"):
			forbid("journeys report over HTTP, they do not know ingest", func(dep string) bool { return below(dep, "ingest") })
			forbid("an adapter is wired in cmd only", func(dep string) bool { return below(dep, "dashboards") || below(dep, "deploy") || below(dep, "js") })
		}
		if !below(path, "cmd") {
			forbid("nothing knows cmd", func(dep string) bool { return below(dep, "cmd") })
		}
	}
}

// A package that knows one technology keeps it from the others.
func TestArchitecture_TechnologiesAreConfined(t *testing.T) {
	confined := map[string]string{
		"github.com/labstack/echo/v4":         "ingest/server",
		"github.com/ClickHouse/":              "ingest/clickhouse",
		"github.com/chromedp/":                "synthetic/chrome",
		"github.com/robfig/cron/":             "synthetic",
		"github.com/minio/":                   "synthetic/evidence",
		"github.com/ebitengine/purego":        "deploy/engine",
		"github.com/spf13/cobra":              "cmd/throughline",
		"github.com/prometheus/":              "cmd/throughline",
		"go.opentelemetry.io/contrib/":        "cmd/throughline",
		"github.com/klauspost/compress":       "ingest/server",
		"github.com/oschwald/maxminddb":       "ingest/geo",
		"github.com/jedib0t/go-pretty/":       "cmd/throughline",
		"go.opentelemetry.io/otel/exporters/": "cmd/throughline",
		"go.opentelemetry.io/otel/sdk/":       "cmd/throughline",
	}
	used := map[string]bool{}
	for path, p := range packages(t) {
		if !ours(path) {
			continue
		}
		for _, dep := range p.Imports {
			for technology, home := range confined {
				if !strings.HasPrefix(dep, technology) {
					continue
				}
				used[technology] = true
				if path != module+"/"+home && !below(path, "deploy/bench") { // which compares with bare technologies
					t.Errorf("%s imports %s, which belongs in %s", path, dep, home)
				}
			}
		}
	}
	for technology := range confined {
		if !used[technology] {
			t.Errorf("nothing imports %s: the rule is stale", technology)
		}
	}
}

func TestArchitecture_PackageNames(t *testing.T) {
	standard := []string{"http", "log", "time", "url", "tls", "json", "context", "errors"}
	vague := []string{"util", "utils", "common", "types", "misc", "helpers", "model", "models", "pkg", "shared", "base"}
	for path, p := range packages(t) {
		if ours(path) && (slices.Contains(standard, p.Name) || slices.Contains(vague, p.Name)) {
			t.Errorf("package %s (%s) is not named for a role", p.Name, path)
		}
	}
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".go":
			files = append(files, path)
		}
		return nil
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d Go files, %v", len(files), err)
	}
	return files
}

const maxFunctionLines = 80

func TestArchitecture_FunctionsAreShortAndNoneIsInit(t *testing.T) {
	for _, path := range goFiles(t) {
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		test := strings.HasSuffix(path, "_test.go")
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := positions.Position(function.End()).Line - positions.Position(function.Pos()).Line + 1
			if lines > maxFunctionLines && !test {
				t.Errorf("%s: %s has %d lines, at most %d", path, function.Name.Name, lines, maxFunctionLines)
			}
			if function.Name.Name == "init" && function.Recv == nil {
				t.Errorf("%s: has an init function", path)
			}
		}
	}
}

// codeName matches names in backticks that look like code: with a capital
// letter within or a dot between, such as Type, pkg.Name, Type.Method, camelCase.
var codeName = regexp.MustCompile("`([A-Za-z][A-Za-z0-9]*(?:\\.[A-Za-z][A-Za-z0-9]*)+|[A-Za-z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*|[A-Z][A-Za-z0-9]*)`")

// codePath matches paths in backticks.
var codePath = regexp.MustCompile("`((?:beacon|cmd|dashboards|deploy|ingest|js|synthetic)/[A-Za-z0-9_./-]*)`")

// What ARCHITECTURE.md names must exist, so that a reader can follow it.
func TestArchitecture_PageNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	declared := declaredNames(t)
	names := codeName.FindAllSubmatch(page, -1)
	if len(names) < 20 {
		t.Errorf("the page names %d things in code; it is to be followed by names", len(names))
	}
	for _, match := range names {
		parts := strings.Split(string(match[1]), ".")
		for _, part := range parts {
			if !declared[part] {
				t.Errorf("ARCHITECTURE.md names `%s`, but nothing is called %s", match[1], part)
			}
		}
	}
	for _, match := range codePath.FindAllSubmatch(page, -1) {
		if _, err := os.Stat(filepath.Join(root, string(match[1]))); err != nil {
			t.Errorf("ARCHITECTURE.md names `%s`, which is not there", match[1])
		}
	}
}

// declaredNames are the names of all packages, types, functions, methods,
// fields, constants and variables of the project.
func declaredNames(t *testing.T) map[string]bool {
	t.Helper()
	declared := map[string]bool{}
	for _, path := range goFiles(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		declared[file.Name.Name] = true
		ast.Inspect(file, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.FuncDecl:
				declared[node.Name.Name] = true
			case *ast.TypeSpec:
				declared[node.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range node.Names {
					declared[name.Name] = true
				}
			case *ast.Field:
				for _, name := range node.Names {
					declared[name.Name] = true
				}
			}
			return true
		})
	}
	return declared
}

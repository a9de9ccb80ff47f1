package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// sourceMapFile is a map on disk and the script that it belongs to.
type sourceMapFile struct {
	path      string
	file      string // the path that the script is served at, escaped
	sizeBytes int64
}

const mapSuffix = ".map"

// sourceMappingURL is the comment that names a script's map. The last one counts.
var sourceMappingURL = regexp.MustCompile(`(?m)^\s*//[#@]\s*sourceMappingURL=(\S+)\s*$`)

// tailBytes is how much of a script's end is searched for the comment.
const tailBytes = 4 << 10

// findSourceMaps lists the maps below directories and those named, each with its
// script, by script.
func findSourceMaps(paths []string, urlPrefix string) ([]sourceMapFile, error) {
	byFile := map[string]sourceMapFile{}
	for _, path := range paths {
		found, err := sourceMapsAt(path)
		if err != nil {
			return nil, err
		}
		for script, mapPath := range found.scripts {
			m, err := describeSourceMap(mapPath)
			if err != nil {
				return nil, err
			}
			relative, err := filepath.Rel(found.base, script)
			if err != nil {
				return nil, fmt.Errorf("name %s: %w", script, err)
			}
			m.file = strings.TrimSuffix(urlPrefix, "/") + "/" + (&url.URL{Path: filepath.ToSlash(relative)}).EscapedPath()
			if other, ok := byFile[m.file]; ok && other.path != m.path {
				return nil, fmt.Errorf("%s and %s are both for %s", other.path, m.path, m.file)
			}
			byFile[m.file] = m
		}
	}
	if len(byFile) == 0 {
		return nil, fmt.Errorf("there are no source maps of scripts in %s", strings.Join(paths, ", "))
	}
	maps := make([]sourceMapFile, 0, len(byFile))
	for _, m := range byFile {
		maps = append(maps, m)
	}
	slices.SortFunc(maps, func(a, b sourceMapFile) int { return strings.Compare(a.file, b.file) })
	return maps, nil
}

func describeSourceMap(path string) (sourceMapFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return sourceMapFile{}, fmt.Errorf("look at a source map: %w", err)
	}
	return sourceMapFile{path: path, sizeBytes: info.Size()}, nil
}

// mappedScripts are the maps of scripts, and the directory that the scripts'
// addresses are relative to.
type mappedScripts struct {
	base    string
	scripts map[string]string // paths of maps by those of scripts
}

func sourceMapsAt(path string) (mappedScripts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return mappedScripts{}, fmt.Errorf("look for source maps: %w", err)
	}
	found := mappedScripts{base: path}
	var files []string
	if info.IsDir() {
		files, err = filesBelow(path)
	} else {
		found.base = filepath.Dir(path)
		files, err = filesIn(found.base)
	}
	if err != nil {
		return mappedScripts{}, fmt.Errorf("look for source maps: %w", err)
	}
	if found.scripts, err = pairUp(found.base, files); err != nil || info.IsDir() {
		return found, err
	}
	path = filepath.Clean(path)
	for script, mapPath := range found.scripts {
		if script != path && mapPath != path {
			delete(found.scripts, script)
		}
	}
	if len(found.scripts) == 0 {
		return found, fmt.Errorf("%s is no source map of a script, and no script with one", path)
	}
	return found, nil
}

// filesBelow lists the files below a directory, but for packages and hidden
// directories.
func filesBelow(dir string) (files []string, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && (entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".")):
			return filepath.SkipDir
		case entry.Type().IsRegular():
			files = append(files, path)
		}
		return nil
	})
	return files, err
}

func filesIn(dir string) (files []string, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			files = append(files, filepath.Join(dir, entry.Name()))
		}
	}
	return files, err
}

func isScript(path string) bool {
	return slices.Contains([]string{".js", ".mjs", ".cjs"}, filepath.Ext(path))
}

// pairUp finds the script of each map among files: the one whose sourceMappingURL
// names it, or else the one with its name, which need not be there. What a script
// names outside the directory is no map of ours.
func pairUp(base string, files []string) (maps map[string]string, err error) {
	named := map[string]bool{}
	maps = map[string]string{}
	for _, file := range files {
		if !isScript(file) {
			continue
		}
		mapPath, err := namedMap(file)
		if err != nil {
			return nil, err
		}
		if mapPath != "" && isFileBelow(base, mapPath) {
			maps[file], named[mapPath] = mapPath, true
		}
	}
	for _, file := range files {
		script, isMap := strings.CutSuffix(file, mapSuffix)
		if _, ok := maps[script]; isMap && !ok && !named[file] && isScript(script) {
			maps[script] = file
		}
	}
	return maps, nil
}

func isFileBelow(base, path string) bool {
	relative, err := filepath.Rel(base, path)
	if err != nil || !filepath.IsLocal(relative) {
		return false
	}
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// namedMap is the path of the map that a script names; "" if it names none beside
// it.
func namedMap(script string) (path string, err error) {
	file, err := os.Open(script)
	if err != nil {
		return "", fmt.Errorf("look for a script's source map: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("look for a script's source map: %w", err)
	}
	tail, err := io.ReadAll(io.NewSectionReader(file, max(info.Size()-tailBytes, 0), tailBytes))
	if err != nil {
		return "", fmt.Errorf("look for a script's source map: %w", err)
	}
	comments := sourceMappingURL.FindAllSubmatch(tail, -1)
	if len(comments) == 0 {
		return "", nil
	}
	named, err := url.Parse(string(comments[len(comments)-1][1]))
	if err != nil || named.Scheme != "" || named.Path == "" {
		return "", nil // a data URL, or nonsense; the name of a map may still fit
	}
	// Of an address on a host the name counts: the map is beside the script here.
	if named.Host != "" || strings.HasPrefix(named.Path, "/") {
		named.Path = named.Path[strings.LastIndexByte(named.Path, '/')+1:]
	}
	return filepath.Join(filepath.Dir(script), filepath.FromSlash(named.Path)), nil
}

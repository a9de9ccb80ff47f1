package engine

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// What the logs by which a MergeTree table recognises inserts begin a line with; the
// name of the part and the insert's own id follow, behind tabs.
const (
	insertNoted     = "1"
	insertForgotten = "2"
)

// forgetCutOff makes the tables below a directory of the engine forget the inserts
// that the end of its process cut off. The engine notes an insert before it gives the
// part that it wrote its name; when it is killed between the two, the part is removed
// at the next start, and the insert that comes again is taken for a repetition: its
// rows would be lost. The engine must not run.
//
// A log that cannot be read is left alone, which is logged: it is the engine's.
func forgetCutOff(dataDir string, log *slog.Logger) error {
	tables, err := filepath.Glob(filepath.Join(dataDir, "store", "*", "*", "deduplication_logs"))
	if err != nil {
		return fmt.Errorf("look for tables: %w", err)
	}
	for _, logs := range tables {
		forgotten, err := forgetCutOffIn(filepath.Dir(logs), logs)
		switch {
		case err != nil:
			log.Warn("cannot tell whether an insert was cut off; if one was, its rows may be missing", "table_dir", filepath.Dir(logs), "error", err)
		case forgotten > 0:
			log.Info("an insert that was cut off is taken when it comes again", "table_dir", filepath.Dir(logs), "inserts", forgotten)
		}
	}
	return nil
}

// forgetCutOffIn does so for one table and returns how many inserts it forgot.
func forgetCutOffIn(table, logs string) (forgotten int, err error) {
	noted, last, err := readInserts(logs)
	if err != nil || len(noted) == 0 {
		return 0, err
	}
	parts, err := partsOf(table)
	if err != nil {
		return 0, err
	}
	var lines bytes.Buffer
	for id, name := range noted {
		made, _ := parsePart(name)
		if !slices.ContainsFunc(parts, func(p part) bool { return p.covers(made) }) {
			fmt.Fprintf(&lines, "%s\t%s\t%s\n", insertForgotten, name, id)
			forgotten++
		}
	}
	if forgotten == 0 {
		return 0, nil
	}
	file, err := os.OpenFile(last, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return 0, err
	}
	_, err = file.Write(lines.Bytes())
	return forgotten, errors.Join(err, file.Sync(), file.Close())
}

// readInserts returns the inserts that the logs in a directory have noted and not
// forgotten, each with the part that it made, and the log that is written to.
func readInserts(dir string) (noted map[string]string, last string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "deduplication_log_*.txt"))
	if err != nil || len(files) == 0 {
		return nil, "", err
	}
	number := func(file string) int {
		_, text, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".txt"), "log_")
		n, _ := strconv.Atoi(text)
		return n
	}
	slices.SortFunc(files, func(a, b string) int { return number(a) - number(b) })
	noted = map[string]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, "", err
		}
		if err := replayInserts(noted, string(content)); err != nil {
			return nil, "", fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return noted, files[len(files)-1], nil
}

// replayInserts adds what a log notes, and takes out what it forgets.
func replayInserts(noted map[string]string, log string) error {
	for line := range strings.Lines(log) {
		what, rest, _ := strings.Cut(line, "\t")
		name, id, ok := strings.Cut(rest, "\t")
		_, isPart := parsePart(name)
		id, whole := strings.CutSuffix(id, "\n")
		if !ok || !isPart || !whole || what != insertNoted && what != insertForgotten {
			return fmt.Errorf("has the line %.100q", line)
		}
		if delete(noted, id); what == insertNoted {
			noted[id] = name
		}
	}
	return nil
}

// part is what the name of a part says: which blocks of which partition are in it.
type part struct {
	partition string
	min, max  int64
}

func (p part) covers(other part) bool {
	return p.partition == other.partition && p.min <= other.min && other.max <= p.max
}

// parsePart reads a name such as 202611_3_7_2: partition, first and last block,
// level, and the number of a mutation if there was one.
func parsePart(name string) (p part, ok bool) {
	fields := strings.Split(name, "_")
	if len(fields) != 4 && len(fields) != 5 || fields[0] == "" {
		return p, false
	}
	var numbers [4]int64
	for i, field := range fields[1:] {
		number, err := strconv.ParseInt(field, 10, 64)
		if err != nil || number < 0 {
			return p, false
		}
		numbers[i] = number
	}
	return part{fields[0], numbers[0], numbers[1]}, numbers[0] <= numbers[1]
}

// partsOf are the parts in the directory of a table.
func partsOf(table string) (parts []part, err error) {
	entries, err := os.ReadDir(table)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if p, ok := parsePart(entry.Name()); ok && entry.IsDir() {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

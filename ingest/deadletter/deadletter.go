// Package deadletter keeps rows that the database refused in files that people
// can read: one file per batch, one JSON object per line.
package deadletter

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"throughline/ingest"
)

const suffix = ".jsonl"

// maxLineBytes is longer than the longest row, whose texts are bounded.
const maxLineBytes = 4 << 20

// Box is a directory of dead letters.
type Box struct{ dir string }

// Open returns the box in dir, which is made when the first letter comes.
func Open(dir string) *Box { return &Box{dir} }

// Keep writes the rows of a batch to a file named by its token, durably.
// Keeping the same batch again changes nothing.
func (b *Box) Keep(token string, rows []ingest.RefusedRow) error {
	if err := b.write(token, rows); err != nil {
		return fmt.Errorf("keep the dead letters of batch %s: %w", token, err)
	}
	return nil
}

func (b *Box) write(token string, rows []ingest.RefusedRow) error {
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	for _, row := range rows {
		if err := encoder.Encode(row); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	unfinished, err := os.CreateTemp(b.dir, "unfinished-*")
	if err != nil {
		return err
	}
	_, err = unfinished.Write(content.Bytes())
	err = errors.Join(err, unfinished.Sync(), unfinished.Close())
	if err == nil {
		err = os.Rename(unfinished.Name(), filepath.Join(b.dir, token+suffix))
	}
	if err != nil {
		return errors.Join(err, os.Remove(unfinished.Name()))
	}
	return b.sync()
}

// sync makes what was renamed or removed durable.
func (b *Box) sync() error {
	dir, err := os.Open(b.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Files are the paths of all dead letters, oldest batch first.
func (b *Box) Files() ([]string, error) {
	entries, err := os.ReadDir(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	var files []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), suffix) {
			files = append(files, filepath.Join(b.dir, entry.Name()))
		}
	}
	return files, nil
}

// Read returns the token and the rows of a file. A line that cannot be read is
// an error that names it.
func Read(file string) (token string, rows []ingest.RefusedRow, err error) {
	content, err := os.Open(file)
	if err != nil {
		return "", nil, fmt.Errorf("read dead letters: %w", err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	lines := bufio.NewScanner(content)
	lines.Buffer(nil, maxLineBytes)
	for number := 1; lines.Scan(); number++ {
		var row ingest.RefusedRow
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return "", nil, fmt.Errorf("read dead letters: %s:%d: %w", file, number, err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		return "", nil, fmt.Errorf("read dead letters from %s: %w", file, err)
	}
	return strings.TrimSuffix(filepath.Base(file), suffix), rows, nil
}

// Remove removes a file whose rows have been stored.
func Remove(file string) error {
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("remove dead letters that are stored: %w", err)
	}
	return nil
}

package sourcemap

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"sync"
)

const (
	// maxOpened bounds the files that are kept open.
	maxOpened = 64
	// maxAnswers bounds the answers that are remembered: one error that many
	// people meet asks for the same few places again and again. Each has about
	// 200 bytes.
	maxAnswers = 4096
)

// Position is where code comes from.
type Position struct {
	Source string // as the map names it, after its sourceRoot
	// Line and Column count from 1, as browsers count.
	Line, Column int
	// Name is what the source calls the thing at this place; "" if the map says
	// nothing. It is not the function around the place: that one's name is what
	// its caller's frame has.
	Name string
	// Ignored is set when the map lists the source as not the app's own
	// (ignoreList), such as a library's.
	Ignored bool
}

// place is where a script is asked about.
type place struct {
	entry        *entry
	line, column int
}

type answer struct {
	position Position
	ok       bool
}

// Resolve returns where the code at a place of a script comes from. fileURL is
// the script's URL in a stack frame; its path counts, whatever host served it.
// line and column count from 1, as in the stacks of browsers: maps count from 0,
// and Resolve converts both ways. It is false when no map was uploaded for the
// script, or the map says nothing of the place.
func (s *Store) Resolve(app, release, fileURL string, line, column int) (Position, bool) {
	if line < 1 || column < 1 || line > math.MaxInt32 || column > math.MaxInt32 {
		return Position{}, false
	}
	key := scriptKey{app, release, scriptPath(fileURL)}
	s.mu.Lock()
	e, ok := s.catalogue[key]
	if !ok {
		s.mu.Unlock()
		return Position{}, false
	}
	asked := place{e, line, column}
	if known, ok := s.answers.get(asked); ok {
		s.mu.Unlock()
		return known.position, known.ok
	}
	x := s.use(e)
	s.mu.Unlock()

	var a answer
	err := x.open(filepath.Join(s.dir, e.fileName))
	if err == nil {
		a.position, a.ok, err = x.index.resolve(uint32(line-1), uint32(column-1))
		a.position.Line++
		a.position.Column++
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x.release()
	if err != nil {
		s.complain(e, err)
		return Position{}, false
	}
	s.answers.put(asked, a)
	return a.position, a.ok
}

// use returns the index of an entry for one user, who must release it. The store
// must be locked.
func (s *Store) use(e *entry) *openedIndex {
	x, ok := s.opened.get(e)
	if !ok {
		x = &openedIndex{}
		s.opened.put(e, x)
	}
	x.users++
	return x
}

// complain logs that an index cannot be read, once. The store must be locked.
func (s *Store) complain(e *entry, err error) {
	s.opened.remove(e) // so that the next one tries again
	if e.complained || s.catalogue[e.key()] != e && errors.Is(err, fs.ErrNotExist) {
		return // removed meanwhile
	}
	e.complained = true
	s.log.Warn("cannot read the index of a source map; if it is damaged, upload the map again",
		"app", e.App, "release", e.Release, "file", e.File, "error", err)
}

// openedIndex is an index that is open for as long as anybody uses it. The store
// guards users and retired.
type openedIndex struct {
	users   int
	retired bool

	once  sync.Once
	index *index
	file  *os.File
	err   error
}

// open opens the file for the first user; the others wait.
func (x *openedIndex) open(name string) error {
	x.once.Do(func() {
		if x.index, x.file, x.err = openIndexFile(name); x.err == nil {
			x.err = x.index.verify()
		}
	})
	return x.err
}

func (x *openedIndex) release() {
	x.users--
	x.closeUnused()
}

// retire closes the file when the last user is through.
func (x *openedIndex) retire() {
	x.retired = true
	x.closeUnused()
}

func (x *openedIndex) closeUnused() {
	if x.users == 0 && x.retired && x.file != nil {
		_ = x.file.Close() // it was only read
		x.file = nil
	}
}

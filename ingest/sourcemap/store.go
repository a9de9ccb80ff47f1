// Package sourcemap keeps the source maps of an app's releases and answers which
// line of which source a place of a built script comes from.
//
// A map is read once, when it is uploaded, and becomes an index on disk (see
// index.go) that is searched in place. Maps come from uploads only: nothing is
// ever fetched from an address that a script or a report names.
package sourcemap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	indexSuffix      = ".index"
	unfinishedPrefix = "unfinished-"

	// maxNameBytes and maxFileBytes are those of releases and URLs in reports
	// (package beacon): longer ones would never be asked for.
	maxNameBytes = 200
	maxFileBytes = 2048

	// maxPuts is how many maps are read at a time. Each takes some MB of memory,
	// 30 at most.
	maxPuts = 4
	// maxFiles bounds the catalogue, which has about 500 bytes for each.
	maxFiles = 20_000
)

// ErrTooLarge is a map of more than [Limits] MaxMapBytes.
var ErrTooLarge = errors.New("the source map is larger than a map may be")

// ErrFull is a map for which there is no room, even without all other releases.
var ErrFull = errors.New("there is no room for the source maps of this release")

// ErrBusy is a map that came while too many others were read. It may be put
// again a few seconds later.
var ErrBusy = errors.New("too many source maps are being uploaded at once")

// InvalidError says what is wrong with a map, or with what it is to be kept as.
type InvalidError struct{ Detail string }

// Error implements error.
func (e *InvalidError) Error() string { return "not a source map that can be read: " + e.Detail }

// Limits bound a [Store].
type Limits struct {
	MaxMapBytes int64 // of a map's JSON
	// MaxBytes bounds the indexes of all maps on disk. An index has less than half
	// of its map, as a rule.
	MaxBytes int64
	// MaxAge is how long after its last upload a release is kept; 0 is for ever.
	MaxAge time.Duration
}

// Info is what is known of an uploaded map.
type Info struct {
	App      string    `json:"app"`
	Release  string    `json:"release"`
	File     string    `json:"file"` // the path that the script is served at
	Sources  int       `json:"sources"`
	Segments int       `json:"segments"` // places of the script that are mapped
	Uploaded time.Time `json:"uploaded"`
	// SizeBytes is that of the index on disk.
	SizeBytes int64 `json:"size_bytes,omitempty"`
}

// scriptKey is what a map is found by.
type scriptKey struct{ app, release, file string }

// entry is one map in the catalogue. Another takes its place when the same map
// is uploaded again.
type entry struct {
	Info
	fileName   string
	complained bool // about reading it
}

func (i *Info) key() scriptKey         { return scriptKey{i.App, i.Release, i.File} }
func (i *Info) releaseKey() releaseKey { return releaseKey{i.App, i.Release} }

type releaseKey struct{ app, release string }

// Store keeps the maps of releases in a directory of its own. One process may
// use a directory at a time. It is safe for concurrent use.
type Store struct {
	dir    string
	limits Limits
	now    func() time.Time
	log    *slog.Logger
	puts   chan struct{}

	changing sync.Mutex // held while files come and go

	mu        sync.Mutex // guards what follows; never held while the disk works
	catalogue map[scriptKey]*entry
	sizeBytes int64
	opened    *recent[*entry, *openedIndex]
	answers   *recent[place, answer]
}

// Open opens the store in dir, which is made if it is not there. Uploads that a
// crash cut off are removed, and so are damaged indexes; both are logged.
func Open(dir string, limits Limits, now func() time.Time, log *slog.Logger) (*Store, error) {
	s := &Store{
		dir: dir, limits: limits, now: now, log: log, puts: make(chan struct{}, maxPuts),
		catalogue: map[scriptKey]*entry{},
		opened:    newRecent[*entry](maxOpened, (*openedIndex).retire),
		answers:   newRecent[place](maxAnswers, func(answer) {}),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the source maps: %w", err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open the source maps: %w", err)
	}
	for _, file := range files {
		if err := s.find(file.Name()); err != nil {
			return nil, fmt.Errorf("open the source map %s: %w", file.Name(), err)
		}
	}
	return s, nil
}

// find takes a file of the directory into the catalogue, or removes it.
func (s *Store) find(name string) error {
	file := filepath.Join(s.dir, name)
	switch {
	case strings.HasPrefix(name, unfinishedPrefix):
		s.log.Info("removing an upload of a source map that was cut off", "file", file)
		return os.Remove(file)
	case !strings.HasSuffix(name, indexSuffix):
		return nil // not ours
	}
	info, err := readInfo(file)
	if err == nil && fileName(info.key()) != name {
		err = errDamaged
	}
	switch {
	case errors.Is(err, errDamaged):
		s.log.Warn("removing a damaged index of a source map; upload the map again", "file", file)
		return os.Remove(file)
	case errors.Is(err, errVersion):
		s.log.Warn("leaving an index of a source map alone", "file", file, "error", err)
		return nil
	case err != nil:
		return err
	}
	s.catalogue[info.key()] = &entry{Info: info, fileName: name}
	s.sizeBytes += info.SizeBytes
	return nil
}

func readInfo(name string) (info Info, err error) {
	x, file, err := openIndexFile(name)
	if err != nil {
		return info, err
	}
	info, err = x.describe()
	info.SizeBytes = x.sizeBytes()
	return info, errors.Join(err, file.Close())
}

func openIndexFile(name string) (*index, *os.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	stat, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	x, err := openIndex(file, stat.Size())
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return x, file, nil
}

// fileName derives the name of an index, so that nothing of what a client says
// becomes part of a path.
func fileName(key scriptKey) string {
	sum := sha256.Sum256([]byte(key.app + "\x00" + key.release + "\x00" + key.file))
	return hex.EncodeToString(sum[:16]) + indexSuffix
}

// Put reads a source map and keeps it for the script that the app's release
// serves at the path of file, in the place of one that it has. It is on disk
// when Put returns. Where there is no room, older releases of any app go first.
//
// file is a path such as /assets/app.3f2a.js, or a URL, of which only the path
// counts. Errors are *InvalidError, ErrTooLarge, ErrFull, ErrBusy, those of r,
// or faults of the disk.
func (s *Store) Put(ctx context.Context, app, release, file string, r io.Reader) (Info, error) {
	info := Info{App: app, Release: release, File: scriptPath(file), Uploaded: s.now().UTC()}
	for name, text := range map[string]string{"app": app, "release": release} {
		if !plain(text, maxNameBytes) {
			return Info{}, &InvalidError{fmt.Sprintf("%s must have 1 to %d bytes of plain text", name, maxNameBytes)}
		}
	}
	if !plain(info.File, maxFileBytes) || info.File == "/" {
		return Info{}, &InvalidError{fmt.Sprintf("file must be the path of a script with at most %d bytes", maxFileBytes)}
	}
	select {
	case s.puts <- struct{}{}:
		defer func() { <-s.puts }()
	default:
		return Info{}, ErrBusy
	}
	unfinished, err := os.CreateTemp(s.dir, unfinishedPrefix+"*")
	if err != nil {
		return Info{}, fmt.Errorf("keep a source map: %w", err)
	}
	err = s.build(&bounded{ctx, r, s.limits.MaxMapBytes}, unfinished, &info)
	if err = errors.Join(err, unfinished.Close()); err == nil {
		err = s.commit(unfinished.Name(), info)
	}
	if err != nil {
		return Info{}, errors.Join(fmt.Errorf("keep the source map of %s: %w", info.File, err), ignoreMissing(os.Remove(unfinished.Name())))
	}
	return info, nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// build makes an index of a map, durably.
func (s *Store) build(r io.Reader, to *os.File, info *Info) error {
	d := newDocument(r)
	w := newWriter(to, s.limits.MaxBytes, d.invalid)
	if err := readMap(d, w); err != nil {
		return err
	}
	if err := w.finish(info); err != nil {
		return err
	}
	return to.Sync()
}

// commit gives an index its name, once there is room for it.
func (s *Store) commit(unfinished string, info Info) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	leaving, ok := s.makeRoom(info)
	if !ok {
		return ErrFull
	}
	if err := s.remove(leaving, "to make room for others"); err != nil {
		return err
	}
	e := &entry{Info: info, fileName: fileName(info.key())}
	if err := os.Rename(unfinished, filepath.Join(s.dir, e.fileName)); err != nil {
		return err
	}
	s.mu.Lock()
	if replaced, ok := s.catalogue[info.key()]; ok {
		s.forget(replaced)
	}
	s.catalogue[info.key()] = e
	s.sizeBytes += info.SizeBytes
	s.mu.Unlock()
	return s.sync()
}

// forget takes an entry out of the catalogue. The store must be locked.
func (s *Store) forget(e *entry) {
	if s.catalogue[e.key()] == e {
		delete(s.catalogue, e.key())
		s.sizeBytes -= e.SizeBytes
		s.opened.remove(e)
	}
}

// sync makes what was renamed or removed durable.
func (s *Store) sync() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Delete removes the maps of a release and returns how many there were.
func (s *Store) Delete(app, release string) (files int, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	var leaving []*entry
	s.mu.Lock()
	for key, e := range s.catalogue {
		if key.app == app && key.release == release {
			leaving = append(leaving, e)
		}
	}
	s.mu.Unlock()
	if len(leaving) == 0 {
		return 0, nil
	}
	if err := s.remove(leaving, "as asked"); err != nil {
		return 0, err
	}
	return len(leaving), s.sync()
}

// List describes all maps of an app, by release and file.
func (s *Store) List(app string) []Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	infos := []Info{}
	for key, e := range s.catalogue {
		if key.app == app {
			infos = append(infos, e.Info)
		}
	}
	slices.SortFunc(infos, func(a, b Info) int {
		return strings.Compare(a.Release+"\x00"+a.File, b.Release+"\x00"+b.File)
	})
	return infos
}

// Close closes the files that are open. The store must not be used any more.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened.clear()
	return nil
}

// plain says whether a text is not empty, not too long and fit to be shown.
func plain(text string, maxBytes int) bool {
	return text != "" && len(text) <= maxBytes && utf8.ValidString(text) &&
		!strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f })
}

// scriptPath is what scripts are told apart by: the path of a URL, without
// escapes. Which host serves it does not count, nor the query.
func scriptPath(file string) string {
	if cut := strings.IndexAny(file, "?#"); cut >= 0 {
		file = file[:cut]
	}
	if scheme := strings.Index(file, "://"); scheme >= 0 {
		host := file[scheme+len("://"):]
		file = host[len(host):]
		if slash := strings.IndexByte(host, '/'); slash >= 0 {
			file = host[slash:]
		}
	}
	if strings.IndexByte(file, '%') >= 0 {
		if plain, err := url.PathUnescape(file); err == nil {
			file = plain
		}
	}
	if !strings.HasPrefix(file, "/") {
		file = "/" + file
	}
	return path.Clean(file)
}

// bounded fails when ctx ends, or with ErrTooLarge.
type bounded struct {
	ctx  context.Context
	in   io.Reader
	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := b.in.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}

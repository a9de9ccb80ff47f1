package queue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
)

// memDisk is a disk in memory that loses what was not synced when it crashes:
// any part of each write, and any change of which files there are.
type memDisk struct {
	mu    sync.Mutex
	files map[string]*inode // as programs see it
	safe  map[string]*inode // as it is after a crash at worst
	// fail decides whether an operation fails; nil: none does.
	fail func(operation string) error
}

// inode is the content of a file.
type inode struct {
	data   []byte
	synced []byte
	dirty  []write
	bad    []badStretch
}

// badStretch is a part of a file that cannot be read, as often as left says; if
// that is negative for ever. Writing over a part of it fails as well, since
// kernels read what stands around what they write; over all of it makes it good.
type badStretch struct {
	from, to int64
	left     int
}

// spoil makes a part of a file unreadable.
func (d *memDisk) spoil(name string, bad badStretch) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := d.files[name]
	if bad.to = min(bad.to, int64(len(n.data))); bad.from < bad.to {
		n.bad = append(n.bad, bad)
	}
}

// cure makes everything readable.
func (d *memDisk) cure() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range d.files {
		n.bad = nil
	}
}

// read fails where a stretch is bad.
func (n *inode) read(from, to int64) error {
	for i, bad := range n.bad {
		if from >= bad.to || to <= bad.from {
			continue
		}
		if bad.left > 0 {
			n.bad[i].left--
		}
		if bad.left == 1 {
			n.bad = slices.Delete(n.bad, i, i+1)
		}
		return errIO
	}
	return nil
}

// overwrite fails over a part of a bad stretch.
func (n *inode) overwrite(from, to int64) error {
	for _, bad := range n.bad {
		if from < bad.to && to > bad.from && (from > bad.from || to < bad.to) {
			return errIO
		}
	}
	n.bad = slices.DeleteFunc(n.bad, func(bad badStretch) bool { return from <= bad.from && to >= bad.to })
	return nil
}

type write struct {
	offset int64
	data   []byte
}

func newMemDisk() *memDisk {
	return &memDisk{files: map[string]*inode{}, safe: map[string]*inode{}}
}

var errIO = errors.New("input/output error")

func (d *memDisk) failing(operation string) error {
	if d.fail == nil {
		return nil
	}
	return d.fail(operation)
}

func (d *memDisk) open(name string, create bool) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failing("open"); err != nil {
		return nil, err
	}
	n, ok := d.files[name]
	if !ok && !create {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	if !ok {
		n = &inode{}
		d.files[name] = n
	} else if create {
		n.data, n.dirty, n.bad = nil, append(n.dirty, write{-1, nil}), nil
	}
	return &memFile{d, n}, nil
}

func (d *memDisk) list() ([]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make([]string, 0, len(d.files))
	for name := range d.files {
		names = append(names, name)
	}
	return names, nil
}

func (d *memDisk) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[to] = d.files[from]
	delete(d.files, from)
	return nil
}

func (d *memDisk) remove(name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.files[name]; !ok {
		return fs.ErrNotExist
	}
	delete(d.files, name)
	return nil
}

func (d *memDisk) sync() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.failing("sync"); err != nil {
		return err
	}
	clear(d.safe)
	for name, n := range d.files {
		d.safe[name] = n
	}
	return nil
}

// crash returns the disk as it is after the power has failed.
func (d *memDisk) crash(random *rand.Rand) *memDisk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newMemDisk()
	names := map[string]*inode{}
	for name, n := range d.safe {
		if _, still := d.files[name]; still || random.IntN(2) == 0 {
			names[name] = n
		}
	}
	for name, n := range d.files {
		if _, known := d.safe[name]; !known && random.IntN(2) == 0 {
			names[name] = n
		}
	}
	for name, n := range names {
		survived := &inode{data: n.afterCrash(random), bad: slices.Clone(n.bad)}
		survived.synced = append([]byte(nil), survived.data...)
		after.files[name], after.safe[name] = survived, survived
	}
	return after
}

// sector is what a disk writes whole.
const sector = 64

// afterCrash is the synced content with any sectors of later writes.
func (n *inode) afterCrash(random *rand.Rand) []byte {
	data := append([]byte(nil), n.synced...)
	keep := random.IntN(3) // nothing, anything or everything
	for _, w := range n.dirty {
		if w.offset < 0 {
			if keep == 2 || keep == 1 && random.IntN(2) == 0 {
				data = nil
			}
			continue
		}
		for at := 0; at < len(w.data); at += sector {
			if keep == 2 || keep == 1 && random.IntN(2) == 0 {
				data = place(data, w.offset+int64(at), w.data[at:min(at+sector, len(w.data))])
			}
		}
	}
	return data
}

func place(data []byte, offset int64, p []byte) []byte {
	if missing := offset + int64(len(p)) - int64(len(data)); missing > 0 {
		data = append(data, make([]byte, missing)...)
	}
	copy(data[offset:], p)
	return data
}

type memFile struct {
	disk *memDisk
	node *inode
}

func (f *memFile) ReadAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if offset >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	if err := f.node.read(offset, offset+int64(len(p))); err != nil {
		return 0, err
	}
	n := copy(p, f.node.data[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, offset int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.failing("write"); err != nil {
		return 0, err
	}
	if err := f.node.overwrite(offset, offset+int64(len(p))); err != nil {
		return 0, err
	}
	f.node.data = place(f.node.data, offset, p)
	f.node.dirty = append(f.node.dirty, write{offset, append([]byte(nil), p...)})
	return len(p), nil
}

func (f *memFile) preallocate(sizeBytes int64) error {
	_, err := f.WriteAt(make([]byte, sizeBytes), 0)
	return err
}

func (f *memFile) truncate(sizeBytes int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.failing("truncate"); err != nil {
		return err
	}
	f.node.data = f.node.data[:min(sizeBytes, int64(len(f.node.data)))]
	for i := range f.node.bad {
		f.node.bad[i].to = min(f.node.bad[i].to, sizeBytes)
	}
	f.node.bad = slices.DeleteFunc(f.node.bad, func(bad badStretch) bool { return bad.from >= bad.to })
	return nil
}

// datasync fails like a kernel: what it could not write is forgotten, and the
// next sync of the same file succeeds.
func (f *memFile) datasync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	err := f.disk.failing("datasync")
	if err == nil {
		f.node.synced = append([]byte(nil), f.node.data...)
	}
	f.node.dirty = nil
	return err
}

func (f *memFile) size() (int64, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	return int64(len(f.node.data)), nil
}

func (f *memFile) Close() error { return nil }

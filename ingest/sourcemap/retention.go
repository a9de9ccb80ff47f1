package sourcemap

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Expire removes the releases whose last upload is longer ago than MaxAge, and
// while there are more bytes than MaxBytes the oldest. Call it now and then.
func (s *Store) Expire() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	var leaving []*entry
	s.mu.Lock()
	sizeBytes := s.sizeBytes
	for _, r := range s.releases() {
		if s.limits.MaxAge > 0 && s.now().Sub(r.uploaded) > s.limits.MaxAge || sizeBytes > s.limits.MaxBytes {
			leaving = append(leaving, r.entries...)
			sizeBytes -= r.sizeBytes
		}
	}
	s.mu.Unlock()
	if len(leaving) == 0 {
		return nil
	}
	if err := s.remove(leaving, "because of its age or for lack of room"); err != nil {
		return err
	}
	return s.sync()
}

// makeRoom lists what has to go for a new index: the oldest releases, but never
// its own. It is not ok if that is not enough.
func (s *Store) makeRoom(info Info) (leaving []*entry, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sizeBytes, files := s.sizeBytes+info.SizeBytes, len(s.catalogue)+1
	if replaced, ok := s.catalogue[info.key()]; ok {
		sizeBytes, files = sizeBytes-replaced.SizeBytes, files-1
	}
	fits := func() bool { return sizeBytes <= s.limits.MaxBytes && files <= maxFiles }
	if fits() {
		return nil, true
	}
	for _, release := range s.releases() {
		if release.key() == info.releaseKey() {
			continue
		}
		leaving = append(leaving, release.entries...)
		sizeBytes, files = sizeBytes-release.sizeBytes, files-len(release.entries)
		if fits() {
			return leaving, true
		}
	}
	return nil, false
}

// release is what is kept of one.
type release struct {
	entries   []*entry
	sizeBytes int64
	uploaded  time.Time // the last of them
}

func (r *release) key() releaseKey { return r.entries[0].releaseKey() }

// releases are those in the catalogue, oldest first.
func (s *Store) releases() []*release {
	byKey := map[releaseKey]*release{}
	var all []*release
	for _, e := range s.catalogue {
		r, ok := byKey[e.releaseKey()]
		if !ok {
			r = &release{}
			byKey[e.releaseKey()] = r
			all = append(all, r)
		}
		r.entries = append(r.entries, e)
		r.sizeBytes += e.SizeBytes
		if e.Uploaded.After(r.uploaded) {
			r.uploaded = e.Uploaded
		}
	}
	slices.SortFunc(all, func(a, b *release) int { return a.uploaded.Compare(b.uploaded) })
	return all
}

// remove removes indexes and says so, a line for each release.
func (s *Store) remove(leaving []*entry, why string) error {
	counts := map[releaseKey]int{}
	for _, e := range leaving {
		s.mu.Lock()
		s.forget(e) // first, so that nobody looks for a file that is gone
		s.mu.Unlock()
		if err := ignoreMissing(os.Remove(filepath.Join(s.dir, e.fileName))); err != nil {
			return fmt.Errorf("remove a source map: %w", err)
		}
		counts[e.releaseKey()]++
	}
	for key, count := range counts {
		s.log.Info("removed the source maps of a release "+why, "app", key.app, "release", key.release, "files", count)
	}
	return nil
}

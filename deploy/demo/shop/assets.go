package shop

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"sync"
	"time"
)

// heroImage is the name of the picture on the home page. It comes late at
// times, like one from a cold edge cache.
const heroImage = "shelf.jpg"

// asset is a file that never changes while the shop runs.
type asset struct {
	content []byte
	etag    string
}

// assets serves the style sheet, the scripts and the pictures, each with an
// ETag of its content: embedded files have no time of change to go by.
func (s *Shop) assets() http.Handler {
	byName := s.loadAssets()
	hero := sync.OnceValue(func() asset { return newAsset(drawShelf(s.catalog)) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		found, ok := byName[name]
		if name == heroImage {
			s.wait(r.Context(), s.delays.image)
			found, ok = hero(), true
		}
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", found.etag)
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(found.content))
	})
}

func (s *Shop) loadAssets() map[string]asset {
	byName := map[string]asset{}
	for _, p := range s.catalog {
		byName[p.ID+".svg"] = newAsset(drawMug(p.look))
	}
	embedded, err := fs.Glob(files, "static/*")
	if err != nil { // only a malformed pattern
		panic(err)
	}
	for _, name := range embedded {
		content, err := files.ReadFile(name)
		if err != nil { // embedded, so it is there
			panic(err)
		}
		byName[path.Base(name)] = newAsset(content)
	}
	return byName
}

func newAsset(content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{content: content, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}
}

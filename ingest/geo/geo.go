// Package geo tells where an address is, from files in MaxMind's format: country,
// region and network. Addresses are looked up and forgotten.
package geo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Place is where an address is; what is not known is empty.
type Place struct {
	Country string // ISO 3166-1 alpha-2, such as DE
	Region  string // ISO 3166-2, such as DE-BY
	Network string // organisation of the autonomous system, such as Deutsche Telekom AG
}

// Options are the files of a [Reader]; an empty one is not used.
type Options struct {
	PlaceFile   string // GeoLite2-City, GeoIP2-Country, DB-IP City Lite and the like
	NetworkFile string // GeoLite2-ASN and the like
	// Dir is where copies of the files are made while they are opened: a file that
	// is changed in place must not change under the reader.
	Dir string
	Log *slog.Logger
}

// Reader looks addresses up. A nil Reader knows nothing. It is safe for
// concurrent use.
type Reader struct {
	places, networks *source
	log              *slog.Logger
}

// source is one of the files.
type source struct {
	file, dir string
	types     []string // one of these is part of the database's type
	open      atomic.Pointer[maxminddb.Reader]
	seen      stamp
	failed    bool // with what was seen last
}

// stamp tells whether a file is another than before.
type stamp struct {
	size     int64
	modified time.Time
}

// Open opens the files; both must be there and good. It returns nil without any.
func Open(o Options) (*Reader, error) {
	if o.PlaceFile == "" && o.NetworkFile == "" {
		return nil, nil
	}
	r := &Reader{log: o.Log}
	if o.PlaceFile != "" {
		r.places = &source{file: o.PlaceFile, dir: o.Dir, types: []string{"City", "Country", "Enterprise", "Location"}}
	}
	if o.NetworkFile != "" {
		r.networks = &source{file: o.NetworkFile, dir: o.Dir, types: []string{"ASN", "ISP", "Enterprise"}}
	}
	for _, s := range r.sources() {
		if _, err := s.load(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Reader) sources() (all []*source) {
	for _, s := range []*source{r.places, r.networks} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// Watch looks every so often whether the files have been replaced, until ctx ends.
// A new one that is not good leaves the old one in force.
func (r *Reader) Watch(ctx context.Context, every time.Duration) {
	if r == nil {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			r.look()
		}
	}
}

// look takes over what has changed, and says so once.
func (r *Reader) look() {
	for _, s := range r.sources() {
		changed, err := s.load()
		switch {
		case err != nil && !s.failed:
			r.log.Warn("the old places of addresses stay in force", "file", s.file, "error", err)
		case changed:
			r.log.Info("places of addresses were read again", "file", s.file)
		}
		s.failed = err != nil
	}
}

// load opens the file if it is another than the one that was opened last.
func (s *source) load() (changed bool, err error) {
	info, err := os.Stat(s.file)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", s.file, err)
	}
	now := stamp{info.Size(), info.ModTime()}
	if now == s.seen {
		if s.failed {
			return false, errors.New("it is as it was")
		}
		return false, nil
	}
	s.seen = now
	database, err := openCopy(s.file, s.dir)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", s.file, err)
	}
	if !s.isOfType(database.Metadata.DatabaseType) {
		return false, errors.Join(fmt.Errorf("open %s: it is a database of type %.50q, not of %s", s.file, database.Metadata.DatabaseType, strings.Join(s.types, ", ")), database.Close())
	}
	// The old one is unmapped when nobody uses it any more.
	s.open.Store(database)
	return true, nil
}

func (s *source) isOfType(databaseType string) bool {
	for _, t := range s.types {
		if strings.Contains(databaseType, t) {
			return true
		}
	}
	return false
}

// openCopy maps a copy of the file that nobody else can reach, and checks it.
func openCopy(file, dir string) (*maxminddb.Reader, error) {
	from, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = from.Close() }()
	to, err := os.CreateTemp(dir, filepath.Base(file)+".*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(to.Name()) }()
	if _, err := io.Copy(to, from); err != nil {
		return nil, errors.Join(err, to.Close())
	}
	if err := to.Close(); err != nil {
		return nil, err
	}
	database, err := maxminddb.Open(to.Name())
	if err != nil {
		return nil, err
	}
	if err := database.Verify(); err != nil {
		return nil, errors.Join(err, database.Close())
	}
	return database, nil
}

// place is what is read of a database of places.
type place struct {
	Country struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Subdivisions []struct {
		ISOCode string `maxminddb:"iso_code"`
	} `maxminddb:"subdivisions"`
}

// network is what is read of a database of networks.
type network struct {
	Organization string `maxminddb:"autonomous_system_organization"`
}

// Place looks an address up.
func (r *Reader) Place(address netip.Addr) (found Place) {
	if r == nil || !address.IsValid() {
		return found
	}
	address = address.Unmap()
	if database := r.places.database(); database != nil {
		var p place
		if database.Lookup(address).Decode(&p) == nil {
			found.Country = code(p.Country.ISOCode)
			if len(p.Subdivisions) > 0 && found.Country != "" {
				if region := code(p.Subdivisions[0].ISOCode); region != "" {
					found.Region = found.Country + "-" + region
				}
			}
		}
	}
	if database := r.networks.database(); database != nil {
		var n network
		if database.Lookup(address).Decode(&n) == nil {
			found.Network = name(n.Organization)
		}
	}
	return found
}

func (s *source) database() *maxminddb.Reader {
	if s == nil {
		return nil
	}
	return s.open.Load()
}

// code takes what can be an ISO code.
func code(text string) string {
	if len(text) > 3 {
		return ""
	}
	for i := range len(text) {
		if c := text[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return ""
		}
	}
	return text
}

// name makes a name safe to show, and cuts it.
func name(text string) string {
	const longest = 100
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest])
	}
	return text
}

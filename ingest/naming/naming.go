// Package naming makes names of few kinds out of what has many: page names out
// of URL paths, and "(other)" out of the values of a column beyond its cap. What
// it learns is kept in a file, so that names are the same after a restart.
//
// Nothing that a sender can do makes it grow without bound, and one app's names
// do not depend on what another sends.
package naming

import (
	"sync"
	"sync/atomic"
	"time"
)

// Other stands for what has no name of its own.
const Other = "(other)"

// Bounds of what is learned of one app. They bound its memory to a few MB.
const (
	// maxChildren is how many different segments may follow the same beginning of
	// a path before they are taken for data: more than the sections of a site, less
	// than its articles.
	maxChildren = 50
	// maxPages is how many page names an app may have; sites have a few hundred.
	maxPages = 1000
	// maxValues is how many values a capped column may have in an app.
	maxValues = 1000
	// maxApps bounds the apps, which the configuration names; those beyond it share
	// what one may have.
	maxApps = 10_000
	// forgetAfterDays is how long a value stands in the way of new ones after it was
	// last seen, such as a release that is out of use.
	forgetAfterDays = 30
)

// Names are those of all apps. They are safe for concurrent use.
type Names struct {
	mu      sync.RWMutex
	apps    map[string]*App
	beyond  *App          // stands for all beyond the bound
	changes atomic.Uint64 // of what is to be kept
}

// New returns Names that know nothing.
func New() *Names {
	n := &Names{apps: map[string]*App{}}
	n.beyond = newApp(n)
	return n
}

// Of returns the names of an app.
func (n *Names) Of(app string) *App {
	n.mu.RLock()
	a, ok := n.apps[app]
	n.mu.RUnlock()
	if ok {
		return a
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if a, ok := n.apps[app]; ok {
		return a
	}
	if len(n.apps) >= maxApps {
		return n.beyond
	}
	a = newApp(n)
	n.apps[app] = a
	return a
}

// App holds the names of one app.
type App struct {
	names   *Names
	pages   pages
	columns [columnCount]values
}

func newApp(n *Names) *App {
	a := &App{names: n}
	a.pages.root = &node{name: "/"}
	a.pages.remembered.Store(&sync.Map{})
	return a
}

// Page returns the name of the page at a URL path, such as /product/* for
// /product/blue-mug: a glob as business transactions are defined by. Segments
// that look like ids or dates become *, and so do all segments at a place that
// has had too many; from then on, for ever. Deep paths end in /**. A path that
// would need one name more than an app may have is named Other.
//
// Slashes at the end and double ones do not count, nor do parameters behind a
// semicolon. Escapes are read, so that /%C3%BC is named /ü. Capital letters are
// others than small ones, as they are to most servers.
func (a *App) Page(path string) string {
	name, learned := a.pages.name(path)
	if learned {
		a.names.changes.Add(1)
	}
	return name
}

// Cap returns the value, which is seen at that time, or Other when the column has
// had too many already.
func (a *App) Cap(column Column, value string, seen time.Time) string {
	if value == "" {
		return ""
	}
	day := int32(seen.Unix() / int64(24*time.Hour/time.Second))
	kept, learned := a.columns[column].cap(value, day)
	if learned {
		a.names.changes.Add(1)
	}
	return kept
}

// Count is how many names there are, and how often one was replaced by Other.
type Count struct {
	App    string
	Column string // "page", or a Column's name
	Names  int
	Capped uint64
}

// Counts lists the columns of which something is known.
func (n *Names) Counts() []Count {
	n.mu.RLock()
	defer n.mu.RUnlock()
	var all []Count
	for name, a := range n.apps {
		if held, capped := a.pages.count(); held > 0 {
			all = append(all, Count{name, "page", held, capped})
		}
		for c := range columnCount {
			if held, capped := a.columns[c].count(); held > 0 {
				all = append(all, Count{name, c.String(), held, capped})
			}
		}
	}
	return all
}

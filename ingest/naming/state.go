package naming

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"throughline/ingest/statefile"
)

// stateVersion is that of the file's form.
const stateVersion = 1

// state is what is kept of the names.
type state struct {
	Version int                 `json:"version"`
	Apps    map[string]appState `json:"apps"`
}

type appState struct {
	Pages   *nodeState                  `json:"pages,omitempty"`
	Columns map[string]map[string]int32 `json:"columns,omitempty"` // day last seen, by value
}

type nodeState struct {
	Children map[string]*nodeState `json:"c,omitempty"`
	Wild     bool                  `json:"w,omitempty"`
	Page     bool                  `json:"p,omitempty"`
	Visits   uint64                `json:"n,omitempty"`
}

// Snapshot is what is known, as JSON. It is never larger than the bounds allow.
func (n *Names) Snapshot() ([]byte, error) {
	n.mu.RLock()
	apps := maps.Clone(n.apps)
	n.mu.RUnlock() // while names are encoded, those who ask for theirs do not wait
	s := state{stateVersion, map[string]appState{}}
	for name, app := range apps {
		s.Apps[name] = app.snapshot()
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode the names: %w", err)
	}
	return data, nil
}

func (a *App) snapshot() appState {
	s := appState{Columns: map[string]map[string]int32{}}
	a.pages.mu.RLock()
	s.Pages = a.pages.root.snapshot()
	a.pages.mu.RUnlock()
	for c := range columnCount {
		a.columns[c].each(func(value string, day int32) {
			if s.Columns[c.String()] == nil {
				s.Columns[c.String()] = map[string]int32{}
			}
			s.Columns[c.String()][value] = day
		})
	}
	return s
}

func (n *node) snapshot() *nodeState {
	s := &nodeState{Wild: n.wild, Page: n.page, Visits: n.visits.Load()}
	for segment, child := range n.children {
		if s.Children == nil {
			s.Children = map[string]*nodeState{}
		}
		s.Children[segment] = child.snapshot()
	}
	return s
}

// Restore takes over a snapshot, in the place of what is known. What is beyond
// the bounds is left out. It must not be called while names are asked for.
func (n *Names) Restore(snapshot []byte) error {
	var s state
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return fmt.Errorf("read the names: %w", err)
	}
	if s.Version != stateVersion {
		return fmt.Errorf("read the names: they are of version %d, this program reads %d", s.Version, stateVersion)
	}
	apps := map[string]*App{}
	for name, kept := range s.Apps {
		if len(apps) < maxApps {
			apps[name] = n.restored(kept)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.apps = apps
	return nil
}

func (n *Names) restored(kept appState) *App {
	a := newApp(n)
	budget := maxNodes
	a.pages.root.restore(kept.Pages, 0, &budget)
	a.pages.held, a.pages.nodes = a.pages.root.count()
	for c := range columnCount {
		a.columns[c].put(kept.Columns[c.String()])
	}
	return a
}

// restore takes over a node and what is below it, as long as the budget of nodes
// lasts. What no path leads to is left out.
func (n *node) restore(kept *nodeState, depth int, budget *int) {
	if kept == nil {
		return
	}
	n.wild, n.page = kept.Wild && depth < maxDepth, kept.Page
	n.visits.Store(kept.Visits)
	for segment, child := range kept.Children {
		if !isPlace(segment, depth) || *budget <= 0 || len(n.children) > maxChildren {
			continue
		}
		*budget--
		n.child(segment).restore(child, depth+1, budget)
	}
}

// isPlace says whether a path can lead to a segment at that depth.
func isPlace(segment string, depth int) bool {
	if depth >= maxDepth {
		return depth == maxDepth && segment == rest
	}
	raw, _ := cutSegment(segment)
	return segment != "" && raw == segment && generic(segment) == segment
}

// Open returns the names that a file has, none if it is not there. A file that
// cannot be understood is set aside, and names are learned anew.
func Open(file string, log *slog.Logger) (*Names, error) {
	n := New()
	return n, statefile.Load(file, n.Restore, log)
}

// Keep writes what is learned to the file every so often, and when ctx ends. After
// that end names go on as they were. A crash forgets what was learned since the
// file was written: until it is learned again, segments may be named that had
// become *, and values that were capped may be kept. Rows that were written stay as
// they are.
func (n *Names) Keep(ctx context.Context, file string, every time.Duration, log *slog.Logger) {
	statefile.Keep(ctx, file, every, n.changes.Load, n.Snapshot, log)
}

package naming

import (
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// maxDepth is how many segments a name has at most, before a rest.
	maxDepth = 8
	// maxNodes bounds the places in the paths of an app.
	maxNodes = 20 * maxPages
	// maxRemembered bounds the paths whose names are remembered as they are.
	maxRemembered = 4096
	wildcard      = "*"
	rest          = "**"
)

// node is a place in the paths of an app.
type node struct {
	name     string // of the page here
	children map[string]*node
	wild     bool // a segment that is none of the children is the wildcard
	page     bool // paths have ended here
	visits   atomic.Uint64
}

// pages are what is known of an app's paths.
type pages struct {
	// remembered are the places of paths as they came, until places change; they
	// are read without a lock.
	remembered atomic.Pointer[sync.Map] // of *node, by path

	mu              sync.RWMutex // guards what follows, and all nodes
	root            *node
	held            int // names
	nodes           int
	rememberedCount atomic.Int64 // changed with mu held for reading
	capped          atomic.Uint64
}

// name returns the name of a path, and whether something was learned of it that
// is to be kept.
func (p *pages) name(path string) (name string, learned bool) {
	at := p.find(path)
	if at == nil {
		at, learned = p.learn(path)
	}
	if at == nil {
		p.capped.Add(1)
		return Other, learned
	}
	at.visits.Add(1)
	return at.name, learned
}

// find returns the place of a path whose name is known, and nil for others.
func (p *pages) find(path string) *node {
	if at, ok := p.remembered.Load().Load(path); ok {
		return at.(*node)
	}
	p.mu.RLock()
	defer p.mu.RUnlock()
	at := p.root
	for depth, left := 0, path; at != nil; depth++ {
		var raw string
		if raw, left = cutSegment(left); raw == "" {
			break
		}
		if depth == maxDepth {
			at = at.children[rest]
			break
		}
		at = at.known(raw)
	}
	if at == nil || !at.page {
		return nil
	}
	// Room is made only when places change: paths that are asked for once, as those
	// with ids in them, would make others forgotten that are asked for all the time.
	if p.rememberedCount.Load() < maxRemembered {
		p.rememberedCount.Add(1)
		p.remembered.Load().Store(strings.Clone(path), at) // it may be part of a larger buffer
	}
	return at
}

// known returns the child that a segment leads to, and nil if it is none yet.
func (n *node) known(raw string) *node {
	if next := n.children[raw]; next != nil {
		return next
	}
	segment := generic(raw)
	if next := n.children[segment]; next != nil || !n.wild {
		return next
	}
	return n.children[wildcard]
}

// learn makes the name of a path known; there is nil if there are too many.
func (p *pages) learn(path string) (at *node, learned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at = p.root
	for depth, left := 0, path; ; depth++ {
		var raw string
		if raw, left = cutSegment(left); raw == "" {
			break
		}
		segment := rest
		if depth < maxDepth {
			segment = generic(raw)
		}
		if at.children[segment] == nil && segment != wildcard && segment != rest {
			if !at.wild && len(at.children) >= maxChildren {
				p.collapse(at)
				learned = true
			}
			if at.wild {
				segment = wildcard
			}
		}
		if at.children[segment] == nil {
			if p.nodes >= maxNodes || p.held >= maxPages {
				return nil, learned
			}
			at.child(segment)
			p.nodes++
			learned = true
		}
		if at = at.children[segment]; segment == rest {
			break
		}
	}
	if !at.page {
		if p.held >= maxPages {
			return nil, learned
		}
		at.page, learned = true, true
		p.held++
	}
	return at, learned
}

// child returns the child of that segment, which is made if it is not there.
func (n *node) child(segment string) *node {
	if next := n.children[segment]; next != nil {
		return next
	}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	next := &node{name: strings.TrimSuffix(n.name, "/") + "/" + segment}
	n.children[next.name[len(next.name)-len(segment):]] = next // not a part of the path
	return next
}

// collapse makes the segments at a place one. Right below the root those that look
// like sections of the site stay.
func (p *pages) collapse(at *node) {
	isSection := func(*node) bool { return false }
	if at == p.root {
		twiceAverage := 2 * at.total() / uint64(len(at.children))
		isSection = func(n *node) bool { return len(n.children) > 1 || n.wild || n.total() > twiceAverage }
	}
	at.collapse(isSection)
	p.held, p.nodes = p.root.count()
	p.remembered.Store(&sync.Map{}) // the names of many have changed
	p.rememberedCount.Store(0)
}

// collapse makes the segments at a place one, but for those that stay. What
// followed each of the others may follow the wildcard from now on.
func (n *node) collapse(stays func(*node) bool) {
	joined := n.children
	n.children, n.wild = map[string]*node{}, true
	all := n.child(wildcard)
	for segment, child := range joined {
		if segment != wildcard && stays(child) {
			n.children[segment] = child
			continue
		}
		all.join(child)
	}
}

// join takes over what another node knows. In which order nodes are joined makes
// no difference.
func (n *node) join(other *node) {
	n.page = n.page || other.page
	n.visits.Add(other.visits.Load())
	for segment, child := range other.children {
		n.child(segment).join(child)
	}
	if n.wild || other.wild || len(n.children) > maxChildren {
		n.collapse(func(*node) bool { return false })
	}
}

// total is how often what is below a place was visited.
func (n *node) total() uint64 {
	visits := n.visits.Load()
	for _, child := range n.children {
		visits += child.total()
	}
	return visits
}

// count is how many names end at a node and below, and how many nodes are below.
func (n *node) count() (pages, nodes int) {
	if n.page {
		pages = 1
	}
	for _, child := range n.children {
		childPages, childNodes := child.count()
		pages, nodes = pages+childPages, nodes+childNodes+1
	}
	return pages, nodes
}

func (p *pages) count() (held int, capped uint64) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.held, p.capped.Load()
}

package naming

import (
	"strings"
	"sync"
	"sync/atomic"
)

const (
	// maxDepth is how many segments a name has at most.
	maxDepth = 8
	// maxSegmentBytes is longer than words that are typed; what is longer is data.
	maxSegmentBytes = 40
	// maxRemembered bounds the paths whose names are remembered as they are.
	maxRemembered = 4096
	// maxNodes bounds the places in the paths of an app.
	maxNodes = 20 * maxPages
	wildcard = "*"
)

// node is a place in the paths of an app.
type node struct {
	children map[string]*node
	wild     bool // a segment that is none of the children is the wildcard
	page     bool // it is the end of a name
	visits   atomic.Uint64
}

// page is what is remembered of a path.
type page struct {
	name string
	at   *node // nil for Other
}

// pages are what is known of an app's paths.
type pages struct {
	// remembered are the names of paths seen lately, until names change; they are
	// read without a lock.
	remembered atomic.Pointer[sync.Map] // of page, by path

	mu              sync.RWMutex // guards what follows
	rememberedCount int
	root            *node
	held            int // names
	nodes           int
	capped          atomic.Uint64
}

// name returns the name of a path, and whether something was learned of it that
// is to be kept.
func (p *pages) name(path string) (name string, learned bool) {
	var known page
	if seen, ok := p.remembered.Load().Load(path); ok {
		known = seen.(page)
	} else {
		known, learned = p.find(path)
	}
	if known.at == nil {
		p.capped.Add(1)
	} else {
		known.at.visits.Add(1)
	}
	return known.name, learned
}

// find finds the name of a path and remembers it.
func (p *pages) find(path string) (found page, learned bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, learned = p.learn(segmentsOf(path))
	if p.rememberedCount >= maxRemembered {
		p.forget()
	}
	p.rememberedCount++
	p.remembered.Load().Store(strings.Clone(path), found) // it may be part of a larger buffer
	return found, learned
}

// forget makes room for the names of other paths.
func (p *pages) forget() {
	p.remembered.Store(&sync.Map{})
	p.rememberedCount = 0
}

// learn finds the name of a path and makes it known.
func (p *pages) learn(segments []string) (found page, learned bool) {
	var b strings.Builder
	at := p.root
	for depth, segment := range segments {
		b.WriteByte('/')
		if depth == maxDepth {
			b.WriteString("**")
			break
		}
		next, ok := at.children[segment]
		if !ok && at.wild {
			segment = wildcard
			next, ok = at.children[segment]
		}
		if !ok && segment != wildcard && len(at.children) >= maxChildren {
			p.collapse(at, depth)
			segment, learned = wildcard, true
			next, ok = at.children[segment]
		}
		if !ok {
			if p.nodes >= maxNodes || p.held >= maxPages {
				return page{name: Other}, learned
			}
			next, learned = p.add(at, segment), true
		}
		b.WriteString(segment)
		at = next
	}
	if b.Len() == 0 {
		b.WriteByte('/')
	}
	if !at.page {
		if p.held >= maxPages {
			return page{name: Other}, learned
		}
		at.page, learned = true, true
		p.held++
	}
	return page{b.String(), at}, learned
}

// add adds a place behind another.
func (p *pages) add(at *node, segment string) *node {
	if at.children == nil {
		at.children = map[string]*node{}
	}
	next := &node{}
	at.children[strings.Clone(segment)] = next
	p.nodes++
	return next
}

// collapse makes the segments at a place one, but for those that stay. What
// followed each of the others may follow the wildcard from now on.
func (p *pages) collapse(at *node, depth int) {
	all := at.children[wildcard]
	if all == nil {
		all = &node{}
	}
	kept := map[string]*node{wildcard: all}
	average := at.total() / uint64(len(at.children))
	for segment, child := range at.children {
		switch {
		case segment == wildcard:
		case depth == 0 && (len(child.children) > 1 || child.wild || child.total() > 2*average):
			kept[segment] = child
		default:
			all.join(child)
		}
	}
	at.children, at.wild = kept, true
	p.held, p.nodes = p.root.count()
	p.forget() // the names of many have changed
}

// total is how often what is below a place was visited.
func (n *node) total() uint64 {
	visits := n.visits.Load()
	for _, child := range n.children {
		visits += child.total()
	}
	return visits
}

// join takes over what another node knows.
func (n *node) join(other *node) {
	n.page = n.page || other.page
	n.wild = n.wild || other.wild
	n.visits.Add(other.visits.Load())
	for segment, child := range other.children {
		if n.children == nil {
			n.children = map[string]*node{}
		}
		if n.children[segment] == nil && segment != wildcard && (n.wild || len(n.children) >= maxChildren) {
			n.wild = true
			segment = wildcard
		}
		if n.children[segment] == nil {
			n.children[segment] = &node{}
		}
		n.children[segment].join(child)
	}
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

package synthetic

import (
	"context"
	"math"
	"strconv"
	"strings"
)

// Bounds of the way to a frame.
const (
	maxFrameDepth = 8
	maxFrameIndex = 99
)

// mainTarget is the Recorder's name for the page that the run began with.
const mainTarget = "main"

// Place is where in the browser a step acts. The zero value is the main frame of
// the page that the run began with.
type Place struct {
	// Target is the exact address of a popup or of a frame; empty is the page. In a
	// journey it may refer to variables, and be relative to the base URL.
	Target string
	// Frame leads from the target's main frame to a frame within it: the index of
	// a child frame, of a child of that, and so on.
	Frame []int
}

// resolve is the place with its target expanded and absolute.
func (p Place) resolve(ctx context.Context, on *stage) (Place, error) {
	if p.Target == "" {
		return p, nil
	}
	address, err := on.resolve(ctx, p.Target)
	p.Target = address
	return p, err
}

// readPlace reads where a step acts.
func readPlace(r *reader) Place {
	var place Place
	field := r.preferred("target")
	if place.Target = r.template(field, optional); place.Target == mainTarget {
		place.Target = ""
	}
	if scheme, _, absolute := strings.Cut(place.Target, ":"); absolute && !strings.ContainsAny(scheme, "/?#$") {
		switch strings.ToLower(scheme) {
		case "http", "https", "about", "data", "blob":
		default:
			r.fail(field, "must be %s or the address of a popup or of a frame", mainTarget)
		}
	}
	place.Frame = r.frame()
	return place
}

// frame reads the way to a frame.
func (r *reader) frame() []int {
	const field = "frame"
	r.sketch.put(field, &schema{
		Type: []string{"array"}, MaxItems: maxFrameDepth, Items: &schema{Type: []string{"integer"}},
	}, false)
	items, _ := r.list(field)
	if len(items) > maxFrameDepth {
		r.fail(field, "must be at most %d frames deep", maxFrameDepth)
	}
	var path []int
	for i, item := range items {
		index, ok := item.value.(float64)
		if !ok || index != math.Trunc(index) || index < 0 || index > maxFrameIndex {
			r.fail(field, "[%s] must be a whole number from 0 to %d", strconv.Itoa(i), maxFrameIndex)
			return nil
		}
		path = append(path, int(index))
	}
	return path
}

// place writes where a step acts, unless it is the page.
func (w *writer) place(place Place) {
	if place.Target != "" {
		w.address("target", place.Target)
	}
	if len(place.Frame) == 0 {
		return
	}
	path := make([]node, 0, len(place.Frame))
	for _, index := range place.Frame {
		path = append(path, node{value: float64(index)})
	}
	w.put("frame", path)
}

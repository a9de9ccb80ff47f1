package synthetic

import (
	"context"
	"fmt"
)

// Scroll brings an element, or the window, to a place.
type Scroll struct {
	// Selectors lead to the element; empty is the window.
	Selectors Selectors
	// To is the place, in CSS pixels from the top left corner of all that can be
	// scrolled.
	To Point
}

// Type implements [Action].
func (Scroll) Type() string { return "scroll" }

func (s Scroll) label() string {
	label := fmt.Sprintf("scroll to %g, %g", s.To.X, s.To.Y)
	if len(s.Selectors) > 0 {
		label += " in " + s.Selectors[0].String()
	}
	return label
}

func (s Scroll) run(ctx context.Context, on *stage) error {
	if len(s.Selectors) == 0 {
		_, err := on.Scroll(ctx, nil, s.To)
		return err
	}
	selectors, err := on.values.selectors(ctx, s.Selectors)
	if err != nil {
		return err
	}
	alternative, err := on.Scroll(ctx, selectors, s.To)
	return on.won(s.Selectors, alternative, err)
}

func (s Scroll) write(w *writer) {
	if len(s.Selectors) > 0 {
		w.selectors(s.Selectors)
	}
	if s.To.X != 0 {
		w.number("x", s.To.X)
	}
	if s.To.Y != 0 {
		w.number("y", s.To.Y)
	}
}

func readScroll(r *reader) Action {
	var scroll Scroll
	if _, given := r.get("selectors"); given || r.sketch != nil {
		scroll.Selectors = r.selectors(optional)
	}
	scroll.To = Point{X: r.distance("x"), Y: r.distance("y")}
	return scroll
}

// distance reads a number of CSS pixels; 0 when it is not given.
func (r *reader) distance(field string) float64 {
	const limit = 1e7
	pixels, _ := r.number(field)
	if pixels < -limit || pixels > limit {
		r.fail(field, "must be from %d to %d", int(-limit), int(limit))
	}
	return pixels
}

package chrome

import (
	"context"

	"throughline/synthetic"
)

// Scroll implements [synthetic.Pointer].
func (p *surface) Scroll(ctx context.Context, selectors synthetic.Selectors, to synthetic.Point) (won int, err error) {
	ctx, done := p.bind(ctx)
	defer done()
	place := offset{X: to.X, Y: to.Y}
	if len(selectors) == 0 {
		err = p.poll(ctx, func(ctx context.Context) error {
			var scrolled obstacle
			return p.ask(ctx, &scrolled, "scrollWindow", place)
		})
	} else {
		won, err = p.race(ctx, selectors, func(ctx context.Context, elements handle) (obstacle, error) {
			var met obstacle
			err := p.ask(ctx, &met, "scroll", elements, place)
			return met, err
		})
	}
	if err != nil {
		return won, err
	}
	return won, p.follows(ctx)
}

package synthetic

import "context"

// Hover moves the mouse onto an element and leaves it there.
type Hover struct{ Selectors Selectors }

// Type implements [Action].
func (Hover) Type() string { return "hover" }

func (h Hover) label() string { return "hover " + h.Selectors[0].String() }

func (h Hover) run(ctx context.Context, on *stage) error {
	selectors, err := on.values.selectors(ctx, h.Selectors)
	if err != nil {
		return err
	}
	alternative, err := on.Hover(ctx, selectors)
	return on.won(h.Selectors, alternative, err)
}

func (h Hover) write(w *writer) { w.selectors(h.Selectors) }

func readHover(r *reader) Action { return Hover{Selectors: r.selectors(required)} }

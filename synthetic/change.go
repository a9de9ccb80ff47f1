package synthetic

import (
	"context"
)

// Change gives a form field a value: text fields are filled, of a select element
// the option with that value is chosen, other inputs are set.
type Change struct {
	Selectors Selectors
	// Value is what to enter. It never shows in names, messages or logs.
	Value string
}

// Type implements [Action].
func (Change) Type() string { return "change" }

func (c Change) label() string { return "change " + c.Selectors[0].String() }

func (c Change) run(ctx context.Context, on *stage) error {
	selectors, err := on.values.selectors(ctx, c.Selectors)
	if err != nil {
		return err
	}
	value, err := on.values.expand(ctx, c.Value)
	if err != nil {
		return err
	}
	alternative, err := on.Change(ctx, selectors, value)
	return on.won(c.Selectors, alternative, err)
}

func (c Change) write(w *writer) {
	w.selectors(c.Selectors)
	w.template("value", c.Value)
}

func readChange(r *reader) Action {
	return Change{Selectors: r.selectors(required), Value: r.template("value", present)}
}

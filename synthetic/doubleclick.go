package synthetic

import "context"

// DoubleClick presses and releases a button on an element twice, fast enough to
// count as one gesture.
type DoubleClick struct {
	Selectors Selectors
	// Options are those of a click; Count does not matter.
	Options ClickOptions
}

// Type implements [Action].
func (DoubleClick) Type() string { return "doubleClick" }

func (d DoubleClick) label() string { return "doubleClick " + d.Selectors[0].String() }

func (d DoubleClick) run(ctx context.Context, on *stage) error {
	d.Options.Count = 2
	return Click(d).run(ctx, on)
}

func (d DoubleClick) write(w *writer) { Click(d).write(w) }

func readDoubleClick(r *reader) Action { return DoubleClick(readClick(r).(Click)) }

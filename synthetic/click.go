package synthetic

import (
	"context"
	"math"
	"time"
)

// Click presses and releases a button on an element.
type Click struct {
	Selectors Selectors
	Options   ClickOptions
}

// Type implements [Action].
func (Click) Type() string { return "click" }

func (c Click) label() string { return "click " + c.Selectors[0].String() }

func (c Click) run(ctx context.Context, on *stage) error {
	selectors, err := on.values.selectors(ctx, c.Selectors)
	if err != nil {
		return err
	}
	alternative, err := on.Click(ctx, selectors, c.Options)
	return on.won(c.Selectors, alternative, err)
}

func (c Click) write(w *writer) {
	w.selectors(c.Selectors)
	w.click(c.Options)
}

// click writes how to click. The Recorder wants an offset in any case, and does
// not know that none is the centre.
func (w *writer) click(options ClickOptions) {
	switch offset := options.Offset; {
	case offset != nil:
		w.number("offsetX", offset.X)
		w.number("offsetY", offset.Y)
	case w.recorder != nil:
		w.number("offsetX", 1)
		w.number("offsetY", 1)
		w.put(ours+"offsetX", nil)
		w.put(ours+"offsetY", nil)
	}
	w.given("button", string(options.Button))
	w.given("deviceType", string(options.Device))
	if options.Hold != 0 {
		w.milliseconds("duration", options.Hold)
	}
}

func readClick(r *reader) Action {
	click := Click{Selectors: r.selectors(required)}
	x, hasX := r.number(r.preferred("offsetX"))
	y, hasY := r.number(r.preferred("offsetY"))
	if hasX && hasY {
		click.Options.Offset = &Point{X: x, Y: y}
	}
	if hasX != hasY {
		r.fail("offsetX", "offsetX and offsetY come together")
	}
	click.Options.Button = oneOf(r, "button", ButtonPrimary, ButtonAuxiliary, ButtonSecondary, ButtonBack, ButtonForward)
	click.Options.Device = oneOf(r, "deviceType", DeviceMouse, DevicePen, DeviceTouch)
	if hold, given := r.number("duration"); given {
		click.Options.Hold = time.Duration(math.Round(hold * float64(time.Millisecond)))
		if hold < 0 || click.Options.Hold > MaxRecorderTimeout {
			r.fail("duration", "must be from 0 to %d ms", MaxRecorderTimeout.Milliseconds())
		}
	}
	return click
}

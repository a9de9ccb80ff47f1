package synthetic

import (
	"context"
	"fmt"
)

// SetViewport resizes the on.
type SetViewport struct{ Viewport Viewport }

// Type implements [Action].
func (SetViewport) Type() string { return "setViewport" }

func (s SetViewport) label() string {
	return fmt.Sprintf("setViewport %dx%d", s.Viewport.Width, s.Viewport.Height)
}

func (s SetViewport) run(ctx context.Context, on *stage) error {
	return on.SetViewport(ctx, s.Viewport)
}

func (s SetViewport) write(w *writer) { w.viewport(s.Viewport) }

// viewport writes a viewport. Recorder files give all six fields.
func (w *writer) viewport(v Viewport) {
	w.number("width", float64(v.Width))
	w.number("height", float64(v.Height))
	if v.DeviceScaleFactor != 1 || w.recorder != nil {
		w.number("deviceScaleFactor", v.DeviceScaleFactor)
	}
	w.flag("isMobile", v.Mobile)
	w.flag("hasTouch", v.Touch)
	w.flag("isLandscape", v.Landscape)
}

func readSetViewport(r *reader) Action { return SetViewport{Viewport: readViewport(r)} }

// readViewport reads a viewport. Recorder files give all six fields; in YAML
// only the size is required.
func readViewport(r *reader) Viewport {
	viewport := Viewport{
		Width:             r.pixels("width"),
		Height:            r.pixels("height"),
		DeviceScaleFactor: 1,
		Mobile:            r.flag("isMobile"),
		Touch:             r.flag("hasTouch"),
		Landscape:         r.flag("isLandscape"),
	}
	scale, given := r.number("deviceScaleFactor")
	switch {
	case given && (scale < 0 || scale > 10):
		r.fail("deviceScaleFactor", "must be from 0 to 10")
	case given && scale > 0:
		viewport.DeviceScaleFactor = scale
	case !given && !r.strict:
		r.fail("deviceScaleFactor", "is required")
	}
	return viewport
}

// pixels reads a required length.
func (r *reader) pixels(field string) int {
	value, given := r.number(field)
	switch {
	case !given:
		r.fail(field, "is required")
	case value != float64(int(value)) || value < 1 || value > 10000:
		r.fail(field, "must be a whole number from 1 to 10000")
	}
	return int(value)
}

// flag reads a truth value that only YAML may leave out.
func (r *reader) flag(field string) bool {
	value, given := r.boolean(field)
	if !given && !r.strict {
		r.fail(field, "is required")
	}
	return value
}

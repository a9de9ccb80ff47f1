package chrome

import (
	"context"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"

	"throughline/synthetic"
)

// aim is where an element can be clicked, or why it cannot.
type aim struct {
	obstacle
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// offset is a place in an element, as the helper script reads it.
type offset struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Click implements [synthetic.Pointer].
func (p *surface) Click(ctx context.Context, selectors synthetic.Selectors, options synthetic.ClickOptions) (won int, err error) {
	ctx, done := p.bind(ctx)
	defer done()
	at, won, err := p.aimAt(ctx, selectors, options.Offset, false)
	if err != nil {
		return won, err
	}
	for i := range max(options.Count, 1) {
		if options.Device == synthetic.DeviceTouch {
			err = p.tap(ctx, at, options.Hold)
		} else {
			err = p.press(ctx, at, options, i+1)
		}
		if err != nil {
			return won, p.fault(ctx, err, nil)
		}
	}
	return won, p.follows(ctx)
}

// aimAt waits until an element can be clicked, and tells where. One that is only
// pointed at may be disabled.
func (p *surface) aimAt(ctx context.Context, selectors synthetic.Selectors, point *synthetic.Point, pointing bool) (at aim, won int, err error) {
	var place *offset
	if point != nil {
		place = &offset{X: point.X, Y: point.Y}
	}
	won, err = p.race(ctx, selectors, func(ctx context.Context, elements handle) (obstacle, error) {
		at = aim{}
		err := p.ask(ctx, &at, "aim", elements, place, pointing)
		if err == nil {
			err = p.lift(ctx, &at)
		}
		return at.obstacle, err
	})
	return at, won, err
}

// press moves the mouse or pen to a place, and presses and releases a button: for
// the nth time in one gesture, from 1.
func (p *surface) press(ctx context.Context, at aim, options synthetic.ClickOptions, nth int) error {
	button, mask := mouseButton(options.Button)
	event := input.DispatchMouseEventParams{X: at.X, Y: at.Y, Modifiers: p.modifiers}
	if options.Device == synthetic.DevicePen {
		event.PointerType = input.DispatchMouseEventPointerTypePen
	}
	event.Type = input.DispatchMouseEventTypeMouseMoved
	if _, err := cdp.Call(ctx, p.root().session, input.DispatchMouseEvent, event); err != nil {
		return err
	}
	event.Type = input.DispatchMouseEventTypeMousePressed
	event.Button, event.Buttons, event.ClickCount = button, mask, int64(nth)
	if _, err := cdp.Call(ctx, p.root().session, input.DispatchMouseEvent, event); err != nil {
		return err
	}
	if err := pause(ctx, options.Hold); err != nil {
		return err
	}
	event.Type, event.Buttons = input.DispatchMouseEventTypeMouseReleased, 0
	_, err := cdp.Call(ctx, p.root().session, input.DispatchMouseEvent, event)
	return err
}

// mouseButton returns the protocol's name and bit of a button.
func mouseButton(button synthetic.Button) (input.MouseButton, int64) {
	switch button {
	case synthetic.ButtonSecondary:
		return input.MouseButtonRight, 2
	case synthetic.ButtonAuxiliary:
		return input.MouseButtonMiddle, 4
	case synthetic.ButtonBack:
		return input.MouseButtonBack, 8
	case synthetic.ButtonForward:
		return input.MouseButtonForward, 16
	default:
		return input.MouseButtonLeft, 1
	}
}

// tap touches a place with a finger.
func (p *surface) tap(ctx context.Context, at aim, hold time.Duration) error {
	_, err := cdp.Call(ctx, p.root().session, input.DispatchTouchEvent, input.DispatchTouchEventParams{
		Type:        input.DispatchTouchEventTypeTouchStart,
		TouchPoints: []*input.TouchPoint{{X: at.X, Y: at.Y}}, Modifiers: p.modifiers,
	})
	if err != nil {
		return err
	}
	if err := pause(ctx, hold); err != nil {
		return err
	}
	_, err = cdp.Call(ctx, p.root().session, input.DispatchTouchEvent, input.DispatchTouchEventParams{
		Type: input.DispatchTouchEventTypeTouchEnd, TouchPoints: []*input.TouchPoint{}, Modifiers: p.modifiers,
	})
	return err
}

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

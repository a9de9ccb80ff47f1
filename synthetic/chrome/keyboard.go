package chrome

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp/kb"

	"throughline/beacon"
	"throughline/synthetic"
)

// maxTyped bounds how many characters a change types key by key; a longer text
// is pasted.
const maxTyped = 100

// filled is what the helper script answers about a field to be changed.
type filled struct {
	obstacle
	// Done says that the field has its value.
	Done bool `json:"done"`
	// Type is what to type; Clear that the selection is to be removed instead.
	Type  string `json:"type"`
	Clear bool   `json:"clear"`
}

// Change implements [synthetic.Pointer].
func (p *surface) Change(ctx context.Context, selectors synthetic.Selectors, value string) (won int, err error) {
	ctx, done := p.bind(ctx)
	defer done()
	var field filled
	won, err = p.race(ctx, selectors, func(ctx context.Context, elements handle) (obstacle, error) {
		field = filled{}
		err := p.ask(ctx, &field, "fill", elements, value)
		return field.obstacle, err
	})
	if err != nil {
		return won, err
	}
	switch {
	case field.Done:
	case field.Clear:
		err = p.stroke(ctx, kb.Backspace)
	case utf8.RuneCountInString(field.Type) > maxTyped:
		err = p.insert(ctx, field.Type)
	default:
		err = p.typeText(ctx, field.Type, 0)
	}
	if err != nil {
		return won, p.fault(ctx, err, nil)
	}
	return won, p.follows(ctx)
}

// Type focuses an element and types a text key by key, with a pause after each,
// as a person does. A line feed presses Enter.
func (p *surface) Type(ctx context.Context, selectors synthetic.Selectors, text string, perKey time.Duration) error {
	ctx, done := p.bind(ctx)
	defer done()
	_, err := p.race(ctx, selectors, func(ctx context.Context, elements handle) (obstacle, error) {
		var field filled
		err := p.ask(ctx, &field, "focus", elements)
		return field.obstacle, err
	})
	if err != nil {
		return err
	}
	if err := p.typeText(ctx, text, perKey); err != nil {
		return p.fault(ctx, err, nil)
	}
	return p.follows(ctx)
}

func (p *surface) typeText(ctx context.Context, text string, perKey time.Duration) error {
	for _, r := range text {
		if err := p.stroke(ctx, string(r)); err != nil {
			return err
		}
		if err := pause(ctx, perKey); err != nil {
			return err
		}
	}
	return nil
}

// stroke presses and releases the key of a character; one that no key has is
// inserted.
func (p *surface) stroke(ctx context.Context, character string) error {
	r, _ := utf8.DecodeRuneInString(character)
	key, known := kb.Keys[r]
	if !known {
		return p.insert(ctx, character)
	}
	if err := p.key(ctx, *key, true); err != nil {
		return err
	}
	return p.key(ctx, *key, false)
}

func (p *surface) insert(ctx context.Context, text string) error {
	_, err := cdp.Call(ctx, p.root().session, input.InsertText, input.InsertTextParams{Text: text})
	return err
}

// KeyDown implements [synthetic.Keyboard].
func (p *surface) KeyDown(ctx context.Context, name string) error { return p.namedKey(ctx, name, true) }

// KeyUp implements [synthetic.Keyboard].
func (p *surface) KeyUp(ctx context.Context, name string) error { return p.namedKey(ctx, name, false) }

func (p *surface) namedKey(ctx context.Context, name string, down bool) error {
	ctx, done := p.bind(ctx)
	defer done()
	key, known := keyNamed(name)
	if !known {
		return &synthetic.Fault{
			Reason: beacon.ReasonCommandRefused, Agent: true,
			Message: fmt.Sprintf("no key is named %q", shorten(name)),
		}
	}
	bit := modifier(name)
	if down {
		p.modifiers |= bit
	} else {
		p.modifiers &^= bit
	}
	if err := p.key(ctx, key, down); err != nil {
		return p.fault(ctx, err, nil)
	}
	return p.follows(ctx)
}

// key sends one event. A key with a text enters it, unless a modifier makes it a
// command.
func (p *surface) key(ctx context.Context, key kb.Key, down bool) error {
	const command = int64(kb.ModifierAlt | kb.ModifierCtrl | kb.ModifierMeta)
	event := input.DispatchKeyEventParams{
		Type: input.DispatchKeyEventTypeKeyUp, Modifiers: p.modifiers,
		Key: key.Key, Code: key.Code,
		WindowsVirtualKeyCode: key.Windows, NativeVirtualKeyCode: key.Native,
	}
	if key.Shift {
		event.Modifiers |= int64(kb.ModifierShift)
	}
	if down {
		event.Type = input.DispatchKeyEventTypeRawKeyDown
		if key.Print && p.modifiers&command == 0 {
			event.Type = input.DispatchKeyEventTypeKeyDown
			event.Text, event.UnmodifiedText = key.Text, key.Unmodified
		}
	}
	_, err := cdp.Call(ctx, p.root().session, input.DispatchKeyEvent, event)
	return err
}

// keyNamed finds a key by its character, by its KeyboardEvent.key, or by its
// KeyboardEvent.code. Of several keys the one with the lowest code point is
// taken, so that the choice is always the same.
func keyNamed(name string) (kb.Key, bool) {
	if r, size := utf8.DecodeRuneInString(name); size == len(name) && size > 0 {
		if key, ok := kb.Keys[r]; ok {
			return *key, true
		}
	}
	var best *kb.Key
	lowest := utf8.MaxRune
	for r, key := range kb.Keys {
		if (key.Key == name || key.Code == name && !key.Shift) && r < lowest {
			best, lowest = key, r
		}
	}
	if best == nil {
		return kb.Key{}, false
	}
	return *best, true
}

// modifier is the bit of a modifier key; 0 for others.
func modifier(name string) int64 {
	switch name {
	case "Alt":
		return int64(kb.ModifierAlt)
	case "Control":
		return int64(kb.ModifierCtrl)
	case "Meta":
		return int64(kb.ModifierMeta)
	case "Shift":
		return int64(kb.ModifierShift)
	default:
		return 0
	}
}

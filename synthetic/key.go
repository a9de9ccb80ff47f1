package synthetic

import (
	"context"
)

// KeyDown presses a key and leaves it down.
type KeyDown struct {
	// Key is a KeyboardEvent.key, such as "Enter" or "a".
	Key string
}

// Type implements [Action].
func (KeyDown) Type() string { return "keyDown" }

func (k KeyDown) label() string { return "keyDown " + k.Key }

func (k KeyDown) run(ctx context.Context, on *stage) error {
	key, err := on.values.expand(ctx, k.Key)
	if err != nil {
		return err
	}
	return on.KeyDown(ctx, key)
}

func (k KeyDown) write(w *writer) { w.template("key", k.Key) }

func readKeyDown(r *reader) Action { return KeyDown{Key: r.template("key", required)} }

// KeyUp releases a key.
type KeyUp struct {
	// Key is a KeyboardEvent.key, such as "Enter" or "a".
	Key string
}

// Type implements [Action].
func (KeyUp) Type() string { return "keyUp" }

func (k KeyUp) label() string { return "keyUp " + k.Key }

func (k KeyUp) run(ctx context.Context, on *stage) error {
	key, err := on.values.expand(ctx, k.Key)
	if err != nil {
		return err
	}
	return on.KeyUp(ctx, key)
}

func (k KeyUp) write(w *writer) { w.template("key", k.Key) }

func readKeyUp(r *reader) Action { return KeyUp{Key: r.template("key", required)} }

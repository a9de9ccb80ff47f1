// Package visitors is the demo's public: real headless browsers that wander
// through the shop as people do. Some are quick and some slow, some buy, some
// only look, some give up when they have to wait, some meet an error. The
// shop's own script tag measures them; nothing here does.
package visitors

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"throughline/synthetic"
)

// Page is a browser tab that a visitor sits before.
type Page interface {
	synthetic.Page
	// Type presses the keys of text, one after the other.
	Type(ctx context.Context, selectors synthetic.Selectors, text string, perKey time.Duration) error
	// Wheel turns the mouse wheel by CSS pixels.
	Wheel(ctx context.Context, x, y float64) error
}

// Options say who comes, and where to.
type Options struct {
	// Open opens a tab of its own for a visitor.
	Open func(ctx context.Context, options synthetic.PageOptions) (Page, error)
	// BaseURL is the shop's, without a slash at the end.
	BaseURL string
	// AtOnce is how many visitors there are at a time, at least 1.
	AtOnce int
	// Seed makes the sequence of visitors repeatable; their timing is not.
	Seed uint64
	Log  *slog.Logger
}

// pauseAfterFailure keeps a broken browser from being asked without end.
const pauseAfterFailure = time.Second

// Run lets visitors come and go until ctx ends. Those who are in the shop then
// leave at once.
func Run(ctx context.Context, o Options) {
	var all sync.WaitGroup
	for seat := range max(1, o.AtOnce) {
		draw := rand.New(rand.NewPCG(o.Seed, uint64(seat)))
		all.Go(func() {
			for ctx.Err() == nil {
				if err := visit(ctx, o, draw); err != nil && ctx.Err() == nil {
					o.Log.Debug("a visit ended early", "error", err)
					sleep(ctx, pauseAfterFailure)
				}
			}
		})
	}
	all.Wait()
}

// longestVisit ends visits that got stuck somewhere.
const longestVisit = 3 * time.Minute

// visit is one person's time in the shop.
func visit(ctx context.Context, o Options, draw *rand.Rand) error {
	ctx, cancel := context.WithTimeout(ctx, longestVisit)
	defer cancel()
	person := newPerson(draw)
	page, err := o.Open(ctx, person.device.options())
	if err != nil {
		return err
	}
	defer func() {
		// Leaving is part of the visit: the page says its last words.
		leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := page.Close(leaving); err != nil {
			o.Log.Debug("a visitor could not leave", "error", err)
		}
	}()
	v := &visitor{person: person, page: page, shop: o.BaseURL, draw: draw}
	err = person.errand(v, ctx)
	if errors.Is(err, errGaveUp) {
		return nil
	}
	return err
}

// sleep waits, and says whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

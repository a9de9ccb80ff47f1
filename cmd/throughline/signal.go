package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// terminated is why a context ended that a service manager has ended; one
// that ended with Ctrl-C has another cause.
type terminated struct{}

// Error implements error.
func (terminated) Error() string { return "told to stop by SIGTERM" }

// Unwrap says that it is the end of a context.
func (terminated) Unwrap() error { return context.Canceled }

// untilTold returns a context that ends with Ctrl-C or SIGTERM. The second
// signal ends the program at once, as if nobody listened.
func untilTold(ctx context.Context) (context.Context, context.CancelFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case s := <-signals:
			if s == syscall.SIGTERM {
				end(terminated{})
			}
			end(nil)
		case <-ctx.Done():
		}
		signal.Stop(signals)
	}()
	return ctx, func() { end(nil) }
}

// hangups delivers SIGHUP until ctx ends. Before somebody asks for it, the
// signal ends the program, as when a terminal is closed.
func hangups(ctx context.Context) <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { signal.Stop(signals) })
	return signals
}

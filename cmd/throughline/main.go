// Command throughline shows how people experience an application, one business
// transaction at a time. One binary holds the collector, the journey runner,
// the embedded ClickHouse and the demo; see throughline --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second signal ends the program at once, as if nobody listened.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], environment{
		stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now, hangups: hangups,
	})
	stop()
	os.Exit(code)
}

// hangups delivers SIGHUP until ctx ends. Before somebody asks for it, the
// signal ends the program, as when a terminal is closed.
func hangups(ctx context.Context) <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	context.AfterFunc(ctx, func() { signal.Stop(signals) })
	return signals
}

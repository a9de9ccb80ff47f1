// Command throughline shows how people experience an application, one business
// transaction at a time. One binary holds the collector, the journey runner,
// the embedded ClickHouse and the demo; see throughline --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The second signal ends the program at once, as if nobody listened.
	context.AfterFunc(ctx, stop)
	code := run(ctx, os.Args[1:], environment{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv})
	stop()
	os.Exit(code)
}

// Command throughline shows how people experience an application, one business
// transaction at a time. One binary holds the collector, the journey runner,
// the embedded ClickHouse and the demo; see throughline --help.
package main

import (
	"context"
	"os"
)

func main() {
	ctx, stop := untilTold(context.Background())
	code := run(ctx, os.Args[1:], environment{
		stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: wallClock(os.Getenv), hangups: hangups,
	})
	stop()
	os.Exit(code)
}

// Command bench measures Throughline against what the machine can do. README.md
// says what each benchmark measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Measures Throughline. README.md says what each benchmark means.

Usage:
  go run ./deploy/bench ingest [flags]
  go run ./deploy/bench journey [flags]

Benchmarks:
  ingest    durable ingest, HTTP to rows in ClickHouse, against a server that only reads
  journey   what a run of a journey costs beside the page, against the browser's client alone

Examples:
  make build && go run ./deploy/bench ingest
  go run ./deploy/bench ingest --window 20s --repeats 5 --rows 20000000
  go run ./deploy/bench ingest --rows 0           # without bytes_per_event
  go run ./deploy/bench journey --runs 200 --window 1m

The result is one line on standard output; progress is on standard error. It exits
with status 1 when rows are missing or double.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// errUsage is a wrong command line.
var errUsage = errors.New("wrong usage")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Print(usage)
		return nil
	case "ingest":
		return runIngest(ctx, args[1:])
	case "journey":
		return runJourney(ctx, args[1:])
	case journeyAgentArg:
		return runJourneyAgent(ctx, os.Stdin, os.Stdout, args[1:])
	case ceilingArg:
		return serveCeiling(os.Stdin, os.Stdout, args[1])
	default:
		return errUsage
	}
}

// progress tells what goes on.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

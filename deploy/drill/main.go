// Command drill breaks a running collector on purpose, in ways that happen, and
// counts what is lost and what is double: for every event whose report was
// answered with 2xx there must be one row, and it must have been counted once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const usage = `Breaks a running collector on purpose and counts what is lost and what is double.

Usage:
  go run ./deploy/drill [flags] [fault…]

Without names all faults are provoked, one after the other. For each there is one
line on standard output; progress is on standard error. It exits with status 1 when
a fault did harm, and keeps the logs of that fault.

Flags:
`

const examples = `
Examples:
  make drill
  make drill ARGS="--quick"
  make drill ARGS="kill9 --rounds 500"
  go run ./deploy/drill --list
`

// options are the command line.
type options struct {
	binary string
	quick  bool
	rounds int           // 0: the fault's own
	outage time.Duration // how long the database is away
	list   bool
	names  []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if mine, err := helped(ctx); mine {
		if err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	stop()
	switch {
	case err == nil:
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// errUsage is a wrong command line.
var errUsage = errors.New("wrong usage; --help shows the right one")

// errHarm says that a fault did harm.
var errHarm = errors.New("not everything was found once")

// parse reads the command line; flags and names may come in any order.
func parse(arguments []string) (o options, err error) {
	flags := flag.NewFlagSet("drill", flag.ContinueOnError)
	flags.Usage = func() {
		_, _ = fmt.Fprint(flags.Output(), usage)
		flags.PrintDefaults()
		_, _ = fmt.Fprint(flags.Output(), examples)
	}
	flags.StringVar(&o.binary, "binary", "bin/throughline", "the `program` to break")
	flags.BoolVar(&o.quick, "quick", false, "few rounds and short outages")
	flags.IntVar(&o.rounds, "rounds", 0, "repeat random faults `n` times instead of their own number")
	flags.DurationVar(&o.outage, "outage", 0, "how long ClickHouse is away (default 1m, quick 3s)")
	flags.BoolVar(&o.list, "list", false, "list the faults")
	for rest := arguments; ; {
		if err := flags.Parse(rest); err != nil {
			if !errors.Is(err, flag.ErrHelp) {
				err = errUsage
			}
			return o, err
		}
		if flags.NArg() == 0 {
			break
		}
		o.names = append(o.names, flags.Arg(0))
		rest = flags.Args()[1:]
	}
	if o.outage == 0 {
		o.outage = time.Minute
		if o.quick {
			o.outage = 3 * time.Second
		}
	}
	return o, nil
}

// run provokes the faults that were asked for.
func run(ctx context.Context, o options, out, progress io.Writer) error {
	chosen, err := choose(o.names)
	if err != nil {
		return err
	}
	if o.list {
		for _, f := range chosen {
			_, _ = fmt.Fprintf(out, "%-18s %s\n", f.name, f.about)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "throughline-drill-")
	if err != nil {
		return fmt.Errorf("make a directory for the drill: %w", err)
	}
	d := &drill{options: o, dir: dir, spawner: newSpawner(), out: out, progress: progress}
	if d.engine, err = startEngine(ctx, d.spawner, o.binary, filepath.Join(dir, "engine")); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	harmed := 0
	for _, f := range chosen {
		if !d.provoke(ctx, f) {
			harmed++
		}
		if ctx.Err() != nil {
			break
		}
	}
	err = errors.Join(ctx.Err(), d.engine.close())
	if harmed > 0 {
		_, _ = fmt.Fprintf(progress, "logs and data of what failed are in %s\n", dir)
		return errors.Join(fmt.Errorf("%w: %d of %d faults did harm", errHarm, harmed, len(chosen)), err)
	}
	return errors.Join(err, os.RemoveAll(dir))
}

// choose returns the faults of these names, all of them without names.
func choose(names []string) ([]fault, error) {
	all := faults()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []fault
	for _, name := range names {
		i := slices.IndexFunc(all, func(f fault) bool { return f.name == name })
		if i < 0 {
			return nil, fmt.Errorf("%w: there is no fault %q, --list shows what there is", errUsage, name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// drill is a run of several faults with one engine.
type drill struct {
	options
	dir      string
	spawner  *spawner
	engine   *engine
	out      io.Writer
	progress io.Writer
}

// provoke provokes one fault and says whether all went well.
func (d *drill) provoke(ctx context.Context, chosen fault) bool {
	start := time.Now()
	_, _ = fmt.Fprintf(d.progress, "%s: %s …\n", chosen.name, chosen.about)
	v, err := d.happen(ctx, chosen)
	if err != nil {
		v.problem("%s", strings.ReplaceAll(err.Error(), "\n", " / "))
	}
	v.detail("%.1f s", time.Since(start).Seconds())
	_, _ = fmt.Fprintln(d.out, v.line(chosen.name))
	return !v.failed()
}

// happen lets a fault happen in a field of its own, which is removed when
// nothing went wrong.
func (d *drill) happen(ctx context.Context, chosen fault) (v verdict, err error) {
	f, err := newField(d.options, d.spawner, d.engine, d.dir, chosen.name)
	if err != nil {
		return v, err
	}
	if f.rounds == 0 {
		f.rounds = chosen.rounds
		if d.quick {
			f.rounds = chosen.quickRounds
		}
	}
	v, err = chosen.happen(ctx, f)
	f.judgeMemory(&v)
	f.close()
	if err != nil || v.failed() {
		return v, err
	}
	return v, errors.Join(database{d.engine, f.database.name}.drop(ctx), os.RemoveAll(f.dir))
}

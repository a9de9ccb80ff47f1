package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"throughline/deploy/generator"
)

// batchAge is how long a batch may wait for company; see batch.max_age.
const batchAge = time.Second

// ingestOptions are the flags of `bench ingest`.
type ingestOptions struct {
	binary, dir    string
	window, warmUp time.Duration
	repeats, rows  int
	seed           uint64
}

// ingestResult is what the benchmark prints.
type ingestResult struct {
	ceilingRPS, rps         []float64
	latencies               []time.Duration
	halfLoadP99MS           float64
	queryable               time.Duration
	expected                int
	found                   found
	memoryMB, bytesPerEvent float64
}

func runIngest(ctx context.Context, args []string) error {
	var o ingestOptions
	flags := flag.NewFlagSet("bench ingest", flag.ContinueOnError)
	flags.StringVar(&o.binary, "binary", "bin/throughline", "the program to measure")
	flags.StringVar(&o.dir, "dir", "", "directory for the data, on the disk to be measured; default a temporary one")
	flags.DurationVar(&o.window, "window", 8*time.Second, "how long each repeat measures")
	flags.DurationVar(&o.warmUp, "warm-up", 2*time.Second, "how long each server is warmed up")
	flags.IntVar(&o.repeats, "repeats", 3, "how often each server is measured, in turns")
	flags.IntVar(&o.rows, "rows", defaultRows, "rows to measure bytes_per_event on; 0 leaves it out")
	flags.Uint64Var(&o.seed, "seed", 1, "of everything that is made up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || o.repeats < 1 || o.window <= 0 {
		return errUsage
	}
	dir, err := os.MkdirTemp(o.dir, "throughline-bench-")
	if err != nil {
		return fmt.Errorf("make a directory for the data: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o.dir = dir
	result, err := o.measure(ctx)
	if err != nil {
		return err
	}
	fmt.Println(result)
	return verify(result.found, result.expected)
}

func (o ingestOptions) measure(ctx context.Context) (result ingestResult, err error) {
	bare, err := startCeiling(ctx, "")
	if err != nil {
		return result, err
	}
	defer bare.stop()
	logged, err := startCeiling(ctx, filepath.Join(o.dir, "log"))
	if err != nil {
		return result, err
	}
	defer logged.stop()
	co, err := startCollector(ctx, o.binary, o.dir)
	if err != nil {
		return result, err
	}
	err = o.measureServers(ctx, bare, logged, co, &result)
	if err = errors.Join(err, co.stop()); err != nil || o.rows == 0 {
		return result, err
	}
	progress("storage: %d rows of generated data", o.rows)
	result.bytesPerEvent, err = measureStorage(ctx, o.binary, o.dir, o.seed, o.rows)
	return result, err
}

func (o ingestOptions) measureServers(ctx context.Context, bare, logged *ceiling, co *collector, result *ingestResult) error {
	bareLoad := newLoad(bare.addr, o.seed, 0)
	defer bareLoad.close()
	ours := newLoad(co.addr, o.seed, streamsPerLoad)
	defer ours.close()
	loggedLoad := newLoad(logged.addr, o.seed, 2*streamsPerLoad)
	defer loggedLoad.close()
	bareLoad.full(ctx, o.warmUp)
	loggedLoad.full(ctx, o.warmUp)
	warm := ours.full(ctx, o.warmUp)
	result.expected = warm.accepted
	if warm.failed > 0 {
		return fmt.Errorf("%d of %d reports failed when warming up, the first: %w", warm.failed, warm.failed+warm.accepted, warm.firstFail)
	}
	if _, err := co.drain(ctx); err != nil {
		return err
	}
	for repeat := range o.repeats {
		result.ceilingRPS = append(result.ceilingRPS, o.measureCeiling(ctx, "ceiling", bare, bareLoad))
		durable := o.measureCeiling(ctx, "log alone", logged, loggedLoad)
		if err := o.measureFull(ctx, ours, co, result); err != nil {
			return err
		}
		most := result.ceilingRPS[repeat]
		progress("repeat %d: ceiling %.0f/s, log alone %.0f/s, ratio %.3f, throughline %.0f/s, ratio %.3f", repeat+1,
			most, durable, durable/most, result.rps[repeat], result.rps[repeat]/most)
	}
	if err := o.measureHalf(ctx, ours, co, result); err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		load *load
	}{{"ceiling", bareLoad}, {"log alone", loggedLoad}} {
		half := c.load.paced(ctx, median(result.rps)/2, o.window)
		progress("  %s at that load: p50 %.2f ms, p99 %.2f ms, slowest %.1f ms", c.name,
			percentile(half.latencies, 0.5), percentile(half.latencies, 0.99), percentile(half.latencies, 1))
	}
	var err error
	if result.found, err = findRows(ctx, co.database); err != nil {
		return err
	}
	result.memoryMB, err = co.peakMemoryMB()
	return err
}

// measureCeiling is one repeat with one of the servers that ours is held against. It
// returns answers a second.
func (o ingestOptions) measureCeiling(ctx context.Context, name string, c *ceiling, l *load) float64 {
	use := newMeter(c.cmd.Process.Pid)
	most := l.full(ctx, o.window)
	progress("  %s: %s", name, use.perReport(most.accepted))
	return float64(most.answered) / o.window.Seconds()
}

// measureFull is one repeat at full load. What the database has not taken when
// a batch would have been due is counted as time on top.
func (o ingestOptions) measureFull(ctx context.Context, ours *load, co *collector, result *ingestResult) error {
	start, use := time.Now(), newMeter(co.cmd.Process.Pid)
	full := ours.full(ctx, o.window)
	drained, err := co.drain(ctx)
	if err != nil {
		return err
	}
	progress("  ours: %s", use.perReport(full.accepted))
	result.expected += full.accepted
	result.latencies = append(result.latencies, full.latencies...)
	took := o.window + max(0, drained-batchAge)
	result.rps = append(result.rps, float64(full.answered)/took.Seconds())
	progress("  answered %.0f/s, all of it queryable %.1f s after the window's end, %.0f/s until then; %d failed",
		float64(full.answered)/o.window.Seconds(), drained.Seconds(), float64(full.accepted)/time.Since(start).Seconds(), full.failed)
	if full.firstFail != nil {
		progress("  the first that failed: %v", full.firstFail)
	}
	return nil
}

// measureHalf paces the load at half of what was reached.
func (o ingestOptions) measureHalf(ctx context.Context, ours *load, co *collector, result *ingestResult) error {
	sending, endSending := context.WithCancel(ctx)
	defer endSending()
	var m marks
	watched := make(chan error, 1)
	go func() { watched <- m.watch(ctx, sending, ours, co.database) }()
	half := ours.paced(ctx, median(result.rps)/2, o.window)
	endSending()
	if err := <-watched; err != nil {
		return err
	}
	if _, err := co.drain(ctx); err != nil {
		return err
	}
	result.expected += half.accepted + m.sent
	result.halfLoadP99MS = percentile(half.latencies, 0.99)
	result.queryable = m.slowest
	progress("half load: %.0f/s, p50 %.2f ms, p99 %.2f ms, slowest %.1f ms; %d marks, queryable at most %.0f ms after the answer; %d failed",
		float64(half.accepted)/o.window.Seconds(), percentile(half.latencies, 0.5), result.halfLoadP99MS, percentile(half.latencies, 1),
		m.sent, float64(m.slowest.Milliseconds()), half.failed+m.failed)
	return nil
}

// String is the line that the benchmark prints.
func (r ingestResult) String() string {
	ceilingRPS, rps := median(r.ceilingRPS), median(r.rps)
	return fmt.Sprintf("ceiling_rps=%.0f throughline_rps=%.0f ratio=%.3f p50_ms=%.2f p99_ms=%.2f half_load_p99_ms=%.2f queryable_ms=%d "+
		"rows_expected=%d rows_found=%.0f rss_mb=%.0f bytes_per_event=%.1f",
		ceilingRPS, rps, rps/ceilingRPS, percentile(r.latencies, 0.5), percentile(r.latencies, 0.99), r.halfLoadP99MS, r.queryable.Milliseconds(),
		r.expected*generator.EventsPerBody, r.found.rows, r.memoryMB, r.bytesPerEvent)
}

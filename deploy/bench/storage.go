package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// measureStorage makes days of data with `throughline generate` and returns how
// many bytes on disk each event takes, over all tables, once the engine has
// merged what it wants to merge.
func measureStorage(ctx context.Context, binary, dir string, seed uint64, rows int) (float64, error) {
	data := filepath.Join(dir, "storage")
	generate := exec.CommandContext(ctx, binary, "generate", "--data-dir", data, "--seed", strconv.FormatUint(seed, 10), "--rows", strconv.Itoa(rows),
		"--days", "3", "--clickhouse-native-port", "0", "--clickhouse-http-port", "0", "--log-level", "warn")
	generate.Stdout, generate.Stderr = os.Stderr, os.Stderr
	generate.Cancel = func() error { return generate.Process.Signal(os.Interrupt) }
	generate.WaitDelay = stopPatience
	if err := generate.Run(); err != nil {
		return 0, fmt.Errorf("throughline generate: %w", err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return 0, err
	}
	engine := exec.Command(binary, "clickhouse", "--data-dir", data, "--clickhouse-native-port", strconv.Itoa(ports[0]),
		"--clickhouse-http-port", strconv.Itoa(ports[1]), "--log-level", "warn")
	engine.Stderr = os.Stderr
	if err := engine.Start(); err != nil {
		return 0, fmt.Errorf("start throughline clickhouse: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Wait() }()
	d := database{url: "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[1]))}
	bytesPerEvent, err := d.bytesPerEvent(ctx)
	return bytesPerEvent, errors.Join(err, stop(engine, ended))
}

// bytesPerEvent waits until the merges have settled and divides what all tables
// take on disk by the rows of the tables of events.
func (d database) bytesPerEvent(ctx context.Context) (float64, error) {
	if err := d.awaitMerges(ctx); err != nil {
		return 0, err
	}
	rows, err := d.rows(ctx, `SELECT table, sum(rows), sum(bytes_on_disk), count() FROM system.parts
		WHERE active AND database = 'throughline' GROUP BY table ORDER BY table`)
	if err != nil {
		return 0, fmt.Errorf("read the sizes of the tables: %w", err)
	}
	for _, row := range rows {
		progress("  %-20s %12s rows %14s bytes in %s parts", row[0], row[1], row[2], row[3])
	}
	numbers, err := d.numbers(ctx, `SELECT sum(bytes_on_disk), sumIf(rows, table IN ('page_views', 'requests', 'errors', 'transactions',
		'actions', 'measures', 'resources', 'journey_runs', 'journey_steps')) FROM system.parts WHERE active AND database = 'throughline'`)
	if err != nil {
		return 0, fmt.Errorf("read the sizes of the tables: %w", err)
	}
	return numbers[0] / numbers[1], nil
}

// awaitMerges returns when nothing has been merged for a while.
func (d database) awaitMerges(ctx context.Context) error {
	const quiet, patience = 4 * time.Second, 10 * time.Minute
	start, last := time.Now(), time.Now()
	for parts := -1.0; time.Since(last) < quiet; {
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return err
		}
		numbers, err := d.numbers(ctx, `SELECT (SELECT count() FROM system.merges), (SELECT count() FROM system.parts WHERE active)`)
		switch {
		case err != nil && time.Since(start) > patience/10:
			return fmt.Errorf("wait for the merges: %w", err)
		case err != nil || numbers[0] > 0 || numbers[1] != parts:
			last = time.Now()
		}
		if err == nil {
			parts = numbers[1]
		}
		if time.Since(start) > patience {
			return fmt.Errorf("merges have not settled within %s", patience)
		}
	}
	return nil
}

// defaultRows is enough for the sizes to be those of large tables, within a few
// percent.
const defaultRows = 2_000_000

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

// errNotHere is a fault that cannot be provoked on this machine, or not by this user.
var errNotHere = errors.New("cannot be provoked here")

const (
	smallDisk = 64 << 20
	fillerMiB = 24
)

// diskFull fills the disk that the log is on, and makes room again.
func diskFull(ctx context.Context, f *field) (v verdict, err error) {
	if err := os.MkdirAll(f.queueDir(), 0o700); err != nil {
		return v, fmt.Errorf("make the log's directory: %w", err)
	}
	if err := mountSmall(f.queueDir(), smallDisk); err != nil {
		return skip(err)
	}
	defer unmount(f.queueDir())
	filler := filepath.Join(f.queueDir(), "filler")
	if err := os.WriteFile(filler, make([]byte, fillerMiB<<20), 0o600); err != nil {
		return v, fmt.Errorf("take room from the log: %w", err)
	}
	return f.brokenDisk(ctx, func() error { return nil }, func() error { return os.Remove(filler) })
}

// diskReadOnly makes the disk that the log is on read-only, and writable again.
func diskReadOnly(ctx context.Context, f *field) (v verdict, err error) {
	defer unmount(f.queueDir())
	return f.brokenDisk(ctx,
		func() error { return mountReadOnly(f.queueDir()) },
		func() error { unmount(f.queueDir()); return nil })
}

// skip is the verdict on a fault that cannot be provoked here.
func skip(err error) (v verdict, _ error) {
	if !errors.Is(err, errNotHere) {
		return v, err
	}
	v.skipped = true
	v.detail("%v", err)
	return v, nil
}

// brokenDisk lets the log run into a disk that takes no more, while the database
// is away so that nothing leaves the log either, and mends it.
func (f *field) brokenDisk(ctx context.Context, harm, mend func() error) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{kind: fat()})
	defer l.stop()
	if err := l.send(ctx, 10); err != nil { // the log has a file that is open
		return v, err
	}
	if err := harm(); err != nil {
		return skip(err)
	}
	f.proxy.set(rule{gate: make(chan struct{})})
	l.start(ctx)
	err = f.collector.until(ctx, "reports are refused", stopPatience, func(context.Context) (bool, error) {
		return l.snapshot().busy > 0, nil
	})
	if err != nil {
		return v, err
	}
	taken := l.snapshot().reports
	f.proxy.set(rule{}) // so that only the disk can be why it is not ready
	unready := f.collector.until(ctx, "/readyz tells of the disk", queryPatience, func(ctx context.Context) (bool, error) {
		return f.readiness(ctx) == http.StatusServiceUnavailable, nil
	})
	if unready != nil {
		v.problem("%v", unready)
	}
	if err := sleep(ctx, f.outage/10); err != nil {
		return v, err
	}
	if err := mend(); err != nil {
		return v, fmt.Errorf("mend the disk: %w", err)
	}
	before := l.snapshot().reports
	if err := f.awaitReady(ctx); err != nil {
		return v, err
	}
	err = f.collector.until(ctx, "reports are taken again", stopPatience, func(context.Context) (bool, error) {
		return l.snapshot().reports > before, nil
	})
	if err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("%d reports taken, then 503 %d times", taken, l.snapshot().busy)
	return judged, err
}

// diskSmall gives the log a disk that is smaller than queue.max_size. Nothing is
// wrong with the database: what is kept only to recognise repeated deliveries
// must make room for what comes.
func diskSmall(ctx context.Context, f *field) (v verdict, err error) {
	if err := os.MkdirAll(f.queueDir(), 0o700); err != nil {
		return v, fmt.Errorf("make the log's directory: %w", err)
	}
	if err := mountSmall(f.queueDir(), smallDisk/2); err != nil {
		return skip(err)
	}
	defer unmount(f.queueDir())
	l, err := f.beginUnderLoad(ctx, loadOptions{kind: fat()})
	if err != nil {
		return v, err
	}
	defer l.stop()
	const bytesPerReport, fills = 25 << 10, 3
	err = f.collector.until(ctx, fmt.Sprintf("%d times the disk went through the log", fills), stopPatience, func(context.Context) (bool, error) {
		return l.snapshot().reports > fills*smallDisk/2/bytesPerReport, nil
	})
	if err != nil {
		v.problem("%v: %d reports taken, then 503 %d times", err, l.snapshot().reports, l.snapshot().busy)
		return v, nil
	}
	judged, err := f.judge(ctx, l)
	judged.detail("%d reports taken, 503 %d times", l.snapshot().reports, l.snapshot().busy)
	return judged, err
}

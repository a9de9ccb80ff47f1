package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// between draws a duration.
func between(least, most time.Duration) time.Duration {
	return least + rand.N(most-least)
}

// kill9 kills the collector at random moments under load.
func kill9(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	for range f.rounds {
		if err := sleep(ctx, between(50*time.Millisecond, 1500*time.Millisecond)); err != nil {
			return v, err
		}
		f.collector.kill()
		if err := f.serve(ctx); err != nil {
			return v, err
		}
	}
	v, err = f.judge(ctx, l)
	t := l.snapshot()
	v.detail("%d kills, %d unanswered, %d repeated deliveries", f.rounds, t.broken, t.repeats)
	return v, err
}

// killAfterAck kills the collector when the answer to an insert has come as
// far as the proxy: before it is passed on, or a moment after.
func killAfterAck(ctx context.Context, f *field) (v verdict, err error) {
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	for round := range f.rounds {
		f.killAtAnswer(round%2 == 0)
		err := f.collector.wait(ctx, stopPatience)
		f.proxy.set(rule{})
		if ctx.Err() != nil {
			return v, ctx.Err()
		}
		if err == nil {
			return v, errors.New("the collector ended by itself")
		}
		if err := f.serve(ctx); err != nil {
			return v, err
		}
	}
	v, err = f.judge(ctx, l)
	v.detail("%d kills, every other one before the answer was passed on", f.rounds)
	return v, err
}

// killAtAnswer arms the proxy: one of the next answers to an insert is the
// collector's end.
func (f *field) killAtAnswer(before bool) {
	victim := f.collector
	var mu sync.Mutex
	spare := rand.IntN(6) // so that all tables have their turn
	f.proxy.set(rule{answered: func(pass func()) bool {
		mu.Lock()
		defer mu.Unlock()
		if spare > 0 {
			spare--
			pass()
			return true
		}
		if before {
			victim.kill()
		} else {
			pass()
			time.Sleep(rand.N(2 * time.Millisecond))
			victim.kill()
		}
		return false
	}})
}

// kill9Embedded kills a collector that has an engine of its own; the engine must
// be gone with it, and come back with what it had.
func kill9Embedded(ctx context.Context, f *field) (v verdict, err error) {
	ports, err := freePorts(1)
	if err != nil {
		return v, err
	}
	if err := f.change(func(s *settings) { s.embedded = ports[0] }); err != nil {
		return v, err
	}
	f.database.engine = &engine{http: "http://" + local(ports[0])}
	if err := f.serve(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{pause: 20 * time.Millisecond})
	l.start(ctx)
	defer l.stop()
	for range f.rounds {
		if err := sleep(ctx, between(50*time.Millisecond, 1500*time.Millisecond)); err != nil {
			return v, err
		}
		children, err := childrenOf(f.collector.cmd.Process.Pid)
		if err != nil {
			return v, err
		}
		if len(children) == 0 {
			v.problem("the collector had no engine")
		}
		f.collector.kill()
		if err := until(ctx, 5*time.Second, func(context.Context) (bool, error) { return allGone(children), nil }); err != nil {
			v.problem("the engine outlived the collector: %v", err)
		}
		if err := f.serve(ctx); err != nil {
			return v, err
		}
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("%d kills", f.rounds)
	return judged, err
}

// childrenOf are the processes that a process has started; Linux tells.
func childrenOf(pid int) (children []int, err error) {
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil, fmt.Errorf("look for the collector's engine: %w", err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			if err != nil {
				return nil, fmt.Errorf("look for the collector's engine: %w", err)
			}
			children = append(children, child)
		}
	}
	return children, nil
}

func allGone(pids []int) bool {
	for _, pid := range pids {
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
			return false
		}
	}
	return true
}

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// clockFile is the variable that names the file which sets the clock of a
// program that was built for the drill.
const clockFile = "THROUGHLINE_DRILL_CLOCK"

// settled is longer than the collector takes to notice its clock being set.
const settled = 50 * time.Millisecond

// serverClock sets the collector's own clock forward and back under load, as NTP
// does with one that was wrong: while all is well, while the database is away,
// and while the collector does not run.
func serverClock(ctx context.Context, f *field) (v verdict, err error) {
	if f.binary, err = buildSettable(ctx, f.dir); err != nil {
		return v, err
	}
	clock := &serverTime{field: f, file: filepath.Join(f.dir, "clock")}
	f.environment = append(f.environment, clockFile+"="+clock.file, "TZ=America/New_York")
	if err := clock.set(0); err != nil {
		return v, err
	}
	l, err := f.beginUnderLoad(ctx, loadOptions{})
	if err != nil {
		return v, err
	}
	defer l.stop()
	clock.load, clock.verdict = l, &v
	for range max(f.rounds, 1) {
		for _, happens := range []func(context.Context) error{clock.steps, clock.stepsInOutage, clock.stepsOverRestart} {
			if err := happens(ctx); err != nil {
				return v, err
			}
		}
	}
	judged, err := f.judge(ctx, l)
	if err != nil {
		return v, err
	}
	judged.add(v)
	if t := l.snapshot(); t.busy > 0 {
		judged.problem("reports were refused: %d with 503", t.busy)
	}
	judged.detail("set %d times, %d repeated deliveries told, a report was in its table after %d ms at most", clock.count, clock.told, clock.slowest.Milliseconds())
	return judged, clock.sane(ctx, &judged)
}

// buildSettable builds a program whose clock can be set.
func buildSettable(ctx context.Context, dir string) (string, error) {
	binary := filepath.Join(dir, "throughline")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "drill", "-o", binary, "throughline/cmd/throughline")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build a program whose clock can be set: %w: %s", err, out)
	}
	return binary, nil
}

// serverTime is the clock of a field's collector.
type serverTime struct {
	field   *field
	file    string
	load    *load
	verdict *verdict
	offset  time.Duration // from the true time
	count   int           // how often it was set
	told    int           // repeated deliveries that were recognised
	slowest time.Duration // from a report to its row
}

// set sets the clock, all at once.
func (s *serverTime) set(offset time.Duration) error {
	err := os.WriteFile(s.file+".new", []byte(offset.String()), 0o600)
	if err == nil {
		err = os.Rename(s.file+".new", s.file)
	}
	if err != nil {
		return fmt.Errorf("set the collector's clock: %w", err)
	}
	s.offset = offset
	s.count++
	return nil
}

func (s *serverTime) shown() string { return s.offset.Round(time.Second).String() }

// offsets are where the clock goes: an hour forward, back, an hour behind and
// forward again, and over the hour in which summer time begins.
func offsets(now time.Time, dwell time.Duration) []time.Duration {
	summer := time.Date(2027, time.March, 14, 7, 0, 0, 0, time.UTC) // in New York
	return []time.Duration{time.Hour, 0, -time.Hour, 0, time.Hour, -time.Hour, summer.Sub(now) - dwell, 0}
}

// steps sets the clock while all is well.
func (s *serverTime) steps(ctx context.Context) error {
	const dwell = 500 * time.Millisecond
	for _, offset := range offsets(time.Now(), dwell) {
		known := s.load.sample()
		if err := s.set(offset); err != nil {
			return err
		}
		if err := sleep(ctx, settled); err != nil {
			return err
		}
		if err := errors.Join(s.repeat(ctx, known), s.follow(ctx), sleep(ctx, dwell)); err != nil {
			return err
		}
	}
	return nil
}

// stepsInOutage sets the clock while reports wait in the log, so that it holds
// some that seem to come from the future, and some that seem to be old.
func (s *serverTime) stepsInOutage(ctx context.Context) error {
	known := s.load.sample()
	s.field.proxy.set(rule{gate: make(chan struct{})})
	for _, offset := range []time.Duration{time.Hour, -time.Hour, 0} {
		if err := s.set(offset); err != nil {
			return err
		}
		if err := sleep(ctx, s.field.outage/10+500*time.Millisecond); err != nil {
			return err
		}
		if err := s.repeat(ctx, known); err != nil {
			return err
		}
	}
	s.field.proxy.set(rule{})
	return errors.Join(s.field.drainedUnderLoad(ctx, s.load), s.repeat(ctx, known), s.follow(ctx))
}

// stepsOverRestart sets the clock while the collector does not run, and kills
// it once more when it has just dealt with what it found.
func (s *serverTime) stepsOverRestart(ctx context.Context) error {
	for _, offset := range []time.Duration{time.Hour, 0, -time.Hour, 0} {
		known := s.load.sample()
		for range 2 {
			s.field.collector.kill()
			if err := s.set(offset); err != nil {
				return err
			}
			if err := s.field.serve(ctx); err != nil {
				return err
			}
			if err := errors.Join(s.repeat(ctx, known), s.follow(ctx)); err != nil {
				return err
			}
		}
	}
	return nil
}

// repeat sends reports again that were acknowledged, which must be recognised.
func (s *serverTime) repeat(ctx context.Context, known []report) error {
	for _, r := range known {
		_, a, err := s.load.sender.post(ctx, r.body)
		if err != nil {
			return err
		}
		if a.Accepted > 0 {
			s.verdict.problem("with the clock set to %s a repeated report was taken for a new one: %s", s.shown(), a.text)
			return nil
		}
		s.told++
	}
	return nil
}

// follow sends a report and waits for its row, which must come soon and have
// the time of the collector's clock.
func (s *serverTime) follow(ctx context.Context) error {
	const soon = 5 * time.Second
	r := newReport(2, reportKind{}) // errors
	sent := time.Now()
	if !s.load.deliver(ctx, r) {
		s.verdict.problem("with the clock set to %s a report was not taken", s.shown())
		return nil
	}
	by := sent.Add(s.offset).UnixMilli()
	row := fmt.Sprintf("FROM errors WHERE event_id = %d", r.events[0].id)
	err := s.field.collector.until(ctx, "a report is in its table", soon, func(ctx context.Context) (bool, error) {
		rows, err := s.field.database.number(ctx, "SELECT count() "+row)
		return rows > 0, err
	})
	if err != nil {
		s.verdict.problem("with the clock set to %s: %v", s.shown(), err)
		return nil
	}
	s.slowest = max(s.slowest, time.Since(sent))
	const ofTheClock = "abs(dateDiff('millisecond', received_at, fromUnixTimestamp64Milli(%d))) < 10000 AND abs(dateDiff('second', timestamp, received_at)) <= 300"
	right, err := s.field.database.number(ctx, "SELECT countIf("+fmt.Sprintf(ofTheClock, by)+") "+row)
	if err == nil && right == 0 {
		var times string
		times, err = s.field.database.text(ctx, "SELECT timestamp, received_at "+row)
		s.verdict.problem("with the clock set to %s a row has the times %s", s.shown(), times)
	}
	return err
}

// sane looks for times that no right clock can have made of right ones.
func (s *serverTime) sane(ctx context.Context, v *verdict) error {
	for t := range tableCount {
		odd, err := s.field.database.number(ctx, "SELECT countIf(timestamp < received_at - INTERVAL 48 HOUR OR timestamp > received_at + INTERVAL 5 MINUTE) FROM "+t.String())
		if err != nil {
			return err
		}
		if odd > 0 {
			v.problem("%d timestamps of %s are outside of 48 h before and 5 min after the arrival", odd, t)
		}
	}
	return nil
}

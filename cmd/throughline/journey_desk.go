package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
	"throughline/synthetic/evidence"
)

// desk runs journeys for somebody who waits for them: a person or a pipeline.
type desk struct {
	options  journeyRunOptions
	run      synthetic.RunOptions
	runner   *synthetic.Runner
	progress *progress
	stdout   io.Writer
	done     []journeyRun
}

// journeyRun is a journey that was run, and run again while it did not pass.
type journeyRun struct {
	file     string
	journey  *synthetic.Journey
	attempts []journeyAttempt
}

// journeyAttempt is one run with the files that its evidence was written to, in
// the order of its artifacts.
type journeyAttempt struct {
	synthetic.Result
	paths []string
}

// last is the attempt that counts.
func (r journeyRun) last() journeyAttempt { return r.attempts[len(r.attempts)-1] }

// flaky says that the journey passed, but not at once.
func (r journeyRun) flaky() bool {
	return len(r.attempts) > 1 && r.last().Outcome == beacon.RunPassed
}

// runAll runs the journeys until ctx ends and writes what came of them.
func (d *desk) runAll(ctx context.Context, files []string, journeys []*synthetic.Journey) error {
	begun := time.Now()
	var errs []error
	for i, journey := range journeys {
		if ctx.Err() != nil {
			break
		}
		done := journeyRun{file: files[i], journey: journey}
		errs = append(errs, d.runOne(ctx, &done))
		d.done = append(d.done, done)
		if d.options.json {
			errs = append(errs, writeJSON(d.stdout, done, d.options.location))
		}
	}
	d.progress.total(d.done, len(journeys)-len(d.done), time.Since(begun))
	if d.options.junit != "" {
		errs = append(errs, writeJUnitFile(d.options.junit, d.done, d.options.location))
	}
	return errors.Join(errs...)
}

// runOne runs a journey, and again while it does not pass and may be.
func (d *desk) runOne(ctx context.Context, done *journeyRun) error {
	var errs []error
	for attempt := 0; attempt <= d.options.retries; attempt++ {
		run := d.run
		run.Variables = variablesOf(done.journey, d.run.Variables)
		run.Film = attempt > 0 && d.options.screenshots != "" // why did it fail before?
		run.OnBegin, run.OnStep = d.progress.beginStep, d.progress.endStep
		d.progress.begin(done.journey, attempt)
		result := d.runner.Run(ctx, done.journey, run)
		paths, err := keepArtifacts(d.options.screenshots, result)
		errs = append(errs, err)
		done.attempts = append(done.attempts, journeyAttempt{Result: result, paths: paths})
		d.progress.end(*done)
		if result.Outcome == beacon.RunPassed || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// exitCode is that of the journey that went worst.
func (d *desk) exitCode(ctx context.Context) int {
	worst := exitOK
	if ctx.Err() != nil {
		worst = exitNotRun
	}
	for _, done := range d.done {
		code := exitNotRun
		switch {
		case done.flaky() && d.options.failOnFlaky, done.last().Outcome == beacon.RunFailed:
			code = exitFailed
		case done.last().Outcome == beacon.RunPassed:
			code = exitOK
		}
		worst = max(worst, code)
	}
	return worst
}

// keepArtifacts writes the evidence of a run below a directory and returns the
// paths of its files; none if there is no directory.
func keepArtifacts(dir string, result synthetic.Result) ([]string, error) {
	if dir == "" || len(result.Artifacts) == 0 {
		return nil, nil
	}
	dir = filepath.Join(dir, evidence.FileName(result.Journey)+"-"+evidence.FileName(result.RunID))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("keep the evidence of %s: %w", result.Journey, err)
	}
	paths := make([]string, len(result.Artifacts))
	for i, artifact := range result.Artifacts {
		path := filepath.Join(dir, evidence.FileName(artifact.Name))
		if err := os.WriteFile(path, artifact.Data, 0o644); err != nil {
			return nil, fmt.Errorf("keep the evidence of %s: %w", result.Journey, err)
		}
		paths[i] = path
	}
	return paths, nil
}

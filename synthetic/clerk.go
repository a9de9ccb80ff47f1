package synthetic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"throughline/beacon"
)

// Bounds of the evidence of one run.
const (
	// screenshotTimeout is what a screenshot may delay a run by.
	screenshotTimeout = 5 * time.Second
	maxArtifactsBytes = 32 << 20
)

// clerk gathers the evidence of one run. What it cannot gather is no reason for
// the run to fail.
type clerk struct {
	page    Page
	options RunOptions
	result  *Result
	log     *slog.Logger
	creator harAgent
	// redact takes the secrets of the run out of a text. Every text that leaves the
	// run goes through it.
	redact func(string) string
	record Record
	bytes  int
}

func newClerk(r *Runner, page Page, options RunOptions, result *Result) *clerk {
	return &clerk{
		page: page, options: options, result: result, log: r.log, creator: harAgentOf(r.options.SDK),
		redact: options.values.redact,
	}
}

// harAgentOf takes a name and a version apart, such as throughline-agent/1.2.
func harAgentOf(text string) harAgent {
	name, version, _ := strings.Cut(text, "/")
	return harAgent{Name: cmp.Or(name, "throughline"), Version: version}
}

// explain adds the request that failed to the message of a step that did.
func (c *clerk) explain(step *StepResult) {
	if step.Outcome == beacon.RunFailed {
		// A step that fails over the page itself names its address already.
		if request := c.page.FailedRequest(); request != "" && !strings.Contains(step.Message, addressIn(request)) {
			step.Message += "; " + request
		}
	}
	step.Message, step.URL = c.redact(step.Message), redactAddress(step.URL, c.redact)
}

// addressIn returns the address in what [Recorder.FailedRequest] says.
func addressIn(request string) string {
	_, rest, _ := strings.Cut(request, " ")
	address, _, _ := strings.Cut(rest, " ")
	return address
}

// screenshot takes one of a step, which failed or did not, if it is wanted. A run that
// was cancelled ends at once.
func (c *clerk) screenshot(ctx context.Context, step StepResult, failed bool) {
	if ctx.Err() != nil || !c.options.Screenshots.applies(failed) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, screenshotTimeout)
	defer cancel()
	data, err := c.page.Screenshot(ctx)
	if err != nil {
		c.log.Info("no screenshot", "journey", c.result.Journey, "run_id", c.result.RunID, "step", step.Name, "error", err)
		return
	}
	c.add(Artifact{Name: fmt.Sprintf("step-%02d.jpg", step.Index+1), ContentType: "image/jpeg", Step: step.Index, Data: data})
}

// note takes what the page recorded, before closing it adds to that.
func (c *clerk) note() { c.record = c.page.Record() }

// records adds the console, the requests and the film of the run if they are
// wanted, once its outcome is known.
func (c *clerk) records(ctx context.Context) {
	failed := c.result.Outcome != beacon.RunPassed
	if ctx.Err() != nil {
		return
	}
	record := c.record
	if c.options.Film && failed {
		for i, picture := range record.Film {
			c.add(Artifact{Name: fmt.Sprintf("film-%04d.jpg", i+1), ContentType: "image/jpeg", Step: picture.Step, Data: picture.JPEG})
		}
	}
	if !c.options.Records.applies(failed) {
		return
	}
	console, errConsole := encodeConsole(record, c.redact)
	har, errHAR := encodeHAR(record, c.creator, harAgentOf(c.result.Browser), c.redact)
	if err := errors.Join(errConsole, errHAR); err != nil {
		c.log.Error("write the record of a run", "journey", c.result.Journey, "run_id", c.result.RunID, "error", err)
		return
	}
	c.add(Artifact{Name: "console.json", ContentType: "application/json", Step: -1, Data: console})
	c.add(Artifact{Name: "run.har", ContentType: "application/json", Step: -1, Data: har})
}

func (c *clerk) add(artifact Artifact) {
	if c.bytes+len(artifact.Data) > maxArtifactsBytes {
		c.log.Warn("evidence dropped: too much", "journey", c.result.Journey, "run_id", c.result.RunID, "name", artifact.Name)
		return
	}
	c.bytes += len(artifact.Data)
	c.result.Artifacts = append(c.result.Artifacts, artifact)
}

// keep stores the evidence of a run. That it cannot be stored is no reason for the
// run to be lost.
func (r *Runner) keep(ctx context.Context, result *Result) {
	if r.options.Keeper == nil || len(result.Artifacts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTimeout)
	defer cancel()
	address, err := r.options.Keeper.Keep(ctx, Evidence{
		RunID: result.RunID, Journey: result.Journey, Location: r.options.Location,
		Outcome: result.Outcome, Started: result.Started, Artifacts: result.Artifacts,
	})
	if err != nil {
		r.log.Error("evidence of a run not kept", "journey", result.Journey, "run_id", result.RunID, "error", err)
		return
	}
	result.EvidenceURL = address
}

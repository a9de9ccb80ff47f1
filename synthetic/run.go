package synthetic

import (
	"context"
	"errors"
	"net/url"

	"throughline/beacon"
)

// steps executes the steps until one does not pass.
func (r *Runner) steps(ctx context.Context, page Page, journey *Journey, options RunOptions, result *Result) {
	base, err := journey.base(options.BaseURL)
	if err != nil {
		result.blame(&Fault{Reason: beacon.ReasonNavigation, Message: err.Error(), Agent: true})
		return
	}
	runCtx, cancel := context.WithTimeout(ctx, journey.Timeout)
	defer cancel()
	begun := r.now()
	clerk := newClerk(r, page, options, result)
	defer clerk.records(ctx)
	for i, step := range journey.Steps {
		page.BeginStep(i)
		outcome := r.step(ctx, runCtx, page, base, i, step)
		clerk.explain(&outcome)
		result.Steps = append(result.Steps, outcome)
		result.Duration = outcome.Started.Add(outcome.Duration).Sub(begun)
		clerk.screenshot(ctx, outcome)
		if options.OnStep != nil {
			options.OnStep(outcome)
		}
		if outcome.Outcome != beacon.RunPassed {
			result.Outcome, result.Reason, result.Message = outcome.Outcome, outcome.Reason, outcome.Message
			result.FailedStep = step.Name
			return
		}
	}
}

// step executes one step within its own time and the run's.
func (r *Runner) step(ctx, runCtx context.Context, page Page, base *url.URL, index int, step Step) StepResult {
	outcome := StepResult{
		Index: index, Name: step.Name, Type: step.Type(),
		Started: r.now(), Outcome: beacon.RunPassed,
	}
	stepCtx, cancel := context.WithTimeout(runCtx, step.Timeout)
	defer cancel()
	err := stepCtx.Err()
	if err == nil {
		outcome.Selector, err = step.run(stepCtx, page, base)
	}
	outcome.Duration = r.now().Sub(outcome.Started)
	if clean, ok := beacon.CleanURL(page.URL()); ok && len(clean) <= beacon.MaxURLBytes {
		outcome.URL = clean
	}
	if err != nil {
		fault := classify(ctx, runCtx, err)
		outcome.Outcome, outcome.Reason, outcome.Message = fault.outcome(), fault.Reason, fault.Message
	}
	return outcome
}

// classify tells whose fault it is that a step failed: that the run was
// cancelled counts before a crash, a crash before the end of the run's time, and
// that before what the step itself says.
func classify(ctx, runCtx context.Context, err error) *Fault {
	fault := &Fault{}
	if !errors.As(err, &fault) {
		fault = &Fault{Reason: beacon.ReasonCommandRefused, Message: err.Error(), Agent: true, Err: err}
		if errors.Is(err, context.DeadlineExceeded) {
			fault.Reason, fault.Message = beacon.ReasonTimeout, "no time was left for the step"
		}
	}
	crashed := fault.Reason == beacon.ReasonTabCrashed || fault.Reason == beacon.ReasonBrowserFailed
	switch {
	case ctx.Err() != nil:
		return &Fault{Reason: beacon.ReasonCancelled, Message: "cancelled while the step ran", Err: err}
	case runCtx.Err() != nil && !crashed:
		return &Fault{Reason: beacon.ReasonTimeout, Message: "the run's time is over: " + fault.Message, Err: err}
	default:
		return fault
	}
}

package synthetic

import (
	"context"
	"errors"
	"net/url"

	"throughline/beacon"
)

// steps executes the steps until one does not pass.
func (r *Runner) steps(ctx context.Context, page Page, journey *Journey, options RunOptions, result *Result) {
	base, err := journey.base(ctx, options.BaseURL, options.values)
	if err != nil {
		result.blame(&Fault{Reason: beacon.ReasonNavigation, Message: options.values.redact(err.Error()), Agent: true})
		return
	}
	runCtx, cancel := context.WithTimeout(ctx, journey.Timeout)
	defer cancel()
	begun := r.now()
	for i, step := range journey.Steps {
		outcome := r.step(ctx, runCtx, page, base, options.values, i, step)
		result.Steps = append(result.Steps, outcome)
		result.Duration = r.now().Sub(begun)
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
func (r *Runner) step(ctx, runCtx context.Context, page Page, base *url.URL, values *values, index int, step Step) StepResult {
	outcome := StepResult{
		Index: index, Name: step.Name, Type: step.Type(),
		Started: r.now(), Outcome: beacon.RunPassed,
	}
	stepCtx, cancel := context.WithTimeout(runCtx, step.Timeout)
	defer cancel()
	err := stepCtx.Err()
	if err == nil {
		outcome.Selector, err = step.run(stepCtx, page, base, values)
	}
	outcome.Duration = r.now().Sub(outcome.Started)
	if clean, ok := beacon.CleanURL(page.URL()); ok && len(clean) <= beacon.MaxURLBytes {
		outcome.URL = clean
	}
	if err != nil {
		fault := classify(ctx, runCtx, err)
		outcome.Outcome, outcome.Reason, outcome.Message = fault.outcome(), fault.Reason, fault.Message
	}
	return values.redactStep(outcome)
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

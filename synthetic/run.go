package synthetic

import (
	"cmp"
	"context"
	"errors"
	"time"

	"throughline/beacon"
)

// steps executes the steps until one does not pass.
func (r *Runner) steps(ctx context.Context, page Page, journey *Journey, options RunOptions, clerk *clerk, result *Result) {
	base, err := journey.base(ctx, options.BaseURL, options.values)
	if err != nil {
		result.blame(&Fault{Reason: beacon.ReasonNavigation, Message: options.values.redact(err.Error()), Agent: true})
		return
	}
	runCtx, cancel := context.WithTimeout(ctx, journey.Timeout+options.SlowMo*time.Duration(len(journey.Steps)-1))
	defer cancel()
	set := stage{base: base, values: options.values, traceHosts: r.traceHosts(options.environment)}
	if r.options.Requester != nil {
		set.cookies = newJar(page, journey.NeedsBrowser())
		set.session = r.options.Requester.Session(r.allowed(ctx, journey, options), set.cookies)
	}
	begun := r.now()
	for i, step := range journey.Steps {
		if i > 0 {
			begun = begun.Add(r.pause(runCtx, options.SlowMo))
		}
		on := set
		on.trace = newTrace(set.traceHosts)
		page.BeginStep(i, on.trace)
		if options.OnBegin != nil {
			options.OnBegin(i)
		}
		outcome := r.step(ctx, runCtx, page, &on, i, step)
		clerk.explain(&outcome)
		result.Steps = append(result.Steps, outcome)
		result.Duration = outcome.Started.Add(outcome.Duration).Sub(begun)
		clerk.screenshot(ctx, outcome, outcome.Outcome != beacon.RunPassed || step.overBudget(outcome))
		if options.OnStep != nil {
			options.OnStep(outcome)
		}
		if outcome.Outcome != beacon.RunPassed {
			result.Outcome, result.Reason, result.Message = outcome.Outcome, outcome.Reason, outcome.Message
			result.FailedStep = step.Name
			return
		}
	}
	if options.KeepState {
		r.keepState(ctx, page, result)
	}
}

// keepState takes what the sites keep. A run without it is of no use to those that
// need its login, so it fails.
func (r *Runner) keepState(ctx context.Context, page Page, result *Result) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	state, err := page.State(ctx)
	if err != nil {
		result.blame(classify(ctx, ctx, err))
		return
	}
	result.State = &state
}

// pause waits between two steps and returns how long it did.
func (r *Runner) pause(ctx context.Context, d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	begun := r.now()
	_ = pause(ctx, d) // the next step tells when the context is over
	return r.now().Sub(begun)
}

// step executes one step on a stage of its own, within its own time and the run's.
func (r *Runner) step(ctx, runCtx context.Context, page Page, on *stage, index int, step Step) StepResult {
	outcome := StepResult{
		Index: index, Name: step.Name, Type: step.Type(), Transaction: step.Transaction,
		Started: r.now(), Outcome: beacon.RunPassed,
	}
	stepCtx, cancel := context.WithTimeout(runCtx, step.Timeout)
	defer cancel()
	err := stepCtx.Err()
	if err == nil {
		err = step.run(stepCtx, page, on)
	}
	outcome.Selector, outcome.Alternative, outcome.HTTP = on.selector, on.alternative, on.http
	outcome.TraceID = on.trace
	outcome.Duration = r.now().Sub(outcome.Started)
	at := Surface(page)
	if on.Surface != nil {
		at = on.Surface
	}
	if clean, ok := beacon.CleanURL(cmp.Or(on.address, at.URL())); ok && len(clean) <= beacon.MaxURLBytes {
		outcome.URL = clean
	}
	if err != nil {
		fault := classify(ctx, runCtx, err)
		outcome.Outcome, outcome.Reason, outcome.Message = fault.outcome(), fault.Reason, fault.Message
	}
	return on.values.redactStep(outcome)
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

package synthetic

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"throughline/beacon"
)

// Browser opens pages. It is used by several goroutines at a time.
type Browser interface {
	// Name is the browser's name and version.
	Name() string
	// UserAgent is what it says it is, unless a page is told otherwise.
	UserAgent() string
	// NewPage opens a page that shares nothing with any other.
	NewPage(ctx context.Context, options PageOptions) (Page, error)
	// Close ends the browser and everything that it started.
	Close() error
}

// Reporter delivers reports to the collector. It must not block for long.
type Reporter interface {
	Report(ctx context.Context, report beacon.Report) error
}

// RunnerOptions configures a [Runner]. Launch, Reporter and Location are required.
type RunnerOptions struct {
	// Launch starts a browser. It is called again after one died.
	Launch func(ctx context.Context) (Browser, error)
	// Script returns the text of the beacon to inject. When it fails, or is nil,
	// runs go on without what only the beacon can measure.
	Script   func(ctx context.Context) (string, error)
	Reporter Reporter
	// Location names the place that the journeys run from.
	Location string
	// Environment, Release and SDK go into the run reports.
	Environment, Release, SDK string
	// UserAgent and Locale are those of the pages; empty is the browser's own.
	UserAgent, Locale string
	// Getenv is the environment that variables of journeys come from; default
	// [os.Getenv].
	Getenv func(name string) string
	// Requester makes the requests of steps that need no browser; without it such
	// a step fails.
	Requester Requester
	// TraceHosts are sent a W3C traceparent with each request of a page, see
	// [PageOptions].
	TraceHosts []string
	// AllowHosts are the host:port on this machine that pages and requests may reach. Those of a
	// journey's base URL and of its steps are allowed anyway.
	AllowHosts []string
	// Keeper stores the evidence of runs; nil leaves it in the Result only.
	Keeper Keeper
	// Now is the clock; default time.Now.
	Now func() time.Time
	Log *slog.Logger
}

// RunOptions configures one run.
type RunOptions struct {
	// Slot is when the schedule wanted the run to begin; zero means now.
	Slot time.Time
	// BaseURL overrides the journey's for relative addresses, if not empty.
	BaseURL string
	// Variables replaces variables of the journey that are no secrets.
	Variables map[string]string
	// SlowMo is a pause between steps, for people who watch. It is not part of
	// the run's time.
	SlowMo time.Duration
	// OnBegin is called when a step begins, from the goroutine of Run.
	OnBegin func(index int)
	// OnStep is called when a step has ended, from the goroutine of Run. A run
	// that is begun again in a new browser calls it anew from step 0.
	OnStep func(StepResult)
	// Screenshots says after which steps a screenshot is taken.
	Screenshots When
	// Records says of which runs the console and the requests are kept.
	Records When
	// Film keeps small pictures of the last seconds of a run that fails. It costs
	// the page time, so it is for a run that is to find out why another failed.
	Film bool
	// KeepQueries keeps the queries of addresses in the evidence. They may hold
	// credentials.
	KeepQueries bool
	// State is what the sites kept in an earlier run, so that its login holds.
	State *State
	// KeepState tells what the sites kept in Result.State, if the run passes.
	KeepState bool

	// values are the variables of the run, which Run resolves.
	values *values
	// environment is the journey's with the variables in it.
	environment Environment
}

// Bounds of what is not the application's time.
const (
	openTimeout   = 30 * time.Second
	closeTimeout  = 5 * time.Second
	scriptTimeout = 5 * time.Second
	reportTimeout = 5 * time.Second
	keepTimeout   = 10 * time.Second
	stateTimeout  = 5 * time.Second
)

// Runner executes journeys in one warm browser, each run in a page of its own.
// It is safe for concurrent use.
type Runner struct {
	options RunnerOptions
	now     func() time.Time
	getenv  func(string) string
	log     *slog.Logger
	states  states

	mu      sync.Mutex
	browser *warm
	closed  bool
}

// warm is a running browser; its address tells it from the next one.
type warm struct{ Browser }

// NewRunner returns a runner. The browser starts with the first run.
func NewRunner(options RunnerOptions) *Runner {
	r := &Runner{options: options, now: options.Now, getenv: options.Getenv, log: options.Log}
	if r.now == nil {
		r.now = time.Now
	}
	if r.getenv == nil {
		r.getenv = os.Getenv
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r
}

// Close ends the browser. Runs that are under way fail.
func (r *Runner) Close() error {
	r.mu.Lock()
	browser := r.browser
	r.browser, r.closed = nil, true
	r.mu.Unlock()
	if browser == nil {
		return nil
	}
	return browser.Close()
}

// Run executes a journey and reports it. It never fails: whatever happens, also
// when ctx ends, there is a Result, and one run report went to the Reporter.
//
// When the browser dies, the run is begun once more in a new one.
func (r *Runner) Run(ctx context.Context, journey *Journey, options RunOptions) Result {
	result := r.newResult(journey, options.Slot)
	values, err := journey.resolve(r.getenv, options.Variables, r.now)
	if err == nil {
		options.environment, err = journey.environment(ctx, options.BaseURL, values)
	}
	if err == nil {
		err = r.states.prepare(journey, &options)
	}
	if err != nil {
		result.blame(&Fault{Reason: beacon.ReasonCommandRefused, Message: err.Error(), Agent: true})
		r.deliver(ctx, &result)
		return result
	}
	options.values = values
	inbox := &inbox{journey: r.context(&result), log: r.log}
	var clerk *clerk
	r.guard(&result, func() {
		for attempt := 1; ; attempt++ {
			inbox, clerk = r.attempt(ctx, journey, options, &result)
			if result.Reason != beacon.ReasonBrowserFailed || attempt == 2 || ctx.Err() != nil {
				return
			}
			r.log.Warn("browser failed, running the journey again", "journey", journey.Name, "message", values.redact(result.Message))
		}
	})
	result.Pages, result.LostPages = inbox.take()
	journey.judge(&result)
	if clerk != nil {
		clerk.records(ctx)
	}
	r.states.keep(journey, &result)
	result.Message = values.redact(result.Message)
	r.keep(ctx, &result)
	r.deliver(ctx, &result)
	return result
}

// Skip reports a slot that was due and not run.
func (r *Runner) Skip(ctx context.Context, journey *Journey, slot time.Time, reason beacon.RunReason) Result {
	result := r.newResult(journey, slot)
	result.Outcome, result.Reason = beacon.RunSkipped, reason
	result.Queue = 0
	r.deliver(ctx, &result)
	return result
}

func (r *Runner) newResult(journey *Journey, slot time.Time) Result {
	result := Result{
		Journey: journey.Name, RunID: newID(), Started: r.now(), Slot: slot,
		Total: len(journey.Steps),
	}
	if slot.IsZero() {
		result.Slot = result.Started
	}
	return result
}

func (r *Runner) context(result *Result) beacon.JourneyContext {
	return beacon.JourneyContext{Name: result.Journey, RunID: result.RunID, Location: r.options.Location, UserAgent: result.UserAgent}
}

// guard turns a panic into a result, so that the run still leaves a report.
func (r *Runner) guard(result *Result, run func()) {
	defer func() {
		if caught := recover(); caught != nil {
			r.log.Error("journey run panicked", "journey", result.Journey, "panic", caught)
			result.blame(&Fault{Reason: beacon.ReasonBrowserFailed, Message: fmt.Sprintf("panic: %v", caught)})
		}
	}()
	run()
}

// attempt runs the journey in a page of its own and returns what the page's
// beacon told, and who gathers the evidence; nil if no page could be opened.
func (r *Runner) attempt(ctx context.Context, journey *Journey, options RunOptions, result *Result) (*inbox, *clerk) {
	inbox := &inbox{journey: r.context(result), log: r.log, redact: options.values.redactJSON}
	*result = Result{
		Journey: result.Journey, RunID: result.RunID, Slot: result.Slot, Started: result.Started,
		Total: result.Total, Outcome: beacon.RunPassed,
	}
	var browser *warm
	var page Page = pageless{}
	var err error
	if journey.NeedsBrowser() {
		browser, page, err = r.open(ctx, journey, options, inbox)
	} else {
		options = options.withoutEvidence()
	}
	result.Queue, result.UserAgent = max(0, r.now().Sub(result.Slot)), inbox.journey.UserAgent
	if err != nil {
		result.blame(r.openFault(ctx, err))
		if browser != nil && result.Reason == beacon.ReasonBrowserFailed {
			r.discard(browser)
		}
		return inbox, nil
	}
	if browser != nil {
		result.Browser = browser.Name()
	}
	clerk := newClerk(r, page, options, result)
	func() {
		defer r.leave(ctx, page)
		defer clerk.note()
		r.steps(ctx, page, journey, options, clerk, result)
	}()
	if browser != nil && result.Reason == beacon.ReasonBrowserFailed {
		r.discard(browser)
	}
	return inbox, clerk
}

// open returns a new page; the browser too, if only the page failed.
func (r *Runner) open(ctx context.Context, journey *Journey, run RunOptions, inbox *inbox) (*warm, Page, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	options := r.pageOptions(ctx, journey, run)
	if text := r.script(ctx); text != "" {
		options.Binding = "t" + newID()
		options.InitScript = injection(options.Binding, text)
		options.OnBinding = inbox.receive
	}
	browser, err := r.acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	options.UserAgent = cmp.Or(run.environment.userAgent(browser.UserAgent()), r.options.UserAgent)
	options.Redact = run.values.redact
	inbox.journey.UserAgent = run.values.redact(cmp.Or(options.UserAgent, browser.UserAgent()))
	page, err := browser.NewPage(ctx, options)
	if err != nil {
		return browser, nil, fmt.Errorf("open page: %w", err)
	}
	return browser, page, nil
}

// injection makes the beacon report through the binding instead of HTTP.
func injection(binding, script string) string {
	return fmt.Sprintf("globalThis.__throughline_inject={binding:%q};\n%s", binding, script)
}

// script returns the beacon's text, or nothing when it cannot be had: whether
// the application works can be told without it.
func (r *Runner) script(ctx context.Context) string {
	if r.options.Script == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, scriptTimeout)
	defer cancel()
	text, err := r.options.Script(ctx)
	if err != nil {
		r.log.Warn("journey runs without the page beacon", "error", err)
		return ""
	}
	return text
}

// openFault is the agent's fault in any case.
func (r *Runner) openFault(ctx context.Context, err error) *Fault {
	if ctx.Err() != nil {
		return &Fault{Reason: beacon.ReasonCancelled, Message: "cancelled before the first step", Err: err}
	}
	return &Fault{Reason: beacon.ReasonBrowserFailed, Message: err.Error(), Err: err}
}

// acquire returns the warm browser; the first caller starts it.
func (r *Runner) acquire(ctx context.Context) (*warm, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("the runner is closed")
	}
	if r.browser != nil {
		return r.browser, nil
	}
	browser, err := r.options.Launch(ctx)
	if err != nil {
		return nil, fmt.Errorf("start browser: %w", err)
	}
	r.log.Info("browser started", "browser", browser.Name())
	r.browser = &warm{browser}
	return r.browser, nil
}

// discard ends a browser that failed, so that the next run starts a new one.
func (r *Runner) discard(browser *warm) {
	r.mu.Lock()
	if r.browser == browser {
		r.browser = nil
	}
	r.mu.Unlock()
	if err := browser.Close(); err != nil {
		r.log.Warn("close failed browser", "error", err)
	}
}

// leave closes the page, also when ctx is over: the beacon's last words count.
func (r *Runner) leave(ctx context.Context, page Page) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := page.Close(ctx); err != nil {
		r.log.Warn("close page", "error", err)
	}
}

// deliver hands everything to the reporter, the run itself last.
func (r *Runner) deliver(ctx context.Context, result *Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTimeout)
	defer cancel()
	journey := r.context(result)
	reports := slices.Clone(result.Pages)
	for events := range slices.Chunk(result.report(newID), beacon.MaxEvents) {
		reports = append(reports, beacon.Report{
			Version: beacon.Version, Source: beacon.SourceSynthetic, SDK: r.options.SDK,
			Release: r.options.Release, Environment: r.options.Environment,
			Journey: &journey, Events: events,
		})
	}
	for _, report := range reports {
		report.SentAtMS = r.now().UnixMilli()
		if err := r.options.Reporter.Report(ctx, report); err != nil {
			r.log.Error("report of a run lost", "journey", result.Journey, "run_id", result.RunID, "error", err)
		}
	}
	r.log.Info("journey run", "journey", result.Journey, "run_id", result.RunID, "outcome", result.Outcome,
		"reason", result.Reason, "failed_step", result.FailedStep, "message", result.Message,
		"duration_ms", milliseconds(result.Duration), "queue_ms", milliseconds(result.Queue))
}

// newID returns 64 random bits as the wire writes them.
func newID() string {
	var id [8]byte
	rand.Read(id[:])
	return hex.EncodeToString(id[:])
}

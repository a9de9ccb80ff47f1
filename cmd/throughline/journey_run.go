package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"throughline/beacon"
	"throughline/cmd/throughline/config"
	"throughline/js"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
	"throughline/synthetic/probe"
	"throughline/synthetic/report"
)

const (
	// maxRetries bounds how often a failed journey is run again.
	maxRetries = 10
	// maxSlowMo bounds the pause between steps.
	maxSlowMo = time.Minute
)

// journeyRunOptions are the flags of `journey run`.
type journeyRunOptions struct {
	baseURL, collector, key, location string
	variables, budgets, allowHosts    []string
	junit, screenshots                string
	always                            bool // keep evidence of what passed, too
	json, headed, failOnFlaky         bool
	slowMo                            time.Duration
	retries                           int
	log                               config.Log
}

func newJourneyRun(env environment) *cobra.Command {
	var o journeyRunOptions
	c := &cobra.Command{
		Use:   "run FILE…",
		Short: "Run journeys once, now, and print each step's time",
		Long: `Runs journeys from YAML files and Chrome DevTools recordings (JSON), one after the
other, each in a fresh browser context, and prints the time of each step.

With --collector the runs are reported there; the token that journeys prove
themselves with is read from THROUGHLINE_AGENT_TOKEN.

THROUGHLINE_CHROME names the browser; by default it is the first Chrome found, the
headless shell before others. THROUGHLINE_NO_SANDBOX=1 starts it without its sandbox,
where the system allows none.

A journey that fails and passes when it is run again (--retries) is flaky: it counts
as passed unless --fail-on-flaky is given. With --screenshots what is run again is
filmed, too.

--json prints a line of JSON for each journey on standard output; what is for people
then goes to standard error. ` + jsonHelp + `

Exit codes: 0 all passed, 1 a journey failed, 2 a file or an option is wrong, 3 a
journey could not be run.`,
		Example: `  throughline journey run checkout.yaml
  throughline journey run recordings/*.json
  throughline journey run checkout.yaml --base-url https://staging.shop.example --var user=anna
  throughline journey run journeys/*.yaml --junit report.xml --screenshots evidence --retries 1   # in CI
  throughline journey run checkout.yaml --json | jq '.steps[] | [.name, .duration_ms]'
  throughline journey run checkout.yaml --budget lcp=2.5s --budget cls=0.1
  throughline journey run checkout.yaml --headed --slow-mo 500ms                                  # to watch it
  THROUGHLINE_AGENT_TOKEN=… throughline journey run checkout.yaml --collector https://collect.shop.example --key shop-web-4f7c2a`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MinimumNArgs(1)(cmd, args); err != nil {
				return &exitError{exitBadInput, err}
			}
			return nil
		},
		ValidArgsFunction: completeJourneys,
		RunE:              func(cmd *cobra.Command, files []string) error { return runJourneys(cmd.Context(), o, files, env) },
	}
	o.add(c)
	return c
}

func (o *journeyRunOptions) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&o.baseURL, "base-url", "", "`URL` that relative addresses of YAML journeys refer to, instead of the journey's own")
	flags.StringArrayVar(&o.variables, "var", nil, "`name=value` of a variable of the journeys, but a secret; may be given more than once")
	flags.StringArrayVar(&o.budgets, "budget", nil, "`lcp=2.5s`, or a YAML file of budgets, in the place of the journeys' own: lcp, inp, fcp, ttfb, cls; may be given more than once")
	flags.StringArrayVar(&o.allowHosts, "allow-host", nil, "`host:port` on this machine that pages may reach, besides those that the journeys name; may be given more than once")
	flags.StringVar(&o.collector, "collector", "", "`URL` of a collector to report to")
	flags.StringVar(&o.key, "key", "", "write `key` of the app to report for")
	flags.StringVar(&o.location, "location", "local", "`name` of the place that this runs at")
	flags.StringVar(&o.junit, "junit", "", "write a JUnit report to this `file`")
	flags.BoolVar(&o.json, "json", false, "print a line of JSON for each journey")
	flags.StringVar(&o.screenshots, "screenshots", "", "keep the evidence of runs that do not pass, such as screenshots, below this `directory`")
	flags.BoolVar(&o.always, "screenshots-always", false, "keep it of all runs, with a screenshot of each step")
	flags.BoolVar(&o.headed, "headed", false, "show the browser's window")
	flags.DurationVar(&o.slowMo, "slow-mo", 0, "pause between steps, such as 500ms")
	flags.IntVar(&o.retries, "retries", 0, "run a journey that does not pass again, up to this `number` of times")
	flags.BoolVar(&o.failOnFlaky, "fail-on-flaky", false, "exit with 1 when a journey passed only when it was run again")
	flags.StringVar(&o.log.Level, "log-level", "warn", "debug, info, warn or error")
	// These fail only for a flag that is not there.
	_ = c.MarkFlagFilename("junit", "xml")
	_ = c.MarkFlagDirname("screenshots")
}

// check refuses what does not go together or is out of bounds, and returns the
// variables.
func (o journeyRunOptions) check() (variables map[string]string, err error) {
	switch {
	case (o.collector == "") != (o.key == ""):
		return nil, errors.New("--collector and --key go together")
	case o.always && o.screenshots == "":
		return nil, errors.New("--screenshots-always needs --screenshots")
	case o.retries < 0 || o.retries > maxRetries:
		return nil, fmt.Errorf("--retries must be from 0 to %d", maxRetries)
	case o.slowMo < 0 || o.slowMo > maxSlowMo:
		return nil, fmt.Errorf("--slow-mo must be from 0s to %s", maxSlowMo)
	}
	variables = map[string]string{}
	for _, text := range o.variables {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, errors.New("--var must be name=value")
		}
		variables[name] = value
	}
	return variables, o.checkFiles()
}

// checkFiles finds out before the runs whether their results can be written.
func (o journeyRunOptions) checkFiles() error {
	if o.junit != "" {
		if info, err := os.Stat(filepath.Dir(o.junit)); err != nil || !info.IsDir() {
			return fmt.Errorf("--junit: %s is not a directory", filepath.Dir(o.junit))
		}
	}
	if o.screenshots != "" {
		if err := os.MkdirAll(o.screenshots, 0o755); err != nil {
			return fmt.Errorf("--screenshots: %w", err)
		}
	}
	return nil
}

// readBudgets reads what --budget gives: one budget, or a file of them. What comes
// later counts.
func readBudgets(given []string) (budgets synthetic.Budgets, err error) {
	for _, text := range given {
		name, value, one := strings.Cut(text, "=")
		path, data := "--budget", []byte(name+": "+value)
		if !one {
			path = text
			if data, err = os.ReadFile(path); err != nil {
				return budgets, fmt.Errorf("--budget: %w", err)
			}
		}
		read, err := synthetic.ParseBudgets(path, data)
		if err != nil {
			return budgets, err
		}
		budgets = budgets.Override(read)
	}
	return budgets, nil
}

// loadAll reads journey files and tells of everything that is wrong in any.
func loadAll(files []string, budgets synthetic.Budgets) ([]*synthetic.Journey, error) {
	var journeys []*synthetic.Journey
	var errs []error
	for _, file := range files {
		journey, err := synthetic.LoadFile(file)
		if err == nil {
			journey.Budgets = journey.Budgets.Override(budgets)
		}
		errs = append(errs, err)
		journeys = append(journeys, journey)
	}
	return journeys, errors.Join(errs...)
}

// checkVariables finds out before any run whether all can begin.
func checkVariables(journeys []*synthetic.Journey, variables map[string]string, getenv func(string) string) error {
	used := map[string]string{}
	var errs []error
	for _, journey := range journeys {
		given := variablesOf(journey, variables)
		maps.Copy(used, given)
		if err := journey.CheckVariables(getenv, given); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", journey.Name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		if _, ok := used[name]; !ok {
			errs = append(errs, fmt.Errorf("--var: no journey has a variable %s", name))
		}
	}
	return errors.Join(errs...)
}

// variablesOf are those of the variables that a journey has.
func variablesOf(journey *synthetic.Journey, variables map[string]string) map[string]string {
	given := map[string]string{}
	for _, variable := range journey.Variables {
		if value, ok := variables[variable.Name]; ok {
			given[variable.Name] = value
		}
	}
	return given
}

func runJourneys(ctx context.Context, o journeyRunOptions, files []string, env environment) error {
	variables, err := o.check()
	if err != nil {
		return &exitError{exitBadInput, err}
	}
	budgets, err := readBudgets(o.budgets)
	if err != nil {
		return &exitError{exitBadInput, err}
	}
	journeys, err := loadAll(files, budgets)
	if err == nil {
		err = checkVariables(journeys, variables, env.getenv)
	}
	if err != nil {
		return &exitError{exitBadInput, err}
	}
	d := &desk{options: o, stdout: env.stdout, progress: newProgress(o.people(env), env)}
	d.progress.hint = o.screenshots == ""
	log := newLog(besideLive{d.progress, env.stderr}, o.log)
	find := chrome.FromEnvironment
	if o.headed {
		find = chrome.WithWindow
	}
	launch, err := launcher(journeys, func() (chrome.Options, error) { return find(env.getenv, log) })
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	reporter, script, closeReporter, err := o.reporting(env, log)
	if err != nil {
		return err
	}
	d.runner = synthetic.NewRunner(synthetic.RunnerOptions{
		Launch: launch, Script: script, Reporter: reporter,
		Requester: probe.New(probe.Options{UserAgent: agentSDK()}), Location: o.location, SDK: agentSDK(), Log: log,
		AllowHosts: o.allowHosts, Getenv: env.getenv,
	})
	d.run = synthetic.RunOptions{BaseURL: o.baseURL, Variables: variables, SlowMo: o.slowMo}
	switch {
	case o.screenshots == "":
		d.run.Screenshots, d.run.Records = synthetic.Never, synthetic.Never
	case o.always:
		d.run.Screenshots, d.run.Records = synthetic.Always, synthetic.Always
	}
	err = d.runAll(ctx, files, journeys)
	err = errors.Join(err, d.runner.Close(), closeReporter(context.WithoutCancel(ctx)))
	code := d.exitCode(ctx)
	if err != nil {
		return &exitError{max(code, exitNotRun), err}
	}
	if code != exitOK {
		return &exitError{code: code}
	}
	return nil
}

// launcher starts the browser that find finds, which is not looked for when no
// journey needs one.
func launcher(journeys []*synthetic.Journey, find func() (chrome.Options, error)) (func(context.Context) (synthetic.Browser, error), error) {
	if !slices.ContainsFunc(journeys, (*synthetic.Journey).NeedsBrowser) {
		return func(context.Context) (synthetic.Browser, error) { return nil, errors.New("no journey needs a browser") }, nil
	}
	options, err := find()
	if err != nil {
		return nil, err
	}
	return chrome.Opener(options), nil
}

// people is where to write what is for people.
func (o journeyRunOptions) people(env environment) io.Writer {
	if o.json {
		return env.stderr
	}
	return env.stdout
}

// reporting says where runs go to and where the beacon comes from: a collector,
// or nowhere and the program itself.
func (o journeyRunOptions) reporting(env environment, log *slog.Logger) (
	reporter synthetic.Reporter, script func(context.Context) (string, error), closing func(context.Context) error, err error,
) {
	if o.collector == "" {
		text, err := js.Script(js.Config{})
		return nowhere{}, func(context.Context) (string, error) { return string(text), err }, func(context.Context) error { return nil }, nil
	}
	served, err := report.NewScript(o.collector, config.Default().Paths.Script, o.key, nil)
	if err != nil {
		return nil, nil, nil, &exitError{exitBadInput, err}
	}
	client, err := report.New(report.Options{Collector: o.collector, Key: o.key, Token: env.getenv("THROUGHLINE_AGENT_TOKEN"), Log: log})
	if err != nil {
		return nil, nil, nil, &exitError{exitBadInput, err}
	}
	closing = func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, reportPatience)
		defer cancel()
		if err := client.Close(ctx); err != nil {
			return fmt.Errorf("report to %s: %w", o.collector, err)
		}
		if drops := client.Drops(); len(drops) > 0 {
			return fmt.Errorf("report to %s: not everything was taken: %v", o.collector, drops)
		}
		return nil
	}
	return client, served.Text, closing, nil
}

// reportPatience is how long a run at the desk waits for a collector to take it.
const reportPatience = 10 * time.Second

// nowhere is where the reports of a run at the desk go.
type nowhere struct{}

// Report implements synthetic.Reporter.
func (nowhere) Report(context.Context, beacon.Report) error { return nil }

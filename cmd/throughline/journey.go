package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"throughline/beacon"
	"throughline/cmd/throughline/config"
	"throughline/js"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
	"throughline/synthetic/report"
)

// agentSDK names the journey runner in its reports.
func agentSDK() string { return "throughline-agent/" + version() }

func newJourney(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "journey",
		Short: "Work with journeys",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(
		newJourneyRun(env), newJourneyValidate(env),
		newJourneyImport(env), newJourneyExport(env), newJourneySchema(env),
	)
	return c
}

// journeyRunOptions are the flags of `journey run`.
type journeyRunOptions struct {
	baseURL, collector, key, location string
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

Exit codes: 0 all passed, 1 a journey failed, 2 a file is wrong, 3 a journey could
not be run.`,
		Example: `  throughline journey run checkout.yaml
  throughline journey run recordings/*.json
  throughline journey run checkout.yaml --base-url https://staging.shop.example
  THROUGHLINE_AGENT_TOKEN=… throughline journey run checkout.yaml --collector https://collect.shop.example --key shop-web-4f7c2a`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MinimumNArgs(1)(cmd, args); err != nil {
				return &exitError{exitBadInput, err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, files []string) error { return runJourneys(cmd.Context(), o, files, env) },
	}
	c.Flags().StringVar(&o.baseURL, "base-url", "", "`URL` that relative addresses of YAML journeys refer to, instead of the journey's own")
	c.Flags().StringVar(&o.collector, "collector", "", "`URL` of a collector to report to")
	c.Flags().StringVar(&o.key, "key", "", "write `key` of the app to report for")
	c.Flags().StringVar(&o.location, "location", "local", "`name` of the place that this runs at")
	c.Flags().StringVar(&o.log.Level, "log-level", "warn", "debug, info, warn or error")
	return c
}

func runJourneys(ctx context.Context, o journeyRunOptions, files []string, env environment) (err error) {
	if (o.collector == "") != (o.key == "") {
		return &exitError{exitBadInput, errors.New("--collector and --key go together")}
	}
	var journeys []*synthetic.Journey
	var errs []error
	for _, file := range files {
		journey, err := synthetic.LoadFile(file)
		errs = append(errs, err)
		journeys = append(journeys, journey)
	}
	if err := errors.Join(errs...); err != nil {
		return &exitError{exitBadInput, err}
	}
	log := newLog(env.stderr, o.log)
	browser, err := chrome.FromEnvironment(env.getenv, log)
	if err != nil {
		return &exitError{exitNotRun, err}
	}
	reporter, script, closeReporter, err := o.reporting(env, log)
	if err != nil {
		return err
	}
	runner := synthetic.NewRunner(synthetic.RunnerOptions{
		Launch: chrome.Opener(browser), Script: script, Reporter: reporter,
		Location: o.location, SDK: agentSDK(), Log: log,
	})
	worst := exitOK
	for _, journey := range journeys {
		worst = max(worst, runJourney(ctx, runner, journey, o.baseURL, env))
	}
	if err := errors.Join(runner.Close(), closeReporter(context.WithoutCancel(ctx))); err != nil {
		return &exitError{max(worst, exitNotRun), err}
	}
	if worst != exitOK {
		return &exitError{code: worst}
	}
	return nil
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

// runJourney runs one journey, prints it as it goes and returns its exit code.
func runJourney(ctx context.Context, runner *synthetic.Runner, journey *synthetic.Journey, baseURL string, env environment) int {
	out := env.stdout
	colour := mayColour(out, env.getenv)
	_, _ = fmt.Fprintf(out, "%s\n", journey.Name)
	result := runner.Run(ctx, journey, synthetic.RunOptions{BaseURL: baseURL, OnStep: func(step synthetic.StepResult) {
		printStep(out, step, colour)
	}})
	for _, line := range vitals(result.Pages) {
		_, _ = fmt.Fprintf(out, "  %s\n", line)
	}
	_, _ = fmt.Fprintf(out, "  %s in %s\n", verdict(result, colour), shortTime(result.Duration))
	switch result.Outcome {
	case beacon.RunPassed:
		return exitOK
	case beacon.RunFailed:
		return exitFailed
	default:
		return exitNotRun
	}
}

func printStep(out io.Writer, step synthetic.StepResult, colour bool) {
	mark, as := "✓", green
	if step.Outcome != beacon.RunPassed {
		mark, as = "✗", red
	}
	_, _ = fmt.Fprintf(out, "  %s %8s  %s\n", paint(mark, as, colour), shortTime(step.Duration), step.Name)
	if step.Message != "" {
		_, _ = fmt.Fprintf(out, "             %s: %s\n", step.Reason, strings.ReplaceAll(step.Message, "\n", "\n             "))
	}
}

func verdict(r synthetic.Result, colour bool) string {
	if r.Outcome == beacon.RunPassed {
		return paint("passed", green, colour)
	}
	text := paint(strings.ReplaceAll(string(r.Outcome), "_", " "), red, colour) + " (" + string(r.Reason) + ")"
	if len(r.Steps) == 0 && r.Message != "" {
		text += ": " + r.Message
	}
	return text
}

// vitals are the Web Vitals of the pages of a run, a line each.
func vitals(reports []beacon.Report) []string {
	var order []string
	measured := map[string][]string{}
	for _, report := range reports {
		if report.View == nil {
			continue
		}
		for _, event := range report.Events {
			if event.PageView == nil {
				continue
			}
			if _, ok := measured[report.View.ID]; !ok {
				order = append(order, report.View.ID)
				measured[report.View.ID] = []string{report.View.URL}
			}
			add := func(name string, ms *float64) {
				if ms != nil {
					measured[report.View.ID] = append(measured[report.View.ID], name+" "+milliseconds(ms))
				}
			}
			add("TTFB", event.PageView.TTFBMS)
			add("LCP", event.PageView.LCPMS)
			add("INP", event.PageView.INPMS)
			if cls := event.PageView.CLS; cls != nil {
				measured[report.View.ID] = append(measured[report.View.ID], fmt.Sprintf("CLS %.2f", *cls))
			}
		}
	}
	lines := make([]string, 0, len(order))
	for _, id := range order {
		lines = append(lines, strings.Join(measured[id], "  "))
	}
	return lines
}

func shortTime(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	return milliseconds(&ms)
}

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"throughline/cmd/throughline/config"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
	"throughline/synthetic/probe"
	"throughline/synthetic/report"
)

func newAgent(env environment) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "agent",
		Short: "Run journeys on their schedules and report to a collector",
		Long: `Runs the journeys of the configuration on their schedules, in headless Chrome, and
reports each run to the collector over HTTP. It proves itself with agent_token
(THROUGHLINE_AGENT_TOKEN), which must be the collector's.`,
		Example: `  throughline agent --config throughline.yaml
  THROUGHLINE_AGENT_TOKEN=… throughline agent --config agent.yaml --log-format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := o.load(env)
			if err != nil {
				return err
			}
			journeys, err := loadJourneys(settings.Journeys.Files)
			if err != nil {
				return err
			}
			if len(journeys) == 0 {
				return &exitError{exitBadInput, errors.New("the configuration has no journeys; see journeys in deploy/throughline.example.yaml")}
			}
			log := newLog(env.stderr, settings.Log)
			a, err := newJourneyAgent(settings, journeys, env.getenv, log)
			if err != nil {
				return err
			}
			log.Info("running journeys", "journeys", len(journeys), "location", settings.Journeys.Location, "collector", settings.Journeys.Collector)
			a.scheduler.Run(cmd.Context())
			return a.close(context.WithoutCancel(cmd.Context()))
		},
	}
	o.addFile(c)
	return c
}

// journeyAgent is what `agent` runs:
//
//	scheduler ──► runner ──► Chrome
//	                │  ▲
//	                ▼  │ the app's script
//	             reporter ──HTTP──► collector
type journeyAgent struct {
	scheduler *synthetic.Scheduler
	runner    *synthetic.Runner
	reporter  *report.Client
}

// newJourneyAgent puts an agent together. Nothing runs before its scheduler does.
func newJourneyAgent(c config.Config, journeys []*synthetic.Journey, getenv func(string) string, log *slog.Logger) (*journeyAgent, error) {
	launch, err := launcher(journeys, func() (chrome.Options, error) { return chrome.FromEnvironment(getenv, log) })
	if err != nil {
		return nil, &exitError{exitNotRun, err}
	}
	app, _ := c.App(c.Journeys.App) // Validate has found it before
	script, err := report.NewScript(c.Journeys.Collector, c.Paths.Script, app.Key, nil)
	if err != nil {
		return nil, err
	}
	a := &journeyAgent{}
	a.reporter, err = report.New(report.Options{
		Collector: c.Journeys.Collector, CollectPath: c.Paths.Collect, Key: app.Key, Token: string(c.AgentToken), Log: log,
	})
	if err != nil {
		return nil, err
	}
	a.runner = synthetic.NewRunner(synthetic.RunnerOptions{
		Launch: launch, Script: script.Text, Reporter: a.reporter,
		Requester: probe.New(probe.Options{UserAgent: agentSDK()}),
		Location:  c.Journeys.Location, Environment: app.Environment, SDK: agentSDK(), Log: log,
	})
	for _, journey := range journeys {
		if journey.Schedule == "" {
			journey.Schedule = c.Journeys.Schedule
		}
	}
	a.scheduler, err = synthetic.NewScheduler(synthetic.SchedulerOptions{
		Journeys: journeys, Executor: a.runner, BaseURL: c.Journeys.BaseURL,
		Workers: c.Journeys.Workers, MaxOffset: spread(c.Journeys.Spread), Log: log,
	})
	return a, err
}

// spread tells the scheduler of an offset of zero, which is not its default.
func spread(d config.Duration) (offset time.Duration) {
	if d == 0 {
		return -1
	}
	return d.Duration()
}

// close ends the browser and delivers what is left to report.
func (a *journeyAgent) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return errors.Join(a.runner.Close(), a.reporter.Close(ctx))
}

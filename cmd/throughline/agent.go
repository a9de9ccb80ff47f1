package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"throughline/cmd/throughline/config"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
	"throughline/synthetic/evidence"
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
			a.run(cmd.Context())
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
	evidence  *evidence.Store
	log       *slog.Logger
}

// newJourneyAgent puts an agent together. Nothing runs before its scheduler does.
func newJourneyAgent(c config.Config, journeys []*synthetic.Journey, getenv func(string) string, log *slog.Logger) (*journeyAgent, error) {
	launch, err := launcher(journeys, func() (chrome.Options, error) {
		options, err := chrome.FromEnvironment(getenv, log)
		options.Spare = true
		return options, err
	})
	if err != nil {
		return nil, &exitError{exitNotRun, err}
	}
	app, _ := c.App(c.Journeys.App) // Validate has found it before
	script, err := report.NewScript(c.Journeys.Collector, c.Paths.Script, app.Key, nil)
	if err != nil {
		return nil, err
	}
	a := &journeyAgent{log: log}
	if a.evidence, err = newEvidence(c); err != nil {
		return nil, &exitError{exitBadInput, err}
	}
	a.reporter, err = report.New(report.Options{
		Collector: c.Journeys.Collector, CollectPath: c.Paths.Collect, Key: app.Key, Token: string(c.AgentToken), Log: log,
	})
	if err != nil {
		return nil, err
	}
	a.runner = synthetic.NewRunner(synthetic.RunnerOptions{
		Launch: launch, Script: script.Text, Reporter: a.reporter,
		Requester: probe.New(probe.Options{UserAgent: agentSDK()}), Keeper: a.evidence, Getenv: getenv,
		TraceHosts: c.Journeys.TraceHosts, AllowHosts: c.Journeys.AllowHosts,
		Location: c.Journeys.Location, Environment: app.Environment, SDK: agentSDK(), Log: log,
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

// newEvidence is the store that the configuration names.
func newEvidence(c config.Config) (*evidence.Store, error) {
	e := c.Journeys.Evidence
	options := evidence.Options{
		PublicURL: e.PublicURL, Passed: e.Passed.Duration(), Failed: e.Failed.Duration(), MaxRuns: e.MaxRuns, MaxBytes: int64(e.MaxSize),
	}
	if e.Bucket == (config.Bucket{}) {
		return evidence.NewDirectory(c.EvidenceDir(), options)
	}
	return evidence.NewBucket(evidence.BucketOptions{
		Endpoint: e.Bucket.Endpoint, Bucket: e.Bucket.Name, Prefix: e.Bucket.Prefix, Region: e.Bucket.Region, PathStyle: e.Bucket.PathStyle,
		AccessKey: string(e.Bucket.AccessKey), SecretKey: string(e.Bucket.SecretKey),
	}, options)
}

// sweepPause is how often evidence past its time is removed.
const sweepPause = time.Hour

// run runs the journeys on their schedules until ctx ends, and keeps the store of
// evidence within its bounds.
func (a *journeyAgent) run(ctx context.Context) {
	var sweeping sync.WaitGroup
	sweeping.Go(func() {
		ticks := time.NewTicker(sweepPause)
		defer ticks.Stop()
		for {
			if removed, err := a.evidence.Sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("evidence past its time not removed", "error", err)
			} else if removed > 0 {
				a.log.Info("evidence past its time removed", "runs", removed)
			}
			select {
			case <-ticks.C:
			case <-ctx.Done():
				return
			}
		}
	})
	a.scheduler.Run(ctx)
	sweeping.Wait()
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

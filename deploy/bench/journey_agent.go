package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"throughline/beacon"
	"throughline/js"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// journeyAgentArg makes this program an agent that runs journeys.
const journeyAgentArg = "journey-agent"

// betweenRuns is the pause before each of the runs that are measured one by one, as a
// schedule has it.
const betweenRuns = 500 * time.Millisecond

// warmUpRuns come before what is measured.
const warmUpRuns = 5

// benchJourney goes through the pages of benchSite.
const benchJourney = `name: Find a mug
steps:
  - navigate: /
  - change: {selectors: "#q", value: mug}
  - click: {selectors: "#find", assertedEvents: [{type: navigation, url: "/results?q=mug"}]}
  - click: {selectors: "#first", assertedEvents: [{type: navigation, url: /product}]}
`

// agentFigures is what an agent measures by itself.
type agentFigures struct {
	OverheadsMS []float64 `json:"overheads_ms"`
	// Checks were run in the window by so many workers on so many cores.
	Checks  int     `json:"checks"`
	WindowS float64 `json:"window_s"`
	Workers int     `json:"workers"`
	Cores   int     `json:"cores"`
}

// overhead is a percentile.
func (f agentFigures) overhead(share float64) float64 {
	times := make([]time.Duration, 0, len(f.OverheadsMS))
	for _, ms := range f.OverheadsMS {
		times = append(times, time.Duration(ms*float64(time.Millisecond)))
	}
	return percentile(times, share)
}

// runJourneyAgent measures runs one by one, counts those of a window, keeps some
// going for a while, and ends with in. After each of the two it writes a line.
func runJourneyAgent(ctx context.Context, in io.Reader, out io.Writer, args []string) error {
	const wanted = 4
	if len(args) != wanted {
		return errUsage
	}
	runs, errRuns := strconv.Atoi(args[1])
	window, errWindow := time.ParseDuration(args[2])
	hold, errHold := time.ParseDuration(args[3])
	if errRuns != nil || errWindow != nil || errHold != nil {
		return errUsage
	}
	agent, err := newBenchAgent(args[0], nil)
	if err != nil {
		return err
	}
	err = agent.measure(ctx, out, runs, window, hold)
	if err == nil {
		_, err = io.Copy(io.Discard, in)
	}
	if closing := agent.runner.Close(); err == nil {
		err = closing
	}
	return err
}

// benchAgent runs the journey of the benchmark.
type benchAgent struct {
	runner  *synthetic.Runner
	journey *synthetic.Journey
	site    string
}

// nowhere takes the reports of runs.
type nowhere struct{}

// Report implements [synthetic.Reporter].
func (nowhere) Report(context.Context, beacon.Report) error { return nil }

// newBenchAgent returns an agent with the beacon, as agents have it, in a browser
// that launch starts; nil is the one that is installed.
func newBenchAgent(site string, launch func(context.Context) (synthetic.Browser, error)) (*benchAgent, error) {
	journey, err := synthetic.Load("bench.yaml", []byte(benchJourney))
	if err != nil {
		return nil, err
	}
	script, err := js.Script(js.Config{})
	if err != nil {
		return nil, fmt.Errorf("build the beacon: %w", err)
	}
	if launch == nil {
		options, err := chrome.FromEnvironment(os.Getenv, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		options.Spare = true
		launch = chrome.Opener(options)
	}
	text := string(script)
	return &benchAgent{journey: journey, site: site, runner: synthetic.NewRunner(synthetic.RunnerOptions{
		Launch: launch, Reporter: nowhere{}, Location: "bench",
		Script: func(context.Context) (string, error) { return text, nil },
	})}, nil
}

// run runs the journey once and returns how long it took and how long its steps did.
func (a *benchAgent) run(ctx context.Context) (took, steps time.Duration, err error) {
	begun := time.Now()
	result := a.runner.Run(ctx, a.journey, synthetic.RunOptions{BaseURL: a.site})
	took = time.Since(begun)
	if result.Outcome != beacon.RunPassed {
		return 0, 0, fmt.Errorf("a run did not pass: %s: %s", result.Reason, result.Message)
	}
	for _, step := range result.Steps {
		steps += step.Duration
	}
	return took, steps, nil
}

func (a *benchAgent) measure(ctx context.Context, out io.Writer, runs int, window, hold time.Duration) error {
	cores := runtime.NumCPU()
	figures := agentFigures{Cores: cores, Workers: runsPerCore * cores}
	for i := range warmUpRuns + runs {
		if err := sleep(ctx, betweenRuns); err != nil {
			return err
		}
		took, steps, err := a.run(ctx)
		if err != nil {
			return err
		}
		if i >= warmUpRuns {
			figures.OverheadsMS = append(figures.OverheadsMS, float64((took-steps).Microseconds())/1000)
		}
	}
	begun := time.Now()
	checks, err := a.keepGoing(ctx, figures.Workers, window)
	if err != nil {
		return err
	}
	figures.Checks, figures.WindowS = checks, time.Since(begun).Seconds()
	if err := json.NewEncoder(out).Encode(figures); err != nil {
		return fmt.Errorf("tell the figures: %w", err)
	}
	if _, err := a.keepGoing(ctx, concurrentRuns, hold); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "held"); err != nil {
		return fmt.Errorf("tell the end: %w", err)
	}
	return nil
}

// keepGoing begins run after run for a while, so many at a time, and counts them.
func (a *benchAgent) keepGoing(ctx context.Context, workers int, d time.Duration) (int, error) {
	var runs atomic.Int64
	var first error
	var once sync.Once
	var group sync.WaitGroup
	end := time.Now().Add(d)
	for range workers {
		group.Go(func() {
			for time.Now().Before(end) {
				if _, _, err := a.run(ctx); err != nil {
					once.Do(func() { first = err })
					return
				}
				runs.Add(1)
			}
		})
	}
	group.Wait()
	return int(runs.Load()), first
}

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// runsPerCore is how many runs go on for each core when they are counted: a run also waits,
// for the next frame for instance, and one alone leaves a fifth of a core idle.
const runsPerCore = 2

// concurrentRuns is how many runs go on when the memory of the browser is looked at.
const concurrentRuns = 4

// journeyOptions are the flags of `bench journey`.
type journeyOptions struct {
	runs         int
	window, hold time.Duration
}

// journeyResult is what the benchmark prints.
type journeyResult struct {
	agent    agentFigures
	agentMB  float64
	treeMB   float64
	cdpRatio float64
}

func runJourney(ctx context.Context, args []string) error {
	var o journeyOptions
	flags := flag.NewFlagSet("bench journey", flag.ContinueOnError)
	flags.IntVar(&o.runs, "runs", 100, "how many runs are measured one by one, and how many beside bare ones")
	flags.DurationVar(&o.window, "window", 20*time.Second, "how long runs are counted, two at a time for each core")
	flags.DurationVar(&o.hold, "hold", 5*time.Second, "for how long the memory of "+strconv.Itoa(concurrentRuns)+" runs at a time is looked at")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || o.runs < 1 || o.window <= 0 || o.hold <= 0 {
		return errUsage
	}
	site := httptest.NewServer(benchSite())
	defer site.Close()
	result, err := o.measure(ctx, site.URL)
	if err != nil {
		return err
	}
	fmt.Println(result)
	return nil
}

// benchSite serves three trivial pages, of which each leads to the next.
func benchSite() http.Handler {
	mux := http.NewServeMux()
	for path, body := range map[string]string{
		"/{$}":     `<h1>Shop</h1><form action="/results"><input id=q name=q><button id=find>Find</button></form>`,
		"/results": `<h1>Results</h1><a id=first href="/product">Blue mug</a>`,
		"/product": `<h1 id=product>Blue mug</h1><p>It holds a quarter of a litre.`,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<!doctype html><title>Shop</title><body>"+body)
		})
	}
	return mux
}

func (o journeyOptions) measure(ctx context.Context, site string) (result journeyResult, err error) {
	agent, err := startAgent(ctx, site, o)
	if err != nil {
		return result, err
	}
	defer agent.kill()
	if result.agent, err = agent.figures(); err != nil {
		return result, err
	}
	progress("%d runs one by one, overhead p50 %.1f ms, p95 %.1f ms; %d runs in %s, %d at a time",
		len(result.agent.OverheadsMS), result.agent.overhead(0.5), result.agent.overhead(0.95), result.agent.Checks, o.window, result.agent.Workers)
	if result.treeMB, err = agent.treeWhileHeld(); err != nil {
		return result, err
	}
	if result.agentMB, err = peakMemoryMB(agent.cmd.Process.Pid); err != nil {
		return result, err
	}
	if err := agent.stop(); err != nil {
		return result, err
	}
	progress("%d runs in turns with the client alone", o.runs)
	result.cdpRatio, err = compareWithBare(ctx, site, o.runs)
	return result, err
}

// String is the line that the benchmark prints.
func (r journeyResult) String() string {
	perMinute := float64(r.agent.Checks) / r.agent.WindowS * 60
	return fmt.Sprintf("overhead_p50_ms=%.1f overhead_p95_ms=%.1f checks_per_min_per_core=%.0f agent_rss_mb=%.1f tree_pss_mb_4=%.0f raw_cdp_ratio=%.2f",
		r.agent.overhead(0.5), r.agent.overhead(0.95), perMinute/float64(r.agent.Cores), r.agentMB, r.treeMB, r.cdpRatio)
}

// agentProcess is a process of its own that runs journeys and nothing else.
type agentProcess struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func startAgent(ctx context.Context, site string, o journeyOptions) (*agentProcess, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, journeyAgentArg, site, strconv.Itoa(o.runs), o.window.String(), o.hold.String())
	cmd.Stderr, cmd.WaitDelay = os.Stderr, time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start an agent: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start an agent: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start an agent: %w", err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	return &agentProcess{cmd: cmd, in: in, lines: lines}, nil
}

func (a *agentProcess) line() (string, error) {
	if a.lines.Scan() {
		return a.lines.Text(), nil
	}
	return "", errors.Join(errors.New("the agent ended before its time"), a.lines.Err())
}

// figures are what the agent measured by itself.
func (a *agentProcess) figures() (figures agentFigures, err error) {
	line, err := a.line()
	if err != nil {
		return figures, err
	}
	if err := json.Unmarshal([]byte(line), &figures); err != nil {
		return figures, fmt.Errorf("read what the agent measured: %w", err)
	}
	return figures, nil
}

// treeWhileHeld is the most memory that the browser's processes have together while
// the agent keeps some runs going.
func (a *agentProcess) treeWhileHeld() (mostMB float64, err error) {
	const pause = 100 * time.Millisecond
	over := make(chan error, 1)
	go func() {
		_, err := a.line()
		over <- err
	}()
	looks := 0
	for {
		select {
		case err := <-over:
			if err == nil && mostMB == 0 {
				err = errors.New("the system does not tell of the browser's memory")
			}
			progress("the browser's memory was looked at %d times", looks)
			return mostMB, err
		case <-time.After(pause):
			mostMB = max(mostMB, treeMB(a.cmd.Process.Pid))
			looks++
		}
	}
}

// stop lets the agent end.
func (a *agentProcess) stop() error {
	if err := a.in.Close(); err != nil {
		return fmt.Errorf("end the agent: %w", err)
	}
	if err := a.cmd.Wait(); err != nil {
		return fmt.Errorf("the agent: %w", err)
	}
	return nil
}

// kill ends an agent that may have ended.
func (a *agentProcess) kill() {
	_ = a.in.Close()
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// treeMB is the proportional share of memory of all processes below one. They stand
// still while it is added up: of one that ends meanwhile, what it shared would be counted
// with others once more.
func treeMB(pid int) float64 {
	tree := halt(pid)
	total := 0.0
	for _, process := range tree {
		total += shareMB(process)
	}
	for _, process := range tree {
		_ = syscall.Kill(process, syscall.SIGCONT)
	}
	return total
}

// halt stops all processes below one and returns them. None starts another meanwhile.
func halt(pid int) (tree []int) {
	for _, child := range childrenOf(pid) {
		_ = syscall.Kill(child, syscall.SIGSTOP)
		tree = append(append(tree, child), halt(child)...)
	}
	return tree
}

// shareMB is the memory of a process, of which what it shares with others counts by
// its share; 0 for one that has just ended.
func shareMB(pid int) float64 {
	file, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var kB float64
		if _, err := fmt.Sscanf(lines.Text(), "Pss: %f kB", &kB); err == nil {
			return kB / 1024
		}
	}
	return 0
}

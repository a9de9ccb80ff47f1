package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"throughline/beacon"
	"throughline/synthetic"
)

// progressPause is how often the line of the running step is written anew.
const progressPause = 100 * time.Millisecond

// clearLine goes to the line's begin and clears it.
const clearLine = "\r\x1b[2K"

// indent is where what belongs to a step stands.
const indent = "             "

// progress tells a person how runs go. On a terminal the last line shows what
// runs now and for how long; elsewhere there are only lines that stay. Its
// methods are called by one goroutine.
type progress struct {
	out    io.Writer
	colour bool
	// width is that of the terminal; 0 elsewhere.
	width int
	// hint says to tell how evidence is kept.
	hint bool

	journey *synthetic.Journey
	// next is the index of the step that is to begin.
	next int
	live *liveLine
	// mu is held to write the live line, and what is written beside it.
	mu sync.Mutex
}

func newProgress(out io.Writer, env environment) *progress {
	width, _ := onTerminal(out)
	if env.getenv("TERM") == "dumb" {
		width = 0
	}
	return &progress{out: out, colour: mayColour(out, env.getenv), width: width}
}

// begin tells that a journey is run, for the first time or again.
func (p *progress) begin(journey *synthetic.Journey, attempt int) {
	p.journey, p.next = journey, 0
	title := visible(journey.Name)
	if attempt > 0 {
		title += fmt.Sprintf(" (again, retry %d)", attempt)
	}
	p.print("%s\n", title)
	p.show("starting")
}

func (p *progress) beginStep(index int) {
	p.hide()
	if index < p.next {
		p.print("  %s\n", paint("the browser died; the run begins again in a new one", yellow, p.colour))
	}
	p.next = index + 1
	p.show(fmt.Sprintf("%d/%d %s", index+1, len(p.journey.Steps), visible(p.journey.Steps[index].Name)))
}

func (p *progress) endStep(step synthetic.StepResult) {
	p.hide()
	mark, as := "✓", green
	if step.Outcome != beacon.RunPassed {
		mark, as = "✗", red
	}
	name := visible(step.Name)
	if step.Alternative > 0 {
		name += paint(" (found by "+visible(step.Selector)+")", faint, p.colour)
	}
	p.print("  %s %8s  %s\n", paint(mark, as, p.colour), shortTime(step.Duration), name)
	if step.HTTP != nil {
		p.print("%s%s\n", indent, paint(phasesOf(*step.HTTP), faint, p.colour))
	}
	if step.Outcome != beacon.RunPassed {
		p.failure(step)
	}
	if step.Index+1 < len(p.journey.Steps) && step.Outcome == beacon.RunPassed {
		p.show("pausing")
	} else {
		p.show("leaving")
	}
}

// phasesOf tells where the time of a request went.
func phasesOf(timing synthetic.HTTPTiming) string {
	var parts []string
	if timing.StatusCode > 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", timing.StatusCode))
	}
	for _, phase := range []struct {
		name string
		took time.Duration
	}{
		{"DNS", timing.DNS},
		{"connect", timing.Connect},
		{"TLS", timing.TLS},
		{"first byte", timing.FirstByte},
		{"transfer", timing.Transfer},
	} {
		if phase.took > 0 {
			parts = append(parts, phase.name+" "+shortTime(phase.took))
		}
	}
	if days := timing.CertificateDaysLeft; days != nil {
		parts = append(parts, fmt.Sprintf("certificate %d days", *days))
	}
	return strings.Join(parts, ", ")
}

// failure tells what a step tried and what it saw.
func (p *progress) failure(step synthetic.StepResult) {
	if label := p.journey.Steps[step.Index].Label(); label != step.Name {
		p.print("%stried: %s\n", indent, visible(label))
	}
	p.print("%s%s: %s\n", indent, step.Reason, strings.ReplaceAll(visible(step.Message), "\n", "\n"+indent))
	if step.URL != "" {
		p.print("%sat %s\n", indent, visible(step.URL))
	}
}

// end tells how a run ended, once its evidence is written.
func (p *progress) end(done journeyRun) {
	p.hide()
	run := done.last()
	if stepSays(run.Result) {
		p.screenshot(run)
	}
	for _, page := range vitals(run.Pages) {
		p.print("  %s\n", visible(page.String()))
	}
	p.print("  %s\n", verdict(done, p.colour))
	if len(run.paths) > 0 {
		p.print("  evidence in %s\n", visible(filepath.Dir(run.paths[0])))
	}
}

// screenshot tells where that of the step that did not pass is.
func (p *progress) screenshot(run journeyAttempt) {
	failed := run.Steps[len(run.Steps)-1].Index
	for i, path := range run.paths {
		if artifact := run.Artifacts[i]; artifact.Step == failed && strings.HasPrefix(artifact.ContentType, "image/") {
			p.print("%sscreenshot: %s\n", indent, visible(path))
			return
		}
	}
	if p.hint {
		p.print("%s%s\n", indent, paint("--screenshots DIR keeps screenshots", faint, p.colour))
	}
}

// total is the last line: how many journeys ended in what way.
func (p *progress) total(done []journeyRun, notRun int, took time.Duration) {
	counts := map[string]int{}
	for _, run := range done {
		counts[outcomeOf(run)]++
	}
	counts["not run"] = notRun
	var parts []string
	for _, outcome := range []string{"passed", "flaky", "failed", "agent error", "not run"} {
		if counts[outcome] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[outcome], outcome))
		}
	}
	journeys := "journeys"
	if len(done)+notRun == 1 {
		journeys = "journey"
	}
	p.print("%d %s: %s in %s\n", len(done)+notRun, journeys, strings.Join(parts, ", "), shortTime(took))
}

// outcomeOf is the word for how a journey ended after all.
func outcomeOf(run journeyRun) string {
	if run.flaky() {
		return "flaky"
	}
	return strings.ReplaceAll(string(run.last().Outcome), "_", " ")
}

func verdict(done journeyRun, colour bool) string {
	run := done.last()
	took := " in " + shortTime(run.Duration)
	switch {
	case done.flaky():
		return paint("flaky", yellow, colour) + fmt.Sprintf(", passed at attempt %d", len(done.attempts)) + took
	case run.Outcome == beacon.RunPassed:
		return paint("passed", green, colour) + took
	}
	text := paint(outcomeOf(done), red, colour) + took + " (" + string(run.Reason) + ")"
	if run.Message != "" && !stepSays(run.Result) {
		text += ": " + visible(run.Message)
	}
	return text
}

// stepSays says that a step of the run tells why it did not pass.
func stepSays(run synthetic.Result) bool {
	return len(run.Steps) > 0 && run.Steps[len(run.Steps)-1].Outcome != beacon.RunPassed
}

func (p *progress) print(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

// show begins to tell of what runs now, if there is a terminal.
func (p *progress) show(what string) {
	p.hide()
	if p.width > 0 {
		p.live = showLive(&p.mu, p.out, p.width, what)
	}
}

// hide ends what show began.
func (p *progress) hide() {
	if p.live != nil {
		p.live.end()
		p.live = nil
	}
}

// liveLine is a line of a terminal that is written anew until it ends.
type liveLine struct {
	stop chan struct{}
	done sync.WaitGroup
}

func showLive(mu *sync.Mutex, out io.Writer, width int, what string) *liveLine {
	line := &liveLine{stop: make(chan struct{})}
	begun := time.Now()
	write := func(text string) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = io.WriteString(out, clearLine+text)
	}
	line.done.Go(func() {
		ticks := time.NewTicker(progressPause)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				write(liveText(time.Since(begun), what, width))
			case <-line.stop:
				write("")
				return
			}
		}
	})
	return line
}

// liveText fits in a line of the terminal, which could not be taken back else.
func liveText(elapsed time.Duration, what string, width int) string {
	text := []rune(fmt.Sprintf("  … %6.1f s  %s", elapsed.Seconds(), what))
	return string(text[:min(len(text), max(0, width-1))])
}

func (l *liveLine) end() {
	close(l.stop)
	l.done.Wait()
}

// besideLive writes where the live line may be, such as a log to the same terminal.
type besideLive struct {
	progress *progress
	out      io.Writer
}

// Write implements io.Writer.
func (b besideLive) Write(data []byte) (int, error) {
	b.progress.mu.Lock()
	defer b.progress.mu.Unlock()
	if b.progress.width > 0 {
		_, _ = io.WriteString(b.progress.out, clearLine)
	}
	return b.out.Write(data)
}

// visible replaces what could steer a terminal: names come from files, and
// messages hold texts of pages.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

func shortTime(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	return milliseconds(&ms)
}

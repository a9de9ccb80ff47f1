package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// hostile holds what XML must escape, what it cannot hold, and what steers terminals.
const hostile = "the title is \"<b>Tom & 'Jerry'</b>\", expected \"]]>\"\x1b[31m\x00\x08\uFFFE"

func madeUpJourney(t *testing.T) *synthetic.Journey {
	t.Helper()
	journey, err := synthetic.Load("buy.yaml", []byte(`
name: Buy "a" <mug> & go
steps:
  - {name: Open the shop, navigate: "https://shop.example/?token=hush"}
  - click: {selectors: ["aria/Buy", "#buy"]}
  - click: {selectors: ["aria/Buy", "#buy"]}
  - {name: Pay, waitForElement: "#paid"}
`))
	if err != nil {
		t.Fatal(err)
	}
	return journey
}

// madeUpRun is a journey that failed twice at its third step, with evidence.
func madeUpRun(t *testing.T) journeyRun {
	t.Helper()
	begun := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("", 3600))
	step := func(index int, name, kind string) synthetic.StepResult {
		return synthetic.StepResult{
			Index: index, Name: name, Type: kind, Started: begun.Add(time.Duration(index) * time.Second), Duration: 123456 * time.Microsecond,
			Outcome: beacon.RunPassed, URL: "https://shop.example/",
		}
	}
	clicked := step(1, "click aria/Buy", "click")
	clicked.Selector, clicked.Alternative = "#buy", 1
	opened := step(0, "Open the shop", "navigate")
	opened.HTTP = &synthetic.HTTPTiming{
		StatusCode: 200, DNS: time.Millisecond, TLS: 12345 * time.Microsecond, FirstByte: 1500 * time.Millisecond, CertificateDaysLeft: new(61),
	}
	failed := step(2, "click aria/Buy", "click")
	failed.Outcome, failed.Reason, failed.Message = beacon.RunFailed, beacon.ReasonAssertion, hostile
	lcp, cls := 812.5, 0.02
	result := synthetic.Result{
		Journey: `Buy "a" <mug> & go`, RunID: "0123456789abcdef", Started: begun, Slot: begun,
		Queue: 40 * time.Millisecond, Duration: 2500 * time.Millisecond,
		Outcome: beacon.RunFailed, Reason: beacon.ReasonAssertion, Message: hostile, FailedStep: failed.Name,
		Steps: []synthetic.StepResult{opened, clicked, failed}, Total: 4,
		Browser: "HeadlessChrome/156.0.0.0",
		Pages: []beacon.Report{
			{View: &beacon.View{ID: "1", URL: "https://shop.example/"}, Events: []beacon.Event{{PageView: &beacon.PageView{Phase: "early", LCPMS: &lcp}}}},
			{View: &beacon.View{ID: "1", URL: "https://shop.example/"}, Events: []beacon.Event{{PageView: &beacon.PageView{Phase: "final", CLS: &cls}}}},
		},
		Artifacts: []synthetic.Artifact{
			{Name: "step-03.jpg", ContentType: "image/jpeg", Step: 2, Data: []byte("jpeg")},
			{Name: "run.har", ContentType: "application/json", Step: -1, Data: []byte("{}")},
		},
	}
	first := result
	first.RunID, first.Artifacts = "fedcba9876543210", nil
	return journeyRun{
		file: "buy.yaml", journey: madeUpJourney(t),
		attempts: []journeyAttempt{{Result: first}, {Result: result, paths: []string{"/evidence/step-03.jpg", "/evidence/run.har"}}},
	}
}

// neverBegan is a run whose browser did not start.
func neverBegan(t *testing.T) journeyRun {
	return journeyRun{file: "buy.yaml", journey: madeUpJourney(t), attempts: []journeyAttempt{{Result: synthetic.Result{
		Journey: "Never began", RunID: "0000000000000001", Outcome: beacon.RunAgentError, Reason: beacon.ReasonBrowserFailed,
		Message: "start browser: no", Total: 4,
	}}}}
}

// flakyRun passed when it was run again.
func flakyRun(t *testing.T) journeyRun {
	run := madeUpRun(t)
	second := &run.attempts[1]
	second.Result = synthetic.Result{Journey: "Flaky", RunID: "0000000000000002", Outcome: beacon.RunPassed, Total: 4}
	second.paths = nil
	for i, step := range run.journey.Steps {
		second.Steps = append(second.Steps, synthetic.StepResult{Index: i, Name: step.Name, Type: step.Type(), Outcome: beacon.RunPassed})
	}
	return run
}

// overall passed each step and failed as a whole.
func overall(t *testing.T) journeyRun {
	run := flakyRun(t)
	run.attempts = run.attempts[1:]
	run.attempts[0].Journey, run.attempts[0].Outcome = "Too slow", beacon.RunFailed
	run.attempts[0].Reason, run.attempts[0].Message = beacon.ReasonAssertion, "LCP was 3 s"
	return run
}

func TestJourneyRun_JSON(t *testing.T) {
	var out bytes.Buffer
	for _, run := range []journeyRun{madeUpRun(t), neverBegan(t), flakyRun(t)} {
		if err := writeJSON(&out, run, "here"); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "journey_run.jsonl", out.Bytes())
	if strings.Contains(out.String(), "hush") {
		t.Error("the query of an address shows")
	}
}

// Every field that is printed is told of in the help, and none else.
func TestJourneyRun_JSONIsDocumented(t *testing.T) {
	_, help, _ := command(t.Context(), "journey", "run", "--help")
	data, err := os.ReadFile(filepath.Join("testdata", "journey_run.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for line := range bytes.Lines(data) {
		decoder := json.NewDecoder(bytes.NewReader(line))
		var object map[string]any
		if err := decoder.Decode(&object); err != nil {
			t.Fatal(err)
		}
		collectKeys(object, names)
	}
	for name := range names {
		if !regexp.MustCompile(`\b` + name + `\b`).MatchString(help) {
			t.Errorf("the help does not tell of %s", name)
		}
	}
	if len(names) < 25 {
		t.Errorf("only %v", slices.Sorted(maps.Keys(names)))
	}
}

func collectKeys(value any, into map[string]bool) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			into[key] = true
			collectKeys(member, into)
		}
	case []any:
		for _, item := range value {
			collectKeys(item, into)
		}
	}
}

func TestJourneyRun_JUnit(t *testing.T) {
	text, err := junit([]journeyRun{madeUpRun(t), neverBegan(t), flakyRun(t), overall(t)}, `the "lab" & <more>`)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "journey_run.xml", text)
	checkJUnit(t, text)
	var report junitReport
	if err := xml.Unmarshal(text, &report); err != nil {
		t.Fatal(err)
	}
	failure := report.Suites[0].Cases[2].Failure
	if want := strings.NewReplacer("\x1b", "\uFFFD", "\x00", "\uFFFD", "\x08", "\uFFFD", "\uFFFE", "\uFFFD").Replace(hostile); failure.Message != want {
		t.Errorf("the message reads\n%q\nwant\n%q", failure.Message, want)
	}
	if failure.Type != "assertion" || report.Suites[0].Cases[3].Skipped == nil || len(report.Suites[0].Cases[2].RerunFailure) != 1 {
		t.Errorf("got %+v", report.Suites[0])
	}
	if c := report.Suites[1].Cases[0]; c.Error == nil || c.Error.Type != "browser_failed" || report.Suites[1].Skipped != 3 {
		t.Errorf("got %+v", report.Suites[1])
	}
	if report.Suites[2].Failures != 0 || len(report.Suites[2].Cases[2].FlakyFailure) != 1 {
		t.Errorf("got %+v", report.Suites[2])
	}
	if c := report.Suites[3].Cases; len(c) != 5 || c[4].Failure == nil {
		t.Errorf("got %+v", c)
	}
	if report.Tests != 17 || report.Failures != 2 || report.Errors != 1 {
		t.Errorf("counted %d, %d, %d", report.Tests, report.Failures, report.Errors)
	}
	if !strings.Contains(report.Suites[0].Cases[2].SystemOut, "[[ATTACHMENT|/evidence/step-03.jpg]]\n") {
		t.Errorf("got %q", report.Suites[0].Cases[2].SystemOut)
	}
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *junitSeconds) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text) + "s")
	*s = junitSeconds(d)
	return err
}

func TestJourneyRun_NoJUnitOfNothing(t *testing.T) {
	text, err := junit(nil, "here")
	if err != nil {
		t.Fatal(err)
	}
	checkJUnit(t, text)
}

// element is what the schemas of Jenkins and Surefire both allow of an element:
// its attributes and, in this order, its children.
type element struct {
	required, optional []string
	children           []string
	once               []string // children that come at most once
}

func junitSchema() map[string]element {
	rerun := element{required: []string{"message", "type"}, children: []string{"stackTrace", "system-out"}, once: []string{"stackTrace", "system-out"}}
	fault := element{required: []string{"message", "type"}}
	return map[string]element{
		"testsuites": {required: []string{"name", "tests", "failures", "errors", "time"}, children: []string{"testsuite"}},
		"testsuite": {
			required: []string{"name", "tests", "failures", "errors", "skipped", "time"}, optional: []string{"timestamp"},
			children: []string{"properties", "testcase", "system-out"}, once: []string{"properties", "system-out"},
		},
		"properties": {children: []string{"property"}},
		"property":   {required: []string{"name", "value"}},
		"testcase": {
			required: []string{"name", "classname", "time"},
			children: []string{"failure", "rerunFailure", "flakyFailure", "skipped", "error", "rerunError", "flakyError", "system-out"},
			once:     []string{"failure", "skipped", "error", "system-out"},
		},
		"failure": fault, "error": fault, "rerunFailure": rerun, "rerunError": rerun, "flakyFailure": rerun, "flakyError": rerun,
		"skipped": {optional: []string{"message"}}, "system-out": {}, "stackTrace": {},
	}
}

// checkJUnit checks a report against the schema.
func checkJUnit(t *testing.T, text []byte) {
	t.Helper()
	schema := junitSchema()
	decoder := xml.NewDecoder(bytes.NewReader(text))
	type open struct {
		name     string
		children []string
	}
	stack := []open{{}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name := token.Name.Local
			top := &stack[len(stack)-1]
			top.children = append(top.children, name)
			if err := checkAttributes(schema[name], token.Attr); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			stack = append(stack, open{name: name})
		case xml.EndElement:
			top := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if err := checkChildren(schema[top.name], top.children); err != nil {
				t.Errorf("%s: %v", top.name, err)
			}
		case xml.CharData:
			if top := stack[len(stack)-1]; len(schema[top.name].children) > 0 && strings.TrimSpace(string(token)) != "" {
				t.Errorf("%s holds text %q", top.name, token)
			}
		}
	}
	if !slices.Equal(stack[0].children, []string{"testsuites"}) {
		t.Errorf("the roots are %v", stack[0].children)
	}
}

func checkAttributes(rule element, attributes []xml.Attr) error {
	patterns := map[string]string{
		"time": `^[0-9]+\.[0-9]{3}$`, "timestamp": `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$`,
		"tests": `^\d+$`, "failures": `^\d+$`, "errors": `^\d+$`, "skipped": `^\d+$`,
	}
	var names []string
	for _, attribute := range attributes {
		name := attribute.Name.Local
		names = append(names, name)
		if !slices.Contains(rule.required, name) && !slices.Contains(rule.optional, name) {
			return fmt.Errorf("has the attribute %s", name)
		}
		if pattern := patterns[name]; pattern != "" && !regexp.MustCompile(pattern).MatchString(attribute.Value) {
			return fmt.Errorf("%s is %q", name, attribute.Value)
		}
	}
	for _, name := range rule.required {
		if !slices.Contains(names, name) {
			return fmt.Errorf("lacks the attribute %s", name)
		}
	}
	return nil
}

func checkChildren(rule element, children []string) error {
	at := 0
	for i, child := range children {
		place := slices.Index(rule.children, child)
		switch {
		case place < 0:
			return fmt.Errorf("must not hold %s", child)
		case place < at:
			return fmt.Errorf("%s comes too late", child)
		case i > 0 && children[i-1] == child && slices.Contains(rule.once, child):
			return fmt.Errorf("holds %s twice", child)
		}
		at = place
	}
	return nil
}

// What checks reports must find what is wrong with one.
func TestCheckJUnit_RefusesWhatIsNoReport(t *testing.T) {
	schema := junitSchema()
	for _, children := range [][]string{{"system-out", "failure"}, {"failure", "failure"}, {"testcase"}} {
		if checkChildren(schema["testcase"], children) == nil {
			t.Errorf("%v is allowed", children)
		}
	}
	for _, value := range []string{"1", "1.2345", "-1.000"} {
		attributes := []xml.Attr{{Name: xml.Name{Local: "name"}}, {Name: xml.Name{Local: "classname"}}, {Name: xml.Name{Local: "time"}, Value: value}}
		if checkAttributes(schema["testcase"], attributes) == nil {
			t.Errorf("the time %s is allowed", value)
		}
	}
	if checkAttributes(schema["failure"], nil) == nil {
		t.Error("a failure needs no type")
	}
}

func TestJourneyRun_Printed(t *testing.T) {
	var out screen
	p := newProgress(&out, environment{getenv: func(string) string { return "" }})
	p.hint = true
	runs := []journeyRun{madeUpRun(t), neverBegan(t), flakyRun(t), overall(t)}
	for _, run := range runs {
		for i, attempt := range run.attempts {
			p.begin(run.journey, i)
			for _, step := range attempt.Steps {
				p.beginStep(step.Index)
				p.endStep(step)
			}
			p.end(journeyRun{file: run.file, journey: run.journey, attempts: run.attempts[:i+1]})
		}
	}
	p.beginStep(0) // of a browser that took the place of one that died
	p.total(runs, 2, 65*time.Second)
	golden(t, "journey_run.txt", []byte(out.String()))
	if strings.ContainsAny(out.String(), "\x1b\x00\x08") {
		t.Error("what steers terminals is printed")
	}
}

func TestLiveLine_IsTakenBackAndFits(t *testing.T) {
	var out screen
	line := showLive(new(sync.Mutex), &out, 40, strings.Repeat("a long name ", 10))
	out.waitFor(t, "a long name")
	line.end()
	text := out.String()
	if !strings.HasSuffix(text, clearLine) {
		t.Errorf("the line stays: %q", text)
	}
	for written := range strings.SplitSeq(text, clearLine) {
		if len([]rune(written)) >= 40 {
			t.Errorf("%q does not fit", written)
		}
	}
	if got := liveText(1234*time.Millisecond, "3/7 Search", 80); got != "  …    1.2 s  3/7 Search" {
		t.Errorf("got %q", got)
	}
}

func TestKeepArtifacts_NamesAreSafe(t *testing.T) {
	dir := t.TempDir()
	result := synthetic.Result{Journey: "../Buy a mug/é", RunID: "01", Artifacts: []synthetic.Artifact{
		{Name: "../../step-01.jpg", Data: []byte("x")}, {Name: "..", Data: []byte("y")},
	}}
	paths, err := keepArtifacts(dir, result)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "Buy-a-mug-01", "step-01.jpg"), filepath.Join(dir, "Buy-a-mug-01", "unnamed")}
	if !slices.Equal(paths, want) {
		t.Errorf("got %v, want %v", paths, want)
	}
	for i, path := range paths {
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, result.Artifacts[i].Data) {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
	if paths, err := keepArtifacts("", result); err != nil || paths != nil {
		t.Errorf("without a directory: %v, %v", paths, err)
	}
}

// golden compares with a file in testdata; with -update it is written.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

// The report as Jenkins and Surefire define it, in the order of their schemas.
type (
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Time     junitSeconds `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       junitSeconds    `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
		SystemOut  string          `xml:"system-out,omitempty"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name         string       `xml:"name,attr"`
		ClassName    string       `xml:"classname,attr"`
		Time         junitSeconds `xml:"time,attr"`
		Failure      *junitFault  `xml:"failure"`
		RerunFailure []junitRerun `xml:"rerunFailure"`
		FlakyFailure []junitRerun `xml:"flakyFailure"`
		Skipped      *junitSkip   `xml:"skipped"`
		Error        *junitFault  `xml:"error"`
		RerunError   []junitRerun `xml:"rerunError"`
		FlakyError   []junitRerun `xml:"flakyError"`
		SystemOut    string       `xml:"system-out,omitempty"`
	}
	junitFault struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
	// junitRerun is a fault of a run that was not the last.
	junitRerun struct {
		Message    string `xml:"message,attr"`
		Type       string `xml:"type,attr"`
		StackTrace string `xml:"stackTrace"`
		SystemOut  string `xml:"system-out,omitempty"`
	}
	junitSkip struct {
		Message string `xml:"message,attr"`
	}
)

// junitSeconds is a time as the report writes it.
type junitSeconds time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s junitSeconds) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', 3, 64), nil
}

// writeJUnitFile writes the report. What reads it never sees half of it.
func writeJUnitFile(path string, runs []journeyRun, location string) error {
	report, err := junit(runs, location)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".junit-*.xml")
	if err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // it has moved if all went well
	_, err = file.Write(report)
	for _, next := range []func() error{
		func() error { return file.Chmod(0o644) },
		file.Close,
		func() error { return os.Rename(file.Name(), path) },
	} {
		if err == nil {
			err = next()
		}
	}
	if err != nil {
		return fmt.Errorf("write the JUnit report: %w", err)
	}
	return nil
}

// junit is the report of runs: a suite for each journey, a case for each step.
// The encoder escapes, and replaces what XML cannot hold.
func junit(runs []journeyRun, location string) ([]byte, error) {
	report := junitReport{Name: "throughline"}
	for _, run := range runs {
		suite := suiteOf(run, location)
		report.Suites = append(report.Suites, suite)
		report.Tests += suite.Tests
		report.Failures += suite.Failures
		report.Errors += suite.Errors
		report.Time += suite.Time
	}
	var text bytes.Buffer
	text.WriteString(xml.Header)
	encoder := xml.NewEncoder(&text)
	encoder.Indent("", "  ")
	if err := encoder.Encode(report); err != nil {
		return nil, fmt.Errorf("write the JUnit report: %w", err)
	}
	text.WriteByte('\n')
	return text.Bytes(), nil
}

func suiteOf(done journeyRun, location string) junitSuite {
	run := done.last()
	suite := junitSuite{
		Name: run.Journey, Time: junitSeconds(run.Duration),
		Timestamp: run.Started.UTC().Format("2006-01-02T15:04:05"),
		Properties: []junitProperty{
			{"location", location},
			{"browser", run.Browser},
			{"run_id", run.RunID},
			{"file", done.file},
			{"attempts", strconv.Itoa(len(done.attempts))},
		},
		Cases:     casesOf(done),
		SystemOut: attachments(run, -1),
	}
	suite.addEarlier(done)
	for _, c := range suite.Cases {
		suite.Tests++
		switch {
		case c.Failure != nil:
			suite.Failures++
		case c.Error != nil:
			suite.Errors++
		case c.Skipped != nil:
			suite.Skipped++
		}
	}
	return suite
}

// casesOf are the steps of the last attempt. A fault that no step tells of is told
// by the first step that was not begun, or by a case of its own.
func casesOf(done journeyRun) []junitCase {
	run := done.last()
	names := stepNames(done.journey)
	cases := make([]junitCase, 0, len(names)+1)
	for _, step := range run.Steps {
		c := junitCase{
			Name: names[step.Index], ClassName: run.Journey, Time: junitSeconds(step.Duration),
			SystemOut: attachments(run, step.Index),
		}
		c.blame(step.Outcome, step.Reason, step.Message, faultText(done.journey, step))
		cases = append(cases, c)
	}
	untold := run.Outcome != beacon.RunPassed && !stepSays(run.Result)
	for i := len(run.Steps); i < len(names); i++ {
		c := junitCase{Name: names[i], ClassName: run.Journey}
		if untold {
			c.blame(run.Outcome, run.Reason, run.Message, run.Message)
			untold = false
		} else {
			c.Skipped = &junitSkip{Message: "not begun"}
		}
		cases = append(cases, c)
	}
	if untold {
		c := junitCase{Name: "(run)", ClassName: run.Journey}
		c.blame(run.Outcome, run.Reason, run.Message, run.Message)
		cases = append(cases, c)
	}
	return cases
}

func (c *junitCase) blame(outcome beacon.RunOutcome, reason beacon.RunReason, message, text string) {
	fault := &junitFault{Message: message, Type: string(reason), Text: text}
	switch outcome {
	case beacon.RunPassed:
	case beacon.RunFailed:
		c.Failure = fault
	default:
		c.Error = fault
	}
}

// addEarlier tells of the attempts before the last, at the step that each failed at.
func (s *junitSuite) addEarlier(done journeyRun) {
	for _, attempt := range done.attempts[:len(done.attempts)-1] {
		index, all := max(0, len(attempt.Steps)-1), []string{attachments(attempt, -1)}
		for i := range attempt.Steps {
			all = append(all, attachments(attempt, i))
		}
		fault := junitRerun{
			Message: attempt.Message, Type: string(attempt.Reason), StackTrace: attempt.Message, SystemOut: strings.Join(all, ""),
		}
		c := &s.Cases[index]
		switch failed := attempt.Outcome == beacon.RunFailed; {
		case failed && done.flaky():
			c.FlakyFailure = append(c.FlakyFailure, fault)
		case failed:
			c.RerunFailure = append(c.RerunFailure, fault)
		case done.flaky():
			c.FlakyError = append(c.FlakyError, fault)
		default:
			c.RerunError = append(c.RerunError, fault)
		}
	}
}

// stepNames are the names of the steps, each once: that is how reports tell
// which case is which from one run to the next.
func stepNames(journey *synthetic.Journey) []string {
	seen := map[string]int{}
	names := make([]string, 0, len(journey.Steps))
	for _, step := range journey.Steps {
		name := step.Name
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
		names = append(names, name)
	}
	return names
}

// faultText is what to know of a step that did not pass.
func faultText(journey *synthetic.Journey, step synthetic.StepResult) string {
	text := "tried: " + journey.Steps[step.Index].Label() + "\n" + step.Message
	if step.URL != "" {
		text += "\nat " + step.URL
	}
	return text
}

// attachments are the files of a step, or with -1 those of the run, as Jenkins'
// attachments plugin finds them.
func attachments(run journeyAttempt, step int) string {
	var text strings.Builder
	for i, path := range run.paths {
		if run.Artifacts[i].Step != step {
			continue
		}
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		fmt.Fprintf(&text, "[[ATTACHMENT|%s]]\n", path)
	}
	return text.String()
}

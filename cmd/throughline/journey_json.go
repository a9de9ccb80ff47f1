package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"throughline/synthetic"
)

// jsonHelp describes what `journey run --json` prints. What is there keeps its
// name and meaning; more may come.
const jsonHelp = `Each object holds
  journey, file, run_id, location, browser, started_at
  outcome      passed, failed or agent_error; flaky says that it passed when run again
  reason, message, failed_step   why it did not pass
  queue_ms, duration_ms          until a page was open, and the time of the steps
  steps_total, steps             each step that was begun: index, name, type, outcome,
                                 reason, message, started_at, duration_ms, url, selector
                                 (that found the element), alternative (its place from 0),
                                 http of a request: status_code, dns_ms, connect_ms, tls_ms,
                                 first_byte_ms, transfer_ms, certificate_days_left
  pages        each page: url, ttfb_ms, fcp_ms, lcp_ms, inp_ms, cls; what was measured
  artifacts    with --screenshots: name, path, content_type, step (-1 is the run)
  attempts     how often it was run; earlier holds run_id, outcome, reason, message,
               failed_step, duration_ms and artifacts of those before the last`

// jsonRun is a journey as --json prints it.
type jsonRun struct {
	Journey  string `json:"journey"`
	File     string `json:"file"`
	Location string `json:"location"`
	Browser  string `json:"browser,omitempty"`
	Flaky    bool   `json:"flaky"`
	Attempts int    `json:"attempts"`
	jsonOutcome
	StartedAt  time.Time     `json:"started_at"`
	QueueMS    float64       `json:"queue_ms"`
	StepsTotal int           `json:"steps_total"`
	Steps      []jsonStep    `json:"steps"`
	Pages      []pageVitals  `json:"pages"`
	Earlier    []jsonOutcome `json:"earlier,omitempty"`
}

// jsonOutcome is how an attempt ended.
type jsonOutcome struct {
	RunID      string         `json:"run_id"`
	Outcome    string         `json:"outcome"`
	Reason     string         `json:"reason,omitempty"`
	Message    string         `json:"message,omitempty"`
	FailedStep string         `json:"failed_step,omitempty"`
	DurationMS float64        `json:"duration_ms"`
	Artifacts  []jsonArtifact `json:"artifacts,omitempty"`
}

type jsonStep struct {
	Index       int       `json:"index"`
	Name        string    `json:"name"`
	Type        string    `json:"type"`
	Outcome     string    `json:"outcome"`
	Reason      string    `json:"reason,omitempty"`
	Message     string    `json:"message,omitempty"`
	StartedAt   time.Time `json:"started_at"`
	DurationMS  float64   `json:"duration_ms"`
	URL         string    `json:"url,omitempty"`
	Selector    string    `json:"selector,omitempty"`
	Alternative *int      `json:"alternative,omitempty"`
	HTTP        *jsonHTTP `json:"http,omitempty"`
}

// jsonHTTP is where the time of a request without a browser went.
type jsonHTTP struct {
	StatusCode          int     `json:"status_code"`
	DNSMS               float64 `json:"dns_ms"`
	ConnectMS           float64 `json:"connect_ms"`
	TLSMS               float64 `json:"tls_ms"`
	FirstByteMS         float64 `json:"first_byte_ms"`
	TransferMS          float64 `json:"transfer_ms"`
	CertificateDaysLeft *int    `json:"certificate_days_left,omitempty"`
}

type jsonArtifact struct {
	Name        string `json:"name"`
	Path        string `json:"path"`
	ContentType string `json:"content_type"`
	Step        int    `json:"step"`
}

// writeJSON writes a journey's runs as one line.
func writeJSON(w io.Writer, done journeyRun, location string) error {
	last := done.last()
	run := jsonRun{
		Journey: last.Journey, File: done.file, Location: location, Browser: last.Browser,
		Flaky: done.flaky(), Attempts: len(done.attempts), jsonOutcome: outcomeJSON(last),
		StartedAt: inMilliseconds(last.Started), QueueMS: fractional(last.Queue),
		StepsTotal: last.Total, Steps: []jsonStep{}, Pages: vitals(last.Pages),
	}
	for _, step := range last.Steps {
		run.Steps = append(run.Steps, stepJSON(step))
	}
	for _, attempt := range done.attempts[:len(done.attempts)-1] {
		run.Earlier = append(run.Earlier, outcomeJSON(attempt))
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(run); err != nil {
		return fmt.Errorf("print the result of %s: %w", last.Journey, err)
	}
	return nil
}

func outcomeJSON(attempt journeyAttempt) jsonOutcome {
	outcome := jsonOutcome{
		RunID: attempt.RunID, Outcome: string(attempt.Outcome), Reason: string(attempt.Reason), Message: attempt.Message,
		FailedStep: attempt.FailedStep, DurationMS: fractional(attempt.Duration),
	}
	for i, path := range attempt.paths {
		artifact := attempt.Artifacts[i]
		outcome.Artifacts = append(outcome.Artifacts, jsonArtifact{
			Name: artifact.Name, Path: path, ContentType: artifact.ContentType, Step: artifact.Step,
		})
	}
	return outcome
}

func stepJSON(step synthetic.StepResult) jsonStep {
	out := jsonStep{
		Index: step.Index, Name: step.Name, Type: step.Type,
		Outcome: string(step.Outcome), Reason: string(step.Reason), Message: step.Message,
		StartedAt: inMilliseconds(step.Started), DurationMS: fractional(step.Duration),
		URL: step.URL, Selector: step.Selector,
	}
	if step.Selector != "" {
		out.Alternative = &step.Alternative
	}
	if timing := step.HTTP; timing != nil {
		out.HTTP = &jsonHTTP{
			StatusCode: timing.StatusCode, DNSMS: fractional(timing.DNS), ConnectMS: fractional(timing.Connect), TLSMS: fractional(timing.TLS),
			FirstByteMS: fractional(timing.FirstByte), TransferMS: fractional(timing.Transfer), CertificateDaysLeft: timing.CertificateDaysLeft,
		}
	}
	return out
}

// inMilliseconds is a time as precise as the rest is told.
func inMilliseconds(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// fractional is a duration in milliseconds, to the microsecond.
func fractional(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package synthetic

import (
	"strings"
	"testing"
	"time"

	"throughline/beacon"
)

func TestResult_Transactions(t *testing.T) {
	start := time.UnixMilli(1763900000000)
	step := func(atMS, tookMS int, transaction string, outcome beacon.RunOutcome) StepResult {
		return StepResult{
			Started: start.Add(time.Duration(atMS) * time.Millisecond), Duration: time.Duration(tookMS) * time.Millisecond,
			Transaction: transaction, Outcome: outcome, Reason: map[beacon.RunOutcome]beacon.RunReason{beacon.RunFailed: beacon.ReasonTimeout}[outcome],
		}
	}
	page := func(atMS int64, name string) beacon.Report {
		event := beacon.Event{AtMS: start.UnixMilli() + atMS, PageView: &beacon.PageView{}}
		if name != "" {
			event.Transaction = &beacon.TransactionRef{Name: name, InstanceID: "of the page"}
		}
		return beacon.Report{Events: []beacon.Event{event}}
	}
	const passed, failed = beacon.RunPassed, beacon.RunFailed
	for name, c := range map[string]struct {
		pages []beacon.Report
		steps []StepResult
		refs  string // of each step, "-" for none, the page's with a star
		ends  string
	}{
		"none": {nil, []StepResult{step(0, 10, "", passed)}, "-", ""},
		"two in a row are one": {
			nil,
			[]StepResult{step(0, 10, "Pay", passed), step(20, 10, "Pay", passed), step(40, 10, "", passed)},
			"Pay Pay -", "Pay completed 30/20",
		},
		"two apart are two":     {nil, []StepResult{step(0, 10, "Pay", passed), step(20, 10, "", passed), step(40, 10, "Pay", passed)}, "Pay - Pay", "Pay completed 10/10, Pay completed 10/10"},
		"one fails":             {nil, []StepResult{step(0, 10, "Pay", passed), step(20, 10, "Pay", failed)}, "Pay Pay", "Pay failed timeout 30/20"},
		"the monitor fails":     {nil, []StepResult{step(0, 10, "Pay", beacon.RunAgentError)}, "Pay", ""},
		"the page tells of it":  {[]beacon.Report{page(5, "Pay")}, []StepResult{step(0, 10, "Pay", passed)}, "Pay*", ""},
		"on a page of it":       {[]beacon.Report{page(5, "Pay")}, []StepResult{step(0, 10, "", passed), step(20, 10, "Pay", passed)}, "Pay* Pay*", ""},
		"on a page of another":  {[]beacon.Report{page(5, "Home")}, []StepResult{step(0, 10, "Pay", passed), step(20, 10, "", passed)}, "Pay Home*", "Pay completed 10/10"},
		"an earlier page of it": {[]beacon.Report{page(5, "Pay"), page(15, "")}, []StepResult{step(0, 10, "", passed), step(20, 10, "Pay", passed)}, "Pay* Pay", "Pay completed 10/10"},
	} {
		result := Result{Pages: c.pages, Steps: c.steps}
		refs, ends := result.transactions(func() string { return "new" })
		var got, ended []string
		for _, ref := range refs {
			switch {
			case ref == nil:
				got = append(got, "-")
			case ref.InstanceID == "of the page":
				got = append(got, ref.Name+"*")
			default:
				got = append(got, ref.Name)
			}
		}
		for _, end := range ends {
			done := end.TransactionDone
			words := []string{end.Transaction.Name, string(done.Outcome)}
			if done.Reason != "" {
				words = append(words, done.Reason)
			}
			words = append(words, time.Duration(done.DurationMS*1e6).Round(time.Millisecond).String()+"/"+time.Duration(done.WaitMS*1e6).Round(time.Millisecond).String())
			ended = append(ended, strings.ReplaceAll(strings.Join(words, " "), "ms", ""))
		}
		if strings.Join(got, " ") != c.refs || strings.Join(ended, ", ") != c.ends {
			t.Errorf("%s: steps of %v, ends %q", name, got, ended)
		}
	}
}

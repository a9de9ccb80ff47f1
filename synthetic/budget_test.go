package synthetic_test

import (
	"strings"
	"testing"

	"throughline/beacon"
	"throughline/synthetic"
)

// TestRun_Budgets reports an LCP of 12 ms for each page, as pageBeacon does.
func TestRun_Budgets(t *testing.T) {
	shop := newShop(t)
	for name, test := range map[string]struct {
		journey string
		words   []string
		failed  string
	}{
		"within": {"budgets: {lcp: 12ms, inp: 1ms, cls: 0}\nsteps: [{navigate: /, budget: 15m}, navigate: /wait]", nil, ""},
		"pages": {
			"budgets: {lcp: 11.5ms}\nsteps: [navigate: /, navigate: '/wait?q=hush']",
			[]string{"over budget: ", shop.URL + "/: LCP 12 ms, allowed 11.5 ms; ", shop.URL + "/wait: LCP 12 ms"},
			"",
		},
		"step": {
			"steps: [navigate: /, {name: Look, budget: 1ms, navigate: /wait}, navigate: /wait]",
			[]string{"over budget: step Look took ", ", allowed 1ms"},
			"Look",
		},
	} {
		t.Run(name, func(t *testing.T) {
			runner, sink := newRunner(t, nil)
			result := runner.Run(t.Context(), load(t, "name: J\n"+test.journey), synthetic.RunOptions{BaseURL: shop.URL})
			run := sink.run()
			if passed := run.Outcome == beacon.RunPassed; passed != (test.words == nil) || run.FailedStep != test.failed {
				t.Errorf("got %+v", run)
			}
			if len(test.words) > 0 && run.Reason != beacon.ReasonAssertion {
				t.Errorf("the reason is %s", run.Reason)
			}
			for _, words := range test.words {
				if !strings.Contains(run.Message, words) {
					t.Errorf("got %q, want %q", run.Message, words)
				}
			}
			if run.StepsDone != result.Total || strings.Contains(run.Message, "hush") {
				t.Errorf("got %+v: all steps are done, and no query shows", run)
			}
		})
	}
}

func TestRun_BudgetsManyBreaches(t *testing.T) {
	shop := newShop(t)
	runner, sink := newRunner(t, nil)
	steps := strings.Repeat("\n  - {navigate: /wait, budget: 1ms}", 12)
	runner.Run(t.Context(), load(t, "name: J\nsteps:"+steps), synthetic.RunOptions{BaseURL: shop.URL})
	if message := sink.run().Message; strings.Count(message, ";") != 10 || !strings.HasSuffix(message, "; and 2 more") {
		t.Errorf("got %q", message)
	}
}

package synthetic

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"throughline/beacon"
)

// Budgets bound what the pages of a run measure. A run that did all its steps
// fails when a page view is above; what a page did not measure is not judged.
type Budgets struct {
	// LCP, INP, FCP and TTFB bound the Web Vitals of those names; 0 does not.
	LCP, INP, FCP, TTFB time.Duration
	// CLS bounds the layout shift, which has no unit; nil does not.
	CLS *float64
}

// maxBreaches bounds how many breaches a message lists.
const maxBreaches = 10

// breaches collects what was above its budget.
type breaches struct {
	texts []string
	more  int
}

func (b *breaches) add(format string, args ...any) {
	if len(b.texts) == maxBreaches {
		b.more++
		return
	}
	b.texts = append(b.texts, fmt.Sprintf(format, args...))
}

func (b *breaches) message() string {
	text := "over budget: " + strings.Join(b.texts, "; ")
	if b.more > 0 {
		text += fmt.Sprintf("; and %d more", b.more)
	}
	return text
}

// overBudget tells whether the step took longer than it should.
func (s Step) overBudget(outcome StepResult) bool { return s.Budget > 0 && outcome.Duration > s.Budget }

// judge fails a run that passed when a step or a page was above its budget.
func (j *Journey) judge(result *Result) {
	if result.Outcome != beacon.RunPassed {
		return
	}
	var found breaches
	slow := ""
	for _, step := range result.Steps {
		of := j.Steps[step.Index]
		if !of.overBudget(step) {
			continue
		}
		found.add("step %s took %s, allowed %s", step.Name, step.Duration.Round(time.Millisecond), shortDuration(of.Budget))
		if slow == "" {
			slow = step.Name
		}
	}
	for _, report := range result.Pages {
		for _, event := range report.Events {
			if event.PageView != nil && report.View != nil {
				j.Budgets.judge(&found, PublicURL(report.View.URL), event.PageView)
			}
		}
	}
	if len(found.texts) > 0 {
		result.blame(&Fault{Reason: beacon.ReasonAssertion, Message: found.message()})
		result.FailedStep = slow
	}
}

// judge compares one page view.
func (b Budgets) judge(found *breaches, page string, view *beacon.PageView) {
	for _, vital := range []struct {
		name     string
		measured *float64 // milliseconds
		allowed  time.Duration
	}{
		{"LCP", view.LCPMS, b.LCP},
		{"INP", view.INPMS, b.INP},
		{"FCP", view.FCPMS, b.FCP},
		{"TTFB", view.TTFBMS, b.TTFB},
	} {
		if vital.measured == nil || vital.allowed == 0 {
			continue
		}
		allowedMS := float64(vital.allowed) / float64(time.Millisecond)
		if *vital.measured > allowedMS {
			found.add("%s: %s %.0f ms, allowed %g ms", page, vital.name, math.Ceil(*vital.measured), allowedMS)
		}
	}
	if b.CLS != nil && view.CLS != nil && *view.CLS > *b.CLS {
		found.add("%s: CLS %.3g, allowed %g", page, *view.CLS, *b.CLS)
	}
}

// readBudgets reads the budgets of a journey.
func readBudgets(r *reader) Budgets {
	child := r.child("budgets")
	if child == nil {
		return Budgets{}
	}
	return budgetsIn(child)
}

// ParseBudgets reads budgets in YAML, as a journey has them below budgets: a mapping
// such as {lcp: 2.5s, cls: 0.1}. path stands in errors, which are a *[FileError].
func ParseBudgets(path string, data []byte) (Budgets, error) {
	root, err := parseYAML(data)
	if err != nil {
		return Budgets{}, inFile(path, err)
	}
	r := newReader(root, true)
	budgets := budgetsIn(r)
	if err := r.err(); err != nil {
		return Budgets{}, inFile(path, err)
	}
	return budgets, nil
}

// Override returns the budgets with those that others set in their place.
func (b Budgets) Override(others Budgets) Budgets {
	return Budgets{
		LCP: cmp.Or(others.LCP, b.LCP), INP: cmp.Or(others.INP, b.INP),
		FCP: cmp.Or(others.FCP, b.FCP), TTFB: cmp.Or(others.TTFB, b.TTFB),
		CLS: cmp.Or(others.CLS, b.CLS),
	}
}

// budgetsIn reads the budgets in a mapping.
func budgetsIn(child *reader) Budgets {
	budgets := Budgets{
		LCP:  child.duration("lcp", 0, MaxTimeout),
		INP:  child.duration("inp", 0, MaxTimeout),
		FCP:  child.duration("fcp", 0, MaxTimeout),
		TTFB: child.duration("ttfb", 0, MaxTimeout),
	}
	if cls, given := child.number("cls"); given {
		budgets.CLS = &cls
		if cls < 0 || cls > 100 {
			child.fail("cls", "must be from 0 to 100")
		}
	}
	child.done()
	return budgets
}

func (w *writer) budgets(b Budgets) {
	child := w.inner()
	for _, vital := range []struct {
		field   string
		allowed time.Duration
	}{{"lcp", b.LCP}, {"inp", b.INP}, {"fcp", b.FCP}, {"ttfb", b.TTFB}} {
		if vital.allowed != 0 {
			child.duration(vital.field, vital.allowed)
		}
	}
	if b.CLS != nil {
		child.number("cls", *b.CLS)
	}
	w.child("budgets", child)
}

package synthetic

import (
	"time"

	"throughline/beacon"
)

// transactions are the business transactions of the steps, nil for those that are
// part of none, and the ends of the instances that only the journey tells of.
func (r *Result) transactions(newID func() string) (refs []*beacon.TransactionRef, ends []beacon.Event) {
	measured := attribute(r.Pages)
	for _, step := range r.Steps {
		refs = append(refs, measured.of(step))
	}
	for from, to := 0, 0; from < len(r.Steps); from = to {
		name := r.Steps[from].Transaction
		for to = from + 1; to < len(r.Steps) && r.Steps[to].Transaction == name; {
			to++
		}
		if name == "" {
			continue
		}
		steps := r.Steps[from:to]
		ref := measured.named(name, steps)
		if ref == nil {
			ref = &beacon.TransactionRef{Name: name, InstanceID: newID()}
			ends = append(ends, endOf(ref, newID(), steps)...)
		}
		for i := from; i < to; i++ {
			refs[i] = ref
		}
	}
	return refs, ends
}

// named returns the instance of a transaction that the pages told of during steps;
// nil if they did not. The collector knows the version of its definition.
func (a attribution) named(name string, steps []StepResult) *beacon.TransactionRef {
	from, to := spanOf(steps)
	for _, all := range [][]begun{a.requests, a.pages} {
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].atMS <= to && all[i].atMS >= from && all[i].ref != nil && all[i].ref.Name == name {
				return all[i].ref
			}
		}
	}
	// The page that they began on.
	if page := lastUntil(a.pages, from); page != nil && page.ref != nil && page.ref.Name == name {
		return page.ref
	}
	return nil
}

func spanOf(steps []StepResult) (fromMS, toMS int64) {
	last := steps[len(steps)-1]
	return steps[0].Started.UnixMilli(), last.Started.Add(last.Duration).UnixMilli()
}

// endOf is how an instance ended that consists of steps; nothing if the application
// is not known to be the reason.
func endOf(ref *beacon.TransactionRef, id string, steps []StepResult) []beacon.Event {
	last := steps[len(steps)-1]
	done := &beacon.TransactionDone{Outcome: beacon.OutcomeCompleted}
	switch last.Outcome {
	case beacon.RunPassed:
	case beacon.RunFailed:
		done.Outcome, done.Reason = beacon.OutcomeFailed, string(last.Reason)
	default:
		return nil
	}
	var waited time.Duration
	for _, step := range steps {
		waited += step.Duration
	}
	took := last.Started.Add(last.Duration).Sub(steps[0].Started)
	done.DurationMS, done.WaitMS = milliseconds(took), milliseconds(min(waited, took))
	return []beacon.Event{{ID: id, AtMS: steps[0].Started.UnixMilli(), Transaction: ref, TransactionDone: done}}
}

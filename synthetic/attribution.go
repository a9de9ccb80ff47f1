package synthetic

import (
	"cmp"
	"slices"

	"throughline/beacon"
)

// begun is something that the beacon in the pages saw begin.
type begun struct {
	atMS int64
	ref  *beacon.TransactionRef // nil for a page that is no transaction
}

// attribution tells which business transaction a step was part of, by what the
// beacon in the run's pages measured.
type attribution struct {
	pages    []begun // in order
	requests []begun // transactions that are requests, in order
}

func attribute(reports []beacon.Report) attribution {
	var a attribution
	ofPages := map[string]bool{} // instances
	for _, report := range reports {
		for _, event := range report.Events {
			if event.PageView != nil {
				a.pages = append(a.pages, begun{event.AtMS, event.Transaction})
				if event.Transaction != nil {
					ofPages[event.Transaction.InstanceID] = true
				}
			}
		}
	}
	for _, report := range reports {
		for _, event := range report.Events {
			if event.TransactionDone != nil && !ofPages[event.Transaction.InstanceID] {
				a.requests = append(a.requests, begun{event.AtMS, event.Transaction})
			}
		}
	}
	inOrder := func(x, y begun) int { return cmp.Compare(x.atMS, y.atMS) }
	slices.SortStableFunc(a.pages, inOrder)
	slices.SortStableFunc(a.requests, inOrder)
	return a
}

// of returns the last request that was a transaction and began during the step,
// or else the transaction that the page is which the step ended on.
func (a attribution) of(step StepResult) *beacon.TransactionRef {
	from := step.Started.UnixMilli()
	to := step.Started.Add(step.Duration).UnixMilli()
	if last := lastUntil(a.requests, to); last != nil && last.atMS >= from {
		return last.ref
	}
	if last := lastUntil(a.pages, to); last != nil {
		return last.ref
	}
	return nil
}

func lastUntil(all []begun, atMS int64) *begun {
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].atMS <= atMS {
			return &all[i]
		}
	}
	return nil
}

package synthetic

import (
	"testing"
	"time"

	"throughline/beacon"
)

func TestAttribution_TellsTheTransactionOfEachStep(t *testing.T) {
	start := time.UnixMilli(1763900000000)
	ref := func(name string) *beacon.TransactionRef {
		return &beacon.TransactionRef{Name: name, InstanceID: name}
	}
	page := func(afterMS int64, of *beacon.TransactionRef) beacon.Event {
		return beacon.Event{AtMS: start.UnixMilli() + afterMS, Transaction: of, PageView: &beacon.PageView{}}
	}
	done := func(afterMS int64, of *beacon.TransactionRef) beacon.Event {
		return beacon.Event{AtMS: start.UnixMilli() + afterMS, Transaction: of, TransactionDone: &beacon.TransactionDone{}}
	}
	home, product, pay := ref("Home"), ref("View product"), ref("Pay")
	// Reports come in any order, and each page twice.
	a := attribute([]beacon.Report{
		{Events: []beacon.Event{page(500, product), done(500, product), done(700, pay)}},
		{Events: []beacon.Event{page(10, home), done(10, home)}},
		{Events: []beacon.Event{page(900, nil)}},
		{Events: []beacon.Event{page(500, product)}},
	})
	for name, c := range map[string]struct {
		from, to int // milliseconds from the start
		want     string
	}{
		"before any page":                      {0, 5, ""},
		"opens the first page":                 {0, 400, "Home"},
		"stays on it":                          {401, 450, "Home"},
		"leads to the next":                    {451, 650, "View product"},
		"sends a request that is one":          {690, 800, "Pay"},
		"on the same page after the request":   {801, 850, "View product"},
		"on a page that is none":               {880, 1000, ""},
		"sends the request and changes pages":  {690, 1000, "Pay"},
		"long after":                           {5000, 6000, ""},
		"from before the first to the product": {0, 600, "View product"},
	} {
		got := a.of(StepResult{
			Started:  start.Add(time.Duration(c.from) * time.Millisecond),
			Duration: time.Duration(c.to-c.from) * time.Millisecond,
		})
		if nameOf(got) != c.want {
			t.Errorf("%s: %q, want %q", name, nameOf(got), c.want)
		}
	}
}

func nameOf(ref *beacon.TransactionRef) string {
	if ref == nil {
		return ""
	}
	return ref.Name
}

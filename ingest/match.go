package ingest

import (
	"cmp"
	"fmt"
	"hash/fnv"

	"throughline/beacon"
)

// matchTransactions names the transactions of a report that carries none, such
// as those of other senders, or of pages whose script is older than a
// definition. It follows the beacon: a request that a definition matches is an
// instance of its own, everything else belongs to the page's. How such an
// instance ended nobody has measured, so that it has no row in transactions. The
// report has an event.
func matchTransactions(app *App, report *beacon.Report) {
	if len(app.Transactions) == 0 || carriesTransaction(report) {
		return
	}
	var page *beacon.TransactionRef
	if report.View != nil {
		_, path := SplitURL(report.View.URL)
		if definition, ok := app.match(func(m Matcher) bool { return m.MatchesPage(path) }); ok {
			page = instanceOf(definition, cmp.Or(report.View.ID, report.Events[0].ID))
		}
	}
	for i := range report.Events {
		event := &report.Events[i]
		event.Transaction = page
		if event.Request == nil || !isCall(event.Request) {
			continue
		}
		_, path := SplitURL(event.Request.URL)
		// A browser reports requests for pages, too, which are then all there is of them.
		isPage := event.Request.Initiator == beacon.InitiatorNEL
		if definition, ok := app.match(func(m Matcher) bool {
			return m.MatchesRequest(event.Request.Method, path) || isPage && m.MatchesPage(path)
		}); ok {
			event.Transaction = instanceOf(definition, event.ID)
		}
	}
}

// isCall says whether a request is what definitions mean by one: an image or a script
// of the page is part of its loading, whatever its path.
func isCall(r *beacon.Request) bool {
	return r.Initiator == "fetch" || r.Initiator == "xmlhttprequest" || r.Initiator == beacon.InitiatorNEL
}

func carriesTransaction(report *beacon.Report) bool {
	for i := range report.Events {
		if report.Events[i].Transaction != nil {
			return true
		}
	}
	return false
}

// match returns the first definition whose completion is such.
func (a *App) match(is func(Matcher) bool) (Transaction, bool) {
	for _, t := range a.Transactions {
		if is(t.Complete) {
			return t, true
		}
	}
	return Transaction{}, false
}

// instanceOf is the attempt at a transaction that a view or a request is. Its
// id comes from theirs, so that all reports of a view have the same.
func instanceOf(definition Transaction, id string) *beacon.TransactionRef {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(definition.Name + "\x00" + id)) // never fails
	return &beacon.TransactionRef{Name: definition.Name, InstanceID: fmt.Sprintf("%016x", hash.Sum64()), Version: definition.Version()}
}

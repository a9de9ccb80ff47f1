package ingest

import (
	"testing"

	"throughline/beacon"
)

func TestMatchTransactions(t *testing.T) {
	page, pay, media := compiled(t, `^/product/[^/]*$`), compiled(t, `^/api/pay$`), compiled(t, `^/media/.*$`)
	app := &App{Name: "shop", Transactions: []Transaction{
		{Name: "View product", Complete: Matcher{Page: &page}},
		{Name: "Pay", Complete: Matcher{Request: &RequestPattern{Method: "POST", Path: pay}}},
		{Name: "Load picture", Complete: Matcher{Request: &RequestPattern{Path: media}}},
	}}
	report := func(url string) *beacon.Report {
		return &beacon.Report{View: &beacon.View{ID: "00000000000000b1", URL: url}, Events: []beacon.Event{
			{ID: "00000000000000e1", PageView: &beacon.PageView{}},
			{ID: "00000000000000e2", Request: &beacon.Request{Method: "POST", Initiator: "fetch", URL: "https://shop.example/api/pay"}},
			{ID: "00000000000000e3", Request: &beacon.Request{Method: "GET", Initiator: "xmlhttprequest", URL: "https://shop.example/api/pay"}},
			{ID: "00000000000000e4", Request: &beacon.Request{Initiator: "img", URL: "https://shop.example/media/hero"}},
		}}
	}
	names := func(r *beacon.Report) (names [4]string) {
		for i, event := range r.Events {
			if event.Transaction != nil {
				names[i] = event.Transaction.Name
			}
		}
		return names
	}

	product := report("https://shop.example/product/42")
	matchTransactions(app, product)
	if got, want := names(product), [4]string{"View product", "Pay", "View product", "View product"}; got != want {
		t.Errorf("a product's page: %v, want %v", got, want)
	}
	final := report("https://shop.example/product/42")
	matchTransactions(app, final)
	if *final.Events[0].Transaction != *product.Events[0].Transaction || len(final.Events[0].Transaction.InstanceID) != 16 {
		t.Errorf("two reports of one view: %+v and %+v", *product.Events[0].Transaction, *final.Events[0].Transaction)
	}
	if got := product.Events[1].Transaction; got.InstanceID == product.Events[0].Transaction.InstanceID || got.Version != app.Transactions[1].Version() {
		t.Errorf("the request's instance: %+v", *got)
	}

	other := report("https://shop.example/help")
	matchTransactions(app, other)
	if got, want := names(other), [4]string{"", "Pay", "", ""}; got != want {
		t.Errorf("another page: %v, want %v", got, want)
	}

	// The beacon has matched: what it left without a transaction has none.
	carrying := report("https://shop.example/product/42")
	carrying.Events[1].Transaction = &beacon.TransactionRef{Name: "Pay", InstanceID: "00000000000000c1", Version: "1a2b3c4d"}
	matchTransactions(app, carrying)
	if got, want := names(carrying), [4]string{"", "Pay", "", ""}; got != want {
		t.Errorf("a report that carries one: %v, want %v", got, want)
	}
}

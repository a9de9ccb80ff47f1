package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// What the drill's configuration knows, and reports say.
const (
	appKey      = "drill-web-3c9a51"
	appName     = "shop"
	origin      = "https://shop.example"
	transaction = "View product"
	collectPath = "/v1/events"
	poison      = "poison" // in the message of errors that a constraint refuses
)

// table is one that events go to.
type table int

const (
	pageViews table = iota
	requests
	errorReports
	transactions
	tableCount
)

func (t table) String() string {
	return [tableCount]string{"page_views", "requests", "errors", "transactions"}[t]
}

// event is one that a report holds.
type event struct {
	table    table
	id       uint64
	poisoned bool
}

// report is a body and what it holds. It is sent until it has been acknowledged.
type report struct {
	body   []byte
	events []event
}

// reportKind says what reports are like.
type reportKind struct {
	// stackBytes is the length of the stack of errors, 0 for none: such reports
	// fill the log.
	stackBytes int
	// poisonEvery makes one of so many error reports one that is refused; 0 none.
	poisonEvery int
}

// newReport makes a page view with its requests, one with the end of a
// transaction, or errors, all of them with ids of their own.
func newReport(number int, kind reportKind) report {
	now := time.Now().UnixMilli()
	w := writer{now: now}
	fmt.Fprintf(&w.body, `{"v":1,"sent_at_ms":%d,"source":"rum","session_id":"%016x","view":{"id":"%016x","url":"%s/product/%d","navigation":"navigate"},"events":[`,
		now, rand.Uint64(), rand.Uint64(), origin, number%100)
	switch {
	case number%3 == 2 || kind.stackBytes > 0:
		message := "Cannot read properties of undefined"
		poisoned := kind.poisonEvery > 0 && number%(3*kind.poisonEvery) == 2
		if poisoned {
			message = poison
		}
		w.fail(message, kind.stackBytes, poisoned)
		w.fail("Failed to fetch", kind.stackBytes, false)
	case number%3 == 1:
		w.view()
		w.request()
		w.request()
		w.finish()
	default:
		w.view()
		w.request()
		w.request()
	}
	w.body.WriteString("]}")
	return report{w.body.Bytes(), w.events}
}

// writer writes the events of a report.
type writer struct {
	now    int64
	body   bytes.Buffer
	events []event
}

func (w *writer) event(t table, poisoned bool, payload string) {
	id := rand.Uint64()
	if len(w.events) > 0 {
		w.body.WriteByte(',')
	}
	fmt.Fprintf(&w.body, `{"id":"%016x","at_ms":%d,"transaction":{"name":"%s","instance_id":"%016x","version":"1a2b3c4d"},%s}`,
		id, w.now, transaction, rand.Uint64(), payload)
	w.events = append(w.events, event{t, id, poisoned})
}

// view has figures that the rollup counts.
func (w *writer) view() {
	w.event(pageViews, false, fmt.Sprintf(`"page_view":{"phase":"final","load_ms":%d,"lcp_ms":%d,"inp_ms":%d,"cls":0.0%d,"duration_ms":4000}`,
		300+rand.IntN(900), 200+rand.IntN(4000), 20+rand.IntN(400), rand.IntN(10)))
}

func (w *writer) request() {
	w.event(requests, false, fmt.Sprintf(`"request":{"method":"GET","url":"%s/api/recommendations","initiator":"fetch","status_code":200,"duration_ms":%d}`,
		origin, 10+rand.IntN(400)))
}

func (w *writer) finish() {
	w.event(transactions, false, `"transaction_done":{"outcome":"completed","duration_ms":640.2,"wait_ms":412.7}`)
}

func (w *writer) fail(message string, stackBytes int, poisoned bool) {
	w.event(errorReports, poisoned, fmt.Sprintf(`"error":{"kind":"error","type":"TypeError","message":"%s","stack":"%s","count":1}`,
		message, noise(stackBytes)))
}

// noise is text of that length that does not compress to nothing.
func noise(length int) string {
	var b strings.Builder
	for b.Len() < length {
		fmt.Fprintf(&b, "at f%x (app.js:%d) ", rand.Uint32(), b.Len())
	}
	return b.String()[:length]
}

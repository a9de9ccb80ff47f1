package synthetic_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

// newOrders serves a page whose content comes late.
func newOrders(t testing.TB) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /order", func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(60 * time.Millisecond)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `<!doctype html><meta name=viewport content="width=device-width"><title>Order</title><p id=total>  Total:
			<b>42 €</b></p><input value=typed><div id=later></div>
			<script>setTimeout(() => { later.innerHTML = "<p id=number>Order 1234 of today"; window.order = {id: 7};
				history.pushState({}, "", "/order/1234?paid=yes") }, 150)</script>`)
	})
	mux.HandleFunc("GET /orders/{number}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>%[1]s</title><h1>Number %[1]s</h1>", r.PathValue("number"))
	})
	site := httptest.NewServer(mux)
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	return site
}

func TestRun_Asserts(t *testing.T) {
	site := newOrders(t)
	runner, _ := newRunner(t, nil)
	result := runner.Run(t.Context(), load(t, `
name: J
steps:
  - navigate: /order
  - assert: {status: [200, 2xx], response_time: 30s, title: Order}
  - assert: "Total: 42 €"
  - assert: {selectors: ["#absent", "#total"], text_is: "Total: 42 €"}
  - assert: {selectors: "#number", text: Order 1234}
  - assert: {url: "/order/*?paid=yes", expression: "window.order.id === 7"}
  - assert: {url: "*/1234*", no_console_errors: true}
  - capture: {name: number, selectors: "#number", pattern: "Order ([0-9]+)"}
  - capture: {name: id, expression: window.order.id}
  - navigate: /orders/${number}-${id}
  - assert: {url: "/orders/${number}-*", selectors: h1, text_is: "Number ${number}-${id}", status: 200}
`), synthetic.RunOptions{BaseURL: site.URL})
	if result.Outcome != beacon.RunPassed {
		t.Fatalf("got %s: %s", result.FailedStep, result.Message)
	}
	if step := result.Steps[3]; step.Selector != "#total" {
		t.Errorf("the element was found by %q", step.Selector)
	}
}

func TestRun_AssertsFail(t *testing.T) {
	site := newOrders(t)
	runner, _ := newRunner(t, nil)
	for name, test := range map[string]struct {
		step, words string
		reason      beacon.RunReason
	}{
		"status":        {"assert: {status: [200, 3xx]}", "the HTTP status is 202, expected 200 or 3xx", beacon.ReasonAssertion},
		"response time": {"assert: {response_time: 10ms}", "expected at most 10ms", beacon.ReasonAssertion},
		"text":          {"assert: {selectors: '#total', text: 43 €}", `the text of #total is "Total: 42 €", expected it to contain "43 €"`, beacon.ReasonAssertion},
		"exact text":    {"assert: {selectors: '#total', text_is: 42 €}", `is "Total: 42 €", expected "42 €"`, beacon.ReasonAssertion},
		"page's text":   {"assert: Paid", "the page's text is", beacon.ReasonAssertion},
		"typed":         {"assert: typed", "the page's text is", beacon.ReasonAssertion},
		"element":       {"assert: {selectors: '#absent'}", "no element found by #absent", beacon.ReasonElementNotFound},
		"url":           {"assert: {url: /cart}", "/order/1234, expected " + site.URL + "/cart", beacon.ReasonAssertion},
		"query":         {"assert: {url: '/order/1234?paid=no'}", "but with another query", beacon.ReasonAssertion},
		"title":         {"assert: {title: Cart}", `the title is "Order", expected "Cart"`, beacon.ReasonAssertion},
		"expression":    {"assert: {expression: window.gone}", "stays false", beacon.ReasonAssertion},
		"console":       {"assert: {expression: '!console.error(\"no stock\")', no_console_errors: true}", "the console has 1 errors, expected none; the last: no stock", beacon.ReasonAssertion},
		"capture":       {"capture: {name: a, selectors: '#total', pattern: 'USD'}", "there is no text for a that matches USD", beacon.ReasonAssertion},
		"empty capture": {"capture: {name: a, expression: '\"\"'}", "the text for a is empty", beacon.ReasonAssertion},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := runner.Run(t.Context(), load(t, `
name: J
steps:
  - navigate: /order
  - waitForElement: "#number"
  - timeout: 400ms
    `+test.step), synthetic.RunOptions{BaseURL: site.URL})
			if result.Outcome != beacon.RunFailed || result.Reason != test.reason || !strings.Contains(result.Message, test.words) {
				t.Errorf("got %s %s %q, want %q", result.Outcome, result.Reason, result.Message, test.words)
			}
			if strings.Contains(result.Message, "yes") || strings.Contains(strings.Split(result.Message, ", expected")[0], "typed") {
				t.Errorf("a query or a field's value shows in %q", result.Message)
			}
		})
	}
}

func TestRun_Device(t *testing.T) {
	site := newOrders(t)
	runner, sink := newRunner(t, nil)
	result := runner.Run(t.Context(), load(t, `
name: J
page: {device: pixel-7, locale: de-DE}
steps:
  - navigate: /order
  - assert: {expression: "innerWidth === 412 && navigator.maxTouchPoints > 0 && navigator.language === 'de-DE'"}
  - assert: {expression: "/Android.* Chrome\\/[0-9]+[.]0[.]0[.]0 Mobile/.test(navigator.userAgent)"}
`), synthetic.RunOptions{BaseURL: site.URL})
	if result.Outcome != beacon.RunPassed || !strings.Contains(sink.runs[0].Journey.UserAgent, "Android") {
		t.Errorf("got %s: %s, %+v", result.FailedStep, result.Message, sink.runs[0].Journey)
	}
}

//go:build linux

package chrome

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/synthetic"
)

func TestClick_Selectors(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	for _, selector := range []string{
		"ul + button", "css/button", "text/Add to cart", "text/to cart",
		"aria/Add to cart", `aria/Add to cart[role="button"]`, `aria/[role="button"]`,
		`xpath///button`, "pierce/button",
	} {
		visit(t, page, site.URL+"/results")
		if err := click(within(t, patience), page, selectors(t, selector), synthetic.ClickOptions{}); err != nil {
			t.Errorf("%s: %v", selector, err)
			continue
		}
		wantValue(t, page, `document.querySelector("button").textContent`, `"In the cart"`)
		if page.URL() != site.URL+"/cart" {
			t.Errorf("%s: at %s, want the address of the soft navigation", selector, page.URL())
		}
	}
}

func TestClick_Race(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/results")
	won, err := page.Click(within(t, patience), selectors(t, "aria/Nothing", "#nothing", "text/Add to cart"), synthetic.ClickOptions{})
	check(t, err)
	if won != 2 {
		t.Errorf("alternative %d won, want 2", won)
	}
	err = click(within(t, tooShort), page, selectors(t, "aria/Nothing", "#nothing"), synthetic.ClickOptions{})
	wantFault(t, err, beacon.ReasonElementNotFound, "no element found by aria/Nothing, #nothing")
	err = click(within(t, tooShort), page, selectors(t, "p["), synthetic.ClickOptions{})
	wantFault(t, err, beacon.ReasonTimeout, "not a valid selector")
}

func TestClick_Shadow(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	css := func(value string) synthetic.Selector {
		return synthetic.Selector{Kind: synthetic.SelectCSS, Value: value}
	}
	for name, way := range map[string]synthetic.Selectors{
		"pierce": selectors(t, "pierce/#deep"),
		"text":   selectors(t, "text/Deep"),
		"chain":  {{css("my-host"), css("inner-host"), css("button")}},
		"aria":   {{css("my-host"), css("inner-host"), {Kind: synthetic.SelectARIA, Value: "Deep"}}},
	} {
		visit(t, page, site.URL+"/shadow")
		if err := click(within(t, patience), page, way, synthetic.ClickOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		wantTitle(t, page, "deep clicked")
	}
	err := click(within(t, tooShort), page, synthetic.CSS("#deep"), synthetic.ClickOptions{})
	wantFault(t, err, beacon.ReasonElementNotFound, "#deep")
}

func TestClick_ClobberedForm(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/clobbered")
	for _, selector := range []string{"form", "text/Pay now", "pierce/form", "xpath///form"} {
		check(t, click(within(t, patience), page, selectors(t, selector), synthetic.ClickOptions{}))
	}
	wantTitle(t, page, "clobbered")
}

func TestClick_Obstacles(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/obstacles")
	for selector, words := range map[string]string{
		"#off": "<button#off> found by #off cannot be used: disabled", "#gone": "hidden",
		"#under": "covered by <div#veil.modal>",
	} {
		err := click(within(t, tooShort), page, synthetic.CSS(selector), synthetic.ClickOptions{})
		wantFault(t, err, beacon.ReasonTimeout, words)
	}
	check(t, click(within(t, patience), page, synthetic.CSS("#late"), synthetic.ClickOptions{}))
	wantTitle(t, page, "late")
	check(t, click(within(t, patience), page, synthetic.CSS("#styled"), synthetic.ClickOptions{}))
	wantValue(t, page, "styled.checked", "true")
	check(t, click(within(t, patience), page, synthetic.CSS("#far"), synthetic.ClickOptions{}))
	wantTitle(t, page, "far")
}

func TestClick_ButtonsAndOffsets(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Viewport: synthetic.Viewport{Width: 500, Height: 500, DeviceScaleFactor: 1, Touch: true}})
	visit(t, page, site.URL+"/buttons")
	for want, options := range map[string]synthetic.ClickOptions{
		"click 0 100 50":  {},
		"click 0 10 20":   {Offset: &synthetic.Point{X: 10, Y: 20}},
		"click 0 100 50 ": {Offset: &synthetic.Point{X: 999, Y: 20}, Hold: 20 * time.Millisecond, Device: synthetic.DevicePen},
		"auxclick 1":      {Button: synthetic.ButtonAuxiliary},
		"auxclick 2":      {Button: synthetic.ButtonSecondary},
		"touchstart":      {Device: synthetic.DeviceTouch, Hold: time.Millisecond},
	} {
		check(t, click(within(t, patience), page, synthetic.CSS("#area"), options))
		title, err := page.Title(t.Context())
		check(t, err)
		if !strings.HasPrefix(title, strings.TrimSpace(want)) {
			t.Errorf("%+v: got %q, want %q", options, title, want)
		}
	}
}

func TestClick_WaitsForNavigation(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/")
	before := page.Navigations()
	check(t, click(within(t, patience), page, selectors(t, "text/All things"), synthetic.ClickOptions{}))
	if page.URL() != site.URL+"/results?q=all" {
		t.Errorf("at %s right after the click", page.URL())
	}
	ctx := within(t, patience)
	check(t, page.AwaitNavigation(ctx, before, ""))
	check(t, page.AwaitNavigation(ctx, before, site.URL+"/results?q=all"))
	ctx = within(t, tooShort)
	fault := wantFault(t, page.AwaitNavigation(ctx, before, site.URL+"/results?q=secret"), beacon.ReasonAssertion, "another query")
	if strings.Contains(fault.Message, "secret") {
		t.Errorf("the query shows: %s", fault.Message)
	}
	ctx = within(t, tooShort)
	wantFault(t, page.AwaitNavigation(ctx, before, site.URL+"/"), beacon.ReasonAssertion, "arrived at "+site.URL+"/results, expected "+site.URL+"/")
	ctx = within(t, tooShort)
	wantFault(t, page.AwaitNavigation(ctx, page.Navigations(), ""), beacon.ReasonAssertion, "did not happen")
	ctx = within(t, tooShort)
	wantFault(t, page.AwaitTitle(ctx, "Cart"), beacon.ReasonAssertion, `the title is "results", expected "Cart"`)
	visit(t, page, site.URL+"/")
	err := click(within(t, patience), page, selectors(t, "text/Broken"), synthetic.ClickOptions{})
	wantFault(t, err, beacon.ReasonNavigation, "HTTP status 500")
}

func TestChange(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/fields")
	long := strings.Repeat("long ", 40)
	for _, test := range []struct{ field, value, read, want string }{
		{"#empty", "Grüße 1", "empty.value", `"Grüße 1"`},
		{"#full", "new", "full.value", `"new"`},
		{"#part", "abcdef", "part.value", `"abcdef"`},
		{"#mail", "a@b.c.d", "mail.value", `"a@b.c.d"`},
		{"#full", "", "full.value", `""`},
		{"#area", long, "area.value.trim()", `"` + strings.TrimSpace(long) + `"`},
		{"#edit", "new", "edit.textContent", `"new"`},
		{"#pick", "b", "pick.value", `"b"`},
		{"#color", "#ff0000", "color.value", `"#ff0000"`},
		{"#box", "true", "box.checked", "true"},
	} {
		if err := change(within(t, patience), page, synthetic.CSS(test.field), test.value); err != nil {
			t.Errorf("%s: %v", test.field, err)
			continue
		}
		wantValue(t, page, test.read, test.want)
	}
	for _, field := range []string{"input:empty", "input:pick", "change:pick", "input:color", "change:color", "change:box"} {
		wantValue(t, page, "log.includes('"+field+"')", "true")
	}
	wantValue(t, page, "log.includes('key:d')", "true")
	err := change(within(t, tooShort), page, synthetic.CSS("#pick"), "hush")
	if fault := wantFault(t, err, beacon.ReasonTimeout, "<select#pick>"); strings.Contains(fault.Message, "hush") {
		t.Errorf("the value shows: %s", fault.Message)
	}
	wantFault(t, change(within(t, tooShort), page, synthetic.CSS("#fixed"), "x"), beacon.ReasonTimeout, "read-only")
}

func TestKeys(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/fields")
	check(t, click(t.Context(), page, synthetic.CSS("#full"), synthetic.ClickOptions{}))
	for _, press := range []struct {
		key  string
		down bool
	}{{"Control", true}, {"a", true}, {"a", false}, {"Control", false}, {"x", true}, {"x", false}, {"Space", true}, {"Space", false}} {
		if press.down {
			check(t, page.KeyDown(t.Context(), press.key))
		} else {
			check(t, page.KeyUp(t.Context(), press.key))
		}
	}
	wantValue(t, page, "log.includes('key:a+ctrl')", "true")
	wantValue(t, page, "full.value.endsWith('x ')", "true")
	wantFault(t, page.KeyDown(t.Context(), "NoSuchKey"), beacon.ReasonCommandRefused, "NoSuchKey")

	visit(t, page, site.URL+"/")
	check(t, change(t.Context(), page, selectors(t, "aria/Search the shop"), "mug"))
	check(t, page.KeyDown(within(t, patience), "Enter"))
	if page.URL() != site.URL+"/results?q=mug" {
		t.Errorf("Enter led to %s", page.URL())
	}
	check(t, page.KeyUp(t.Context(), "Enter"))
}

func TestType(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/")
	start := time.Now()
	check(t, page.Type(within(t, patience), synthetic.CSS("#q"), "Müg €\n", 30*time.Millisecond))
	if took := time.Since(start); took < 180*time.Millisecond {
		t.Errorf("typed in %s", took)
	}
	if page.URL() != site.URL+"/results?q=M%C3%BCg+%E2%82%AC" {
		t.Errorf("typing led to %s", page.URL())
	}
}

func TestWheel(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/obstacles")
	check(t, page.Wheel(t.Context(), 0, 600))
	check(t, page.WaitForExpression(within(t, patience), "scrollY > 100"))
}

func TestWaitForElement(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/results")
	item := synthetic.CSS(".result")
	for name, test := range map[string]struct {
		condition synthetic.ElementCondition
		reason    beacon.RunReason
		words     string
	}{
		"at least":        {synthetic.ElementCondition{Selectors: item, Count: 1}, "", ""},
		"exactly":         {synthetic.ElementCondition{Selectors: item, Operator: "==", Count: 2}, "", ""},
		"at most":         {synthetic.ElementCondition{Selectors: item, Operator: "<=", Count: 2}, "", ""},
		"none":            {synthetic.ElementCondition{Selectors: synthetic.CSS(".x"), Operator: "==", Count: 0}, "", ""},
		"absent":          {synthetic.ElementCondition{Selectors: synthetic.CSS(".x"), Count: 1, Absent: true}, "", ""},
		"alternative":     {synthetic.ElementCondition{Selectors: selectors(t, "aria/x", ".result"), Operator: "==", Count: 2}, "", ""},
		"attributes":      {synthetic.ElementCondition{Selectors: item, Count: 1, Attributes: map[string]string{"class": "result"}}, "", ""},
		"properties":      {synthetic.ElementCondition{Selectors: item, Count: 1, Properties: []byte(`{"parentElement":{"localName":"ul"}}`)}, "", ""},
		"too few":         {synthetic.ElementCondition{Selectors: item, Count: 3}, beacon.ReasonAssertion, "2 found by .result, expected >= 3"},
		"too many":        {synthetic.ElementCondition{Selectors: item, Operator: "<=", Count: 1}, beacon.ReasonAssertion, "expected <= 1"},
		"missing":         {synthetic.ElementCondition{Selectors: synthetic.CSS(".x"), Count: 1}, beacon.ReasonElementNotFound, "no element found by .x"},
		"not absent":      {synthetic.ElementCondition{Selectors: item, Count: 1, Absent: true}, beacon.ReasonAssertion, "expected otherwise"},
		"wrong attribute": {synthetic.ElementCondition{Selectors: item, Count: 1, Attributes: map[string]string{"id": "x"}}, beacon.ReasonAssertion, "properties and attributes"},
		"wrong property":  {synthetic.ElementCondition{Selectors: item, Count: 1, Properties: []byte(`{"localName":"p"}`)}, beacon.ReasonAssertion, "properties and attributes"},
	} {
		if test.reason == "" {
			if err := page.WaitForElement(within(t, patience), test.condition); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantFault(t, page.WaitForElement(within(t, tooShort), test.condition), test.reason, test.words)
	}
}

func TestWaitForExpression(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/")
	for _, expression := range []string{
		"true", "1", "'x'", "[]", "({})", "1n", "Infinity", "new Promise(done => setTimeout(() => done(true), 50))",
		"(globalThis.tries = (globalThis.tries ?? 0) + 1) > 2",
	} {
		if err := page.WaitForExpression(within(t, patience), expression); err != nil {
			t.Errorf("%s: %v", expression, err)
		}
	}
	for _, expression := range []string{"false", "0", "-0", "0n", "NaN", "''", "null", "undefined", "Promise.resolve(0)"} {
		err := page.WaitForExpression(within(t, tooShort), expression)
		wantFault(t, err, beacon.ReasonAssertion, "stays false")
	}
	err := page.WaitForExpression(within(t, tooShort), "nothing.here")
	wantFault(t, err, beacon.ReasonAssertion, "ReferenceError: nothing is not defined")
	err = page.WaitForExpression(within(t, tooShort), "new Promise(() => {})")
	wantFault(t, err, beacon.ReasonTimeout, "did not respond")
}

// calls collects what a page tells through its binding.
type calls struct {
	mu   sync.Mutex
	list []string
}

func (c *calls) add(payload string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, payload)
}

func (c *calls) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.list, "\n")
}

// TestBinding_LastWords goes through several pages: what each says on leaving
// must arrive, whatever makes it leave.
func TestBinding_LastWords(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	other := strings.Replace(newSite(t).URL, "127.0.0.1", "localhost", 1)
	var said calls
	page := open(t, browser, synthetic.PageOptions{
		Binding: "tell", OnBinding: said.add,
		InitScript: `tell("early " + location.pathname); addEventListener("beforeunload", () => tell("late " + location.pathname))`,
	})
	visit(t, page, site.URL+"/")
	check(t, click(t.Context(), page, selectors(t, "text/All things"), synthetic.ClickOptions{}))
	visit(t, page, other+"/fields")
	visit(t, page, site.URL+"/buttons")
	check(t, page.Close(t.Context()))
	want := "early /\nlate /\nearly /results\nlate /results\nearly /fields\nlate /fields\nearly /buttons\nlate /buttons"
	if got := said.text(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBinding_Flood(t *testing.T) {
	t.Parallel()
	site, browser := newSite(t), launch(t, nil)
	block := make(chan struct{})
	var said calls
	page := open(t, browser, synthetic.PageOptions{
		Binding: "tell", InitScript: `for (let i = 0; i < 5000; i++) tell("x")`,
		OnBinding: func(payload string) { <-block; said.add(payload) },
	})
	visit(t, page, site.URL+"/")
	close(block)
	check(t, page.Close(t.Context()))
	if got := len(said.list); got == 0 || got > maxQueuedCalls+1 {
		t.Errorf("%d calls were handed over, want at most %d", got, maxQueuedCalls+1)
	}
}

// TestClose_SendsBeacons leaves a page that reports on its own, as a visitor does.
func TestClose_SendsBeacons(t *testing.T) {
	t.Parallel()
	sent := make(chan string, 9)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			sent <- r.URL.Path
			return
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `<h1>Leave</h1><script>addEventListener("pagehide",()=>{
			navigator.sendBeacon("/beacon");fetch("/kept",{method:"POST",keepalive:true})})</script>`)
	}))
	t.Cleanup(site.Close)
	page := open(t, launch(t, nil), synthetic.PageOptions{})
	visit(t, page, site.URL)
	check(t, page.Close(t.Context()))
	eventually(t, "both are sent", func() bool { return len(sent) == 2 })
}

// click and change are for tests that do not ask which alternative won.
func click(ctx context.Context, page *Page, selectors synthetic.Selectors, options synthetic.ClickOptions) error {
	_, err := page.Click(ctx, selectors, options)
	return err
}

func change(ctx context.Context, page *Page, selectors synthetic.Selectors, value string) error {
	_, err := page.Change(ctx, selectors, value)
	return err
}

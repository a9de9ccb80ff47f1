//go:build linux

package chrome

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"

	"throughline/beacon"
	"throughline/synthetic"
)

// framed are pages with frames; OTHER is the site by another of its names, which
// makes it another site to the browser.
func framed() map[string]string {
	return map[string]string{
		"/nested": `<style>iframe{border:7px solid;padding:5px;margin-left:30px;width:600px;height:500px}</style><h1>Outside</h1>
			<iframe src="/middle"></iframe>`,
		"/middle": `<h2>Middle</h2><iframe src="/form?a" style="border:3px solid;width:500px;height:400px"></iframe><iframe src="/form?b"></iframe>`,
		"/form": `<title>Form</title><p>Form</p><button id=save aria-label="Save it" onclick="document.title='saved'">Save</button>
			<input id=name onkeydown="this.dataset.keys=(this.dataset.keys??'')+event.key"> <a href="/done">Done</a> <a href="/done" target=_top>Leave</a>
			<div id=area style="width:100px;height:50px;background:#ccc" onclick="document.title=[event.offsetX,event.offsetY]"></div>`,
		"/done":    `<title>Done</title><h1>Done</h1>`,
		"/foreign": `<h1>Shop</h1><iframe id=pay src="OTHER/form?pay" style="border:4px solid;padding:6px;width:400px;height:300px"></iframe>`,
		"/deep":    `<iframe src="OTHER/foreign?from" style="width:700px;height:500px"></iframe>`,
		"/below":   `<div style="height:3000px">Top</div><iframe src="OTHER/form" style="width:400px;height:300px"></iframe><div style="height:3000px">End</div>`,
		"/covered": `<iframe src="OTHER/form" style="width:400px;height:300px"></iframe><div id=veil style="position:fixed;inset:0"></div>`,
		"/crash":   `<iframe src="OTHER/form"></iframe><h1>Stays</h1>`,
	}
}

// newFramed serves those pages at 127.0.0.1 and at localhost.
func newFramed(t testing.TB, more map[string]string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	pages := framed()
	for path, body := range more {
		pages[path] = body
	}
	for path, body := range pages {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			other := strings.NewReplacer("127.0.0.1", "localhost", "localhost", "127.0.0.1").Replace(r.Host)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!doctype html>"+strings.ReplaceAll(body, "OTHER", "http://"+other))
		})
	}
	site := httptest.NewServer(mux)
	t.Cleanup(func() { site.CloseClientConnections(); site.Close() })
	return site
}

// otherOf is the site's address by its other name.
func otherOf(site *httptest.Server) string {
	return strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
}

// in waits for a place.
func in(t testing.TB, page *Page, place synthetic.Place) synthetic.Surface {
	t.Helper()
	surface, err := page.In(within(t, patience), place)
	check(t, err)
	return surface
}

// wantOf compares what an expression in a surface's document gives.
func wantOf(t testing.TB, surface synthetic.Surface, expression, want string) {
	t.Helper()
	got, err := surface.Evaluate(within(t, patience), expression)
	check(t, err)
	if string(got) != want {
		t.Errorf("%s is %s, want %s", expression, got, want)
	}
}

// useForm clicks and types in the form of a frame.
func useForm(t *testing.T, form synthetic.Surface) {
	t.Helper()
	_, err := form.Click(within(t, patience), selectors(t, `aria/Save it[role="button"]`), synthetic.ClickOptions{})
	check(t, err)
	check(t, form.AwaitTitle(within(t, patience), "saved"))
	_, err = form.Click(within(t, patience), selectors(t, "#area"), synthetic.ClickOptions{Offset: &synthetic.Point{X: 11, Y: 22}})
	check(t, err)
	wantOf(t, form, "document.title", `"11,22"`)
	_, err = form.Change(within(t, patience), selectors(t, "#name"), "Ada")
	check(t, err)
	wantOf(t, form, "[document.querySelector('#name').value, document.querySelector('#name').dataset.keys]", `["Ada","Ada"]`)
	check(t, form.KeyDown(within(t, patience), "!"))
	check(t, form.KeyUp(within(t, patience), "!"))
	wantOf(t, form, "document.querySelector('#name').value", `"Ada!"`)
	check(t, form.WaitForExpression(within(t, patience), "location.pathname === '/form'"))
}

func TestIn_NestedFrames(t *testing.T) {
	t.Parallel()
	site, browser := newFramed(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/nested")
	first, second := in(t, page, synthetic.Place{Frame: []int{0, 0}}), in(t, page, synthetic.Place{Frame: []int{0, 1}})
	wantOf(t, second, "location.search", `"?b"`)
	useForm(t, first)
	if text, _, err := first.Text(within(t, patience), selectors(t, "p")); err != nil || text != "Form" || first.URL() != site.URL+"/form?a" {
		t.Errorf("reads %q at %s, %v", text, first.URL(), err)
	}
	_, err := page.In(within(t, 300*time.Millisecond), synthetic.Place{Frame: []int{0, 2}})
	wantFault(t, err, beacon.ReasonNavigation, "there is no frame [0 2]: "+site.URL+"/middle holds 2")
}

func TestIn_FrameThatNavigates(t *testing.T) {
	t.Parallel()
	site, browser := newFramed(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/nested")
	place := synthetic.Place{Frame: []int{0, 0}}
	form := in(t, page, place)
	before := form.Navigations()
	_, err := form.Click(within(t, patience), selectors(t, "text/Done"), synthetic.ClickOptions{})
	check(t, err)
	check(t, form.AwaitNavigation(within(t, patience), before, site.URL+"/done"))
	form = in(t, page, place)
	wantOf(t, form, "document.title", `"Done"`)
	if form.URL() != site.URL+"/done" || page.URL() != site.URL+"/nested" {
		t.Errorf("at %s in %s", form.URL(), page.URL())
	}
	second := in(t, page, synthetic.Place{Frame: []int{0, 1}})
	before = second.Navigations()
	_, err = second.Click(within(t, patience), selectors(t, "text/Leave"), synthetic.ClickOptions{})
	check(t, err)
	check(t, second.AwaitNavigation(within(t, patience), before, site.URL+"/done"))
	wantTitle(t, page, "Done")
}

// TestIn_OtherSite goes through frames of another site: in a process of their own,
// and in that of the page.
func TestIn_OtherSite(t *testing.T) {
	for name, together := range map[string]bool{"a process of its own": false, "that of the page": true} {
		t.Run(name, func(t *testing.T) {
			site, browser := newFramed(t, nil), launchWith(t, Options{together: together})
			page := open(t, browser, synthetic.PageOptions{})
			visit(t, page, site.URL+"/foreign")
			first := in(t, page, synthetic.Place{Frame: []int{0}})
			if first.(*surface).parent == nil != together {
				t.Fatal("the frame is in the wrong process")
			}
			useForm(t, first)
			visit(t, page, site.URL+"/foreign")
			form := in(t, page, synthetic.Place{Target: otherOf(site) + "/form?pay"})
			useForm(t, form)
			before := form.Navigations()
			_, err := form.Click(within(t, patience), selectors(t, "text/Done"), synthetic.ClickOptions{Device: synthetic.DeviceTouch})
			check(t, err)
			check(t, form.AwaitNavigation(within(t, patience), before, otherOf(site)+"/done"))
			wantOf(t, in(t, page, synthetic.Place{Target: otherOf(site) + "/done"}), "document.title", `"Done"`)
			wantValue(t, page, "document.querySelector('h1').textContent", `"Shop"`)
			exchangeOf(t, page, "/form")
		})
	}
}

func TestIn_ProcessInProcess(t *testing.T) {
	site, browser := newFramed(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/deep")
	useForm(t, in(t, page, synthetic.Place{Frame: []int{0, 0}}))
	// A frame of the page's own site comes back to its process.
	outer := in(t, page, synthetic.Place{Frame: []int{0}})
	_, err := outer.Navigate(within(t, patience), site.URL+"/form?back")
	check(t, err)
	check(t, outer.AwaitTitle(within(t, patience), "Form"))
	useForm(t, in(t, page, synthetic.Place{Frame: []int{0}}))
}

func TestIn_FrameOutOfView(t *testing.T) {
	site, browser := newFramed(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/below")
	useForm(t, in(t, page, synthetic.Place{Frame: []int{0}}))
	visit(t, page, site.URL+"/covered")
	form := in(t, page, synthetic.Place{Target: otherOf(site) + "/form"})
	_, err := form.Click(within(t, 4*time.Second), selectors(t, "#save"), synthetic.ClickOptions{})
	wantFault(t, err, beacon.ReasonTimeout, "covered by <div#veil>")
}

func TestIn_Crash(t *testing.T) {
	site, browser := newFramed(t, nil), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{})
	visit(t, page, site.URL+"/crash")
	form := in(t, page, synthetic.Place{Frame: []int{0}})
	time.AfterFunc(300*time.Millisecond, func() {
		_, _ = cdp.Call(t.Context(), form.(*surface).session, cdppage.Crash, cdp.Empty{})
	})
	wantFault(t, form.WaitForExpression(within(t, patience), "false"), beacon.ReasonTabCrashed, "crashed")
	wantValue(t, page, "document.querySelector('h1').textContent", `"Stays"`)
}

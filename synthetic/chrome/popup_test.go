//go:build linux

package chrome

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

	"throughline/beacon"
	"throughline/synthetic"
)

// tabs counts the browser's tabs.
func tabs(t testing.TB, browser *Browser) int {
	t.Helper()
	found, err := cdp.Call(t.Context(), browser.client, target.GetTargets, target.GetTargetsParams{})
	check(t, err)
	n := 0
	for _, info := range found.TargetInfos {
		if info.Type == "page" {
			n++
		}
	}
	return n
}

// The tab that a browser starts with would keep a process for nothing.
func TestLaunch_LeavesNoTab(t *testing.T) {
	t.Parallel()
	browser := launch(t, nil)
	eventually(t, "no tab", func() bool { return tabs(t, browser) == 0 })
	open(t, browser, synthetic.PageOptions{})
	if n := tabs(t, browser); n != 1 {
		t.Errorf("%d tabs beside one page", n)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(data)
}

func (l *lines) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

// newShop serves a page that opens popups.
func newShop(t testing.TB) *httptest.Server {
	t.Helper()
	return newFramed(t, map[string]string{
		"/popups": `<h1>Shop</h1><a href="/popup?blank" target=_blank>Blank</a> <a href="/form" target=_blank rel=noopener>Form</a>
			<button onclick="window.open('/popup?opened')">Open</button> <button onclick="window.open('OTHER/popup?other','','noopener')">Other</button>
			<button onclick="setInterval(()=>window.open('/popup'),10)">Flood</button>`,
		"/popup": `<title>Popup</title><script>tell('early '+(document.readyState)+location.search);
			onbeforeunload=()=>tell('bye'+location.search)</script>
			<button onclick="document.title='used '+innerWidth">Use</button> <button onclick="window.close()">Shut</button>
			<button onclick="document.title=confirm('sure?')">Ask</button><iframe src="OTHER/form" style="width:400px;height:300px"></iframe>`,
	})
}

func TestPopup(t *testing.T) {
	t.Parallel()
	site, browser := newShop(t), launch(t, nil)
	var heard calls
	page := open(t, browser, synthetic.PageOptions{
		Viewport: synthetic.Viewport{Width: 700, Height: 600, DeviceScaleFactor: 1},
		Binding:  "tell", OnBinding: heard.add, InitScript: "tell('init ' + location.pathname)",
	})
	before := tabs(t, browser)
	visit(t, page, site.URL+"/popups")
	for link, address := range map[string]string{
		"text/Open": site.URL + "/popup?opened", "text/Blank": site.URL + "/popup?blank", "text/Other": otherOf(site) + "/popup?other",
	} {
		check(t, click(within(t, patience), page, selectors(t, link), synthetic.ClickOptions{}))
		popup := in(t, page, synthetic.Place{Target: address})
		_, query, _ := strings.Cut(address, "?")
		eventually(t, "its first script is bound: "+link, func() bool { return strings.Contains(heard.text(), "early loading?"+query) })
		_, err := popup.Click(within(t, patience), selectors(t, "aria/Use"), synthetic.ClickOptions{})
		check(t, err)
		check(t, popup.AwaitTitle(within(t, patience), "used 700"))
		_, err = popup.Click(within(t, patience), selectors(t, "text/Ask"), synthetic.ClickOptions{})
		check(t, err)
		check(t, popup.AwaitTitle(within(t, patience), "false"))
		useForm(t, in(t, page, synthetic.Place{Target: address, Frame: []int{0}}))
		check(t, popup.CloseTab(within(t, patience)))
		if got := tabs(t, browser); got != before {
			t.Errorf("%d tabs, want %d", got, before)
		}
		_, err = popup.Click(within(t, patience), selectors(t, "text/Use"), synthetic.ClickOptions{})
		wantFault(t, err, beacon.ReasonCommandRefused, "an earlier step closed the tab")
		eventually(t, "it says its last words: "+link, func() bool { return strings.Contains(heard.text(), "bye?"+query) })
	}
	wantValue(t, page, "document.querySelector('h1').textContent", `"Shop"`)
	check(t, click(within(t, patience), page, selectors(t, "text/Open"), synthetic.ClickOptions{}))
	left := in(t, page, synthetic.Place{Target: site.URL + "/popup?opened"})
	check(t, left.WaitForExpression(within(t, patience), "document.readyState === 'complete'"))
	check(t, page.Close(t.Context()))
	if got := strings.Count(heard.text(), "bye?opened"); got < 2 {
		t.Errorf("a popup that was left open says no last words: %s", heard.text())
	}
	if got := strings.Count(heard.text(), "init /popup"); got != 5 {
		t.Errorf("the init script ran %d times: %s", got, heard.text())
	}
}

func TestPopup_ClosesItself(t *testing.T) {
	t.Parallel()
	site, browser := newShop(t), launch(t, nil)
	page := open(t, browser, synthetic.PageOptions{Binding: "tell", OnBinding: func(string) {}})
	visit(t, page, site.URL+"/popups")
	check(t, click(within(t, patience), page, selectors(t, "text/Open"), synthetic.ClickOptions{}))
	place := synthetic.Place{Target: site.URL + "/popup?opened"}
	popup := in(t, page, place)
	_, err := popup.Click(within(t, patience), selectors(t, "text/Shut"), synthetic.ClickOptions{})
	if err == nil { // its end came after the click
		err = popup.WaitForExpression(within(t, patience), "false")
	}
	wantFault(t, err, beacon.ReasonNavigation, "the popup was closed")
	check(t, click(within(t, patience), page, selectors(t, "text/Form"), synthetic.ClickOptions{}))
	useForm(t, in(t, page, synthetic.Place{Target: site.URL + "/form"}))
	_, err = page.In(within(t, 300*time.Millisecond), place)
	wantFault(t, err, beacon.ReasonNavigation, "no popup or frame shows "+site.URL+"/popup; there are: "+site.URL+"/form")
	_, err = page.In(within(t, 300*time.Millisecond), synthetic.Place{Target: site.URL + "/form?else"})
	wantFault(t, err, beacon.ReasonNavigation, "with the query and fragment expected")
}

func TestPopup_Many(t *testing.T) {
	t.Parallel()
	var log lines
	site, browser := newShop(t), launch(t, slog.New(slog.NewTextHandler(&log, nil)))
	other := open(t, browser, synthetic.PageOptions{})
	page := open(t, browser, synthetic.PageOptions{Binding: "tell", OnBinding: func(string) {}})
	before := tabs(t, browser)
	visit(t, page, site.URL+"/popups")
	check(t, click(within(t, patience), page, selectors(t, "text/Flood"), synthetic.ClickOptions{}))
	most := 0
	for end := time.Now().Add(patience); log.count("popup of a page closed") == 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		most = max(most, tabs(t, browser)-before)
	}
	for range 20 {
		most = max(most, tabs(t, browser)-before)
		time.Sleep(20 * time.Millisecond)
	}
	if most > 2*maxPopups {
		t.Errorf("%d popups at once", most)
	}
	visit(t, page, site.URL+"/form")
	eventually(t, "those beyond the bound are closed", func() bool { return tabs(t, browser) == before+maxPopups })
	visit(t, other, site.URL+"/form")
	check(t, page.Close(t.Context()))
	eventually(t, "all are closed with the page", func() bool { return tabs(t, browser) == before-1 })
	if got := log.count("popup of a page closed"); got != 1 {
		t.Errorf("logged %d times", got)
	}
}

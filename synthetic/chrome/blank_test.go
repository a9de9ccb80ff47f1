package chrome

import (
	"net/http"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"throughline/synthetic"
)

// spareOf waits for the spare tab.
func spareOf(t *testing.T, browser *Browser) *blank {
	t.Helper()
	var spare *blank
	eventually(t, "a spare tab", func() bool {
		browser.mu.Lock()
		defer browser.mu.Unlock()
		spare = browser.spare
		return spare != nil
	})
	return spare
}

func TestSpare(t *testing.T) {
	t.Parallel()
	site, browser := newShop(t), launchWith(t, Options{Spare: true})
	first := open(t, browser, synthetic.PageOptions{})
	visit(t, first, site.URL+"/popups")
	if _, err := first.Evaluate(within(t, patience), `localStorage.setItem("kept", document.cookie = "kept=1")`); err != nil {
		t.Fatal(err)
	}
	check(t, first.Close(t.Context()))
	ready := chromedp.FromContext(spareOf(t, browser).ctx).Target.TargetID
	var heard calls
	second := open(t, browser, synthetic.PageOptions{Binding: "tell", OnBinding: heard.add, InitScript: "tell('init ' + location.pathname)"})
	if second.id != ready {
		t.Error("the spare tab was not used")
	}
	visit(t, second, site.URL+"/popups")
	if value, err := second.Evaluate(within(t, patience), `document.cookie + localStorage.length`); err != nil || string(value) != `"0"` {
		t.Errorf("it holds %s, %v", value, err)
	}
	check(t, click(within(t, patience), second, selectors(t, "text/Open"), synthetic.ClickOptions{}))
	in(t, second, synthetic.Place{Target: site.URL + "/popup?opened"})
	eventually(t, "the init script has run", func() bool { return heard.text() != "" })
	if third := open(t, browser, synthetic.PageOptions{}); third.contextID == second.contextID {
		t.Error("two pages share a browser context")
	}
}

// A spare tab for a page that may reach more is not used.
func TestSpare_ReachesOther(t *testing.T) {
	t.Parallel()
	secrets, browser := newSecrets(t), launchWith(t, Options{Spare: true})
	site := newEar(t, map[string]http.HandlerFunc{"/": markup(`<script>fetch("` + secrets.URL + `/open").catch(() => { document.title = "kept" })</script>`)})
	check(t, open(t, browser, synthetic.PageOptions{}).Close(t.Context()))
	ready := chromedp.FromContext(spareOf(t, browser).ctx).Target.TargetID
	page := open(t, browser, synthetic.PageOptions{AllowHosts: []string{hostOf(t, site.Server)}})
	if page.id == ready {
		t.Error("the spare tab was used")
	}
	visit(t, page, site.URL+"/")
	wantTitle(t, page, "kept")
}

// A spare tab that is gone is replaced.
func TestSpare_Crashes(t *testing.T) {
	t.Parallel()
	site, browser := newShop(t), launchWith(t, Options{Spare: true})
	check(t, open(t, browser, synthetic.PageOptions{}).Close(t.Context()))
	spare := spareOf(t, browser)
	// Nobody answers it.
	go func() { _, _ = cdp.Call(spare.ctx, chromedp.FromContext(spare.ctx).Target, page.Crash, cdp.Empty{}) }()
	eventually(t, "it crashed", func() bool { return !spare.usable() })
	visit(t, open(t, browser, synthetic.PageOptions{}), site.URL+"/popups")
}

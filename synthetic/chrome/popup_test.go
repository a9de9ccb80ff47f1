//go:build linux

package chrome

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"

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

func TestPopups(t *testing.T) {
	t.Parallel()
	var log lines
	site, browser := newSite(t), launch(t, slog.New(slog.NewTextHandler(&log, nil)))
	other := open(t, browser, synthetic.PageOptions{})
	page := open(t, browser, synthetic.PageOptions{Binding: "tell", OnBinding: func(string) {}})
	before := tabs(t, browser)
	visit(t, page, site.URL+"/popups")
	for i, link := range []string{"text/Blank", "text/Open"} {
		check(t, click(within(t, patience), page, selectors(t, link), synthetic.ClickOptions{}))
		eventually(t, "a popup was there: "+link, func() bool { return page.popups.Load() > int64(i) })
		eventually(t, "it is closed: "+link, func() bool { return tabs(t, browser) == before })
	}
	check(t, click(within(t, patience), page, selectors(t, "text/Flood"), synthetic.ClickOptions{}))
	most := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		most = max(most, tabs(t, browser)-before)
	}
	if most > 20 {
		t.Errorf("%d popups at once", most)
	}
	visit(t, page, site.URL+"/")
	eventually(t, "all are closed", func() bool { return tabs(t, browser) == before })
	visit(t, other, site.URL+"/")
	if got := log.count("popup of a page closed"); got != 1 {
		t.Errorf("logged %d times", got)
	}
}

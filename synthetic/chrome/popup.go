package chrome

import (
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// maxSweep bounds how many popups are closed before the page's other matters get
// their turn.
const maxSweep = 64

// appeared notes that the browser has a new tab, perhaps a popup of this page.
func (p *Page) appeared(info *target.Info) {
	if info.Type != "page" {
		return
	}
	select {
	case p.tabs <- struct{}{}:
	default:
		// The sweep that is due will find it.
	}
}

// sweep closes the popups of the page. They lack the init script, so what they
// report would pass for a user's, and a page could open them without bound.
func (p *Page) sweep() {
	// Of the whole browser, since popups may have no opener.
	tabs, err := cdp.Call(p.alive, p.browser.client, target.GetTargets, target.GetTargetsParams{})
	if err != nil {
		p.log.Debug("look for popups", "error", err)
		return
	}
	mine, closed := chromedp.FromContext(p.ctx).BrowserContextID, 0
	for _, tab := range tabs.TargetInfos {
		if tab.Type != "page" || tab.BrowserContextID != mine || tab.TargetID == p.target.TargetID {
			continue
		}
		if closed++; closed > maxSweep {
			p.appeared(tab)
			return
		}
		p.closePopup(tab)
	}
}

func (p *Page) closePopup(tab *target.Info) {
	if p.popups.Add(1) == 1 {
		p.log.Info("popup of a page closed; further ones of this page are not logged")
	}
	if _, err := cdp.Call(p.alive, p.browser.client, target.CloseTarget, target.CloseTargetParams{TargetID: tab.TargetID}); err != nil {
		p.log.Debug("close popup", "error", err)
	}
}

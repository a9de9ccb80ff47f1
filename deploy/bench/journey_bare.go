package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// shared is a browser that runs of ours and bare ones use in turns.
type shared struct{ *chrome.Browser }

// NewPage implements [synthetic.Browser].
func (s shared) NewPage(ctx context.Context, options synthetic.PageOptions) (synthetic.Page, error) {
	return s.Browser.NewPage(ctx, options)
}

// compareWithBare runs the journey and the same on the pages by the client alone,
// in turns in one browser, and returns the ratio of the median times.
func compareWithBare(ctx context.Context, site string, runs int) (ratio float64, err error) {
	options, err := chrome.FromEnvironment(os.Getenv, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, err
	}
	browser, err := chrome.Launch(ctx, options)
	if err != nil {
		return 0, err
	}
	agent, err := newBenchAgent(site, func(context.Context) (synthetic.Browser, error) { return shared{browser}, nil })
	if err != nil {
		return 0, errors.Join(err, browser.Close())
	}
	defer func() { err = errors.Join(err, agent.runner.Close(), browser.Close()) }()
	var ours, bare []float64
	var ofOurs, ofBare time.Duration // of the browser's processors
	used := func() time.Duration { return treeTime(chromedp.FromContext(browser.Client()).Browser.Process().Pid) }
	for i := range warmUpRuns + runs {
		begun := used()
		took, _, err := agent.run(ctx)
		if err != nil {
			return 0, err
		}
		between := used()
		alone, err := runBare(ctx, browser, site)
		if err != nil {
			return 0, fmt.Errorf("the client alone: %w", err)
		}
		if i >= warmUpRuns {
			ours, bare = append(ours, took.Seconds()), append(bare, alone.Seconds())
			ofOurs, ofBare = ofOurs+between-begun, ofBare+used()-between
		}
	}
	each := time.Duration(runs)
	progress("  ours %.0f ms, the client alone %.0f ms; of the browser's processor time %d and %d ms",
		median(ours)*1000, median(bare)*1000, (ofOurs / each).Milliseconds(), (ofBare / each).Milliseconds())
	return median(ours) / median(bare), tellOfEmpty(ctx, browser)
}

// emptyTabs is how many are opened to see what one costs.
const emptyTabs = 20

// tellOfEmpty tells what an empty tab in a browser context of its own costs, by the
// client alone: below it no run can be.
func tellOfEmpty(ctx context.Context, browser *chrome.Browser) error {
	client := chromedp.FromContext(browser.Client()).Browser
	before := treeTime(client.Process().Pid)
	for range emptyTabs {
		opened, err := cdp.Call(ctx, client, target.CreateBrowserContext, target.CreateBrowserContextParams{})
		if err != nil {
			return fmt.Errorf("open an empty tab: %w", err)
		}
		tab, err := cdp.Call(ctx, client, target.CreateTarget, target.CreateTargetParams{URL: "about:blank", BrowserContextID: opened.BrowserContextID})
		if err != nil {
			return fmt.Errorf("open an empty tab: %w", err)
		}
		if err := evaluateIn(browser, tab.TargetID); err != nil {
			return fmt.Errorf("open an empty tab: %w", err)
		}
		if _, err := cdp.Call(ctx, client, target.DisposeBrowserContext, target.DisposeBrowserContextParams(opened)); err != nil {
			return fmt.Errorf("close an empty tab: %w", err)
		}
	}
	each := (treeTime(client.Process().Pid) - before) / emptyTabs
	progress("  an empty tab takes %d ms of processor time to open and close: no more than %.0f a minute and core", each.Milliseconds(),
		float64(time.Minute)/float64(max(each, 1)))
	return nil
}

// evaluateIn waits until a tab runs scripts.
func evaluateIn(browser *chrome.Browser, id target.ID) error {
	tab, leave := chromedp.NewContext(browser.Client(), chromedp.WithTargetID(id), chromedp.WithDetachOnCancel())
	defer leave()
	tab, cancel := context.WithTimeout(tab, bareTimeout)
	defer cancel()
	return chromedp.Do(tab)
}

// bareTimeout bounds a run by the client alone.
const bareTimeout = 30 * time.Second

// runBare does on the pages what the journey does, in a browser context of its own,
// and returns how long that took.
func runBare(ctx context.Context, browser *chrome.Browser, site string) (time.Duration, error) {
	begun := time.Now()
	tab, leave := chromedp.NewContext(browser.Client(), chromedp.WithNewBrowserContext())
	defer leave()
	tab, cancel := context.WithTimeout(tab, bareTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	defer stop()
	err := chromedp.Do(tab,
		chromedp.Navigate(site+"/"),
		chromedp.SendKeys(chromedp.ID("q"), "mug"),
		chromedp.Click(chromedp.ID("find")),
		chromedp.Click(chromedp.ID("first")),
		chromedp.WaitVisible(chromedp.ID("product")),
	)
	if err != nil {
		return 0, err
	}
	if err := chromedp.Cancel(tab); err != nil {
		return 0, fmt.Errorf("leave the page: %w", err)
	}
	return time.Since(begun), nil
}

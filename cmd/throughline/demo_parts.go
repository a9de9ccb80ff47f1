package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"throughline/cmd/throughline/config"
	"throughline/dashboards"
	shopfiles "throughline/deploy/demo"
	"throughline/deploy/demo/shop"
	"throughline/deploy/demo/visitors"
	"throughline/ingest/server"
	"throughline/synthetic"
	"throughline/synthetic/chrome"
)

// demo is everything that `demo` runs:
//
//	visitors ──Chrome──► shop ◄──Chrome── journeys
//	     │ script tag                        │ injected
//	     └──────────► collector ◄────────────┘
type demo struct {
	collector *collector
	agent     *journeyAgent
	browser   *warmBrowser
	shop      net.Listener
	shopURL   string
	scriptURL string
	started   time.Time
	log       *slog.Logger

	scratch       string             // directory to remove in the end, "" for none
	shopTelemetry *telemetry         // of the shop, a service of its own
	endTraffic    context.CancelFunc // ends visitors and journeys
	endServers    context.CancelFunc // ends shop and collector
	traffic       sync.WaitGroup
	servers       sync.WaitGroup
	failed        chan error // a server's early end
}

// demoJourneysOrigin is the shop's address in the journey files.
const demoJourneysOrigin = "http://127.0.0.1:8090"

// startDemo opens everything and lets traffic flow. Ports come first.
func startDemo(ctx context.Context, o *demoOptions, env environment) (_ *demo, err error) {
	d := &demo{failed: make(chan error, 2), endTraffic: func() {}, endServers: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	browser, err := chrome.FromEnvironment(env.getenv, nil)
	if err != nil {
		return nil, err
	}
	if d.shop, err = listen(ctx, o.shopListen, "the demo shop", "--shop-listen"); err != nil {
		return nil, err
	}
	d.shopURL = localURL(d.shop)
	if o.dataDir == "" {
		if d.scratch, err = os.MkdirTemp("", "throughline-demo-"); err != nil {
			return nil, fmt.Errorf("make a directory for the demo's data: %w", err)
		}
		o.dataDir = d.scratch
	}
	settings := demoConfig(o, d.shopURL, rand.Text())
	d.log = newLog(env.stderr, settings.Log)
	if d.collector, err = newCollector(ctx, settings, env, d.log); err != nil {
		return nil, err
	}
	if err = d.collector.connect(ctx); err != nil {
		return nil, err
	}
	collectorURL := localURL(d.collector.public)
	app := settings.Apps[0]
	d.scriptURL = collectorURL + settings.Paths.Script + "/" + app.Key + ".js"
	settings.Journeys = config.Journeys{
		App: app.Name, Collector: collectorURL, Location: "demo", BaseURL: d.shopURL, Schedule: "@every 20s", Workers: 1, Spread: config.Duration(5 * time.Second), Evidence: settings.Journeys.Evidence,
		AllowHosts: []string{strings.TrimPrefix(collectorURL, "http://")},
	}
	journeys, err := demoJourneys(d.shopURL)
	if err != nil {
		return nil, err
	}
	if d.agent, err = newJourneyAgent(settings, journeys, env.getenv, d.log); err != nil {
		return nil, err
	}
	if d.shopTelemetry, err = newTelemetry(ctx, "demo-shop", env.getenv); err != nil {
		return nil, err
	}
	// Visitors stand for people, and a browser that says it has no window is a bot.
	browser.Log, browser.UserAgent = d.log, visitors.UserAgent
	d.browser = &warmBrowser{options: browser}
	d.started = time.Now()
	d.run(ctx, o.visitors)
	return d, nil
}

// run starts the servers and then the traffic.
func (d *demo) run(ctx context.Context, atOnce int) {
	background := context.WithoutCancel(ctx)
	serversCtx, endServers := context.WithCancel(background)
	trafficCtx, endTraffic := context.WithCancel(background)
	d.endServers, d.endTraffic = endServers, endTraffic

	front := shop.New(shop.Options{ScriptURL: d.scriptURL, Release: "2026.11.1", Log: d.log, TracerProvider: d.shopTelemetry.traces})
	d.serve(serversCtx, func() error { return d.collector.run(serversCtx) })
	d.serve(serversCtx, func() error { return server.Serve(serversCtx, d.shop, front, time.Second, d.log) })
	d.traffic.Go(func() { d.agent.run(trafficCtx) })
	d.traffic.Go(func() {
		visitors.Run(trafficCtx, visitors.Options{Open: d.browser.open, BaseURL: d.shopURL, AtOnce: atOnce, Seed: uint64(d.started.UnixNano()), Log: d.log})
	})
}

// serve runs a server; that it ends before it was told to is a failure.
func (d *demo) serve(ctx context.Context, run func() error) {
	d.servers.Go(func() {
		err := run()
		if ctx.Err() == nil || err != nil {
			d.failed <- errors.Join(errors.New("a server ended"), err)
		}
	})
}

// demoJourneys are the shop's journeys, pointed at where the shop is.
func demoJourneys(shopURL string) ([]*synthetic.Journey, error) {
	files, err := fs.Glob(shopfiles.Journeys, "journeys/*")
	if err != nil {
		return nil, fmt.Errorf("list the demo's journeys: %w", err)
	}
	var journeys []*synthetic.Journey
	for _, file := range files {
		content, err := fs.ReadFile(shopfiles.Journeys, file)
		if err != nil {
			return nil, fmt.Errorf("read the demo's journey %s: %w", file, err)
		}
		journey, err := synthetic.Load(file, []byte(strings.ReplaceAll(string(content), demoJourneysOrigin, shopURL)))
		if err != nil {
			return nil, err
		}
		journeys = append(journeys, journey)
	}
	return journeys, nil
}

// overview is the table since the demo began.
func (d *demo) overview(ctx context.Context) ([]dashboards.OverviewRow, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return dashboards.Overview(ctx, d.collector.database.Load().store, d.started.Add(-time.Minute), time.Now().Add(time.Minute))
}

// finish ends the traffic, waits until what it left behind is stored, and
// reads the final figures.
func (d *demo) finish(ctx context.Context) (demoResult, error) {
	d.endTraffic()
	d.traffic.Wait()
	err := errors.Join(d.browser.close(), d.agent.close(ctx))
	d.agent = nil
	if err != nil {
		return demoResult{}, err
	}
	deadline := time.Now().Add(10 * time.Second)
	for events := 1; events > 0 && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		events, _ = d.collector.queue.Held()
	}
	return d.result(ctx)
}

// close ends everything, however far startDemo came.
func (d *demo) close() error {
	d.endTraffic()
	d.traffic.Wait()
	var errs []error
	if d.browser != nil {
		errs = append(errs, d.browser.close())
	}
	ctx := context.Background()
	if d.agent != nil {
		errs = append(errs, d.agent.close(ctx))
	}
	d.endServers()
	d.servers.Wait()
	if d.shop != nil {
		_ = d.shop.Close() // the server has closed it unless it never ran
	}
	if d.collector != nil {
		errs = append(errs, d.collector.close(ctx))
	}
	if d.shopTelemetry != nil {
		errs = append(errs, d.shopTelemetry.close(ctx))
	}
	if d.scratch != "" {
		errs = append(errs, os.RemoveAll(d.scratch))
	}
	return errors.Join(errs...)
}

// warmBrowser is the visitors' browser, started when the first of them comes
// and again when it died.
type warmBrowser struct {
	options chrome.Options

	mu      sync.Mutex
	browser *chrome.Browser
}

func (w *warmBrowser) open(ctx context.Context, options synthetic.PageOptions) (visitors.Page, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.browser == nil {
		browser, err := chrome.Launch(ctx, w.options)
		if err != nil {
			return nil, err
		}
		w.browser = browser
	}
	page, err := w.browser.NewPage(ctx, options)
	if err == nil {
		return page, nil
	}
	if ctx.Err() == nil {
		err = errors.Join(err, w.browser.Close())
		w.browser = nil
	}
	return nil, err
}

func (w *warmBrowser) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.browser == nil {
		return nil
	}
	browser := w.browser
	w.browser = nil
	return browser.Close()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"throughline/cmd/throughline/config"
)

// demoOptions are the flags of `demo`.
type demoOptions struct {
	options
	duration   time.Duration
	visitors   int
	shopListen string
	json       bool
}

func newDemo(env environment) *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Everything at once: ClickHouse, collector, a shop, visitors and journeys",
		Long: `Starts the embedded ClickHouse, the collector, a demo shop, journeys on a schedule
and visitors: real headless browsers that wander through the shop as people do. Every
10 s a table shows how each business transaction fares, for real users and for
journeys. Ctrl-C ends everything.

With --duration it ends by itself, and with exit code 1 if one part of it produced
nothing.`,
		Example: `  throughline demo
  throughline demo --duration 90s --json > result.json
  throughline demo --listen 127.0.0.1:9080 --shop-listen 127.0.0.1:9090`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), o, env) },
	}
	c.Flags().DurationVar(&o.duration, "duration", 0, "end after this `time`, such as 90s; 0 runs until Ctrl-C")
	c.Flags().IntVar(&o.visitors, "visitors", 3, "how many visitors there are at a `time`")
	c.Flags().StringVar(&o.shopListen, "shop-listen", "127.0.0.1:8090", "`address` of the shop")
	c.Flags().BoolVar(&o.json, "json", false, "print the final table as JSON on standard output, everything else on standard error")
	c.Flags().StringVar(&o.logLevel, "log-level", "warn", "debug, info, warn or error")
	c.Flags().StringVar(&o.logFormat, "log-format", "text", "text or json")
	o.addPorts(c)
	o.addEngine(c)
	return c
}

// demoConfig is the configuration of the collector in the demo.
func demoConfig(o *demoOptions, shopURL, token string) config.Config {
	c := config.Default()
	c.Listen = "127.0.0.1:8080"
	c.AgentToken = config.Secret(token)
	c.ShutdownGrace = config.Duration(5 * time.Second)
	c.Apps = []config.App{{Name: "demo-shop", Key: "demo-shop-key", Origins: []string{shopURL}, Environment: "demo"}}
	add := func(name, owner string, satisfied time.Duration, complete config.Matcher) {
		c.Transactions = append(c.Transactions, config.Transaction{
			Name: name, App: "demo-shop", Owner: owner,
			Objectives: config.Objectives{Satisfied: config.Duration(satisfied)}, Complete: complete,
		})
	}
	add("Home", "storefront", time.Second, config.Matcher{Page: "/"})
	add("View product", "catalogue", time.Second, config.Matcher{Page: "/product/*"})
	add("Search", "catalogue", time.Second, config.Matcher{Request: "GET /api/search"})
	add("Add to cart", "sales", 500*time.Millisecond, config.Matcher{Request: "POST /api/cart"})
	add("Pay", "payments", time.Second, config.Matcher{Request: "POST /api/pay"})
	add("Order confirmed", "payments", time.Second, config.Matcher{Page: "/thanks/*"})
	o.apply(&c)
	return c
}

func runDemo(ctx context.Context, o demoOptions, env environment) (err error) {
	out := env.stdout
	if o.json {
		out = env.stderr
	}
	d, err := startDemo(ctx, &o, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	d.printAddresses(out, o.duration)

	watching := ctx
	if o.duration > 0 {
		var cancel context.CancelFunc
		watching, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	if err := d.watch(watching, out, env); err != nil {
		return err
	}
	final, err := d.finish(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	if err := final.print(env, out, o.json); err != nil {
		return err
	}
	if interrupted := ctx.Err() != nil; interrupted {
		return nil
	}
	return final.complete()
}

// tableEvery is how often the terminal shows the table.
const tableEvery = 10 * time.Second

// watch prints the table until ctx ends, or fails when a part of the demo does.
func (d *demo) watch(ctx context.Context, out io.Writer, env environment) error {
	ticker := time.NewTicker(tableEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-d.failed:
			return fmt.Errorf("the demo broke down: %w", err)
		case <-ticker.C:
			rows, err := d.overview(context.WithoutCancel(ctx))
			if err != nil {
				return err
			}
			elapsed := time.Since(d.started).Round(time.Second)
			if _, err := fmt.Fprintf(out, "\nafter %s\n%s\n", elapsed, renderTable(rows, mayColour(out, env.getenv))); err != nil {
				return fmt.Errorf("print the table: %w", err)
			}
		}
	}
}

func (d *demo) printAddresses(out io.Writer, duration time.Duration) {
	until := "Ctrl-C ends it"
	if duration > 0 {
		until = fmt.Sprintf("ends after %s, or with Ctrl-C", duration)
	}
	database := d.collector.database.Load().engine
	_, _ = fmt.Fprintf(out, `
Throughline is running; %s. The first table comes in %s.

  shop            %s
  console         %s
  metrics         %s/metrics
  script          %s
  SQL             http://%s/play   (user default, no password, database %s)
  for clients     %s, ClickHouse's native protocol

`, until, tableEvery, d.shopURL, localURL(d.collector.admin), localURL(d.collector.admin), d.scriptURL,
		database.HTTPAddr(), d.collector.config.ClickHouse.Database, database.NativeAddr())
}

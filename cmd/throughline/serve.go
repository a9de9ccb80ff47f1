package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"throughline/cmd/throughline/config"
)

func newServe(env environment) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the collector: take reports, serve the script, write to ClickHouse",
		Long: `Runs the collector. Browsers load the script of their app from /t/<key>.js and
report to /v1/events; a report is on disk before it is answered, and then written to
ClickHouse, the embedded one unless the configuration names a server. The admin side
shows the console, health and metrics.

SIGHUP reads apps, transactions and the agents' token again; an invalid configuration
changes nothing. SIGTERM makes /readyz say 503 while reports are still taken for
shutdown_delay, then stops once everything is stored; what cannot be stored within
shutdown_grace stays in the log for the next start. Ctrl-C does the same without delay.

OpenTelemetry's environment variables (OTEL_EXPORTER_OTLP_ENDPOINT and others)
send the collector's own traces and metrics somewhere.`,
		Example: `  throughline serve --config throughline.yaml
  throughline serve --clickhouse-addr clickhouse.internal:9000
  throughline serve --listen :9080 --admin-listen 127.0.0.1:9081 --log-format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := o.load(env)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), settings, env, func() (config.Config, error) { return o.load(env) })
		},
	}
	o.addFile(c)
	o.addPorts(c)
	o.addEngine(c)
	o.addServer(c)
	return c
}

// errNoApps is a configuration that nobody could report to.
var errNoApps = errors.New("the configuration has no apps, so nothing could report; see apps in deploy/throughline.example.yaml")

func serve(ctx context.Context, c config.Config, env environment, load func() (config.Config, error)) error {
	if len(c.Apps) == 0 {
		return &exitError{exitBadInput, errNoApps}
	}
	setGarbageCollection(env.getenv)
	log := newLog(env.stderr, c.Log)
	co, err := newCollector(ctx, c, env, log)
	if err != nil {
		return err
	}
	log.Info("collecting", "collector", localURL(co.public), "admin", localURL(co.admin), "apps", len(c.Apps), "transactions", len(c.Transactions))
	if env.hangups != nil {
		go co.watchReload(ctx, env.hangups(ctx), load)
	}
	err = co.run(ctx)
	left, _ := co.queue.Held()
	err = errors.Join(err, co.close(context.WithoutCancel(ctx)))
	if err == nil && left == 0 {
		log.Info("stopped; everything that was accepted is stored")
	}
	return err
}

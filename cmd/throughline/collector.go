package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/cmd/throughline/config"
	"throughline/dashboards"
	"throughline/dashboards/console"
	"throughline/ingest"
	"throughline/ingest/clickhouse"
	"throughline/ingest/queue"
	"throughline/ingest/server"
)

// overviewWindow is what the console's table looks back on.
const overviewWindow = time.Hour

// ledgerEvery is how often the ledger is written to the database.
const ledgerEvery = 10 * time.Second

// collector is everything that `serve` runs:
//
//	pages, agents ──HTTP──► server ──► service ──► queue ──► pipeline ──► store ──► ClickHouse
//	people, Prometheus ──HTTP──► admin ──► console, metrics, health
type collector struct {
	config    config.Config
	log       *slog.Logger
	telemetry *telemetry
	database  *database
	queue     *queue.Queue[ingest.Record]
	pipeline  *ingest.Pipeline
	server    *server.Server
	public    net.Listener
	admin     net.Listener
	stopping  atomic.Bool
}

// newCollector opens ports and database and puts the parts together. The ports
// come first: a taken one is the commonest fault and shows at once.
func newCollector(ctx context.Context, c config.Config, env environment, log *slog.Logger) (_ *collector, err error) {
	co := &collector{config: c, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, co.close(context.WithoutCancel(ctx)))
		}
	}()
	if co.public, err = listen(ctx, c.Listen, "the collector", "--listen"); err != nil {
		return nil, err
	}
	if co.admin, err = listen(ctx, c.Admin.Listen, "the admin side", "--admin-listen"); err != nil {
		return nil, err
	}
	if co.telemetry, err = newTelemetry(ctx, "throughline", env.getenv); err != nil {
		return nil, err
	}
	if co.database, err = openDatabase(ctx, c.ClickHouse, log); err != nil {
		return nil, err
	}
	return co, co.assemble()
}

func (co *collector) assemble() (err error) {
	c := co.config
	meter := co.telemetry.metrics.Meter("throughline/ingest")
	tracer := co.telemetry.traces.Tracer("throughline/ingest")
	ledger := ingest.NewLedger()
	co.queue = queue.New[ingest.Record](queue.Limits{Events: c.Queue.MaxEvents, SizeBytes: int(c.Queue.MaxSize)}, time.Now)
	if err := ingest.RegisterMetrics(meter, ledger, co.queue); err != nil {
		return err
	}
	co.pipeline, err = ingest.NewPipeline(ingest.PipelineOptions{
		Queue: co.queue, Sink: co.database.store, Ledger: ledger,
		Cut:         queue.Cut{MaxEvents: c.Batch.MaxEvents, MaxAge: c.Batch.MaxAge.Duration()},
		LedgerEvery: ledgerEvery, Backoff: time.Second, Now: time.Now,
		Log: co.log, Tracer: tracer, Meter: meter,
	})
	if err != nil {
		return err
	}
	apps := c.IngestApps()
	co.server, err = server.New(server.Options{
		Service:       ingest.NewService(co.queue, ledger, time.Now),
		Apps:          ingest.NewApps(apps),
		Script:        scriptRenderer(c.Paths.Collect),
		AgentToken:    string(c.AgentToken),
		CountryHeader: c.CountryHeader,
		CollectPath:   c.Paths.Collect,
		ScriptPath:    c.Paths.Script,
		Log:           co.log,
		Tracer:        tracer,
		Meter:         meter,
		Propagator:    co.telemetry.propagator,
	}, apps)
	return err
}

// run collects until ctx ends, then stops in the order in which a report
// travels, so that nothing that was answered is lost.
func (co *collector) run(ctx context.Context) error {
	grace := co.config.ShutdownGrace.Duration()
	adminCtx, endAdmin := context.WithCancel(context.WithoutCancel(ctx))
	defer endAdmin()
	pipelineCtx, endPipeline := context.WithCancel(context.WithoutCancel(ctx))
	defer endPipeline()

	running, ctx := errgroup.WithContext(ctx)
	running.Go(func() error {
		return server.Serve(adminCtx, co.admin, co.adminSide().Handler(), time.Second, co.log)
	})
	running.Go(func() error {
		defer endAdmin() // it shows the draining, too
		return co.pipeline.Run(pipelineCtx)
	})
	running.Go(func() error {
		err := server.Serve(ctx, co.public, co.server, grace/2, co.log)
		co.queue.Close() // nothing comes any more; the pipeline drains it and ends
		return err
	})
	running.Go(func() error { return co.database.watch(ctx) })
	running.Go(func() error {
		<-ctx.Done()
		co.stopping.Store(true)
		time.AfterFunc(grace, endPipeline)
		return nil
	})
	return running.Wait()
}

func (co *collector) adminSide() server.Admin {
	return server.Admin{
		Metrics: co.telemetry.prometheus,
		Console: console.Handler(console.Options{
			Overview: co.overview, Window: overviewWindow, Log: co.log,
			Links: []console.Link{{Name: "Metrics", URL: "metrics"}, {Name: "Readiness", URL: "readyz"}},
		}),
		Ready: func(ctx context.Context) error {
			if co.stopping.Load() {
				return errors.New("shutting down")
			}
			return co.database.store.Ready(ctx)
		},
	}
}

// overview is the table of the console and the terminal.
func (co *collector) overview(ctx context.Context) ([]dashboards.OverviewRow, error) {
	now := time.Now()
	return dashboards.Overview(ctx, co.database.store, now.Add(-overviewWindow), now)
}

// close frees what newCollector took. It may be called at any point of it.
func (co *collector) close(ctx context.Context) error {
	var errs []error
	for _, listener := range []net.Listener{co.public, co.admin} {
		if listener != nil {
			if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, fmt.Errorf("close port: %w", err))
			}
		}
	}
	if co.database != nil {
		errs = append(errs, co.database.close())
	}
	if co.telemetry != nil {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		errs = append(errs, co.telemetry.close(ctx))
	}
	return errors.Join(errs...)
}

var _ dashboards.Querier = (*clickhouse.Store)(nil)

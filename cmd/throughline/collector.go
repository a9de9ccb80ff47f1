package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"throughline/cmd/throughline/config"
	"throughline/dashboards"
	"throughline/dashboards/console"
	"throughline/ingest"
	"throughline/ingest/admission"
	"throughline/ingest/clickhouse"
	"throughline/ingest/deadletter"
	"throughline/ingest/geo"
	"throughline/ingest/naming"
	"throughline/ingest/queue"
	"throughline/ingest/seen"
	"throughline/ingest/server"
	"throughline/ingest/sourcemap"
)

// overviewWindow is what the console's table looks back on.
const overviewWindow = time.Hour

// maxRecordBytes is above the largest record that the largest report becomes.
const maxRecordBytes = 3 << 20

// commitEvery is how long a report may have to wait for others, so that one write
// to the disk serves many: at full load it makes up for a twentieth of the time.
const commitEvery = 3 * time.Millisecond

// ledgerEvery is how often the ledger is written to the database.
const ledgerEvery = 10 * time.Second

// expireEvery is how often it is looked for source maps that are too old.
const expireEvery = time.Hour

// namesEvery is how often names are kept that were learned.
const namesEvery = 30 * time.Second

// collector is everything that `serve` runs:
//
//	pages, agents ──HTTP──► server ──► service ──► queue (log on disk) ──► pipeline ──► store ──► ClickHouse
//	people, Prometheus ──HTTP──► admin ──► console, metrics, health
type collector struct {
	config    config.Config
	log       *slog.Logger
	telemetry *telemetry
	database  atomic.Pointer[database] // nil until connect has been
	now       func() time.Time
	queue     *queue.Queue
	names     *naming.Names
	admission *admission.Control
	places    *geo.Reader      // nil without files
	maps      *sourcemap.Store // nil without an upload token
	pipeline  *ingest.Pipeline
	server    *server.Server
	public    net.Listener
	admin     net.Listener
	endBy     time.Time // when everything has to be over; zero before run ends
}

// newCollector opens ports and log and puts the parts together. The ports come
// first: a taken one is the commonest fault and shows at once. The database is
// run's to wait for, or the caller's who wants it before: reports are taken
// without it.
func newCollector(ctx context.Context, c config.Config, env environment, log *slog.Logger) (_ *collector, err error) {
	co := &collector{config: c, log: log, now: env.now}
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
	if co.queue, err = openQueue(c, env.now, log); err != nil {
		return nil, err
	}
	if err = co.openKnowledge(ctx); err != nil {
		return nil, err
	}
	return co, co.assemble()
}

// openKnowledge opens what is known beside the reports themselves.
func (co *collector) openKnowledge(ctx context.Context) (err error) {
	c := co.config
	if co.names, err = naming.Open(c.NamesFile(), co.log); err != nil {
		return err
	}
	if co.admission, err = openAdmission(c.QuotasFile(), co.log); err != nil {
		return err
	}
	if co.places, err = openPlaces(ctx, c.Geo, co.log); err != nil {
		return err
	}
	if c.SourceMaps.UploadToken == "" {
		return nil
	}
	co.maps, err = sourcemap.Open(c.SourceMapDir(), sourcemap.Limits{
		MaxMapBytes: int64(c.SourceMaps.MaxMapSize), MaxBytes: int64(c.SourceMaps.MaxSize), MaxAge: c.SourceMaps.MaxAge.Duration(),
	}, co.now, co.log)
	return err
}

// connect opens the database, unless it is open.
func (co *collector) connect(ctx context.Context) error {
	if co.database.Load() != nil {
		return nil
	}
	d, err := openDatabase(ctx, co.config, co.log)
	if err != nil {
		return err
	}
	co.database.Store(d)
	return nil
}

// store returns the database, or an error while it is not open.
func (co *collector) store() (*clickhouse.Store, error) {
	if d := co.database.Load(); d != nil {
		return d.store, nil
	}
	return nil, errors.New("the database is not open yet")
}

// openQueue opens the log, which recovers what the last process left in it.
func openQueue(c config.Config, now func() time.Time, log *slog.Logger) (*queue.Queue, error) {
	q, err := queue.Open(queue.Options{
		Dir: c.QueueDir(), MaxBytes: int64(c.Queue.MaxSize), SegmentBytes: int64(c.Queue.SegmentSize),
		MaxRecordBytes: maxRecordBytes, CommitEvery: commitEvery, KeepFor: c.Deduplication.Window.Duration(),
		Preamble: clickhouse.NewEncoder().Schema(), Now: now, Log: log,
	})
	if err != nil {
		return nil, err
	}
	if found := q.Recovered(); found.Events > 0 || found.SkippedSpots > 0 || len(found.SetAside) > 0 || found.CheckpointLost {
		log.Info("found what was accepted earlier and is not stored yet", "log", found)
	}
	return q, nil
}

func (co *collector) assemble() (err error) {
	c := co.config
	meter := co.telemetry.metrics.Meter("throughline/ingest")
	tracer := co.telemetry.traces.Tracer("throughline/ingest")
	encoder := clickhouse.NewEncoder()
	ids := seen.New(c.Deduplication.Window.Duration(), c.Deduplication.MaxIDs)
	ledger, err := ingest.Recover(co.queue, ids, co.log)
	if err != nil {
		return err
	}
	if err := ingest.RegisterMetrics(meter, ledger, co.queue, ids, co.names); err != nil {
		return err
	}
	if err := registerPlaces(meter, co.places, co.now); err != nil {
		return err
	}
	co.pipeline, err = ingest.NewPipeline(ingest.PipelineOptions{
		Queue: co.queue, Encoder: encoder, DeadLetters: deadletter.Open(c.DeadLetterDir()), Ledger: ledger,
		Cut:         queue.Cut{MaxEvents: c.Batch.MaxEvents, MaxBytes: int64(c.Batch.MaxSize), MaxAge: c.Batch.MaxAge.Duration()},
		LedgerEvery: ledgerEvery, Backoff: time.Second, Now: co.now,
		Log: co.log, Tracer: tracer, Meter: meter,
	})
	if err != nil {
		return err
	}
	service := ingest.ServiceOptions{Queue: co.queue, Encoder: encoder, Seen: ids, Ledger: ledger, Names: co.names, Now: co.now}
	options := server.Options{
		Script:        scriptRenderer(c.Paths.Collect),
		CountryHeader: c.CountryHeader, Places: co.places, TrustedProxies: c.TrustedNetworks(),
		Admission: co.admission, MaxConnections: c.MaxConnections, Now: co.now,
		CollectPath: c.Paths.Collect, ReportsPath: c.Paths.Reports, ScriptPath: c.Paths.Script,
		Log: co.log, Tracer: tracer, Meter: meter, Propagator: co.telemetry.propagator,
	}
	if co.maps != nil {
		service.Maps, options.SourceMaps, options.UploadToken = co.maps, co.maps, string(c.SourceMaps.UploadToken)
	}
	options.Service = ingest.NewService(service)
	co.server, err = server.New(options, c.IngestApps(), string(c.AgentToken))
	return err
}

// run collects until ctx ends, then stops in the order in which a report
// travels, so that nothing that was answered is lost.
func (co *collector) run(ctx context.Context) error {
	grace := co.config.ShutdownGrace.Duration()
	running, ctx := errgroup.WithContext(ctx)
	lasting := context.WithoutCancel(ctx)
	adminCtx, endAdmin := context.WithCancel(lasting)
	defer endAdmin()
	publicCtx, endPublic := context.WithCancel(lasting)
	defer endPublic()
	pipelineCtx, endPipeline := context.WithCancel(lasting)
	defer endPipeline()

	var shown sync.WaitGroup // the admin side shows the draining, too
	shown.Add(2)
	running.Go(func() error {
		return server.Serve(adminCtx, co.admin, co.adminSide(ctx).Handler(), time.Second, co.log)
	})
	co.tendKnowledge(ctx, adminCtx, running)
	running.Go(func() error {
		defer shown.Done()
		defer endPipeline()
		return co.moveRows(ctx, pipelineCtx, running)
	})
	running.Go(func() error {
		defer shown.Done()
		err := co.server.Serve(publicCtx, co.public, grace/2)
		co.pipeline.Finish(pipelineCtx) // nothing comes any more
		return err
	})
	running.Go(func() error {
		<-ctx.Done()
		co.linger(ctx)
		endPublic()
		co.endBy = time.Now().Add(grace)
		time.AfterFunc(grace-grace/10, endPipeline) // what is left is for closing
		shown.Wait()
		endAdmin()
		return nil
	})
	return running.Wait()
}

// tendKnowledge keeps what is learned until lasting ends, since reports may come
// as long, and looks for what is new until ctx does.
func (co *collector) tendKnowledge(ctx, lasting context.Context, running *errgroup.Group) {
	for _, tend := range []func(){
		func() { co.names.Keep(lasting, co.config.NamesFile(), namesEvery, co.log) },
		func() { keepQuotas(lasting, co.config.QuotasFile(), co.admission, co.log) },
		func() { co.places.Run(ctx) },
		func() { co.expireMaps(ctx) },
	} {
		running.Go(func() error {
			tend()
			return nil
		})
	}
}

// expireMaps removes source maps that are too old, now and then until ctx ends.
func (co *collector) expireMaps(ctx context.Context) {
	if co.maps == nil {
		return
	}
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	for {
		if err := co.maps.Expire(); err != nil {
			co.log.Warn("could not remove old source maps; will try again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// moveRows opens the database and moves what is in the log there until the log
// is closed and empty, or pipelineCtx ends.
func (co *collector) moveRows(ctx, pipelineCtx context.Context, running *errgroup.Group) error {
	if err := co.connect(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop before the database was there
		}
		return err
	}
	d := co.database.Load()
	running.Go(func() error { return d.watch(ctx) })
	co.pipeline.Run(pipelineCtx, d.store)
	return nil
}

// linger takes reports for a while longer when a service manager ends the
// collector: /readyz says no already, and whatever sends reports here gets time
// to see that before the port closes. Nobody waits for it at the desk, nor when
// something has broken down.
func (co *collector) linger(ctx context.Context) {
	if errors.As(context.Cause(ctx), &terminated{}) {
		time.Sleep(co.config.ShutdownDelay.Duration())
	}
}

// readyPatience is how long the database may take to answer a question after
// readiness; whoever asks waits a second, as a rule.
const readyPatience = 900 * time.Millisecond

// adminSide is the handler of the admin port; running ends when the collector is
// told to stop.
func (co *collector) adminSide(running context.Context) server.Admin {
	return server.Admin{
		Metrics: co.telemetry.prometheus,
		Console: console.Handler(console.Options{
			Overview: co.overview, Window: overviewWindow, Log: co.log,
			Links: []console.Link{{Name: "Metrics", URL: "metrics"}, {Name: "Readiness", URL: "readyz"}},
		}),
		Ready: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, readyPatience)
			defer cancel()
			defer context.AfterFunc(running, cancel)()
			err := co.ready(ctx)
			if running.Err() != nil {
				return errors.New("shutting down")
			}
			return err
		},
	}
}

// ready returns nil when reports can be kept and the database answers.
func (co *collector) ready(ctx context.Context) error {
	if err := co.queue.Err(); err != nil {
		return fmt.Errorf("reports cannot be kept: %w", err)
	}
	store, err := co.store()
	if err != nil {
		return err
	}
	return store.Ready(ctx)
}

// overview is the table of the console and the terminal.
func (co *collector) overview(ctx context.Context) ([]dashboards.OverviewRow, error) {
	store, err := co.store()
	if err != nil {
		return nil, err
	}
	now := co.now()
	return dashboards.Overview(ctx, store, now.Add(-overviewWindow), now)
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
	if co.queue != nil {
		errs = append(errs, co.queue.Release())
	}
	if d := co.database.Load(); d != nil {
		errs = append(errs, d.close())
	}
	if co.maps != nil {
		errs = append(errs, co.maps.Close())
	}
	if co.telemetry != nil {
		patience := 5 * time.Second
		if !co.endBy.IsZero() {
			patience = min(patience, time.Until(co.endBy))
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if err := co.telemetry.close(ctx); err != nil {
			// Whoever collects it is away; that is no fault of what was collected here.
			co.log.Warn("could not send the last metrics and traces", "error", err)
		}
	}
	return errors.Join(errs...)
}

var _ dashboards.Querier = (*clickhouse.Store)(nil)

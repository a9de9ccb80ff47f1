package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"throughline/beacon"
	"throughline/cmd/throughline/config"
	"throughline/deploy/generator"
	"throughline/ingest"
	"throughline/ingest/clickhouse"
	"throughline/ingest/naming"
)

// generateBatchRows is how many rows are written at a time, at least.
const generateBatchRows = 50_000

// generateOptions are the flags of `generate`.
type generateOptions struct {
	options
	seed            uint64
	days            float64
	pageViews, rows int
	end, output     string
	traced          float64
	journeys        time.Duration
}

func newGenerate(env environment) *cobra.Command {
	var o generateOptions
	c := &cobra.Command{
		Use:   "generate",
		Short: "Fill the database with made-up data, to try things out on",
		Long: `Makes up days of experience data, as visitors of a shop and its journeys would have
reported it, and writes it to ClickHouse as the collector does. With apps in the
configuration it is their data, and their transactions. The same flags make the same
data. It has incidents; they are listed in the end.

When it was interrupted, run it again with the same flags and the --end that it told:
what is there already is not written twice.

--output writes the reports as lines of JSON instead, as {"at", "app", "user_agent",
"country", "report"}: at is when the report arrives.`,
		Example: `  throughline generate                                  # a week, 200,000 page views
  throughline generate --days 30 --page-views 10000000 --clickhouse-addr clickhouse.internal:9000
  throughline generate --rows 2000000 --seed 7 --traced 1
  throughline generate --days 1 --page-views 1000 --end 2026-03-31T00:00:00Z --output - | head -1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context(), env) },
	}
	c.Flags().Uint64Var(&o.seed, "seed", 1, "makes other data")
	c.Flags().Float64Var(&o.days, "days", 7, "how many days the data spans")
	c.Flags().IntVar(&o.pageViews, "page-views", 200_000, "page views of real users, within a few percent")
	c.Flags().IntVar(&o.rows, "rows", 0, "instead of --page-views: rows of all tables, within ten percent")
	c.Flags().StringVar(&o.end, "end", "", "`time` at which the data ends, such as 2026-03-31T00:00:00Z (default: the beginning of this hour)")
	c.Flags().StringVarP(&o.output, "output", "o", "", "`file` to write reports to instead of the database; - is standard output")
	c.Flags().Float64Var(&o.traced, "traced", 0.1, "share of requests that know their trace id, 0 to 1")
	c.Flags().DurationVar(&o.journeys, "journeys-every", 10*time.Minute, "interval of the journeys; 0 for none")
	o.addFile(c)
	o.addEngine(c)
	o.addServer(c)
	return c
}

func (o *generateOptions) run(ctx context.Context, env environment) error {
	settings, err := o.load(env)
	if err != nil {
		return err
	}
	plan, err := o.plan(settings, env.now())
	if err != nil {
		return &exitError{exitBadInput, err}
	}
	g, err := newGeneration(env, plan)
	if err != nil {
		return err
	}
	if o.output != "" {
		return g.report(ctx, o.output)
	}
	if kept := settings.ClickHouse.Retention.Duration(); kept > 0 && plan.From.Before(env.now().Add(-kept)) {
		return &exitError{exitBadInput, errors.New("the data would begin before what clickhouse.retention keeps; choose fewer --days, a later --end, or a retention of 0s")}
	}
	d, err := openDatabase(ctx, settings, newLog(env.stderr, settings.Log))
	if err != nil {
		return err
	}
	err = g.store(ctx, d.store)
	if err = errors.Join(err, d.close()); err != nil {
		return err
	}
	return g.tell(env.stdout, "written to database "+settings.ClickHouse.Database)
}

// plan says what the flags and the configuration want to be made up.
func (o *generateOptions) plan(c config.Config, now time.Time) (generator.Options, error) {
	end := now.UTC().Truncate(time.Hour)
	if o.end != "" {
		var err error
		if end, err = time.Parse(time.RFC3339, o.end); err != nil {
			return generator.Options{}, errors.New("--end must be a time such as 2026-03-31T00:00:00Z")
		}
	}
	const leastDays, mostDays = 0.01, 3660
	if o.days < leastDays || o.days > mostDays {
		return generator.Options{}, fmt.Errorf("--days must be from %g to %d", leastDays, mostDays)
	}
	if o.traced < 0 || o.traced > 1 {
		return generator.Options{}, errors.New("--traced must be from 0 to 1")
	}
	plan := generator.Options{
		Seed: o.seed, From: end.Add(-time.Duration(o.days * float64(24*time.Hour))), To: end, PageViews: o.pageViews,
		Apps: c.IngestApps(), Traced: o.traced, JourneyEvery: o.journeys,
	}
	if o.traced == 0 {
		plan.Traced = -1
	}
	if o.rows > 0 {
		plan.PageViews = max(1, int(float64(o.rows)/generator.RowsPerPageView))
	}
	return plan, nil
}

// generation is one run of `generate`.
type generation struct {
	env     environment
	plan    generator.Options
	stream  *generator.Generator
	started time.Time
	rows    int // that are written, and page views of which they are
	views   int
	// batchRows is how many rows are written at a time, at least.
	batchRows int
}

func newGeneration(env environment, plan generator.Options) (*generation, error) {
	stream, err := generator.New(plan)
	if err != nil {
		return nil, &exitError{exitBadInput, fmt.Errorf("plan the data: %w", err)}
	}
	return &generation{env: env, plan: plan, stream: stream, started: env.now(), batchRows: generateBatchRows}, nil
}

// generatedBatch is what is written at once.
type generatedBatch struct {
	ingest.Batch
	rows, views int
	until       time.Time // when the last report of it arrived
}

// store writes the stream to the database.
func (g *generation) store(ctx context.Context, sink ingest.Sink) error {
	group, ctx := errgroup.WithContext(ctx)
	// One is made while another is written.
	batches := make(chan generatedBatch, 1)
	group.Go(func() error {
		defer close(batches)
		return g.fill(ctx, batches)
	})
	show := newGenerateProgress(g)
	group.Go(func() error {
		defer show.end()
		for batch := range batches {
			if err := sink.Write(ctx, batch.Batch); err != nil {
				return fmt.Errorf("write rows %d to %d: %w", g.rows+1, g.rows+batch.rows, err)
			}
			g.rows, g.views = g.rows+batch.rows, g.views+batch.views
			show.now(batch.until)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("interrupted after %d rows; the same flags with --end %s go on", g.rows, g.plan.To.Format(time.RFC3339))
		}
		return err
	}
	return nil
}

// fill makes batches of the stream. A batch's token says which part of which
// stream it is, so that one which is written again is recognised.
func (g *generation) fill(ctx context.Context, batches chan<- generatedBatch) error {
	stream, err := streamName(g.plan)
	if err != nil {
		return err
	}
	enricher, encoder := ingest.NewEnricher(naming.New(), nil, time.Unix(0, 0)), clickhouse.NewEncoder()
	var rows []ingest.Row
	making := newBatchMaker(encoder)
	send := func(number int) error {
		batch := making.take(fmt.Sprintf("generate-%s-%d", stream, number))
		select {
		case batches <- batch:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	number := 0
	for visit := range g.stream.Visits() {
		rows = enricher.Rows(rows[:0], ingest.Record{
			App: visit.App, ReceivedAt: visit.At, UserAgent: visit.UserAgent, Country: visit.Country, Report: visit.Report,
		})
		making.add(visit, rows)
		if making.batch.rows >= g.batchRows {
			if err := send(number); err != nil {
				return err
			}
			number++
		}
	}
	if making.batch.rows == 0 {
		return nil
	}
	return send(number)
}

// batchMaker collects rows until there are enough for a batch.
type batchMaker struct {
	encoder *clickhouse.Encoder
	batch   generatedBatch
	rows    map[string][]byte // by app
	events  map[string]uint64
}

func newBatchMaker(encoder *clickhouse.Encoder) *batchMaker {
	return &batchMaker{encoder: encoder, rows: map[string][]byte{}, events: map[string]uint64{}}
}

func (m *batchMaker) add(visit generator.Visit, rows []ingest.Row) {
	app := visit.App.Name
	encoded := m.rows[app]
	for i := range rows {
		encoded = m.encoder.AppendRow(encoded, &rows[i])
	}
	m.batch.views += endedViews(visit.Report)
	m.rows[app] = encoded
	m.events[app] += uint64(len(rows))
	m.batch.rows += len(rows)
	m.batch.until = visit.At
}

// endedViews is how many page views ended with the report.
func endedViews(report *beacon.Report) int {
	ended := 0
	for _, event := range report.Events {
		if event.PageView != nil && event.PageView.Phase == beacon.PhaseFinal {
			ended++
		}
	}
	return ended
}

// take returns what was collected, with the ledger's rows of it.
func (m *batchMaker) take(token string) generatedBatch {
	batch := m.batch
	batch.Token = token
	for app, encoded := range m.rows {
		events := m.events[app]
		encoded = m.encoder.AppendLedger(encoded, batch.until, []ingest.Entry{
			{App: app, Stage: ingest.StageReceived, Events: events},
			{App: app, Stage: ingest.StageAccepted, Events: events},
			{App: app, Stage: ingest.StageStored, Events: events},
		})
		batch.Records = append(batch.Records, ingest.EncodedRows{App: app, Schema: m.encoder.Schema(), Rows: encoded})
	}
	m.batch = generatedBatch{}
	clear(m.rows) // the batch has them now
	clear(m.events)
	return batch
}

// streamName is the same for the same stream only.
func streamName(plan generator.Options) (string, error) {
	content, err := json.Marshal(plan)
	if err != nil {
		return "", fmt.Errorf("name the stream: %w", err)
	}
	content = fmt.Appendf(content, " %d", generateBatchRows)
	for _, app := range plan.Apps {
		for _, t := range app.Transactions {
			content = fmt.Appendf(content, " %s", t.Satisfied) // stands in rows, but not in JSON
		}
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8]), nil
}

// reportLine is one line of --output.
type reportLine struct {
	At        time.Time      `json:"at"`
	App       string         `json:"app"`
	UserAgent string         `json:"user_agent"`
	Country   string         `json:"country,omitempty"`
	Report    *beacon.Report `json:"report"`
}

// report writes the stream as lines of JSON.
func (g *generation) report(ctx context.Context, name string) (err error) {
	out := g.env.stdout
	if name != "-" {
		file, createErr := os.Create(name)
		if createErr != nil {
			return fmt.Errorf("create the output: %w", createErr)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		out = file
	}
	buffered := bufio.NewWriterSize(out, 1<<20)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	for visit := range g.stream.Visits() {
		if ctx.Err() != nil {
			return errors.Join(errors.New("interrupted"), buffered.Flush())
		}
		line := reportLine{visit.At, visit.App.Name, visit.UserAgent, visit.Country, visit.Report}
		if err := lines.Encode(line); err != nil {
			return fmt.Errorf("write a report: %w", err)
		}
		g.rows += len(visit.Report.Events)
		g.views += endedViews(visit.Report)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write the reports: %w", err)
	}
	return g.tell(g.env.stderr, "written to "+name)
}

// tell sums up what was made.
func (g *generation) tell(out io.Writer, where string) error {
	took := g.env.now().Sub(g.started)
	_, err := fmt.Fprintf(out, "%d rows of %d page views and of journeys, from %s to %s, %s in %s\n", g.rows, g.views,
		g.plan.From.Format(time.RFC3339), g.plan.To.Format(time.RFC3339), where, took.Round(100*time.Millisecond))
	for _, incident := range g.stream.Incidents() {
		if err == nil {
			_, err = fmt.Fprintf(out, "  %s\n", incident)
		}
	}
	return err
}

// generateProgress shows how far it has come: on a terminal in one line that
// changes, else in a line now and then.
type generateProgress struct {
	generation *generation
	terminal   bool
	every      time.Duration
	last       time.Time
}

func newGenerateProgress(g *generation) *generateProgress {
	_, terminal := onTerminal(g.env.stderr)
	p := &generateProgress{generation: g, terminal: terminal, every: 10 * time.Second, last: g.env.now()}
	if terminal {
		p.every = 200 * time.Millisecond
	}
	return p
}

// now shows that everything until that time is written.
func (p *generateProgress) now(until time.Time) {
	g, now := p.generation, p.generation.env.now()
	if now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	start, end := "", "\n"
	if p.terminal {
		start, end = "\r\x1b[K", ""
	}
	done := 100 * float64(until.Sub(g.plan.From)) / float64(g.plan.To.Sub(g.plan.From))
	_, _ = fmt.Fprintf(g.env.stderr, "%s%3.0f %%  %s  %d rows  %.0f rows/s%s", start, done, until.UTC().Format(time.DateOnly),
		g.rows, float64(g.rows)/now.Sub(g.started).Seconds(), end)
}

// end clears the line.
func (p *generateProgress) end() {
	if p.terminal {
		_, _ = fmt.Fprint(p.generation.env.stderr, "\r\x1b[K")
	}
}

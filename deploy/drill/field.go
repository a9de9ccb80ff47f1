package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// field is where one fault is provoked: a collector, the database that it
// writes to, and what stands between the two.
type field struct {
	options
	name     string
	dir      string
	binary   string
	spawner  *spawner
	database database
	proxy    *proxy
	settings settings
	public   string // host:port of the collector
	admin    string // host:port of its admin side
	// environment of the collector, beside the drill's own.
	environment []string
	// collector is the one that runs, or the last that did.
	collector *process
}

// settings are the keys of the configuration that faults differ in.
type settings struct {
	maxSize, segmentSize string
	batchAge             time.Duration
	delay, grace         time.Duration // of the shutdown
	apps                 string        // more apps, as YAML
	more                 string        // more keys, as YAML
	logLevel             string
	// embedded is the HTTP port of the collector's own engine, 0 for the shared one.
	embedded int
}

func defaultSettings() settings {
	return settings{maxSize: "1GiB", segmentSize: "4MiB", batchAge: 100 * time.Millisecond, delay: 200 * time.Millisecond, grace: 20 * time.Second, logLevel: "info"}
}

// newField makes what the fault of that name needs: a directory below dir and a
// database of the engine. Nothing runs yet.
func newField(o options, s *spawner, e *engine, dir, name string) (*field, error) {
	f := &field{
		options: o, name: name, dir: filepath.Join(dir, name), binary: o.binary, spawner: s, settings: defaultSettings(),
		database: database{e, "drill_" + strings.ReplaceAll(name, "-", "_")},
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of %s: %w", name, err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	f.public, f.admin = local(ports[0]), local(ports[1])
	if f.proxy, err = newProxy(e.native); err != nil {
		return nil, err
	}
	return f, f.configure()
}

func (f *field) configFile() string { return filepath.Join(f.dir, "throughline.yaml") }
func (f *field) dataDir() string    { return filepath.Join(f.dir, "data") }
func (f *field) queueDir() string   { return filepath.Join(f.dataDir(), "queue") }

const configuration = `listen: %s
admin: {listen: %s}
data_dir: %q
clickhouse:
  addr: %s
  database: %s
  wait: 5m
  embedded: {native_port: 0, http_port: %d}
queue: {max_size: %s, segment_size: %s}
batch: {max_age: %s}
shutdown_delay: %s
shutdown_grace: %s
log: {level: %s}
apps:
  - {name: %s, key: %s, origins: ["%s"], environment: drill}
%s
%s
transactions:
  - {name: %s, app: %s, objectives: {satisfied: 2s}, complete: {page: /product/*}}
`

// configure writes the configuration.
func (f *field) configure() error {
	s := f.settings
	addr := fmt.Sprintf("[%q]", f.proxy.addr)
	if s.embedded > 0 {
		addr = "[]"
	}
	return f.write(f.configFile(), fmt.Sprintf(configuration, f.public, f.admin, f.dataDir(), addr, f.database.name, s.embedded,
		s.maxSize, s.segmentSize, s.batchAge, s.delay, s.grace, s.logLevel, appName, appKey, origin, s.apps, s.more, transaction, appName))
}

func (f *field) write(file, text string) error {
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}

// change changes settings before a start.
func (f *field) change(how func(*settings)) error {
	how(&f.settings)
	return f.configure()
}

// start starts the collector without waiting for it.
func (f *field) start() (err error) {
	f.collector, err = f.command("serve")
	return err
}

// command runs a command of the program with the field's configuration.
func (f *field) command(arguments ...string) (*process, error) {
	line := append([]string{f.binary}, arguments...)
	return f.spawner.start(filepath.Join(f.dir, arguments[0]+".log"), f.environment, append(line, "--config", f.configFile())...)
}

// serve starts the collector and waits until it is ready.
func (f *field) serve(ctx context.Context) error {
	if err := f.start(); err != nil {
		return err
	}
	return f.awaitReady(ctx)
}

// begin is serve for the first time: it then stops the merging of page views,
// which would make one row of two and so hide that there were two.
func (f *field) begin(ctx context.Context) error {
	if err := f.serve(ctx); err != nil {
		return err
	}
	return f.database.do(ctx, "SYSTEM STOP MERGES "+f.database.name+".page_views",
		"ALTER TABLE page_views MODIFY SETTING parts_to_delay_insert = 100000, parts_to_throw_insert = 100000")
}

// beginUnderLoad begins, and sends reports from then on; the load is to be stopped
// by whoever gets it.
func (f *field) beginUnderLoad(ctx context.Context, o loadOptions) (*load, error) {
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	l := newLoad(f.public, o)
	l.start(ctx)
	return l, nil
}

func (f *field) awaitReady(ctx context.Context) error {
	const patience = time.Minute
	return f.collector.until(ctx, "the collector is ready", patience, func(ctx context.Context) (bool, error) {
		return f.readiness(ctx) == http.StatusOK, nil
	})
}

// readiness is the status of /readyz, 0 when nobody answers.
func (f *field) readiness(ctx context.Context) int {
	response, err := f.get(ctx, "/readyz")
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// get asks the admin side.
func (f *field) get(ctx context.Context, path string) (*http.Response, error) {
	const patience = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.admin+path, nil)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ask the admin side: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ask the admin side: %w", err)
	}
	response.Body = cancelling{response.Body, cancel}
	return response, nil
}

// metrics calls each with the name, the labels and the value of every metric.
func (f *field) metrics(ctx context.Context, each func(name, labels string, value float64)) error {
	response, err := f.get(ctx, "/metrics")
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		series, text, _ := strings.Cut(lines.Text(), "} ")
		name, labels, labelled := strings.Cut(series, "{")
		if !labelled {
			name, text, _ = strings.Cut(lines.Text(), " ")
		}
		if value, err := strconv.ParseFloat(text, 64); err == nil {
			each(name, labels, value)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the metrics: %w", err)
	}
	return nil
}

// metric is the sum of a metric over its labels.
func (f *field) metric(ctx context.Context, prefix string) (total float64, err error) {
	found := false
	err = f.metrics(ctx, func(name, _ string, value float64) {
		if strings.HasPrefix(name, prefix) {
			found = true
			total += value
		}
	})
	if err == nil && !found {
		err = fmt.Errorf("there is no metric %s", prefix)
	}
	return total, err
}

// queued is how many accepted events are not stored yet.
func (f *field) queued(ctx context.Context) (int, error) {
	events, err := f.metric(ctx, "throughline_ingest_queue_events")
	return int(events), err
}

// ledger is how many events came to each stage.
func (f *field) ledger(ctx context.Context) (map[string]int, error) {
	stages := map[string]int{}
	err := f.metrics(ctx, func(name, labels string, value float64) {
		if _, rest, ok := strings.Cut(labels, `stage="`); ok && strings.HasPrefix(name, "throughline_ingest_events") {
			stage, _, _ := strings.Cut(rest, `"`)
			stages[stage] += int(value)
		}
	})
	return stages, err
}

// drained waits until everything that was accepted is stored.
func (f *field) drained(ctx context.Context) error {
	return f.collector.until(ctx, "the log is empty", drainPatience, func(ctx context.Context) (bool, error) {
		events, err := f.queued(ctx)
		return err == nil && events == 0, nil
	})
}

// await waits for a word of the collector.
func (f *field) await(ctx context.Context, p *process, word string) error {
	const patience = 20 * time.Second
	return p.until(ctx, "the log says "+strconv.Quote(word), patience, func(context.Context) (bool, error) {
		return strings.Contains(p.said(), word), nil
	})
}

// close ends everything of the field.
func (f *field) close() {
	f.proxy.set(rule{})
	if f.collector != nil {
		f.collector.kill()
	}
	f.proxy.close()
}

// cancelling ends a request when its answer has been read.
type cancelling struct {
	body interface {
		Read(p []byte) (int, error)
		Close() error
	}
	cancel context.CancelFunc
}

func (c cancelling) Read(p []byte) (int, error) { return c.body.Read(p) }

func (c cancelling) Close() error {
	c.cancel()
	return c.body.Close()
}

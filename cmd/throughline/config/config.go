// Package config is the one configuration file: strict YAML, every key of it
// documented in throughline.example.yaml, secrets also from the environment.
package config

import (
	"cmp"
	"net/netip"
	"path/filepath"
	"time"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/scrub"
)

// Config is the whole configuration. [Default] fills in what a file leaves out.
type Config struct {
	Listen         string        `yaml:"listen"`
	MaxConnections int           `yaml:"max_connections"`
	Admin          Admin         `yaml:"admin"`
	Paths          Paths         `yaml:"paths"`
	CountryHeader  string        `yaml:"country_header"`
	Geo            Geo           `yaml:"geo"`
	TrustedProxies []string      `yaml:"trusted_proxies"`
	AgentToken     Secret        `yaml:"agent_token"`
	UserIDKey      Secret        `yaml:"user_id_key"`
	DataDir        string        `yaml:"data_dir"`
	ClickHouse     ClickHouse    `yaml:"clickhouse"`
	Queue          Queue         `yaml:"queue"`
	Deduplication  Deduplication `yaml:"deduplication"`
	Batch          Batch         `yaml:"batch"`
	ShutdownDelay  Duration      `yaml:"shutdown_delay"`
	ShutdownGrace  Duration      `yaml:"shutdown_grace"`
	Log            Log           `yaml:"log"`
	Apps           []App         `yaml:"apps"`
	Transactions   []Transaction `yaml:"transactions"`
	Journeys       Journeys      `yaml:"journeys"`
	SourceMaps     SourceMaps    `yaml:"sourcemaps"`
}

// Geo are the files that tell where addresses are.
type Geo struct {
	PlaceFile   string `yaml:"place_file"`
	NetworkFile string `yaml:"network_file"`
}

// Admin is the admin side: console, health and metrics.
type Admin struct {
	Listen string `yaml:"listen"`
}

// Paths are where browsers send the beacon's reports to and what they report by
// themselves, and where they load scripts from.
type Paths struct {
	Collect string `yaml:"collect"`
	Reports string `yaml:"reports"` // "": none are taken
	Script  string `yaml:"script"`
}

// ClickHouse is the database: a server by address, or the embedded engine.
type ClickHouse struct {
	Addr      []string `yaml:"addr"`
	Database  string   `yaml:"database"`
	Username  string   `yaml:"username"`
	Password  Secret   `yaml:"password"`
	TLS       bool     `yaml:"tls"`
	Wait      Duration `yaml:"wait"`
	Retention Duration `yaml:"retention"`
	Embedded  Embedded `yaml:"embedded"`
}

// Embedded is the embedded engine, used when no address is given.
type Embedded struct {
	NativePort  int    `yaml:"native_port"`
	HTTPPort    int    `yaml:"http_port"`
	MemoryLimit Size   `yaml:"memory_limit"`
	Library     string `yaml:"library"`
}

// Queue is the log of what was answered and is not in the database yet.
type Queue struct {
	MaxSize     Size `yaml:"max_size"`
	SegmentSize Size `yaml:"segment_size"`
}

// Deduplication says how long and how many ids of reports and events are remembered.
type Deduplication struct {
	Window Duration `yaml:"window"`
	MaxIDs int      `yaml:"max_ids"`
}

// Batch says when what waits is written.
type Batch struct {
	MaxEvents int      `yaml:"max_events"`
	MaxSize   Size     `yaml:"max_size"`
	MaxAge    Duration `yaml:"max_age"`
}

// SourceMaps says what is taken and kept of source maps.
type SourceMaps struct {
	UploadToken Secret   `yaml:"upload_token"`
	MaxMapSize  Size     `yaml:"max_map_size"`
	MaxSize     Size     `yaml:"max_size"`
	MaxAge      Duration `yaml:"max_age"`
}

// Log is the program's own log.
type Log struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

// App is one monitored application.
type App struct {
	Name        string   `yaml:"name"`
	Key         string   `yaml:"key"`
	Keys        []string `yaml:"keys"`
	Origins     []string `yaml:"origins"`
	Environment string   `yaml:"environment"`
	Beacon      Beacon   `yaml:"beacon"`
	HashUserIDs bool     `yaml:"hash_user_ids"`
	Pages       []Page   `yaml:"pages"`
	Scrub       Scrub    `yaml:"scrub"`
	Limits      Limits   `yaml:"limits"`
}

// Beacon is what the script of an app does beyond what all of them do.
type Beacon struct {
	ConsoleErrors   bool     `yaml:"console_errors"`
	Consent         bool     `yaml:"consent"`
	SampleRate      *float64 `yaml:"sample_rate"`
	ErrorSampleRate *float64 `yaml:"error_sample_rate"`
	UserTiming      []string `yaml:"user_timing"`
	TraceOrigins    []string `yaml:"trace_origins"`
}

// Page names the pages whose path matches a pattern.
type Page struct {
	Path string `yaml:"path"`
	Name string `yaml:"name"`
}

// Scrub says what is taken out of an app's texts before they are stored.
type Scrub struct {
	Allow []string `yaml:"allow"`
}

// Limits are what the pages of one app may send; 0 is no limit.
type Limits struct {
	EventsPerSecond int `yaml:"events_per_second"`
	// Burst without a value is the events of one second, or those of the largest
	// report if that is more.
	Burst        int   `yaml:"burst"`
	EventsPerDay int64 `yaml:"events_per_day"`
}

func (l Limits) ingest() ingest.Limits {
	return ingest.Limits{
		EventsPerSecond: l.EventsPerSecond, EventsPerDay: l.EventsPerDay,
		Burst: cmp.Or(l.Burst, max(l.EventsPerSecond, beacon.MaxEvents)),
	}
}

// Transaction is the definition of a business transaction.
type Transaction struct {
	Name       string     `yaml:"name"`
	App        string     `yaml:"app"`
	Owner      string     `yaml:"owner"`
	Objectives Objectives `yaml:"objectives"`
	Complete   Matcher    `yaml:"complete"`
}

// Objectives are what a transaction's experience is judged by.
type Objectives struct {
	Satisfied Duration `yaml:"satisfied"`
}

// Matcher recognises a page view or a request.
type Matcher struct {
	Page    string `yaml:"page"`
	Request string `yaml:"request"`
}

// Journeys are the scheduled journeys that `throughline agent` runs.
type Journeys struct {
	Files     []string `yaml:"files"`
	App       string   `yaml:"app"`
	Collector string   `yaml:"collector"`
	Location  string   `yaml:"location"`
	BaseURL   string   `yaml:"base_url"`
	Schedule  string   `yaml:"schedule"`
	Workers   int      `yaml:"workers"`
	Spread    Duration `yaml:"spread"`
	// TraceHosts get a traceparent with each request, AllowHosts are the host:port on
	// the agent's own machine that pages may reach.
	TraceHosts []string `yaml:"trace_hosts"`
	AllowHosts []string `yaml:"allow_hosts"`
	Evidence   Evidence `yaml:"evidence"`
}

// Evidence is where the agent keeps what shows why a run failed, and for how long.
type Evidence struct {
	// Directory is empty for evidence below data_dir; it is not used with a bucket.
	Directory string   `yaml:"directory"`
	Bucket    Bucket   `yaml:"bucket"`
	PublicURL string   `yaml:"public_url"`
	Passed    Duration `yaml:"passed"`
	Failed    Duration `yaml:"failed"`
	MaxRuns   int      `yaml:"max_runs"`
	MaxSize   Size     `yaml:"max_size"`
}

// Bucket is one of an S3-compatible store.
type Bucket struct {
	Endpoint  string `yaml:"endpoint"`
	Name      string `yaml:"name"`
	Prefix    string `yaml:"prefix"`
	Region    string `yaml:"region"`
	PathStyle bool   `yaml:"path_style"`
	AccessKey Secret `yaml:"access_key"`
	SecretKey Secret `yaml:"secret_key"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Listen: ":8080", MaxConnections: 10_000, TrustedProxies: []string{},
		Admin: Admin{Listen: "127.0.0.1:8081"},
		Paths: Paths{Collect: "/v1/events", Reports: "/v1/reports", Script: "/t"},
		ClickHouse: ClickHouse{
			Database:  "throughline",
			Username:  "default",
			Wait:      Duration(30 * time.Second),
			Retention: Duration(90 * 24 * time.Hour),
			Embedded:  Embedded{NativePort: 9000, HTTPPort: 8123, MemoryLimit: 2 << 30},
		},
		DataDir:       "data",
		Queue:         Queue{MaxSize: 2 << 30, SegmentSize: 16 << 20},
		Deduplication: Deduplication{Window: Duration(10 * time.Minute), MaxIDs: 2_300_000},
		Batch:         Batch{MaxEvents: 50_000, MaxSize: 8 << 20, MaxAge: Duration(time.Second)},
		ShutdownDelay: Duration(5 * time.Second),
		ShutdownGrace: Duration(10 * time.Second),
		Log:           Log{Level: "info", Format: "text"},
		SourceMaps:    SourceMaps{MaxMapSize: 128 << 20, MaxSize: 2 << 30, MaxAge: Duration(90 * 24 * time.Hour)},
		Journeys: Journeys{
			Collector: "http://127.0.0.1:8080", Location: "local", Schedule: "@every 5m", Spread: Duration(10 * time.Second),
			TraceHosts: []string{}, AllowHosts: []string{},
			Evidence: Evidence{Passed: Duration(24 * time.Hour), Failed: Duration(30 * 24 * time.Hour), MaxRuns: 20_000, MaxSize: 10 << 30},
		},
	}
}

// EngineDir is where the embedded engine keeps the database.
func (c *Config) EngineDir() string { return filepath.Join(c.DataDir, "clickhouse") }

// EvidenceDir is where the agent keeps what shows why runs failed, without a bucket.
func (c *Config) EvidenceDir() string {
	return cmp.Or(c.Journeys.Evidence.Directory, filepath.Join(c.DataDir, "evidence"))
}

// QueueDir is where the log of accepted reports is.
func (c *Config) QueueDir() string { return filepath.Join(c.DataDir, "queue") }

// TrustedNetworks are the trusted proxies. The configuration must be valid.
func (c *Config) TrustedNetworks() []netip.Prefix {
	networks := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, text := range c.TrustedProxies {
		network, _ := parseNetwork(text)
		networks = append(networks, network)
	}
	return networks
}

// NamesFile is where names are kept that were learned from what is sent.
func (c *Config) NamesFile() string { return filepath.Join(c.DataDir, "names.json") }

// QuotasFile is where it is kept what apps have used of their daily quotas.
func (c *Config) QuotasFile() string { return filepath.Join(c.DataDir, "quotas.json") }

// DeadLetterDir is where rows go that the database refuses.
func (c *Config) DeadLetterDir() string { return filepath.Join(c.DataDir, "dead-letters") }

// SourceMapDir is where what is kept of uploaded source maps is.
func (c *Config) SourceMapDir() string { return filepath.Join(c.DataDir, "sourcemaps") }

// IngestApps returns the apps with their transactions as package ingest wants
// them. The configuration must be valid.
func (c *Config) IngestApps() []ingest.App {
	apps := make([]ingest.App, 0, len(c.Apps))
	for _, a := range c.Apps {
		// Validate has parsed all of it before, so it parses.
		scrubber, _ := scrub.New(a.Scrub.Allow)
		app := ingest.App{Name: a.Name, Key: a.Key, Keys: a.Keys, Origins: a.Origins, Environment: a.Environment, Beacon: ingest.BeaconSettings(a.Beacon), Limits: a.Limits.ingest(), Scrubber: scrubber}
		if a.HashUserIDs {
			app.UserIDKey = string(c.UserIDKey)
		}
		for _, page := range a.Pages {
			path, _ := ingest.ParsePattern(page.Path)
			app.Pages = append(app.Pages, ingest.PageRule{Path: path, Name: page.Name})
		}
		for _, t := range c.Transactions {
			if t.App != a.Name {
				continue
			}
			matcher, _ := t.Complete.parse()
			app.Transactions = append(app.Transactions, ingest.Transaction{
				Name: t.Name, Owner: t.Owner, Satisfied: t.Objectives.Satisfied.Duration(), Complete: matcher,
			})
		}
		apps = append(apps, app)
	}
	return apps
}

// App returns the app of that name.
func (c *Config) App(name string) (App, bool) {
	for _, a := range c.Apps {
		if a.Name == name {
			return a, true
		}
	}
	return App{}, false
}

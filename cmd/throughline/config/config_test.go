package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"throughline/beacon"
	"throughline/ingest"
)

func noEnvironment(string) string { return "" }

func fixtures(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("fixtures %s: %v, %v", pattern, paths, err)
	}
	return paths
}

func TestLoad_AcceptsGoodFiles(t *testing.T) {
	for _, path := range fixtures(t, "good_*.yaml") {
		if _, err := Load(path, noEnvironment, nil); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A bad file's last line says which error it must give, without the path.
func TestLoad_RefusesBadFilesNamingTheLine(t *testing.T) {
	for _, path := range fixtures(t, "bad_*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			_, want, ok := strings.Cut(string(content), "# error: ")
			if !ok {
				t.Fatal("the file does not say which error it must give")
			}
			_, err = Load(path, noEnvironment, nil)
			var bad *FileError
			if !errors.As(err, &bad) {
				t.Fatalf("Load: %v, want a *FileError", err)
			}
			separator := ":"
			if want[0] < '0' || want[0] > '9' {
				separator = ": "
			}
			if want = path + separator + strings.TrimSpace(want); err.Error() != want {
				t.Errorf("error is\n  %s\nwant\n  %s", err, want)
			}
		})
	}
}

func TestLoad_ReportsEveryProblemInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "many.yaml")
	if err := os.WriteFile(path, []byte("listen: x\nlog: {level: loud}\nbatch: {max_events: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path, noEnvironment, nil)
	var bad *FileError
	if !errors.As(err, &bad) || len(bad.Problems) != 3 {
		t.Fatalf("Load: %v", err)
	}
	for i, p := range bad.Problems {
		if p.Line != i+1 {
			t.Errorf("problem %d is at line %d", i, p.Line)
		}
	}
}

func TestFileError_NamesTheConfigurationWhereThereIsNoFile(t *testing.T) {
	err := &FileError{Problems: []Problem{{Key: "listen", Message: "must be host:port"}}}
	if got, want := err.Error(), "configuration: listen: must be host:port"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLoad_TakesSecretsFromTheEnvironment(t *testing.T) {
	c, err := Load("testdata/good_server.yaml", func(name string) string {
		return map[string]string{"THROUGHLINE_CLICKHOUSE_PASSWORD": "from-env", "THROUGHLINE_AGENT_TOKEN": "0123456789abcdef", "THROUGHLINE_UPLOAD_TOKEN": "fedcba9876543210"}[name]
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.ClickHouse.Password != "from-env" || c.AgentToken != "0123456789abcdef" || c.SourceMaps.UploadToken != "fedcba9876543210" {
		t.Error("a secret of the environment does not override the file's")
	}
}

// A password for a server that an option names needs no server in the file.
func TestLoad_ChecksWhatTheOptionsMakeOfIt(t *testing.T) {
	password := func(name string) string {
		return map[string]string{"THROUGHLINE_CLICKHOUSE_PASSWORD": "secret"}[name]
	}
	if _, err := Load("", password, nil); err == nil {
		t.Error("the embedded engine has a password")
	}
	if _, err := Load("", password, func(c *Config) { c.ClickHouse.Addr = []string{"clickhouse:9000"} }); err != nil {
		t.Error(err)
	}
	if _, err := Load("testdata/good_minimal.yaml", noEnvironment, func(c *Config) { c.Log.Level = "loud" }); err == nil {
		t.Error("an option that is wrong passed")
	}
}

func TestSecret_IsNeverPrinted(t *testing.T) {
	c, err := Load("testdata/good_server.yaml", noEnvironment, nil)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "password", c.ClickHouse.Password, "config", c)
	written, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), logged.String(), string(written)} {
		if strings.Contains(text, "hunter2") {
			t.Errorf("the password shows in %s", text)
		}
	}
}

func TestIngestApps_GivesEachAppItsTransactions(t *testing.T) {
	c, err := Load("testdata/good_transactions.yaml", noEnvironment, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, tx := range c.IngestApps()[0].Transactions {
		if tx.Complete.Page != nil {
			got[tx.Name] = "page " + tx.Complete.Page.String()
		} else {
			got[tx.Name] = "request " + tx.Complete.Request.Method + " " + tx.Complete.Request.Path.String()
		}
	}
	want := map[string]string{
		"View product": "page ^/product/[^/]*$",
		"Any docs":     "page ^/docs/.*$",
		"Order":        `page ^\/order\/\d+$`,
		"Pay":          "request POST ^/api/pay$",
		"Search":       "request  ^/api/search$",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestIngestApps_GivesEachAppItsKeysAndLimits(t *testing.T) {
	c, err := Load("testdata/good_limits.yaml", noEnvironment, nil)
	if err != nil {
		t.Fatal(err)
	}
	apps := c.IngestApps()
	if diff := cmp.Diff([]string{"shop-web-4f7c2a", "shop-web-0a1b2c", "shop-web-3d4e5f"}, apps[0].AllKeys()); diff != "" {
		t.Error(diff)
	}
	half, one := 0.5, 1.0
	wantBeacon := ingest.BeaconSettings{
		ConsoleErrors: true, Consent: true, SampleRate: &half, ErrorSampleRate: &one,
		UserTiming: []string{"cart*"}, TraceOrigins: []string{"self", "https://api.slow.example"},
	}
	if diff := cmp.Diff([]ingest.BeaconSettings{{}, wantBeacon}, []ingest.BeaconSettings{apps[0].Beacon, apps[1].Beacon}); diff != "" {
		t.Error(diff)
	}
	if apps[0].UserIDKey != "" || apps[1].UserIDKey == "" {
		t.Error("not the app that says so has its user ids hashed")
	}
	got := []ingest.Limits{apps[0].Limits, apps[1].Limits}
	want := []ingest.Limits{
		{EventsPerSecond: ingest.MaxEventsPerSecond, Burst: ingest.MaxBurst, EventsPerDay: ingest.MaxEventsPerDay},
		{EventsPerSecond: 1, Burst: beacon.MaxEvents}, // room for one report at least
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

const exampleFile = "../../../deploy/throughline.example.yaml"

// The example is the documentation of every key: it must load, name each key
// that there is, and show the defaults as they are.
func TestExample_DocumentsEveryKeyAndDefault(t *testing.T) {
	c, err := Load(exampleFile, noEnvironment, nil)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	var given any
	if err := yaml.Unmarshal(content, &given); err != nil {
		t.Fatal(err)
	}
	for _, key := range keysOf(reflect.TypeFor[Config]()) {
		if !hasKey(given, strings.Split(key, ".")) {
			t.Errorf("key %s is not in the example", key)
		}
	}
	want := Default()
	want.Apps, want.Transactions, want.Journeys.App = c.Apps, c.Transactions, c.Journeys.App
	want.ClickHouse.Addr, want.Journeys.Files = []string{}, []string{}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("the example shows other values than the defaults (-default +example):\n%s", diff)
	}
}

// keysOf lists the YAML keys below a type, with dots between levels.
func keysOf(typ reflect.Type) []string {
	if typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return nil
	}
	var keys []string
	for i := range typ.NumField() {
		name := typ.Field(i).Tag.Get("yaml")
		keys = append(keys, name)
		for _, below := range keysOf(typ.Field(i).Type) {
			keys = append(keys, name+"."+below)
		}
	}
	return keys
}

// hasKey says whether the key is given; of a list, in any of its items.
func hasKey(value any, key []string) bool {
	if len(key) == 0 {
		return true
	}
	switch value := value.(type) {
	case map[string]any:
		below, ok := value[key[0]]
		return ok && hasKey(below, key[1:])
	case []any:
		for _, item := range value {
			if hasKey(item, key) {
				return true
			}
		}
	}
	return false
}

func TestDuration_ReadsDays(t *testing.T) {
	var d Duration
	if err := yaml.Unmarshal([]byte("90d"), &d); err != nil || d.Duration() != 90*24*time.Hour {
		t.Errorf("90d = %v, %v", d.Duration(), err)
	}
}

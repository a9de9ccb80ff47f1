package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be the program: the embedded engine is the
// program run a second time.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "clickhouse" {
		os.Exit(run(context.Background(), os.Args[1:], environment{stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now}))
	}
	os.Exit(m.Run())
}

// screen is what a command prints; commands and tests use it at once.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor returns once the text is on the screen.
func (s *screen) waitFor(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(s.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%q does not appear on\n%s", text, s.String())
		}
	}
}

// command runs the program in this process.
func command(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errs screen
	code = run(ctx, args, environment{stdout: &out, stderr: &errs, getenv: os.Getenv, now: time.Now})
	return code, out.String(), errs.String()
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const minimalConfig = `apps:
  - {name: shop, key: shop-web-4f7c2a, origins: ["*"]}
clickhouse:
  wait: 0s
  embedded: {native_port: 0, http_port: 0}
`

func TestHelp_EveryCommandHasExamples(t *testing.T) {
	for _, c := range newRoot(environment{stdout: &screen{}, stderr: &screen{}, getenv: os.Getenv, now: time.Now}).Commands() {
		if c.Name() == "completion" || c.Name() == "help" {
			continue
		}
		code, out, _ := command(t.Context(), c.Name(), "--help")
		if code != exitOK || !strings.Contains(out, "Usage:") {
			t.Errorf("%s --help: %d\n%s", c.Name(), code, out)
		}
		if c.Runnable() && !c.HasSubCommands() && !strings.Contains(out, "Examples:") {
			t.Errorf("%s --help has no examples", c.Name())
		}
	}
	if code, out, _ := command(t.Context(), "completion", "bash"); code != exitOK || !strings.Contains(out, "__throughline") {
		t.Errorf("completion bash: %d", code)
	}
}

func TestCommands_RefuseWhatTheyDoNotUnderstand(t *testing.T) {
	badConfig := writeFile(t, "bad.yaml", "apps:\n  - {name: shop, kay: x}\n")
	badJourney := writeFile(t, "bad.yaml", "name: x\nsteps:\n  - {teleport: /}\n")
	config := writeFile(t, "good.yaml", minimalConfig)
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"unknown command":       {[]string{"fly"}, exitBadInput, `unknown command "fly"`},
		"unknown flag":          {[]string{"serve", "--fly"}, exitBadInput, "See 'throughline serve --help'"},
		"argument too many":     {[]string{"serve", "x"}, exitBadInput, "unknown command"},
		"bad configuration":     {[]string{"check", "--config", badConfig}, exitBadInput, "bad.yaml:2: unknown field \"kay\""},
		"no configuration":      {[]string{"serve", "--config", "/nowhere.yaml"}, exitBadInput, "/nowhere.yaml"},
		"bad option":            {[]string{"check", "--config", config, "--log-level", "loud"}, exitBadInput, "log.level: must be one of"},
		"no apps":               {[]string{"serve", "--config", writeFile(t, "empty.yaml", "")}, exitBadInput, "has no apps"},
		"no journeys":           {[]string{"agent", "--config", config}, exitBadInput, "has no journeys"},
		"bad journey":           {[]string{"journey", "run", badJourney}, exitBadInput, "teleport"},
		"no journey":            {[]string{"journey", "run"}, exitBadInput, "requires at least 1 arg"},
		"collector without key": {[]string{"journey", "run", "x.yaml", "--collector", "http://localhost"}, exitBadInput, "--collector and --key go together"},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, stderr := command(t.Context(), c.args...)
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Errorf("exit %d, says %q; want %d and %q", code, stderr, c.code, c.says)
			}
		})
	}
}

func TestCheck_SaysWhatItFound(t *testing.T) {
	code, out, _ := command(t.Context(), "check", "--config", writeFile(t, "good.yaml", minimalConfig))
	if code != exitOK || out != "ok: 1 apps, 0 transactions, 0 journeys\n" {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestMigrate_OnAFreshDirectory(t *testing.T) {
	args := []string{"migrate", "--config", writeFile(t, "good.yaml", minimalConfig), "--data-dir", t.TempDir()}
	for range 2 {
		if code, out, stderr := command(t.Context(), args...); code != exitOK || out != "database throughline is up to date\n" {
			t.Fatalf("exit %d: %s%s", code, out, stderr)
		}
	}
}

func TestServe_TakenPortsAreNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	addr := taken.Addr().String()
	_, port, _ := net.SplitHostPort(addr)
	config := writeFile(t, "good.yaml", minimalConfig)
	for option, want := range map[string]string{
		"--listen=" + addr:                 "port " + port + " (the collector) is taken; choose another with --listen",
		"--admin-listen=" + addr:           "port " + port + " (the admin side) is taken; choose another with --admin-listen",
		"--clickhouse-native-port=" + port: "port " + port + " (ClickHouse native protocol) is taken",
		"--clickhouse-http-port=" + port:   "choose another with --clickhouse-http-port",
	} {
		args := []string{"serve", "--config", config, "--data-dir", t.TempDir(), "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", option}
		if code, _, stderr := command(t.Context(), args...); code != exitFailed || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit %d: %s", option, code, stderr)
		}
	}
}

func TestServe_DatabaseThatDoesNotAnswer(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := nobody.Addr().String()
	_ = nobody.Close()
	args := []string{"serve", "--data-dir", t.TempDir(), "--listen=127.0.0.1:0", "--admin-listen=127.0.0.1:0", "--clickhouse-addr", addr, "--config"}

	code, _, stderr := command(t.Context(), append(args, writeFile(t, "now.yaml", minimalConfig))...)
	if code != exitFailed || !strings.Contains(stderr, "ClickHouse at "+addr+" did not answer within 0s") {
		t.Errorf("without waiting: exit %d: %s", code, stderr)
	}
	code, _, stderr = command(t.Context(), append(args, writeFile(t, "wait.yaml", strings.Replace(minimalConfig, "0s", "1s", 1)))...)
	if code != exitFailed || !strings.Contains(stderr, "waiting for ClickHouse") || !strings.Contains(stderr, "did not answer within 1s") {
		t.Errorf("waiting: exit %d: %s", code, stderr)
	}
}

func TestClickHouse_RunsAloneUntilTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var out screen
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"clickhouse", "--data-dir", t.TempDir(), "--clickhouse-native-port=0", "--clickhouse-http-port=0"},
			environment{stdout: &out, stderr: &out, getenv: os.Getenv, now: time.Now})
	}()
	out.waitFor(t, "ClickHouse is running")
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d: %s", code, out.String())
	}
}

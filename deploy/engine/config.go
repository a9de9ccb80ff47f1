package engine

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"text/template"
)

// configTemplate is the engine's configuration, with values of configValues.
//
//go:embed config.xml.tmpl
var configTemplate string

// usersFile says what the one user of the engine may do.
//
//go:embed users.xml
var usersFile []byte

// configValues fill configTemplate.
type configValues struct {
	DataDir          string
	UsersFile        string
	HTTPPort         int
	MemoryLimitBytes int64
	// MergeThreads do all merges, of which MergesPerThread at a time take turns.
	MergeThreads, MergesPerThread int
	// Nonce is how the supervisor tells its engine from another ClickHouse that
	// answers on the same port.
	Nonce string
}

// layout is where things are in a data directory.
type layout struct{ dir string }

func (l layout) config() string { return filepath.Join(l.dir, "config.xml") }
func (l layout) users() string  { return filepath.Join(l.dir, "users.xml") }
func (l layout) data() string   { return filepath.Join(l.dir, "data") }

// writeConfig writes the engine's configuration into its data directory.
func (l layout) writeConfig(o Options, httpPort int, nonce string) error {
	t, err := template.New("config.xml").Funcs(template.FuncMap{"xml": escapeXML}).Parse(configTemplate)
	if err != nil {
		return fmt.Errorf("parse ClickHouse configuration: %w", err)
	}
	var text bytes.Buffer
	threads := mergeThreads(runtime.GOMAXPROCS(0))
	err = t.Execute(&text, configValues{
		DataDir: l.data(), UsersFile: l.users(),
		HTTPPort: httpPort, MemoryLimitBytes: o.MemoryLimitBytes, Nonce: nonce,
		MergeThreads: threads, MergesPerThread: maxMerges / threads,
	})
	if err != nil {
		return fmt.Errorf("write ClickHouse configuration: %w", err)
	}
	for path, data := range map[string][]byte{l.config(): text.Bytes(), l.users(): usersFile} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return fmt.Errorf("write ClickHouse configuration: %w", err)
		}
	}
	return nil
}

// maxMerges bounds the merges under way. With fewer places ClickHouse would begin
// large merges only when no other is under way.
const maxMerges = 8

// mergeThreads is for how many merges there are processors: half of them. A merge
// gives way to reports, but not at once: where merges have all processors, every
// thread that wakes up waits for one of them to be interrupted.
func mergeThreads(processors int) int { return min(max(processors/2, 1), 4) }

func escapeXML(text string) (string, error) {
	var b bytes.Buffer
	err := xml.EscapeText(&b, []byte(text))
	return b.String(), err
}

// serveQuery opens the listeners and then waits for ever.
const serveQuery = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " +
	"SELECT sleepEachRow(3) FROM numbers(1000000000) " +
	"SETTINGS max_block_size=1, function_sleep_max_microseconds_per_block=10000000 FORMAT Null"

// args is the command line that makes the engine a server.
func (l layout) args(nativePort, httpPort int) []string {
	return []string{
		"clickhouse",
		"--config-file=" + l.config(),
		"--path=" + l.data(),
		"--tcp_port=" + strconv.Itoa(nativePort),
		"--http_port=" + strconv.Itoa(httpPort),
		"--listen_host=127.0.0.1",
		"--log-level=warning",
		// See terminalStdin.
		"--interactive", "--progress=off", "--progress-table=off",
		"--query", serveQuery,
	}
}

package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"throughline/deploy/engine"
	"throughline/deploy/engine/enginetest"
)

// parentArg makes the test binary a program that runs an engine in the
// directory given and then waits to be killed.
const parentArg = "engine-parent"

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == parentArg {
		fmt.Fprintln(os.Stderr, runParent(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	enginetest.Main(m)
}

func runParent(dir, childArg string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	e, err := engine.Start(context.Background(), engine.Options{DataDir: dir, Command: []string{self, childArg}})
	if err != nil {
		return err
	}
	fmt.Println(e.HTTPAddr())
	<-e.Done()
	return errors.New("the engine ended")
}

// options are those of an engine of the test's own, with free ports.
func options(t *testing.T) engine.Options {
	t.Helper()
	return engine.Options{
		DataDir: t.TempDir(), Command: enginetest.Command(t),
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

func startEngine(t *testing.T, o engine.Options) *engine.Engine {
	t.Helper()
	e, err := engine.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func query(t *testing.T, e *engine.Engine, statement string) string {
	t.Helper()
	answer, err := e.Query(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return strings.TrimSpace(answer)
}

// eventually asks again until ok says true, for half a minute at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("not within 30 s: %s", what)
}

// childPID is the id of the engine's process, which ClickHouse writes down itself.
func childPID(t *testing.T, dataDir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dataDir, "data", "status"))
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscanf(string(text), "PID: %d", &pid); err != nil {
		t.Fatalf("status file %q: %v", text, err)
	}
	return pid
}

// alive tells whether a process runs; one that nobody has reaped yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill process %d: %v", pid, err)
	}
}

// wantError fails unless err says exactly or, with a trailing "...", begins like want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; want %q", want)
	}
	start, open := strings.CutSuffix(want, "...")
	if open && strings.HasPrefix(err.Error(), start) || err.Error() == want {
		return
	}
	t.Fatalf("error %q\nwant  %q", err, want)
}

func TestAnswersOverHTTPAndTheNativeProtocol(t *testing.T) {
	e := enginetest.Start(t)
	if got := query(t, e, "SELECT 6 * 7"); got != "42" {
		t.Errorf("6 * 7 = %s over HTTP", got)
	}
	if answer := nativeHello(t, e, ""); !strings.HasPrefix(answer, "\x00\x0aClickHouse") {
		t.Errorf("the native protocol's hello is %q", answer)
	}
}

// nativeHello logs in with the native protocol and returns the packet that answers.
func nativeHello(t *testing.T, e *engine.Engine, password string) string {
	t.Helper()
	conn, err := net.Dial("tcp", e.NativeAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	text := func(s string) string { return string(rune(len(s))) + s }
	// Packet type hello; client name, its version, protocol 54000; database, user, password.
	hello := "\x00" + text("test") + "\x01\x01" + "\xf0\xa5\x03" + text("") + text("default") + text(password)
	if _, err := io.WriteString(conn, hello); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1024)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatalf("read the native protocol's hello: %v", err)
	}
	return string(answer[:n])
}

func TestKeepsWhatItNeedsOfAServer(t *testing.T) {
	e := enginetest.Start(t)
	db := enginetest.Database(t)
	for _, statement := range []string{
		"CREATE TABLE DB.raw (id UInt64, v UInt32) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100",
		"CREATE TABLE DB.sums (id UInt64, n SimpleAggregateFunction(sum, UInt64)) ENGINE = AggregatingMergeTree ORDER BY id",
		"CREATE MATERIALIZED VIEW DB.feed TO DB.sums AS SELECT id, count() AS n FROM DB.raw GROUP BY id",
		"CREATE DICTIONARY DB.names (id UInt64, v UInt32) PRIMARY KEY id SOURCE(CLICKHOUSE(QUERY 'SELECT id, v FROM DB.raw')) LAYOUT(HASHED()) LIFETIME(1)",
		"INSERT INTO DB.raw VALUES (1, 10), (2, 20)",
		"ALTER TABLE DB.raw DELETE WHERE id = 2 SETTINGS mutations_sync = 2",
		"OPTIMIZE TABLE DB.raw FINAL",
		"CREATE TABLE DB.final (id UInt64, a Nullable(UInt8), b Nullable(UInt8)) ENGINE = CoalescingMergeTree ORDER BY id",
		"CREATE TABLE DB.last (id UInt64, v UInt8) ENGINE = ReplacingMergeTree(v) ORDER BY id",
		"CREATE VIEW DB.all AS SELECT * FROM DB.raw",
		"CREATE MATERIALIZED VIEW DB.hourly REFRESH EVERY 1 HOUR ENGINE = MergeTree ORDER BY id AS SELECT id, count() AS n FROM DB.raw GROUP BY id",
		"CREATE TABLE DB.copy ENGINE = Memory AS SELECT * FROM DB.all",
		"BACKUP DATABASE DB TO File('DB')",
		"RESTORE TABLE DB.raw AS DB.again FROM File('DB')",
	} {
		query(t, e, strings.ReplaceAll(statement, "DB", db))
	}
	got := query(t, e, strings.ReplaceAll(
		"SELECT (SELECT count() FROM DB.raw), (SELECT sum(n) FROM DB.sums), (SELECT count() FROM DB.again), dictGet('DB.names', 'v', 1::UInt64), timezone()", "DB", db))
	if want := "1\t2\t1\t10\tUTC"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSurvivesRudeClients(t *testing.T) {
	o := options(t)
	e := startEngine(t, o)
	pid := childPID(t, o.DataDir)
	if answer := nativeHello(t, e, "wrong"); !strings.Contains(answer, "Authentication failed") {
		t.Errorf("a wrong password is answered %q", answer)
	}
	for _, addr := range []string{e.NativeAddr(), e.HTTPAddr()} {
		for _, request := range []string{
			"\x00\x01\x02garbage",
			"GET / HTTP/1.1\r\n\r\n",
			"POST /?query=SELECT+1 HTTP/1.1\r\nContent-Length: 100\r\n\r\nshort",
			"POST /?query=SELECT+number+FROM+system.numbers HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
		} {
			sendAndReset(t, addr, request)
		}
	}
	query(t, e, "SELECT 1")
	if now := childPID(t, o.DataDir); now != pid {
		t.Errorf("the engine was started again: process %d, before %d", now, pid)
	}
}

// sendAndReset sends text, and resets the connection while it is worked on.
func sendAndReset(t *testing.T, addr, text string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	// The first byte of an answer, or the end, shows that the engine took notice.
	if err := conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Read(make([]byte, 1))
	if err := errors.Join(conn.(*net.TCPConn).SetLinger(0), conn.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestStatementsReachNeitherFilesNorPrograms(t *testing.T) {
	e := enginetest.Start(t)
	db := enginetest.Database(t)
	query(t, e, "CREATE DICTIONARY "+db+".program (id UInt64, s String) PRIMARY KEY id SOURCE(EXECUTABLE(COMMAND 'echo 1,here' FORMAT 'CSV')) LAYOUT(HASHED()) LIFETIME(0)")
	query(t, e, "CREATE DICTIONARY "+db+".file (id UInt64, s String) PRIMARY KEY id SOURCE(FILE(PATH '/etc/passwd' FORMAT 'CSV')) LAYOUT(HASHED()) LIFETIME(0)")
	for statement, want := range map[string]string{
		"SELECT dictGet('" + db + ".program', 's', 1::UInt64)":                "CHILD_WAS_NOT_EXITED_NORMALLY",
		"SELECT dictGet('" + db + ".file', 's', 1::UInt64)":                   "PATH_ACCESS_DENIED",
		"SELECT * FROM file('/etc/passwd', 'LineAsString')":                   "ACCESS_DENIED",
		"SELECT * FROM `/etc/passwd`":                                         "ACCESS_DENIED",
		"SELECT * FROM url('http://127.0.0.1/', 'LineAsString')":              "ACCESS_DENIED",
		"SELECT * FROM remote('127.0.0.1', 'system', 'one')":                  "ACCESS_DENIED",
		"SELECT * FROM executable('id', 'CSV', 'x String')":                   "UNSUPPORTED_METHOD",
		"CREATE TABLE " + db + ".f (s String) ENGINE = File(CSV, '/tmp/f')":   "ACCESS_DENIED",
		"BACKUP DATABASE " + db + " TO File('/tmp/elsewhere')":                "not allowed for backups",
		"GRANT FILE ON *.* TO default":                                        "ACCESS_DENIED",
		"CREATE USER other IDENTIFIED WITH no_password DEFAULT DATABASE x":    "ACCESS_STORAGE_FOR_INSERTION_NOT_FOUND",
		"CREATE DATABASE " + db + "_fs ENGINE = Filesystem('/etc')":           "DENIED",
		"CREATE DATABASE " + db + "_lite ENGINE = SQLite('/tmp/lite')":        "DENIED",
		"SELECT 1 INTO OUTFILE '/tmp/outfile'":                                "INTO_OUTFILE_NOT_ALLOWED",
		"CREATE TABLE " + db + ".s (s String) ENGINE = URL('http://x/', CSV)": "ACCESS_DENIED",
	} {
		if _, err := e.Query(t.Context(), statement); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", statement, err, want)
		}
	}
}

func TestWebPagesAreNotAnswered(t *testing.T) {
	e := enginetest.Start(t)
	for origin, want := range map[string]int{
		"":                         http.StatusOK,
		"http://" + e.HTTPAddr():   http.StatusOK, // the engine's own page, /play
		"https://shop.example":     http.StatusForbidden,
		"null":                     http.StatusForbidden,
		"http://127.0.0.1.example": http.StatusForbidden,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.HTTPAddr()+"/", strings.NewReader("SELECT 1"))
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			req.Header.Set("Origin", origin)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("origin %q: status %d, want %d", origin, resp.StatusCode, want)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	o := options(t)
	o.MemoryLimitBytes = engine.MinMemoryLimitBytes
	e := startEngine(t, o)
	got := query(t, e, "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'")
	if want := strconv.FormatInt(engine.MinMemoryLimitBytes, 10); got != want {
		t.Errorf("max_server_memory_usage is %s, want %s", got, want)
	}
	_, err := e.Query(t.Context(), "SELECT length(groupArray(number)) FROM numbers(1000000000)")
	if err == nil || !strings.Contains(err.Error(), "MEMORY_LIMIT_EXCEEDED") {
		t.Errorf("a statement that needs 8 GB: error %v", err)
	}
	query(t, e, "SELECT 1")
}

func TestHasNoLogTables(t *testing.T) {
	e := enginetest.Start(t)
	query(t, e, "SYSTEM FLUSH LOGS")
	if got := query(t, e, "SELECT name FROM system.tables WHERE database = 'system' AND engine LIKE '%MergeTree'"); got != "" {
		t.Errorf("tables that grow by themselves: %s", got)
	}
}

func TestWritesInItsDirectoryOnly(t *testing.T) {
	o := options(t)
	startEngine(t, o)
	entries, err := os.ReadDir(o.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got, want := strings.Join(names, " "), "config.xml data engine.lock users.xml"; got != want {
		t.Errorf("the data directory holds %s, want %s", got, want)
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", childPID(t, o.DataDir)))
	if err != nil {
		t.Fatal(err)
	}
	want := "HOME=" + o.DataDir + "\x00TZ=UTC\x00LC_ALL=C.UTF-8\x00MALLOC_CONF=dirty_decay_ms:60000\x00"
	if string(env) != want {
		t.Errorf("the child's environment is %q, want %q", env, want)
	}
}

func TestRunChildByHandIsRefused(t *testing.T) {
	command := enginetest.Command(t)
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err == nil {
		t.Error("it ended with status 0")
	}
	want := "Error: this is the engine's child process, which the engine starts by itself; it cannot be run by hand\n"
	if string(out) != want {
		t.Errorf("it says %q, want %q", out, want)
	}
}

// An insert that the engine noted, and whose part is gone since the engine was killed
// before the part had its name, is not taken for a repetition when it comes again. One
// whose part is there is.
func TestStart_ForgetsInsertsThatWereCutOff(t *testing.T) {
	o := options(t)
	e, err := engine.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	insert := func(token string, value int) {
		t.Helper()
		query(t, e, fmt.Sprintf("INSERT INTO cut SETTINGS insert_deduplication_token = '%s' VALUES (%d)", token, value))
	}
	query(t, e, "CREATE TABLE cut (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window = 100")
	query(t, e, "SYSTEM STOP MERGES cut")
	for i, token := range []string{"kept", "merged", "lost"} {
		insert(token, i)
	}
	dir := query(t, e, "SELECT data_paths[1] FROM system.tables WHERE name = 'cut'")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "all_3_3_0"), filepath.Join(dir, "tmp_insert_all_3_3_0")); err != nil {
		t.Fatal(err)
	}
	// As after a merge of the second with others.
	if err := os.Rename(filepath.Join(dir, "all_2_2_0"), filepath.Join(dir, "all_2_2_1")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start finds nothing more to do
		if e, err = engine.Start(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		for i, token := range []string{"kept", "merged", "lost"} {
			insert(token, i)
		}
		if got := query(t, e, "SELECT groupArray(x) FROM (SELECT x FROM cut ORDER BY x)"); got != "[0,1,2]" {
			t.Errorf("the table has %s", got)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	logs, err := filepath.Glob(filepath.Join(dir, "deduplication_logs", "*.txt"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	before, err := os.ReadFile(logs[len(logs)-1])
	if err != nil || !strings.Contains(string(before), "2\tall_3_3_0\t") {
		t.Errorf("the log is %s, %v", before, err)
	}
}

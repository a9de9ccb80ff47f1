package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testRig is what the tests share: a program and an engine.
func testRig(t *testing.T) *drill {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "throughline")
	build := exec.Command("go", "build", "-o", binary, "throughline/cmd/throughline")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	d := &drill{
		options: options{binary: binary, quick: true, outage: 2 * time.Second}, dir: dir,
		spawner: newSpawner(), out: t.Output(), progress: t.Output(),
	}
	var err error
	if d.engine, err = startEngine(t.Context(), d.spawner, binary, filepath.Join(dir, "engine")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.engine.close(); err != nil {
			t.Errorf("end ClickHouse: %v", err)
		}
	})
	return d
}

// The short faults happen here; all of them, and for longer, in make drill.
func TestDrill(t *testing.T) {
	d := testRig(t)
	t.Run("a verdict sees what is lost and what is double", func(t *testing.T) { testVerdict(t, d) })
	for _, f := range faults() {
		short := []string{"kill9", "poison-rows", "sync-fails", "truncated-tail", "two-processes", "clocks", "sigterm", "replays"}
		if !slices.Contains(short, f.name) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			v, err := d.happen(t.Context(), f)
			if v.skipped { // strace cannot be had everywhere
				t.Skip(v.line(f.name))
			}
			if err != nil || v.failed() {
				t.Errorf("%s\n%v", v.line(f.name), err)
			}
		})
	}
}

// What the drill says when all is well is worth nothing unless it says something
// else when it is not.
func testVerdict(t *testing.T, d *drill) {
	cases := map[string]struct {
		statements []string
		want       string
	}{
		"nothing":                {nil, "duplicated=0 missing=0 verdict=ok"},
		"a lost row":             {[]string{"DELETE FROM errors WHERE event_id = (SELECT min(event_id) FROM errors)"}, "missing=1 verdict=FAILED"},
		"a double row":           {[]string{"INSERT INTO requests SELECT * FROM requests ORDER BY event_id LIMIT 1"}, "duplicated=1 missing=0 verdict=FAILED"},
		"a row from nowhere":     {[]string{"INSERT INTO requests SELECT * REPLACE (event_id + 1 AS event_id) FROM requests ORDER BY event_id LIMIT 1"}, "nobody was told of"},
		"a rollup that is short": {[]string{"TRUNCATE TABLE rollup_transactions"}, "rollup_transactions differ"},
		"a rollup that is long":  {[]string{"INSERT INTO rollup_page_views SELECT * FROM rollup_page_views LIMIT 1"}, "rollup_page_views differ"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v, err := d.happen(t.Context(), fault{name: "verdict-" + strings.ReplaceAll(name, " ", "-"), happen: func(ctx context.Context, f *field) (v verdict, err error) {
				if err := f.begin(ctx); err != nil {
					return v, err
				}
				l := newLoad(f.public, loadOptions{})
				defer l.stop()
				if err := l.send(ctx, 9); err != nil {
					return v, err
				}
				if err := f.drained(ctx); err != nil {
					return v, err
				}
				if err := f.database.do(ctx, c.statements...); err != nil {
					return v, err
				}
				return f.judge(ctx, l)
			}})
			if line := v.line(name); err != nil || !strings.Contains(line, c.want) {
				t.Errorf("verdict is\n%s\nwant %s\n%v", line, c.want, err)
			}
		})
	}
}

// A process that the drill starts ends with it, however that ends.
func TestSpawner_ProcessesDieWithTheDrill(t *testing.T) {
	const role = "THROUGHLINE_DRILL_TEST"
	if os.Getenv(role) != "" {
		p, err := newSpawner().start(os.DevNull, nil, "sleep", "600")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Stdout.WriteString("started " + filepath.Base(p.cmd.Path) + "\n")
		select {} // until killed
	}
	drill := exec.Command(os.Args[0], "-test.run", "^TestSpawner_ProcessesDieWithTheDrill$")
	drill.Env = append(os.Environ(), role+"=1")
	out, err := drill.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := drill.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("started sleep\n"))); err != nil {
		t.Fatal(err)
	}
	children, err := childrenOf(drill.Process.Pid)
	if err != nil || len(children) != 1 {
		t.Fatalf("children of the drill: %v, %v", children, err)
	}
	if err := drill.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = drill.Wait() // killed
	if err := until(t.Context(), 10*time.Second, func(context.Context) (bool, error) { return allGone(children), nil }); err != nil {
		t.Errorf("the process outlived the drill: %v", err)
	}
}

func TestParse(t *testing.T) {
	cases := map[string]struct {
		arguments []string
		names     []string
		rounds    int
		outage    time.Duration
	}{
		"nothing":           {nil, nil, 0, time.Minute},
		"quick":             {[]string{"--quick"}, nil, 0, 3 * time.Second},
		"flags after names": {[]string{"kill9", "replays", "--rounds", "7", "--outage", "5s"}, []string{"kill9", "replays"}, 7, 5 * time.Second},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, err := parse(c.arguments)
			if err != nil || !slices.Equal(o.names, c.names) || o.rounds != c.rounds || o.outage != c.outage {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}

func TestRun_ListsAndRefusesNames(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), options{list: true}, &out, io.Discard); err != nil || strings.Count(out.String(), "\n") != len(faults()) {
		t.Errorf("%v\n%s", err, out.String())
	}
	if err := run(t.Context(), options{names: []string{"kill10"}}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "kill10") {
		t.Errorf("an unknown fault: %v", err)
	}
}

func TestReadTrace(t *testing.T) {
	const trace = `12 fdatasync(9</q/1.log>) = 0
13 pwrite64(9</q/1.log>, ""..., 400, 800 <unfinished ...>
12 fdatasync(10</q/2.log>) = 0
13 <... pwrite64 resumed>) = -1 EIO (Input/output error) (INJECTED)
12 fdatasync(7</q/checkpoint.0>) = -1 EIO (Input/output error) (INJECTED)
12 fdatasync(7</q/checkpoint.0>) = 0
`
	for name, c := range map[string]struct {
		more  string
		again int
	}{
		"abandoned":  {"14 +++ exited with 0 +++\n", 0},
		"used again": {"12 fdatasync(9</q/1.log>) = 0\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			failures, again, err := readTrace(bufio.NewScanner(strings.NewReader(trace + c.more)))
			if err != nil || failures != 2 || len(again) != c.again {
				t.Errorf("%d failures, used again %q, %v", failures, again, err)
			}
		})
	}
}

// echo answers each line with itself and a byte that ends answers.
func echo(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				buffer := make([]byte, 64<<10)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					_, _ = conn.Write(append(buffer[:n:n], endOfStream))
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestProxy(t *testing.T) {
	p, err := newProxy(echo(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	exchange := func(text string) (string, error) {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			return "", err
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write([]byte(text)); err != nil {
			return "", err
		}
		answer := make([]byte, len(text)+1)
		_, err = io.ReadFull(conn, answer)
		return string(answer), err
	}
	const insert = "INSERT INTO errors"
	if got, err := exchange(insert); err != nil || got != insert+"\x05" {
		t.Errorf("without a rule: %q, %v", got, err)
	}
	p.set(rule{cutAfter: 5})
	if got, err := exchange(insert); err == nil {
		t.Errorf("an insert was not cut: %q", got)
	}
	if got, err := exchange("SELECT 1"); err != nil || got != "SELECT 1\x05" {
		t.Errorf("a query was cut: %q, %v", got, err)
	}
	p.set(rule{answered: func(func()) bool { return false }})
	if got, err := exchange(insert); err == nil {
		t.Errorf("an answer was not cut: %q", got)
	}
	p.set(rule{gate: make(chan struct{})})
	hanging := make(chan error, 1)
	go func() { _, err := exchange(insert); hanging <- err }()
	p.set(rule{})
	if err := <-hanging; err != nil {
		t.Errorf("after the gate was opened: %v", err)
	}
	p.set(rule{refusal: []byte("no password")})
	if got, err := exchange("my secret."); err != nil || got != "no password" {
		t.Errorf("a login was not refused: %q, %v", got, err)
	}
	p.set(rule{})
	p.refuse()
	if got, err := exchange(insert); err == nil {
		t.Errorf("a connection was taken: %q", got)
	}
	if err := p.open(); err != nil {
		t.Fatal(err)
	}
	if _, err := exchange(insert); err != nil {
		t.Errorf("after opening again: %v", err)
	}
}

// What is found is told by its id, which no change may touch.
func TestChangeByte_KeepsTheID(t *testing.T) {
	r := oneError()
	for range 20 * len(r.body) {
		if changed := changeByte(r.body); len(changed) != len(r.body) || !bytes.Contains(changed, fmt.Appendf(nil, "%016x", r.events[0].id)) {
			t.Fatalf("%q became %q", r.body, changed)
		}
	}
}

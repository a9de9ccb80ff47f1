package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// engine is a ClickHouse that survives what happens to collectors. Each fault
// has a database of its own in it.
type engine struct {
	process *process
	native  string // host:port
	http    string // URL
}

// engineMemory bounds the engine, so that a fault can make it run out of it.
const engineMemory = "1GiB"

func startEngine(ctx context.Context, s *spawner, binary, dir string) (*engine, error) {
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the engine's directory: %w", err)
	}
	file := filepath.Join(dir, "engine.yaml")
	text := fmt.Sprintf("data_dir: %q\nclickhouse: {embedded: {native_port: %d, http_port: %d, memory_limit: %s}}\n", dir, ports[0], ports[1], engineMemory)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write the engine's configuration: %w", err)
	}
	p, err := s.start(filepath.Join(dir, "engine.log"), nil, binary, "clickhouse", "--config", file)
	if err != nil {
		return nil, err
	}
	e := &engine{process: p, native: local(ports[0]), http: "http://" + local(ports[1])}
	err = p.until(ctx, "ClickHouse answers", time.Minute, func(ctx context.Context) (bool, error) {
		_, err := e.query(ctx, "", "SELECT 1")
		return err == nil, nil
	})
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *engine) close() error { return e.process.stop() }

// database is one database of an engine, asked over HTTP.
type database struct {
	engine *engine
	name   string
}

// queryPatience is longer than any statement of the drill takes.
const queryPatience = 2 * time.Minute

// query runs a statement in a database and returns its output.
func (e *engine) query(ctx context.Context, database, statement string) ([]byte, error) {
	return ask(ctx, e.http, database, statement)
}

func ask(ctx context.Context, engineURL, database, statement string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, queryPatience)
	defer cancel()
	address := engineURL + "/?database=" + url.QueryEscape(database)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(statement))
	if err != nil {
		return nil, fmt.Errorf("ask ClickHouse: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask ClickHouse: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read ClickHouse's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ClickHouse answered %s to %q: %s", response.Status, statement, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}

// do runs statements one after the other.
func (d database) do(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := d.engine.query(ctx, d.name, statement); err != nil {
			return err
		}
	}
	return nil
}

// text is the answer of a query, without the end of its last line.
func (d database) text(ctx context.Context, query string) (string, error) {
	answer, err := d.engine.query(ctx, d.name, query+" FORMAT TSVRaw")
	return strings.TrimSuffix(string(answer), "\n"), err
}

// number is the only value that a query answers.
func (d database) number(ctx context.Context, query string) (int, error) {
	text, err := d.text(ctx, query)
	if err != nil {
		return 0, err
	}
	number, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("ClickHouse answered %q to %s", text, query)
	}
	return number, nil
}

// rowsOf counts the rows of each event in a table.
func (d database) rowsOf(ctx context.Context, table string) (map[uint64]int, error) {
	const bytesPerID = 16
	answer, err := d.engine.query(ctx, d.name, "SELECT event_id, count() FROM "+table+" GROUP BY event_id FORMAT RowBinary")
	if err != nil {
		return nil, err
	}
	if len(answer)%bytesPerID != 0 {
		return nil, fmt.Errorf("the event ids of %s are not 64-bit numbers", table)
	}
	rows := make(map[uint64]int, len(answer)/bytesPerID)
	for ; len(answer) > 0; answer = answer[bytesPerID:] {
		rows[binary.LittleEndian.Uint64(answer)] = int(binary.LittleEndian.Uint64(answer[8:]))
	}
	return rows, nil
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts returns that many ports that were free a moment ago.
func freePorts(count int) ([]int, error) {
	ports := make([]int, 0, count)
	for range count {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = listener.Close() }() // only then, so that they differ
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

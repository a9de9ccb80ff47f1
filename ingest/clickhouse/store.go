// Package clickhouse keeps rows in ClickHouse, the embedded engine or a real
// server alike. It is the only package that knows ClickHouse: its schema, its
// inserts and its errors.
//
// Each table has one file, table_<name>.go, which lists its columns. From these
// lists derive the schema ([Store.Migrate]), the bytes of rows in the log
// ([Encoder]), the blocks that are sent ([Store.Write]), the JSON of rows that
// were refused ([Store.Replay]) and deploy/clickhouse/tables.md. Rollups have one
// file each, rollup_<name>.go.
package clickhouse

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Bounds on what a connection may take.
const (
	dialTimeout  = 5 * time.Second
	readTimeout  = 60 * time.Second
	maxOpenConns = 8
	retryPause   = time.Second
)

// clientName is how ClickHouse's logs name us.
const clientName = "throughline"

// Options say which server and database to use.
type Options struct {
	// Addr are host:port pairs of the native protocol, tried in order.
	Addr     []string
	Database string
	Username string
	Password string
	// TLS encrypts the connection and checks the server's certificate.
	TLS bool
	// Wait is how long to wait for a server that does not answer yet; 0 fails at once.
	Wait time.Duration
	// Retention is how long rows are kept; 0 is for ever.
	Retention time.Duration
	Log       *slog.Logger
}

// Store is a database of experience data. It is safe for concurrent use.
type Store struct {
	conn    driver.Conn // of queries and the schema
	options Options
	tables  []table
	encoder *Encoder
	layout  layout // of the encoder's rows
	// inserters holds the one inserter while nobody uses it.
	inserters chan *inserter
}

// Open connects to the server, waiting for it as long as the options say, and
// creates the database if it is not there. The schema is [Store.Migrate]'s.
func Open(ctx context.Context, o Options) (*Store, error) {
	outside, err := dial(o, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = outside.Close() }()
	if err := wait(ctx, outside, o); err != nil {
		return nil, err
	}
	if err := createDatabase(ctx, outside, o.Database); err != nil {
		return nil, err
	}
	conn, err := dial(o, o.Database)
	if err != nil {
		return nil, err
	}
	return newStore(conn, o)
}

func newStore(conn driver.Conn, o Options) (*Store, error) {
	s := &Store{conn: conn, options: o, tables: tables(), encoder: NewEncoder(), inserters: make(chan *inserter, 1)}
	s.inserters <- newInserter(o, s.tables)
	var err error
	s.layout, err = parseLayout(s.encoder.Schema(), s.tables)
	return s, err
}

// Close ends the connections, once nobody writes. It must be called once.
func (s *Store) Close() error {
	into := <-s.inserters
	into.drop()
	close(s.inserters)
	if err := s.conn.Close(); err != nil {
		return fmt.Errorf("close the connections to ClickHouse: %w", err)
	}
	return nil
}

// Ready returns nil if the server answers before ctx ends.
func (s *Store) Ready(ctx context.Context) error {
	answer := make(chan error, 1)
	go func() { answer <- s.conn.Ping(ctx) }() // it heeds ctx's deadline, and not its end
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("ClickHouse at %s does not answer: %w", strings.Join(s.options.Addr, ", "), err)
	}
	return nil
}

func dial(o Options, database string) (driver.Conn, error) {
	options := &clickhouse.Options{
		Addr:         o.Addr,
		Auth:         clickhouse.Auth{Database: database, Username: o.Username, Password: o.Password},
		Compression:  &clickhouse.Compression{Method: clickhouse.CompressionLZ4},
		DialTimeout:  dialTimeout,
		ReadTimeout:  readTimeout,
		MaxOpenConns: maxOpenConns,
		MaxIdleConns: maxOpenConns,
	}
	options.ClientInfo.Products = append(options.ClientInfo.Products, struct{ Name, Version string }{clientName, ""})
	if o.TLS {
		options.TLS = tlsConfig()
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("set up the connection to ClickHouse at %s: %w", strings.Join(o.Addr, ", "), err)
	}
	return conn, nil
}

// wait pings until the server answers, it refuses the login, or time is up.
func wait(ctx context.Context, conn driver.Conn, o Options) error {
	at := strings.Join(o.Addr, ", ")
	deadline := time.Now().Add(o.Wait)
	for attempt := 1; ; attempt++ {
		err := conn.Ping(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case isRefusal(err):
			return fmt.Errorf("ClickHouse at %s refuses the connection: %w", at, err)
		case time.Now().After(deadline):
			return fmt.Errorf("ClickHouse at %s did not answer within %s (see clickhouse.addr and clickhouse.wait in the configuration): %w", at, o.Wait, err)
		}
		if attempt == 1 {
			o.Log.Warn("waiting for ClickHouse", "addr", at, "for", o.Wait, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

func createDatabase(ctx context.Context, conn driver.Conn, name string) error {
	var there uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = ?", name).Scan(&there); err != nil {
		return fmt.Errorf("look for database %q: %w", name, err)
	}
	if there > 0 {
		return nil
	}
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quote(name)+" ENGINE = Atomic"); err != nil {
		return fmt.Errorf("create database %q: %w", name, err)
	}
	return nil
}

func tlsConfig() *tls.Config { return &tls.Config{MinVersion: tls.VersionTLS12} }

package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throughline/ingest"
)

const ledgerTable = "ingest_log"

var _ ingest.Sink = (*Store)(nil)

// Write stores the rows of a batch, each table's as one block under the
// batch's token. Writing a batch again is safe: a table that has it already
// lets it pass (non_replicated_deduplication_window in the schema). Rows that a
// table refuses do not keep the others from theirs.
func (s *Store) Write(ctx context.Context, batch ingest.Batch) error {
	var refused ingest.RefusedError
	for _, t := range tables() {
		err := s.insert(ctx, t, batch)
		switch {
		case isPoison(err):
			refused.Err = errors.Join(refused.Err, err)
			for _, row := range batch.Rows {
				if t.holds(&row) {
					refused.Rows = append(refused.Rows, row)
				}
			}
		case err != nil:
			return err
		}
	}
	if refused.Err != nil {
		return &refused
	}
	return nil
}

func (s *Store) insert(ctx context.Context, t table, batch ingest.Batch) error {
	var block driver.Batch
	values := make([]any, len(t.columns))
	for i := range batch.Rows {
		row := &batch.Rows[i]
		if !t.holds(row) {
			continue
		}
		if block == nil {
			var err error
			if block, err = s.prepare(ctx, batch.Token, t.name, t.columns); err != nil {
				return err
			}
			defer func() { _ = block.Close() }()
		}
		for j, c := range t.columns {
			values[j] = c.value(row)
		}
		if err := block.Append(values...); err != nil {
			return fmt.Errorf("append to %s: %w: %w", t.name, errCannotEncode, err)
		}
	}
	if block == nil {
		return nil
	}
	return send(block, t.name)
}

// WriteLedger stores increments of the ledger.
func (s *Store) WriteLedger(ctx context.Context, token string, at time.Time, entries []ingest.Entry) error {
	block, err := s.prepare(ctx, token, ledgerTable, []column{{name: "timestamp"}, {name: "app"}, {name: "stage"}, {name: "reason"}, {name: "events"}})
	if err != nil {
		return err
	}
	defer func() { _ = block.Close() }()
	for _, e := range entries {
		if err := block.Append(at, e.App, string(e.Stage), string(e.Reason), e.Events); err != nil {
			return fmt.Errorf("append to %s: %w", ledgerTable, err)
		}
	}
	return send(block, ledgerTable)
}

// prepare opens an insert. Its settings are sent along, since their defaults
// differ between versions of the server.
func (s *Store) prepare(ctx context.Context, token, name string, columns []column) (driver.Batch, error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"async_insert":               0,
		"insert_deduplicate":         1,
		"insert_deduplication_token": token,
		"deduplicate_blocks_in_dependent_materialized_views": 1,
	}))
	statement := "INSERT INTO " + name + " ("
	for i, c := range columns {
		if i > 0 {
			statement += ", "
		}
		statement += c.name
	}
	block, err := s.conn.PrepareBatch(ctx, statement+")")
	if err != nil {
		return nil, fmt.Errorf("prepare the insert into %s: %w", name, err)
	}
	return block, nil
}

func send(block driver.Batch, name string) error {
	if err := block.Send(); err != nil {
		return fmt.Errorf("insert into %s: %w", name, err)
	}
	return nil
}

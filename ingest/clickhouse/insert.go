package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"throughline/ingest"
)

// A block on its way holds at most that many rows and bytes of values; the
// server puts the blocks of an insert together again. So the memory that an
// insert takes does not grow with the batch.
const (
	blockRows  = 8192
	blockBytes = 1 << 20
)

// insertTimeout bounds one insert. What the server stores after it has passed
// is recognised by the token when it comes again.
const insertTimeout = 60 * time.Second

// inserter stores rows over a connection that it keeps. It is for one caller at
// a time.
type inserter struct {
	options Options
	tables  []table
	timeout time.Duration
	conn    *connection // nil while there is none
	blocks  []*block    // of each table, nil before its first row
}

func newInserter(o Options, all []table) *inserter {
	return &inserter{options: o, tables: all, timeout: insertTimeout, blocks: make([]*block, len(all))}
}

// insert stores rows under a token, all or none of them, and returns those that
// cannot be read. It ends when ctx does.
func (i *inserter) insert(ctx context.Context, token string, r rows) (unread []ingest.RefusedRow, err error) {
	ctx, cancel := context.WithTimeout(ctx, i.timeout)
	defer cancel()
	reused := i.conn != nil
	unread, err = i.try(ctx, token, r)
	if err != nil && reused && codeOf(err) == 0 && ctx.Err() == nil {
		// A server that was restarted has forgotten the connection.
		unread, err = i.try(ctx, token, r)
	}
	if err != nil {
		return nil, fmt.Errorf("insert into %s: %w", i.tables[r.table].name, err)
	}
	return unread, nil
}

func (i *inserter) try(ctx context.Context, token string, r rows) ([]ingest.RefusedRow, error) {
	if err := i.connect(ctx); err != nil {
		return nil, err
	}
	t := i.tables[r.table]
	if i.blocks[r.table] == nil {
		i.blocks[r.table] = newBlock(t.columns)
	}
	b := i.blocks[r.table]
	defer b.reset()
	input := b.input(t.columns)
	f := filler{rows: r}
	err := i.conn.insert(ctx, insertStatement(t), insertSettings(token), func() proto.Input {
		b.reset()
		if f.fill(b); b.rows == 0 {
			return nil
		}
		return input
	})
	if err != nil {
		i.drop() // it may be in the middle of something
		return nil, err
	}
	return f.unread, nil
}

// rowsAtATime is how many rows are worked on before others may: about a millisecond's
// worth. Reports that wait for a processor must not wait until a block is filled, or
// for the ten milliseconds after which Go interrupts who does not stop.
const rowsAtATime = 1024

// filler puts rows into blocks.
type filler struct {
	rows   rows // that are left
	cells  []cell
	unread []ingest.RefusedRow
}

// fill adds as many rows to the block as it may have.
func (f *filler) fill(b *block) {
	for b.rows < blockRows && b.bytes < blockBytes && f.rows.from < f.rows.to {
		if f.rows.from%rowsAtATime == 0 {
			runtime.Gosched()
		}
		app, l, body := f.rows.first()
		f.rows.from++
		cells, err := l.split(f.cells[:0], body)
		if err != nil {
			f.unread = append(f.unread, unreadable(app, l.name, body, err))
			continue
		}
		b.append(cells)
		f.cells = cells
	}
	b.finish()
}

func insertStatement(t table) string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(names, ", ") + ") FORMAT Native"
}

// insertSettings are sent with every insert, since their defaults differ
// between versions of the server.
func insertSettings(token string) []proto.Setting {
	set := func(name, value string) proto.Setting {
		return proto.Setting{Key: name, Value: value, Important: true}
	}
	return []proto.Setting{
		// An answer means stored.
		set("async_insert", "0"),
		set("wait_for_async_insert", "1"),
		// A token that was seen stands for rows that are stored, in the rollups too.
		set("insert_deduplicate", "1"),
		set("insert_deduplication_token", token),
		set("deduplicate_blocks_in_dependent_materialized_views", "1"),
		// What comes in several blocks is stored as one: a token is good for one.
		set("min_insert_block_size_rows", "1000000000"),
		set("min_insert_block_size_bytes", "0"),
		set("max_insert_block_size", "1000000000"),
		set("max_insert_threads", "1"),
		// Times are bounded at the door, and a batch in many months must not wait for ever.
		set("max_partitions_per_insert_block", "0"),
		// Reports of one view become one row by merging later, for a quarter less time.
		set("optimize_on_insert", "0"),
		// Nobody looks at them. Servers that do not know the setting may ignore it.
		{Key: "send_profile_events", Value: "0"},
	}
}

// connect makes sure that there is a connection, to the first address that answers.
func (i *inserter) connect(ctx context.Context) error {
	if i.conn != nil {
		return nil
	}
	var errs []error
	for _, addr := range i.options.Addr {
		conn, err := connect(ctx, addr, i.options)
		if err == nil {
			i.conn = conn
			return nil
		}
		errs = append(errs, fmt.Errorf("connect to ClickHouse at %s: %w", addr, err))
	}
	return errors.Join(errs...)
}

func (i *inserter) drop() {
	if i.conn != nil {
		i.conn.close()
		i.conn = nil
	}
}

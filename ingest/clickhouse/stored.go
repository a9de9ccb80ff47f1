package clickhouse

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// storedChunk is how many rows are looked for at a time: their ids must fit into
// the text of a query (max_query_size).
const storedChunk = 5000

// stored says whether the table has all of the rows. It may, although it refuses
// them now: an insert whose answer was lost comes again, the table may have been
// given a constraint since, and the server looks at constraints before tokens.
func (s *Store) stored(ctx context.Context, r rows) (bool, error) {
	if !s.identifies(r.table) {
		return false, nil
	}
	for chunk := range r.chunks(storedChunk) {
		ids, there, err := s.present(ctx, chunk)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(ids, func(i identity) bool { return !there[i.event] }) {
			return false, nil
		}
	}
	return true, nil
}

// storedRows returns which of the rows the table has, by their records. A row can be
// refused and there at once: the server stores a part and then fails in a view on
// it, or the insert whose answer was lost is refused when it comes again.
func (s *Store) storedRows(ctx context.Context, r rows) (records map[uint32]bool, err error) {
	records = map[uint32]bool{}
	if !s.identifies(r.table) {
		return records, nil
	}
	for chunk := range r.chunks(storedChunk) {
		ids, there, err := s.present(ctx, chunk)
		if err != nil {
			return nil, err
		}
		for _, i := range ids {
			if there[i.event] {
				records[r.batch.found[r.table][i.row].record] = true
			}
		}
	}
	return records, nil
}

// chunks are the rows in runs of at most size.
func (r rows) chunks(size int) iter.Seq[rows] {
	return func(yield func(rows) bool) {
		for chunk := r; chunk.from < r.to; chunk.from = chunk.to {
			chunk.to = min(chunk.from+size, r.to)
			if !yield(chunk) {
				return
			}
		}
	}
}

// identifies says whether rows of a table can be told apart.
func (s *Store) identifies(table int) bool {
	id, at := s.identifying(table)
	return id >= 0 && at >= 0
}

// identifying are the columns that do.
func (s *Store) identifying(table int) (id, at int) {
	column := func(name string) int {
		return slices.IndexFunc(s.tables[table].columns, func(c column) bool { return c.name == name })
	}
	return column("event_id"), column("timestamp")
}

// present returns the ids of rows, and which of them the table has.
func (s *Store) present(ctx context.Context, r rows) (ids []identity, there map[uint64]bool, err error) {
	id, at := s.identifying(r.table)
	ids, from, to := r.identify(id, at)
	there = make(map[uint64]bool, len(ids))
	if len(ids) == 0 {
		return ids, there, nil
	}
	texts := make([]string, len(ids))
	for i := range ids {
		texts[i] = strconv.FormatUint(ids[i].event, 10)
	}
	name := s.tables[r.table].name
	query := fmt.Sprintf("SELECT DISTINCT event_id FROM %s WHERE timestamp BETWEEN fromUnixTimestamp64Milli(%d) AND fromUnixTimestamp64Milli(%d) AND event_id IN (%s)",
		quote(name), from, to, strings.Join(texts, ", "))
	found, err := s.conn.Query(ctx, query)
	if err != nil {
		return nil, nil, fmt.Errorf("look for rows of %s: %w", name, err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var event uint64
		if err := found.Scan(&event); err != nil {
			return nil, nil, fmt.Errorf("look for rows of %s: %w", name, err)
		}
		there[event] = true
	}
	if err := found.Err(); err != nil {
		return nil, nil, fmt.Errorf("look for rows of %s: %w", name, err)
	}
	return ids, there, nil
}

// identity is the id of the event of one row.
type identity struct {
	row   int // of its table, in the batch
	event uint64
}

// identify returns the ids of rows and the times between which they are, in
// milliseconds since 1970. Rows that cannot be read have none.
func (r rows) identify(id, at int) (ids []identity, from, to int64) {
	from, to = math.MaxInt64, math.MinInt64
	var cells []cell
	for ; r.from < r.to; r.from++ {
		_, l, body := r.first()
		var err error
		if cells, err = l.split(cells[:0], body); err != nil {
			continue
		}
		for _, c := range cells {
			switch c.to {
			case id:
				ids = append(ids, identity{r.from, binary.LittleEndian.Uint64(c.bytes)})
			case at:
				timestamp := int64(binary.LittleEndian.Uint64(c.bytes))
				from, to = min(from, timestamp), max(to, timestamp)
			}
		}
	}
	return ids, from, to
}

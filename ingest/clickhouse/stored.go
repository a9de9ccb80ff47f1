package clickhouse

import (
	"context"
	"encoding/binary"
	"fmt"
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
	columns := s.tables[r.table].columns
	id := slices.IndexFunc(columns, func(c column) bool { return c.name == "event_id" })
	at := slices.IndexFunc(columns, func(c column) bool { return c.name == "timestamp" })
	if id < 0 || at < 0 {
		return false, nil
	}
	for chunk := r; chunk.from < r.to; chunk.from = chunk.to {
		chunk.to = min(chunk.from+storedChunk, r.to)
		ids, from, to := chunk.identify(id, at)
		query := fmt.Sprintf("SELECT uniqExact(event_id) FROM %s WHERE timestamp BETWEEN fromUnixTimestamp64Milli(%d) AND fromUnixTimestamp64Milli(%d) AND event_id IN (%s)",
			quote(s.tables[r.table].name), from, to, strings.Join(ids, ", "))
		var there uint64
		if len(ids) > 0 {
			if err := s.conn.QueryRow(ctx, query).Scan(&there); err != nil {
				return false, fmt.Errorf("look for rows of %s: %w", s.tables[r.table].name, err)
			}
		}
		if there < uint64(len(ids)) {
			return false, nil
		}
	}
	return true, nil
}

// identify returns the ids of rows, each once, and the times between which they
// are, in milliseconds since 1970. Rows that cannot be read have none.
func (r rows) identify(id, at int) (ids []string, from, to int64) {
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
				ids = append(ids, strconv.FormatUint(binary.LittleEndian.Uint64(c.bytes), 10))
			case at:
				timestamp := int64(binary.LittleEndian.Uint64(c.bytes))
				from, to = min(from, timestamp), max(to, timestamp)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), from, to
}

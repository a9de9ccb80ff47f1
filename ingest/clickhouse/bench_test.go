package clickhouse

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"throughline/deploy/generator"
	"throughline/ingest"
	"throughline/ingest/naming"
)

// lifelike makes up rows as they come from a shop's visitors, of all kinds.
func lifelike(tb testing.TB, count int) []ingest.Row {
	tb.Helper()
	to := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	g, err := generator.New(generator.Options{Seed: 1, From: to.Add(-24 * time.Hour), To: to, PageViews: count/4 + 10, JourneyEvery: 5 * time.Minute})
	if err != nil {
		tb.Fatal(err)
	}
	enricher := ingest.NewEnricher(naming.New(), nil, time.Unix(0, 0))
	var rows []ingest.Row
	for v := range g.Visits() {
		rows = enricher.Rows(rows, ingest.Record{App: v.App, ReceivedAt: v.At, UserAgent: v.UserAgent, Country: v.Country, Report: v.Report})
		if len(rows) >= count {
			return rows[:count]
		}
	}
	tb.Fatalf("the generator made %d rows", len(rows))
	return nil
}

// BenchmarkColumns is what a row costs from the event to ClickHouse's native
// block: to the bytes in the log, and from there into columns. For comparison
// the same rows go into batches of clickhouse-go, value by value.
func BenchmarkColumns(b *testing.B) {
	// Rows are encoded as soon as they are made, so that they are near: in few, over and over.
	const distinct, count = 1000, 20000
	rows := lifelike(b, distinct)
	into := newInserter(Options{}, tables())
	e := NewEncoder()
	own, err := parseLayout(e.Schema(), into.tables)
	if err != nil {
		b.Fatal(err)
	}
	var encoding, filling time.Duration
	var encoded []byte
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		encoded = encoded[:0]
		for i := range count {
			encoded = e.AppendRow(encoded, &rows[i%distinct])
		}
		encoding += time.Since(start)
		start = time.Now()
		into.fillAll(readBatch(ingest.Batch{Records: []ingest.EncodedRows{{Schema: e.Schema(), Rows: encoded}}}, into.tables, e.Schema(), own))
		filling += time.Since(start)
	}
	each := float64(b.N * count)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(encoding.Nanoseconds())/each, "ns/row-encode")
	b.ReportMetric(float64(filling.Nanoseconds())/each, "ns/row-fill")
	b.ReportMetric(float64(len(encoded))/count, "log-B/row")
	appended := appendedByDriver(b, rows, count)
	b.ReportMetric(appended, "ns/row-clickhouse-go")
	b.ReportMetric(appended*each/float64((encoding+filling).Nanoseconds()), "times-faster")
}

// fillAll makes all blocks of a batch and sends none.
func (i *inserter) fillAll(read *batchReader) {
	for number, found := range read.found {
		if i.blocks[number] == nil {
			i.blocks[number] = newBlock(i.tables[number].columns)
		}
		block := i.blocks[number]
		f := filler{rows: rows{read, number, 0, len(found)}}
		for f.fill(block); block.rows > 0; f.fill(block) {
			block.reset()
		}
	}
}

// appendedByDriver returns the nanoseconds that clickhouse-go takes to append a
// row, of which the values are at hand, in a batch of that many; the best of three.
func appendedByDriver(b *testing.B, rows []ingest.Row, count int) float64 {
	s := open(b)
	best := math.Inf(1)
	for range 3 {
		batches, values, into := map[int]driver.Batch{}, make([][]any, len(rows)), make([]int, len(rows))
		for i := range rows {
			into[i], values[i] = boxed(s.tables, record{Row: &rows[i]})
			if batches[into[i]] == nil {
				batch, err := s.conn.PrepareBatch(context.Background(), strings.TrimSuffix(insertStatement(s.tables[into[i]]), " FORMAT Native"))
				if err != nil {
					b.Fatal(err)
				}
				batches[into[i]] = batch
			}
		}
		start := time.Now()
		for i := range count {
			i %= len(rows)
			if err := batches[into[i]].Append(values[i]...); err != nil {
				b.Fatal(err)
			}
		}
		best = min(best, float64(time.Since(start).Nanoseconds())/float64(count))
		for _, batch := range batches {
			if err := batch.Abort(); err != nil {
				b.Fatal(err)
			}
		}
	}
	return best
}

// boxed returns the table of a row and its values as clickhouse-go takes them.
func boxed(all []table, r record) (number int, values []any) {
	for !all[number].holds(r) {
		number++
	}
	for _, c := range all[number].columns {
		values = append(values, c.boxed(r))
	}
	return number, values
}

func (c column) boxed(r record) any {
	info := c.typ.info()
	switch {
	case info.kind == kindID:
		id, _ := strconv.ParseUint(c.from.text(r), 16, 64)
		return id
	case c.from.text != nil:
		if value := c.from.text(r); value != "" || !info.nullable {
			return value
		}
	case c.from.float != nil:
		if value, ok := c.from.float(r); ok {
			return float32(value)
		}
	case c.from.number != nil:
		value, ok := c.from.number(r)
		switch {
		case !ok:
		case info.kind == kindUint16:
			return uint16(value)
		case info.kind == kindUint32:
			return uint32(value)
		default:
			return value
		}
	case c.from.time != nil:
		return c.from.time(r)
	case c.from.pairs != nil:
		return c.from.pairs(r)
	}
	return nil
}

// BenchmarkInsert is what a batch costs in both processes together: from the
// bytes in the log to rows that are stored, with rollups and without.
func BenchmarkInsert(b *testing.B) {
	const count = 50000
	rows := lifelike(b, count)
	for _, rolledUp := range []bool{true, false} {
		b.Run(map[bool]string{true: "rollups", false: "no rollups"}[rolledUp], func(b *testing.B) {
			s := open(b)
			if !rolledUp {
				for _, r := range rollups() {
					if err := s.conn.Exec(b.Context(), "DROP TABLE "+r.feed()); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportAllocs()
			batch := batchOf("", rows...)
			before, n := cpuTime(b), 0
			for b.Loop() {
				n++
				batch.Token = fmt.Sprint(n)
				if err := s.Write(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			spent := cpuTime(b)
			stored := float64(n * count)
			b.ReportMetric(stored/(spent.ours+spent.engine-before.ours-before.engine).Seconds(), "rows/cpu-s")
			b.ReportMetric((spent.ours-before.ours).Seconds()*1e9/stored, "ns/row-client")
			b.ReportMetric((spent.engine-before.engine).Seconds()*1e9/stored, "ns/row-engine")
		})
	}
}

type spent struct{ ours, engine time.Duration }

// cpuTime is the CPU time of this process and of its children.
func cpuTime(b *testing.B) spent {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		b.Skip("no /proc to read CPU times from")
	}
	var total spent
	for _, file := range stats {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The name, in parentheses, may hold anything.
		_, rest, _ := strings.Cut(string(content[strings.LastIndexByte(string(content), ')'):]), " ")
		fields := strings.Fields(rest)
		const parent, user, system, tick = 1, 11, 12, 10 * time.Millisecond
		ticks := func(i int) time.Duration {
			n, err := strconv.Atoi(fields[i])
			if err != nil {
				b.Fatal(err)
			}
			return time.Duration(n) * tick
		}
		switch strconv.Itoa(os.Getpid()) {
		case filepath.Base(filepath.Dir(file)):
			total.ours += ticks(user) + ticks(system)
		case fields[parent]:
			total.engine += ticks(user) + ticks(system)
		}
	}
	return total
}

package clickhouse

import (
	"fmt"
	"strings"
)

// rollup is a table of hourly figures that the database keeps from the rows
// that come into another: the answer for long ranges, where reading all rows
// would take too long. A materialized view feeds it, in the same insert and
// under the same token.
type rollup struct {
	name    string
	doc     string
	of      string // the table whose rows feed it
	where   string // which of them, "" for all
	columns []rollupColumn
}

// rollupColumn is a key, by which rows are summed up, or a figure.
type rollupColumn struct {
	name    string
	sql     string // type
	doc     string
	formula string // over the rows that come in
	key     bool
}

func rollups() []rollup { return []rollup{rollupPageViews(), rollupTransactions(), rollupErrors()} }

// feed is the name of the materialized view.
func (r rollup) feed() string { return r.name + "_feed" }

func (r rollup) keys() []string {
	var keys []string
	for _, c := range r.columns {
		if c.key {
			keys = append(keys, c.name)
		}
	}
	return keys
}

// query is what the materialized view runs over each block.
func (r rollup) query() string {
	var b strings.Builder
	b.WriteString("SELECT")
	for i, c := range r.columns {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    %s AS %s", c.formula, c.name)
	}
	fmt.Fprintf(&b, "\nFROM %s", r.of)
	if r.where != "" {
		fmt.Fprintf(&b, "\nWHERE %s", r.where)
	}
	fmt.Fprintf(&b, "\nGROUP BY %s", strings.Join(r.keys(), ", "))
	return b.String()
}

// key is a column of the table that it is taken from.
func key(name, doc string) rollupColumn {
	return rollupColumn{name: name, sql: typeName.info().sql, doc: doc, formula: name, key: true}
}

// hourKey is when.
func hourKey() rollupColumn {
	return rollupColumn{name: "hour", sql: "DateTime('UTC')", doc: "Beginning of the hour.", formula: "toStartOfHour(timestamp)", key: true}
}

// counted is a sum.
func counted(name, doc, formula string) rollupColumn {
	return rollupColumn{name: name, sql: "SimpleAggregateFunction(sum, UInt64)", doc: doc, formula: formula}
}

// quantileState is the distribution of a column, as a t-digest: states that
// are ten times as fast to merge as those of quantilesDD, and half a percent
// off at most.
func quantileState(name, of, argument, doc string) rollupColumn {
	return rollupColumn{
		name: name, sql: "AggregateFunction(quantilesTDigest(0.5, 0.75, 0.95, 0.99), " + argument + ")",
		doc:     doc + " Read with quantilesTDigestMerge(0.5, 0.75, 0.95, 0.99)(" + name + ").",
		formula: "quantilesTDigestState(0.5, 0.75, 0.95, 0.99)(" + of + ")",
	}
}

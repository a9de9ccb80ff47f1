// Package dashboards holds the questions that the boards answer, as SQL: once
// for the terminal, the console and Grafana, so that a figure is the same
// wherever it is shown.
//
// The SQL is in sql/, Grafana's board and its provisioning in grafana/ and
// provisioning/. Table names are unqualified: the connection's database is the
// one that holds the tables.
package dashboards

import (
	"context"
	"time"
)

// Querier runs SQL on the database that holds the tables.
type Querier interface {
	// Query runs one SELECT with the values of its {name:Type} parameters, as
	// plain text, and calls each for every row in order. each reads the row with
	// scan, whose destinations are pointers as in database/sql: to string,
	// uint64, float64 and, for Nullable columns, to *float64. An error of each
	// ends the query and is returned. Safe for concurrent use.
	Query(ctx context.Context, sql string, params map[string]string, each func(scan func(dest ...any) error) error) error
}

// timeParam writes t as the text of a DateTime64(3, 'UTC') query parameter.
func timeParam(t time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05.000")
}

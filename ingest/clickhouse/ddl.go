package clickhouse

import (
	"fmt"
	"strings"
)

// deduplicationWindow is how many inserts each table, and each rollup,
// remembers by their tokens. At one batch a second it is near three hours: more
// than passes between the two times that a batch comes, which is a restart, or
// an outage in which nothing else comes either. A batch in several months, or
// one with rows that are refused, counts more than once.
const deduplicationWindow = 10000

// relation is a table or a rollup, as the schema has it.
type relation struct {
	name        string
	doc         string
	engine      string
	partitionBy string
	orderBy     []string
	columns     []relationColumn
}

type relationColumn struct {
	name, sql, formula, doc, codec string
	otherwise                      string // value of rows that are older than the column, "" for the type's
}

// relations is all of the schema, without views.
func relations() []relation {
	list := make([]relation, 0, len(tables())+len(rollups()))
	for _, t := range tables() {
		list = append(list, t.relation())
	}
	for _, r := range rollups() {
		list = append(list, r.relation())
	}
	return list
}

func (t table) relation() relation {
	r := relation{name: t.name, doc: t.doc, engine: t.engine, partitionBy: "toYYYYMM(timestamp)", orderBy: t.orderBy}
	for _, c := range append(t.columns, t.computed...) {
		r.columns = append(r.columns, relationColumn{c.name, c.typ.info().sql, c.formula, c.doc, c.storedCodec(), c.otherwise()})
	}
	return r
}

func (r rollup) relation() relation {
	made := relation{name: r.name, doc: r.doc, engine: "AggregatingMergeTree", partitionBy: "toYYYYMM(hour)", orderBy: r.keys()}
	for _, c := range r.columns {
		codec := "ZSTD(1)"
		if c.key {
			codec = ""
		}
		made.columns = append(made.columns, relationColumn{name: c.name, sql: c.sql, doc: c.doc, codec: codec})
	}
	return made
}

// definition is the column as CREATE and ALTER take it.
func (c relationColumn) definition() string {
	text := quote(c.name) + " " + c.sql
	if value := c.formula + c.otherwise; value != "" {
		text += " DEFAULT " + value // a column has one of the two, if any
	}
	text += " COMMENT " + literal(c.doc)
	if c.codec != "" {
		text += " CODEC(" + c.codec + ")"
	}
	return text
}

// create is the statement that makes the relation, unless it is there.
//
// A row that was acknowledged is forgotten by the log, so parts are synced
// before that: at an insert a second it costs little. Rows past the retention
// go with their whole part, without rewriting others.
func (r relation) create() string {
	definitions := make([]string, len(r.columns))
	for i, c := range r.columns {
		definitions[i] = "    " + c.definition()
	}
	return fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s
(
%s
)
ENGINE = %s
PARTITION BY %s
ORDER BY (%s)
SETTINGS non_replicated_deduplication_window = %d,
         fsync_after_insert = 1,
         fsync_part_directory = 1,
         ttl_only_drop_parts = 1
COMMENT %s`,
		quote(r.name), strings.Join(definitions, ",\n"), r.engine, r.partitionBy, strings.Join(r.orderBy, ", "), deduplicationWindow, literal(r.doc))
}

// view is a query that the schema has by a name.
type view struct {
	name, query, create string
	columns             []string
	// replace says that another query takes the whole view's place; of one that
	// feeds a table only the query can be changed.
	replace bool
}

// views are all of the schema: the feeds of rollups, and those for people.
func views() []view {
	list := []view{wholePageViews(), pageViewReports(), errorGroups()}
	for _, r := range rollups() {
		list = append(list, r.view())
	}
	return list
}

// change is the statement that gives a view its query of today.
func (v view) change() string {
	if v.replace {
		return strings.Replace(v.create, "CREATE VIEW IF NOT EXISTS", "CREATE OR REPLACE VIEW", 1)
	}
	return "ALTER TABLE " + quote(v.name) + " MODIFY QUERY " + v.query
}

// view is what feeds the rollup.
func (r rollup) view() view {
	v := view{name: r.feed(), query: r.query()}
	for _, c := range r.columns {
		v.columns = append(v.columns, c.name)
	}
	v.create = fmt.Sprintf("CREATE MATERIALIZED VIEW IF NOT EXISTS %s TO %s AS\n%s", quote(v.name), quote(r.name), v.query)
	return v
}

// quote makes a name safe to stand in SQL.
func quote(name string) string {
	return "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
}

// literal makes a text safe to stand in SQL.
func literal(text string) string {
	return "'" + strings.NewReplacer("\\", "\\\\", "'", "\\'").Replace(text) + "'"
}

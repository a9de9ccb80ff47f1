package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"
)

// schemaVersion is raised by every release that changes the schema. A program
// does not write to a database of a higher version, whose meaning it cannot know.
const schemaVersion = 1

// createHistory makes the table that remembers which schemas the database had.
const createHistory = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32 COMMENT 'Of the schema.',
    checksum   String COMMENT 'SHA-256 of the statements that make the schema.',
    applied_at DateTime64(3, 'UTC') COMMENT 'When it was there.'
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY (version, checksum)
COMMENT 'Versions of the schema that this database has had.'`

// Migrate brings the schema up to date with the tables and rollups that this
// program knows, and returns what it made. What is missing is created, be it a
// table or a column; columns that the program does not know are left alone. It
// may run in several processes at once, and may be cut off at any point and run
// again: it compares what is there with what is wanted, and each statement does
// nothing when another was faster.
//
// It refuses a schema of a newer program, and tables that differ in what cannot
// be changed in place.
func (s *Store) Migrate(ctx context.Context) (made []string, err error) {
	if err := s.conn.Exec(ctx, createHistory); err != nil {
		return nil, fmt.Errorf("create schema_migrations: %w", err)
	}
	recorded, err := s.checkVersion(ctx)
	if err != nil {
		return nil, err
	}
	for _, wanted := range relations() {
		done, err := s.bringUpToDate(ctx, wanted)
		made = append(made, done...)
		if err != nil {
			return made, err
		}
	}
	for _, v := range views() {
		done, err := s.bringViewUpToDate(ctx, v)
		made = append(made, done...)
		if err != nil {
			return made, err
		}
	}
	if !recorded {
		const record = "INSERT INTO schema_migrations (version, checksum, applied_at) VALUES (?, ?, now64(3))"
		if err := s.conn.Exec(ctx, record, uint32(schemaVersion), schemaChecksum()); err != nil {
			return made, fmt.Errorf("record the schema's version: %w", err)
		}
	}
	return made, s.setRetention(ctx)
}

// schemaChecksum tells schemas apart.
func schemaChecksum() string {
	sum := sha256.New()
	for _, r := range relations() {
		_, _ = fmt.Fprintln(sum, r.create())
	}
	for _, v := range views() {
		_, _ = fmt.Fprintln(sum, v.create)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// checkVersion refuses a database of a newer schema, and says whether it has
// had this one.
func (s *Store) checkVersion(ctx context.Context) (recorded bool, err error) {
	var newest uint32
	var same uint64
	const query = "SELECT max(version), countIf(version = ? AND checksum = ?) FROM schema_migrations"
	if err := s.conn.QueryRow(ctx, query, uint32(schemaVersion), schemaChecksum()).Scan(&newest, &same); err != nil {
		return false, fmt.Errorf("read schema_migrations: %w", err)
	}
	if newest > schemaVersion {
		return false, fmt.Errorf("database %s has version %d of the schema, this program knows %d: use a newer program, or another database (clickhouse.database)",
			s.options.Database, newest, schemaVersion)
	}
	return same > 0, nil
}

// bringUpToDate creates the relation, or adds the columns that it lacks.
func (s *Store) bringUpToDate(ctx context.Context, wanted relation) (made []string, err error) {
	there, err := s.describe(ctx, wanted.name)
	if err != nil {
		return nil, err
	}
	if there.engine == "" {
		if err := s.conn.Exec(ctx, wanted.create()); err != nil {
			return nil, fmt.Errorf("create table %s: %w", wanted.name, err)
		}
		return []string{"table " + wanted.name}, nil
	}
	if err := s.compare(there, wanted); err != nil {
		return nil, err
	}
	for _, c := range wanted.columns {
		if _, ok := there.columns[c.name]; ok {
			continue
		}
		if err := s.conn.Exec(ctx, "ALTER TABLE "+quote(wanted.name)+" ADD COLUMN IF NOT EXISTS "+c.definition()); err != nil {
			return made, fmt.Errorf("add column %s.%s: %w", wanted.name, c.name, err)
		}
		made = append(made, "column "+wanted.name+"."+c.name)
	}
	return made, nil
}

// existing is a table as the database describes it.
type existing struct {
	engine, sortingKey, partitionKey string // "" when there is no such table
	columns                          map[string]string
}

func (s *Store) describe(ctx context.Context, name string) (existing, error) {
	e := existing{columns: map[string]string{}}
	const query = `SELECT any(engine), any(sorting_key), any(partition_key) FROM system.tables WHERE database = currentDatabase() AND name = ?`
	if err := s.conn.QueryRow(ctx, query, name).Scan(&e.engine, &e.sortingKey, &e.partitionKey); err != nil {
		return existing{}, fmt.Errorf("look for table %s: %w", name, err)
	}
	const columns = `SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String}`
	err := s.Query(ctx, columns, map[string]string{"table": name}, func(scan func(...any) error) error {
		var column, sql string
		err := scan(&column, &sql)
		e.columns[column] = sql
		return err
	})
	if err != nil {
		return existing{}, fmt.Errorf("read the columns of %s: %w", name, err)
	}
	return e, nil
}

// compare refuses a table that cannot be made the wanted one in place.
func (s *Store) compare(there existing, wanted relation) error {
	differs := func(what, is, want string) error {
		return fmt.Errorf("table %s of database %s has %s %s, this program needs %s, which cannot be changed in place: "+
			"rename the table or use another database (clickhouse.database), start again, and copy the rows with INSERT INTO … SELECT",
			wanted.name, s.options.Database, what, is, want)
	}
	// A server may keep copies of its own accord: ReplicatedMergeTree, SharedMergeTree.
	if !slices.Contains([]string{"", "Replicated", "Shared"}, strings.TrimSuffix(there.engine, wanted.engine)) {
		return differs("the engine", there.engine, wanted.engine)
	}
	if want := strings.Join(wanted.orderBy, ", "); there.sortingKey != want {
		return differs("the sorting key", there.sortingKey, want)
	}
	if there.partitionKey != wanted.partitionBy {
		return differs("the partition key", there.partitionKey, wanted.partitionBy)
	}
	for _, c := range wanted.columns {
		if is, ok := there.columns[c.name]; ok && is != c.sql {
			return differs("the column "+c.name, is, c.sql)
		}
	}
	return nil
}

// bringViewUpToDate makes the view, or gives it today's query when columns are
// missing.
func (s *Store) bringViewUpToDate(ctx context.Context, v view) (made []string, err error) {
	there, err := s.describe(ctx, v.name)
	if err != nil {
		return nil, err
	}
	if there.engine == "" {
		if err := s.conn.Exec(ctx, v.create); err != nil {
			return nil, fmt.Errorf("create view %s: %w", v.name, err)
		}
		return []string{"view " + v.name}, nil
	}
	for _, column := range v.columns {
		if _, ok := there.columns[column]; ok {
			continue
		}
		if err := s.conn.Exec(ctx, v.change()); err != nil {
			return nil, fmt.Errorf("change view %s: %w", v.name, err)
		}
		return []string{"view " + v.name}, nil
	}
	return nil, nil
}

// setRetention gives every table the TTL of the options, where it has another;
// without one rows stay for ever. Rollups are small and keep theirs.
func (s *Store) setRetention(ctx context.Context) error {
	days := int(s.options.Retention / (24 * time.Hour))
	ttl := fmt.Sprintf("toDateTime(timestamp) + toIntervalDay(%d)", days)
	for _, t := range s.tables {
		var definition string
		if err := s.conn.QueryRow(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = ?", t.name).Scan(&definition); err != nil {
			return fmt.Errorf("read the definition of %s: %w", t.name, err)
		}
		change := " MODIFY TTL " + ttl + " SETTINGS materialize_ttl_after_modify = 0"
		if days == 0 {
			change = " REMOVE TTL"
		}
		if limited := strings.Contains(definition, " TTL "); strings.Contains(definition, " TTL "+ttl) || days == 0 && !limited {
			continue
		}
		if err := s.conn.Exec(ctx, "ALTER TABLE "+quote(t.name)+change); err != nil {
			return fmt.Errorf("set the retention of %s: %w", t.name, err)
		}
	}
	return nil
}

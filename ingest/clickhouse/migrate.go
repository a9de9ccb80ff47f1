package clickhouse

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"
)

// The schema, as statements that are applied in the order of their numbers.
// One that has been released is never edited: what it made is out there.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

type migration struct {
	version   uint32
	name      string
	statement string
	checksum  string
}

func migrations(files fs.FS) ([]migration, error) {
	paths, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, fmt.Errorf("list migrations: %w", err)
	}
	list := make([]migration, 0, len(paths))
	for i, file := range paths {
		content, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, fmt.Errorf("read migration %s: %w", file, err)
		}
		name := strings.TrimSuffix(path.Base(file), ".sql")
		number, err := strconv.ParseUint(name[:min(4, len(name))], 10, 32)
		if err != nil || int(number) != i+1 {
			return nil, fmt.Errorf("migration %s must begin with the number %04d", file, i+1)
		}
		sum := sha256.Sum256(content)
		list = append(list, migration{uint32(number), name, string(content), hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// createHistory makes the table that remembers what was applied. Two starters
// may apply and record the same migration at once; its newest row counts.
const createHistory = `CREATE TABLE IF NOT EXISTS schema_migrations
(
    version    UInt32,
    name       String,
    checksum   String,
    applied_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(applied_at)
ORDER BY version`

// Migrate brings the schema up to date and returns the names of what it
// applied. It may run in several processes at once, and may be cut off at any
// point and run again: every statement is idempotent. It refuses a schema that
// a newer program made, and one made by a migration that was edited since.
func (s *Store) Migrate(ctx context.Context) (applied []string, err error) {
	all, err := migrations(migrationFiles)
	if err != nil {
		return nil, err
	}
	if err := s.conn.Exec(ctx, createHistory); err != nil {
		return nil, fmt.Errorf("create schema_migrations: %w", err)
	}
	done, err := s.history(ctx)
	if err != nil {
		return nil, err
	}
	for version, earlier := range done {
		if int(version) > len(all) {
			return nil, fmt.Errorf("database %s has migration %s, which this program does not know: use a newer one", s.options.Database, earlier.name)
		}
	}
	for _, m := range all {
		earlier, ok := done[m.version]
		if ok && earlier.checksum != m.checksum {
			return nil, fmt.Errorf("migration %s differs from %s, which made database %s", m.name, earlier.name, s.options.Database)
		}
		if ok {
			continue
		}
		if err := s.conn.Exec(ctx, m.statement); err != nil {
			return applied, fmt.Errorf("apply migration %s: %w", m.name, err)
		}
		const record = "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, now64(3))"
		if err := s.conn.Exec(ctx, record, m.version, m.name, m.checksum); err != nil {
			return applied, fmt.Errorf("record migration %s: %w", m.name, err)
		}
		applied = append(applied, m.name)
	}
	return applied, s.setRetention(ctx)
}

func (s *Store) history(ctx context.Context) (map[uint32]migration, error) {
	rows, err := s.conn.Query(ctx, "SELECT version, name, checksum FROM schema_migrations FINAL")
	if err != nil {
		return nil, fmt.Errorf("read schema_migrations: %w", err)
	}
	defer func() { _ = rows.Close() }()
	done := map[uint32]migration{}
	for rows.Next() {
		var m migration
		if err := rows.Scan(&m.version, &m.name, &m.checksum); err != nil {
			return nil, fmt.Errorf("read schema_migrations: %w", err)
		}
		done[m.version] = m
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read schema_migrations: %w", err)
	}
	return done, nil
}

// setRetention gives every table the TTL of the options, where it has another;
// without one rows stay for ever.
func (s *Store) setRetention(ctx context.Context) error {
	days := int(s.options.Retention / (24 * time.Hour))
	ttl := fmt.Sprintf("toDateTime(timestamp) + toIntervalDay(%d)", days)
	for _, name := range append(tableNames(), ledgerTable) {
		var definition string
		if err := s.conn.QueryRow(ctx, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() AND name = ?", name).Scan(&definition); err != nil {
			return fmt.Errorf("read the definition of %s: %w", name, err)
		}
		change := " MODIFY TTL " + ttl + " SETTINGS materialize_ttl_after_modify = 0"
		if days == 0 {
			change = " REMOVE TTL"
		}
		if limited := strings.Contains(definition, " TTL "); strings.Contains(definition, " TTL "+ttl) || days == 0 && !limited {
			continue
		}
		if err := s.conn.Exec(ctx, "ALTER TABLE "+quote(name)+change); err != nil {
			return fmt.Errorf("set the retention of %s: %w", name, err)
		}
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// migrate cuts off the making of the schema at random moments and lets it run
// in two places at once. In the end the schema must be as if nothing had been.
func migrate(ctx context.Context, f *field) (v verdict, err error) {
	whole, err := f.migrateOnce(ctx)
	if err != nil {
		return v, err
	}
	cut := 0
	for range max(f.rounds, 1) {
		if err := f.database.drop(ctx); err != nil {
			return v, err
		}
		for range 3 {
			p, err := f.command("migrate")
			if err != nil {
				return v, err
			}
			if err := sleep(ctx, between(0, 400*time.Millisecond)); err != nil {
				return v, err
			}
			if p.alive() {
				cut++
			}
			p.kill()
		}
		schema, err := f.migrateTwice(ctx)
		if err != nil {
			return v, err
		}
		if schema != whole {
			v.problem("the schema differs from that of one run:\\n%s\\n%s", schema, whole)
		}
	}
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	defer l.stop()
	if err := l.send(ctx, 20); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	if err == nil {
		err = f.refuseNewerSchema(ctx, &judged)
	}
	judged.detail("cut off %d times", cut)
	return judged, err
}

// drop drops the database.
func (d database) drop(ctx context.Context) error {
	_, err := d.engine.query(ctx, "", "DROP DATABASE IF EXISTS "+d.name+" SYNC")
	return err
}

// migrateOnce runs migrate and returns the schema.
func (f *field) migrateOnce(ctx context.Context) (string, error) {
	p, err := f.command("migrate")
	if err != nil {
		return "", err
	}
	if err := p.wait(ctx, stopPatience); err != nil {
		return "", fmt.Errorf("throughline migrate: %w: %s", err, p.lastWords())
	}
	return f.schema(ctx)
}

// migrateTwice runs migrate in two places at once and returns the schema.
func (f *field) migrateTwice(ctx context.Context) (string, error) {
	other, err := f.command("migrate")
	if err != nil {
		return "", err
	}
	schema, err := f.migrateOnce(ctx)
	if failed := other.wait(ctx, stopPatience); failed != nil {
		return "", fmt.Errorf("throughline migrate, beside another: %w: %s", failed, other.lastWords())
	}
	if err != nil {
		return "", err
	}
	return schema, nil
}

// schema is what makes the tables, and what the database remembers of it.
func (f *field) schema(ctx context.Context) (string, error) {
	tables, err := f.database.text(ctx, "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name")
	if err != nil {
		return "", err
	}
	versions, err := f.database.text(ctx, "SELECT DISTINCT version, checksum FROM schema_migrations ORDER BY ALL")
	return tables + "\n" + versions, err
}

// refuseNewerSchema makes the database one of a later version, which this one
// must leave alone.
func (f *field) refuseNewerSchema(ctx context.Context, v *verdict) error {
	const later = "INSERT INTO schema_migrations (version, checksum, applied_at) VALUES (9999, 'later', now64(3))"
	if err := f.database.do(ctx, later); err != nil {
		return err
	}
	f.collector.kill()
	for _, command := range []string{"migrate", "serve"} {
		p, err := f.command(command)
		if err != nil {
			return err
		}
		if err := p.wait(ctx, stopPatience); err == nil || p.cmd.ProcessState.ExitCode() < 1 || !strings.Contains(p.said(), "9999") {
			v.problem("%s did not refuse a newer schema: %v, %s", command, err, p.lastWords())
		}
	}
	return nil
}

package main

import (
	"context"
	"errors"
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
	if err := f.newerSchema(ctx, l, &v); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
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

// newerSchema makes the database one of a later version, as in a rolling upgrade.
// A collector that runs goes on; one that starts must refuse, and leave the
// schema and its log alone until there is its version again.
func (f *field) newerSchema(ctx context.Context, l *load, v *verdict) error {
	err := f.database.do(ctx, "INSERT INTO schema_migrations (version, checksum, applied_at) VALUES (9999, 'later', now64(3))",
		"ALTER TABLE errors ADD COLUMN later UInt8")
	if err != nil {
		return err
	}
	if err := errors.Join(l.send(ctx, 20), f.drained(ctx)); err != nil {
		return err
	}
	f.proxy.set(rule{gate: make(chan struct{})})
	if err := l.send(ctx, 20); err != nil { // these wait in the log
		return err
	}
	f.collector.kill()
	f.proxy.set(rule{})
	before, err := f.schema(ctx)
	if err != nil {
		return err
	}
	if err := f.refuseNewerSchema(ctx, v); err != nil {
		return err
	}
	if after, err := f.schema(ctx); err != nil || after != before {
		v.problem("the newer schema was changed: %v", err)
	}
	err = f.database.do(ctx, "ALTER TABLE schema_migrations DELETE WHERE version = 9999 SETTINGS mutations_sync = 2", "ALTER TABLE errors DROP COLUMN later")
	if err != nil {
		return err
	}
	return f.serve(ctx)
}

// refuseNewerSchema starts what must not start.
func (f *field) refuseNewerSchema(ctx context.Context, v *verdict) error {
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

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"throughline/cmd/throughline/config"
	"throughline/deploy/engine"
	"throughline/ingest/clickhouse"
)

// database is ClickHouse, its schema up to date, and the embedded engine
// behind it if there is one.
type database struct {
	store  *clickhouse.Store
	engine *engine.Engine // nil for a server by address
}

func openDatabase(ctx context.Context, settings config.Config, log *slog.Logger) (_ *database, err error) {
	d, c := &database{}, settings.ClickHouse
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	addr := c.Addr
	if len(addr) == 0 {
		if d.engine, err = startEngine(ctx, settings.EngineDir(), c.Embedded, log); err != nil {
			return nil, err
		}
		addr = []string{d.engine.NativeAddr()}
	}
	d.store, err = clickhouse.Open(ctx, clickhouse.Options{
		Addr: addr, Database: c.Database, Username: c.Username, Password: string(c.Password), TLS: c.TLS,
		Wait: c.Wait.Duration(), Retention: c.Retention.Duration(), Log: log,
	})
	if err != nil {
		return nil, err
	}
	applied, err := d.store.Migrate(ctx)
	if err != nil {
		return nil, err
	}
	if len(applied) > 0 {
		log.Info("brought the schema up to date", "database", c.Database, "applied", len(applied))
	}
	return d, nil
}

// startEngine starts the embedded engine, which is this program run a second time.
func startEngine(ctx context.Context, dir string, c config.Embedded, log *slog.Logger) (*engine.Engine, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return engine.Start(ctx, engine.Options{
		DataDir: dir, NativePort: c.NativePort, HTTPPort: c.HTTPPort,
		MemoryLimitBytes: int64(c.MemoryLimit), Library: c.Library,
		Command: []string{self, "clickhouse", "--child"}, Log: log,
	})
}

// watch returns when ctx ends, or with an error when the engine has ended for good.
func (d *database) watch(ctx context.Context) error {
	if d.engine == nil {
		return nil
	}
	select {
	case <-ctx.Done():
		return nil
	case <-d.engine.Done():
		return d.engine.Err()
	}
}

func (d *database) close() error {
	var errs []error
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	if d.engine != nil {
		errs = append(errs, d.engine.Close())
	}
	return errors.Join(errs...)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"throughline/ingest"
	"throughline/ingest/clickhouse"
	"throughline/ingest/deadletter"
)

func newReplay(env environment) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "replay [FILE...]",
		Short: "Store rows that the database had refused",
		Long: `Stores the rows of dead-letter files, by default of all files in dead-letters/ below
the data directory, and removes each file whose rows have all been stored. What the
database refuses again stays in its file. Repeating is safe: a row that is there, as
some are that were refused nevertheless, is not stored again.

The lines of a file are JSON objects: the table, the reason why the database refused
the row, and its values, which may be mended by hand.

While serve runs with the embedded ClickHouse, name it with --clickhouse-addr: only
one process can open its directory.`,
		Example: `  throughline replay
  throughline replay --clickhouse-addr 127.0.0.1:9000
  throughline replay data/dead-letters/5f1c0a9be2d44f07-4096-81920.jsonl`,
		RunE: func(cmd *cobra.Command, files []string) error {
			return replay(cmd.Context(), o, files, env)
		},
	}
	o.addFile(c)
	o.addEngine(c)
	o.addServer(c)
	return c
}

func replay(ctx context.Context, o options, files []string, env environment) error {
	settings, err := o.load(env)
	if err != nil {
		return err
	}
	box := deadletter.Open(settings.DeadLetterDir())
	if len(files) == 0 {
		if files, err = box.Files(); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		_, err := fmt.Fprintln(env.stdout, "there are no dead letters in", settings.DeadLetterDir())
		return err
	}
	d, err := openDatabase(ctx, settings, newLog(env.stderr, settings.Log))
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		done, err := replayFile(ctx, d.store, env, file)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
			continue
		}
		_, err = fmt.Fprintf(env.stdout, "%s: %s\n", file, done)
		errs = append(errs, err)
	}
	return errors.Join(errors.Join(errs...), d.close())
}

// replayFile stores the rows of one file and removes it. Rows that are refused
// again stay in the file, and only those: a file whose rows are mended by hand
// is another batch, so what is stored must not be in it any more.
func replayFile(ctx context.Context, store *clickhouse.Store, env environment, file string) (done replayed, err error) {
	token, rows, err := deadletter.Read(file)
	if err != nil {
		return done, err
	}
	var refused *ingest.RefusedError
	done.there, err = store.Replay(ctx, token, rows)
	if err != nil && !errors.As(err, &refused) {
		return done, err
	}
	var again []ingest.RefusedRow
	if refused != nil {
		again = refused.Rows
	}
	encoder := clickhouse.NewEncoder()
	err = store.Write(ctx, ingest.Batch{Token: fmt.Sprintf("%s-replayed-%d", token, len(rows)), Records: []ingest.EncodedRows{{
		Schema: encoder.Schema(), Rows: encoder.AppendLedger(nil, env.now(), ingest.Replayed(rows, again)),
	}}})
	if err != nil {
		return done, err
	}
	done.stored = len(rows) - len(again) - done.there
	if len(again) == 0 {
		return done, deadletter.Remove(file)
	}
	if err := deadletter.Open(filepath.Dir(file)).Keep(token, again); err != nil {
		return done, err
	}
	return done, fmt.Errorf("%s, %d are refused again and stay: %w", done, len(again), refused)
}

// replayed is what became of the rows of a file that are not in it any more.
type replayed struct {
	stored int
	there  int // before
}

// String tells people.
func (r replayed) String() string {
	if r.there == 0 {
		return fmt.Sprintf("%d rows stored", r.stored)
	}
	return fmt.Sprintf("%d rows stored, %d were there already", r.stored, r.there)
}

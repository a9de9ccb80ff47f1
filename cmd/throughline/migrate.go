package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newMigrate(env environment) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long: `Creates the database and its tables where they are missing, and sets their
retention. It may be cut off and run again, and may run in several places at once.
serve does the same at start.`,
		Example: `  throughline migrate --clickhouse-addr clickhouse.internal:9000
  throughline migrate --config throughline.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := o.load(env)
			if err != nil {
				return err
			}
			d, err := openDatabase(cmd.Context(), settings, newLog(env.stderr, settings.Log))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.stdout, "database %s is up to date\n", settings.ClickHouse.Database)
			return errors.Join(err, d.close())
		},
	}
	o.addFile(c)
	o.addEngine(c)
	o.addServer(c)
	return c
}

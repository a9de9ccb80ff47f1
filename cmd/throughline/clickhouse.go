package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"throughline/deploy/engine"
)

func newClickHouse(env environment) *cobra.Command {
	var o options
	var child bool
	c := &cobra.Command{
		Use:   "clickhouse",
		Short: "Keep the embedded ClickHouse running, for any client or Grafana",
		Long: `Runs the embedded ClickHouse alone, so that any ClickHouse client, or Grafana,
can look at what was collected while nothing collects. It listens on loopback and
knows the user default without password. Ctrl-C ends it.`,
		Example: `  throughline clickhouse
  throughline clickhouse --data-dir /var/lib/throughline --clickhouse-native-port 9100
  curl http://127.0.0.1:8123/ --data-binary 'SELECT count() FROM throughline.page_views'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if child {
				return engine.RunChild()
			}
			settings, err := o.load(env)
			if err != nil {
				return err
			}
			log := newLog(env.stderr, settings.Log)
			running, err := startEngine(cmd.Context(), settings.EngineDir(), settings.ClickHouse.Embedded, log)
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(env.stdout, "ClickHouse is running; Ctrl-C ends it\n  native protocol  %s\n  HTTP             http://%s\n", running.NativeAddr(), running.HTTPAddr())
			select {
			case <-cmd.Context().Done():
				return running.Close()
			case <-running.Done():
				return running.Err()
			}
		},
	}
	c.Flags().BoolVar(&child, "child", false, "be the engine's process; only for a parent that hands over the options")
	_ = c.Flags().MarkHidden("child") // fails only for a flag that is not there
	o.addFile(c)
	o.addEngine(c)
	return c
}

package main

import (
	"github.com/spf13/cobra"

	"throughline/synthetic"
)

func newJourneySchema(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of journeys in YAML, for editors",
		Long: `Prints the JSON Schema (draft 2020-12) of journeys in YAML. Editors complete keys
and show mistakes with it. What a value may be is looked at more closely by
'throughline journey validate'.`,
		Example: `  throughline journey schema > journey.schema.json
  # then, as the first line of a journey:
  # yaml-language-server: $schema=journey.schema.json`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := env.stdout.Write(synthetic.Schema())
			return err
		},
	}
}

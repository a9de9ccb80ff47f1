package main

import (
	"github.com/spf13/cobra"
)

// agentSDK names the journey runner in its reports.
func agentSDK() string { return "throughline-agent/" + version() }

func newJourney(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "journey",
		Short: "Work with journeys",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(
		newJourneyRun(env), newJourneyValidate(env),
		newJourneyImport(env), newJourneyExport(env), newJourneySchema(env),
	)
	return c
}

// completeJourneys offers journey files to a shell.
func completeJourneys(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml", "json"}, cobra.ShellCompDirectiveFilterFileExt
}

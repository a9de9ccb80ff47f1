package main

import (
	"github.com/spf13/cobra"
)

func newJourneyExport(env environment) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "export JOURNEY.yaml",
		Short: "Turn a journey into a file for Chrome's DevTools Recorder",
		Long: `Reads a journey in YAML and prints it as JSON that Chrome's DevTools Recorder can
import. What the Recorder has no word for, such as assertions and variables, stands
in custom steps that it passes over; 'throughline journey import' knows them. The file
- is the standard input.

Exit codes: 0 printed, 2 the journey is wrong.`,
		Example: `  throughline journey export checkout.yaml
  throughline journey export checkout.yaml -o checkout.json`,
		Args: oneFile,
		RunE: func(c *cobra.Command, files []string) error {
			journey, err := loadJourney(files[0], "stdin.yaml", c.InOrStdin())
			if err != nil {
				return err
			}
			data, err := journey.Recorder()
			if err != nil {
				return &exitError{exitBadInput, err}
			}
			return writeOut(env, out, data)
		},
	}
	addOut(c, &out)
	return c
}

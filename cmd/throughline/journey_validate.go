package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"throughline/synthetic"
)

func newJourneyValidate(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE…",
		Short: "Say whether journey files are right, and where they are not",
		Long: `Reads journeys, in YAML and as Chrome DevTools recordings (JSON), and prints a verdict
on each: ok, or what is wrong on which line. Nothing is run, and no variable is read.

Exit codes: 0 all files are right, 2 one is not.`,
		Example: `  throughline journey validate checkout.yaml
  throughline journey validate journeys/*.yaml recordings/*.json`,
		Args: atLeastOneFile,
		RunE: func(_ *cobra.Command, files []string) error { return validateJourneys(env, files) },
	}
}

// atLeastOneFile refuses no arguments with the exit code for wrong input.
func atLeastOneFile(c *cobra.Command, args []string) error {
	if err := cobra.MinimumNArgs(1)(c, args); err != nil {
		return &exitError{exitBadInput, err}
	}
	return nil
}

func validateJourneys(env environment, files []string) error {
	wrong := false
	for _, file := range files {
		verdict := ""
		journey, err := synthetic.LoadFile(file)
		if err != nil {
			wrong = true
			verdict = err.Error() // it names the file
		} else {
			verdict = fmt.Sprintf("%s: ok, %d steps", file, len(journey.Steps))
		}
		if _, err := fmt.Fprintln(env.stdout, verdict); err != nil {
			return fmt.Errorf("print verdict: %w", err)
		}
	}
	if wrong {
		return &exitError{code: exitBadInput}
	}
	return nil
}

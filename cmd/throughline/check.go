package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"throughline/cmd/throughline/config"
	"throughline/synthetic"
)

func newCheck(env environment) *cobra.Command {
	var o options
	c := &cobra.Command{
		Use:     "check",
		Short:   "Say whether the configuration and its journeys are right, without running anything",
		Example: `  throughline check --config throughline.yaml`,
		Args:    noArguments,
		RunE: func(_ *cobra.Command, _ []string) error {
			settings, err := o.load(env)
			if err != nil {
				return err
			}
			journeys, err := loadJourneys(settings.Journeys.Files)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(env.stdout, "ok: %d apps, %d transactions, %d journeys\n", len(settings.Apps), len(settings.Transactions), len(journeys))
			return err
		},
	}
	o.addFile(c)
	return c
}

// loadJourneys reads all journeys that the patterns find, and says of all that
// cannot be read why.
func loadJourneys(patterns []string) ([]*synthetic.Journey, error) {
	var journeys []*synthetic.Journey
	var errs []error
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			errs = append(errs, &config.FileError{Path: "configuration", Problems: []config.Problem{
				{Key: "journeys.files", Message: fmt.Sprintf("no journey file matches %q", pattern)},
			}})
			continue
		}
		for _, file := range files {
			journey, err := synthetic.LoadFile(file)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			journeys = append(journeys, journey)
		}
	}
	return journeys, errors.Join(errs...)
}

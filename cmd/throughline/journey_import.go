package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"throughline/synthetic"
)

func newJourneyImport(env environment) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "import RECORDING.json",
		Short: "Turn a Chrome DevTools recording into a journey in YAML",
		Long: `Reads a recording as Chrome's DevTools Recorder exports it (JSON) and prints it as a
journey in YAML, to be named, scheduled and given variables. The file - is the
standard input.

A recording runs as it is, too: 'throughline journey run recording.json'.

Exit codes: 0 printed, 2 the recording is wrong.`,
		Example: `  throughline journey import checkout.json
  throughline journey import checkout.json -o checkout.yaml
  throughline journey import - < checkout.json`,
		Args: oneFile,
		RunE: func(c *cobra.Command, files []string) error {
			journey, err := loadJourney(files[0], "stdin.json", c.InOrStdin())
			if err != nil {
				return err
			}
			return writeOut(env, out, journey.YAML())
		},
	}
	addOut(c, &out)
	return c
}

// oneFile wants one argument, with the exit code for wrong input.
func oneFile(c *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(c, args); err != nil {
		return &exitError{exitBadInput, err}
	}
	return nil
}

func addOut(c *cobra.Command, out *string) {
	c.Flags().StringVarP(out, "output", "o", "", "`file` to write to, instead of the standard output")
}

// loadJourney reads a journey file; - is the standard input, read as if it were
// called so.
func loadJourney(file, called string, stdin io.Reader) (*synthetic.Journey, error) {
	if file != "-" {
		journey, err := synthetic.LoadFile(file)
		if err != nil {
			return nil, &exitError{exitBadInput, err}
		}
		return journey, nil
	}
	data, err := io.ReadAll(io.LimitReader(stdin, synthetic.MaxFileBytes+1))
	if err == nil && len(data) > synthetic.MaxFileBytes {
		err = fmt.Errorf("larger than %d bytes", synthetic.MaxFileBytes)
	}
	if err != nil {
		return nil, &exitError{exitBadInput, fmt.Errorf("read standard input: %w", err)}
	}
	journey, err := synthetic.Load(called, data)
	if err != nil {
		return nil, &exitError{exitBadInput, err}
	}
	return journey, nil
}

// writeOut writes to a file, or to the standard output if none is named.
func writeOut(env environment, file string, data []byte) error {
	if file == "" {
		_, err := env.stdout.Write(data)
		return err
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		return fmt.Errorf("write journey: %w", err)
	}
	return nil
}

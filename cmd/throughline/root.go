package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"throughline/cmd/throughline/config"
	"throughline/synthetic"
)

// Exit codes.
const (
	exitOK       = 0
	exitFailed   = 1 // it ran and the result is bad
	exitBadInput = 2 // a wrong option, configuration or journey file
	exitNotRun   = 3 // a journey could not be run
)

// environment is what a command knows of the outside.
type environment struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	// hangups delivers SIGHUP until ctx ends; nil: never.
	hangups func(ctx context.Context) <-chan os.Signal
}

// exitError is an error that wants an exit code of its own. A nil err means
// that everything has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, env environment) int {
	root := newRoot(env)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	code := exitFailed
	var exit *exitError
	var badConfig *config.FileError
	var badJourney *synthetic.FileError
	switch {
	case errors.As(err, &exit):
		code = exit.code
		if exit.err == nil {
			return code
		}
	case errors.As(err, &badConfig), errors.As(err, &badJourney), strings.HasPrefix(err.Error(), "unknown command"):
		code = exitBadInput // cobra has no type for the last
	}
	_, _ = fmt.Fprintln(env.stderr, "Error:", err)
	return code
}

func newRoot(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "throughline",
		Short: "Shows how people experience an application, one business transaction at a time",
		Long: `Throughline shows how people experience an application, one business transaction
at a time: what real users felt, and what scheduled headless-Chrome journeys
measured, side by side in ClickHouse.

Exit codes: 0 success, 1 failure, 2 wrong option or file, 3 a journey could not run.`,
		Example: `  throughline demo                                 # everything at once, with a shop to watch
  throughline serve --config throughline.yaml      # the collector
  throughline journey run checkout.json            # replay a Chrome DevTools recording`,
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetOut(env.stdout)
	root.SetErr(env.stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &exitError{exitBadInput, fmt.Errorf("%w\nSee '%s --help'", err, c.CommandPath())}
	})
	root.AddCommand(
		newServe(env), newAgent(env), newDemo(env), newJourney(env), newSourceMap(env),
		newMigrate(env), newReplay(env), newGenerate(env), newCheck(env), newClickHouse(env),
	)
	return root
}

// noArguments refuses arguments with the exit code for wrong input.
func noArguments(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return &exitError{exitBadInput, err}
	}
	return nil
}

// version is the module's version, or the revision that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			return setting.Value[:min(12, len(setting.Value))]
		}
	}
	return "devel"
}

// newLog writes to w as the configuration wants.
func newLog(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked before
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// onTerminal says whether w is a terminal, and how wide.
func onTerminal(w io.Writer) (width int, ok bool) {
	file, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(file.Fd()))
	return width, err == nil
}

// mayColour says whether colours belong on w.
func mayColour(w io.Writer, getenv func(string) string) bool {
	_, terminal := onTerminal(w)
	return terminal && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newSourceMap(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "sourcemap",
		Short: "Upload source maps, so that stacks of errors name sources",
		Args:  noArguments,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newSourceMapUpload(env))
	return c
}

// sourceMapOptions are the flags of `sourcemap upload`.
type sourceMapOptions struct {
	collector, app, release, urlPrefix, tokenFile string
}

func newSourceMapUpload(env environment) *cobra.Command {
	var o sourceMapOptions
	c := &cobra.Command{
		Use:   "upload DIR|FILE…",
		Short: "Upload the source maps of a release to a collector",
		Long: `Uploads every source map (*.map) below the directories, and the files named, for one
release of an app. The release is what pages say in data-release.

A map belongs to the script whose sourceMappingURL names it, or else to the one that
is called like it without .map. The script's address is --url-prefix and its path below
the directory; the host does not count. Maps of style sheets and of TypeScript's
declarations are left out. Uploading again replaces what is there.

The upload token (sourcemaps.upload_token of the collector) is read from
THROUGHLINE_UPLOAD_TOKEN, or from --token-file. An upload that fails for a reason that
passes is tried again for half a minute.

Maps can be kept off the public server: upload them, then delete them from what is
deployed.

Exit codes: 0 all uploaded, 1 the collector could not be reached or failed, 2 a wrong
option, token or map.`,
		Example: `  export THROUGHLINE_UPLOAD_TOKEN=…
  throughline sourcemap upload --collector https://collect.shop.example --app shop --release 1.4.2 dist
  throughline sourcemap upload --collector https://collect.shop.example --app shop --release "$(git rev-parse HEAD)" --url-prefix /assets/ dist/assets
  throughline sourcemap upload --collector http://127.0.0.1:8080 --app shop --release 1.4.2 --token-file token dist/app.3f2a.js.map`,
		Args: func(cmd *cobra.Command, args []string) error {
			if err := cobra.MinimumNArgs(1)(cmd, args); err != nil {
				return &exitError{exitBadInput, err}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, paths []string) error {
			return uploadSourceMaps(cmd.Context(), o, paths, env)
		},
	}
	c.Flags().StringVar(&o.collector, "collector", "", "`URL` of the collector (required)")
	c.Flags().StringVar(&o.app, "app", "", "`name` of the app in the collector's configuration (required)")
	c.Flags().StringVar(&o.release, "release", "", "`release` that the scripts are of (required)")
	c.Flags().StringVar(&o.urlPrefix, "url-prefix", "/", "`path` that the scripts are served below")
	c.Flags().StringVar(&o.tokenFile, "token-file", "", "`file` with the upload token, instead of THROUGHLINE_UPLOAD_TOKEN")
	return c
}

func uploadSourceMaps(ctx context.Context, o sourceMapOptions, paths []string, env environment) error {
	u, err := o.uploader(env)
	if err != nil {
		return &exitError{exitBadInput, err}
	}
	maps, err := findSourceMaps(paths, o.urlPrefix)
	if err != nil {
		return &exitError{exitBadInput, err}
	}
	out := env.stdout
	colour := mayColour(out, env.getenv)
	code, failed := exitOK, 0
	for i, m := range maps {
		bar := newUploadBar(env, fmt.Sprintf("[%d/%d] %s", i+1, len(maps), m.file), m.sizeBytes)
		taken, err := u.upload(ctx, m, bar.show)
		bar.clear()
		if err == nil {
			_, _ = fmt.Fprintf(out, "  %s %s  %d sources\n", paint("✓", green, colour), m.file, taken.Sources)
			continue
		}
		failed++
		_, _ = fmt.Fprintf(out, "  %s %s  %s\n", paint("✗", red, colour), m.file, err)
		var refused *uploadRefusal
		if isRefusal := errors.As(err, &refused); !isRefusal {
			code = exitFailed
		} else if code == exitOK {
			code = exitBadInput
		}
		if refused == nil || refused.forAll() {
			return &exitError{code, fmt.Errorf("gave up after %d of %d source maps", i, len(maps))}
		}
	}
	if failed > 0 {
		return &exitError{code, fmt.Errorf("%d of %d source maps were not taken", failed, len(maps))}
	}
	_, err = fmt.Fprintf(out, "%d source maps of %s %s uploaded\n", len(maps), o.app, o.release)
	return err
}

// uploader checks the flags.
func (o sourceMapOptions) uploader(env environment) (*uploader, error) {
	for flag, value := range map[string]string{"--collector": o.collector, "--app": o.app, "--release": o.release} {
		if value == "" {
			return nil, fmt.Errorf("%s is required", flag)
		}
	}
	collector, err := url.Parse(o.collector)
	if err != nil || collector.Host == "" || collector.Scheme != "http" && collector.Scheme != "https" {
		return nil, errors.New("--collector must be a URL such as https://collect.example")
	}
	token := env.getenv("THROUGHLINE_UPLOAD_TOKEN")
	if o.tokenFile != "" {
		if token, err = readToken(o.tokenFile); err != nil {
			return nil, err
		}
	}
	if token == "" {
		return nil, errors.New("the upload token is missing; set THROUGHLINE_UPLOAD_TOKEN or name a file with --token-file")
	}
	return newUploader(collector, o.app, o.release, token), nil
}

// readToken reads a token from a file that holds nothing else.
func readToken(name string) (string, error) {
	const maxBytes = 4 << 10
	file, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("read the upload token: %w", err)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("read the upload token: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if len(content) > maxBytes || strings.ContainsAny(token, " \t\r\n\x00") {
		return "", fmt.Errorf("read the upload token: %s holds something else", name)
	}
	return token, nil
}

// uploadBar shows on a terminal how much of a map has been sent.
type uploadBar struct {
	out       io.Writer // nil: no terminal
	now       func() time.Time
	text      string
	sizeBytes int64
	shown     time.Time
}

func newUploadBar(env environment, text string, sizeBytes int64) *uploadBar {
	bar := &uploadBar{now: env.now, text: text, sizeBytes: max(sizeBytes, 1)}
	if width, ok := onTerminal(env.stdout); ok {
		bar.out = env.stdout
		if room := width - len(" 100% "); len(text) > room {
			bar.text = text[:max(room, 0)]
		}
	}
	return bar
}

// show is told of how many bytes were sent.
func (b *uploadBar) show(sentBytes int64) {
	const often = 100 * time.Millisecond
	if b.out == nil || b.now().Sub(b.shown) < often {
		return
	}
	b.shown = b.now()
	_, _ = fmt.Fprintf(b.out, "\r%s %3d%%", b.text, 100*sentBytes/b.sizeBytes)
}

// clear makes room for the line that stays.
func (b *uploadBar) clear() {
	if b.out != nil {
		_, _ = fmt.Fprint(b.out, "\r\x1b[K")
	}
}

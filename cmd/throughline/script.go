package main

import (
	"regexp"
	"strings"

	"throughline/ingest"
	"throughline/js"
)

// scriptRenderer makes the beacon of an app: the bundle with the app's
// configuration inside.
func scriptRenderer(collectPath string) func(*ingest.App) ([]byte, error) {
	return func(app *ingest.App) ([]byte, error) {
		b := app.Beacon
		c := js.Config{
			Collect: collectPath + "?key=" + app.Key + "&quiet=1", Environment: app.Environment,
			ConsoleErrors: b.ConsoleErrors, Consent: b.Consent, SampleRate: b.SampleRate, ErrorSampleRate: b.ErrorSampleRate,
			UserTiming: namesPattern(b.UserTiming), TraceOrigins: b.TraceOrigins,
		}
		for _, t := range app.Transactions {
			definition := js.Transaction{Name: t.Name, Version: t.Version()}
			if page := t.Complete.Page; page != nil {
				definition.Page = page.String()
			}
			if request := t.Complete.Request; request != nil {
				definition.Request = &js.Request{Method: request.Method, Path: request.Path.String()}
			}
			c.Transactions = append(c.Transactions, definition)
		}
		return js.Script(c)
	}
}

// namesPattern is the source of a regular expression for any of these names, in which
// * stands for what varies; "" for none.
func namesPattern(names []string) string {
	if len(names) == 0 {
		return ""
	}
	patterns := make([]string, 0, len(names))
	for _, name := range names {
		patterns = append(patterns, strings.ReplaceAll(regexp.QuoteMeta(name), `\*`, ".*"))
	}
	return "^(?:" + strings.Join(patterns, "|") + ")$"
}

package main

import (
	"throughline/ingest"
	"throughline/js"
)

// scriptRenderer makes the beacon of an app: the bundle with the app's
// configuration inside.
func scriptRenderer(collectPath string) func(*ingest.App) ([]byte, error) {
	return func(app *ingest.App) ([]byte, error) {
		c := js.Config{Collect: collectPath + "?key=" + app.Key + "&quiet=1", Environment: app.Environment, ConsoleErrors: app.ConsoleErrors}
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

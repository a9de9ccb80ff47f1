package js

import "slices"

// Config is what the collector tells the beacon of one app. In the script it is
// JSON; the type Config of src/config.ts is the same.
type Config struct {
	// Collect is where reports go: a URL, or a path on the script's own origin,
	// with the app's write key.
	Collect string `json:"collect"`
	// Environment is that of the app's reports, such as production; a script
	// tag's data-environment takes precedence. Empty for none.
	Environment string `json:"environment,omitempty"`
	// ConsoleErrors lets the beacon tell what pages write to console.error.
	ConsoleErrors bool `json:"consoleErrors,omitempty"`
	// Consent lets it neither keep nor send anything before the page has told it, by
	// throughline.consent(true), that the user agrees.
	Consent bool `json:"consent,omitempty"`
	// SampleRate is the share of sessions that is measured, above 0 and up to 1, and
	// ErrorSampleRate that of those of which errors are told: nil is all.
	SampleRate      *float64 `json:"sampleRate,omitempty"`
	ErrorSampleRate *float64 `json:"errorSampleRate,omitempty"`
	// UserTiming is the source of a regular expression, in the syntax that Go and
	// JavaScript share: marks and measures whose name it matches are told. Empty for none.
	UserTiming string `json:"userTiming,omitempty"`
	// TraceOrigins are the origins to which requests carry a traceparent header, such as
	// https://api.example; self is the page's own.
	TraceOrigins []string `json:"traceOrigins,omitempty"`
	// Transactions are matched in order; the first that matches wins.
	Transactions []Transaction `json:"transactions,omitempty"`
}

// wantsFull says whether it takes the larger script: the other does not replace fetch
// and XMLHttpRequest.
func (c Config) wantsFull() bool {
	return len(c.TraceOrigins) > 0 ||
		slices.ContainsFunc(c.Transactions, func(t Transaction) bool { return t.Request != nil })
}

// Transaction is a business transaction of one step. It has either a page or a request.
type Transaction struct {
	Name string `json:"name"`
	// Version is the content hash of the definition.
	Version string `json:"version"`
	// Page is the source of a regular expression, in the syntax that Go and
	// JavaScript share, for the path of a page's URL.
	Page    string   `json:"page,omitempty"`
	Request *Request `json:"request,omitempty"`
}

// Request matches requests of the page.
type Request struct {
	// Method is upper case; empty for any.
	Method string `json:"method,omitempty"`
	// Path is the source of a regular expression for the path of the request's URL.
	Path string `json:"path"`
}

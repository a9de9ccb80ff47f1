package ingest

import (
	"slices"
	"strings"

	"throughline/ingest/scrub"
)

// App is one monitored application.
type App struct {
	Name string
	// Key is the app's public write key: it stands in the app's pages.
	Key string
	// Keys are further keys that are valid as well, so that a key can be replaced
	// while pages with the old one are still open.
	Keys []string
	// Origins are the origins whose pages may report, such as
	// https://shop.example; a host may begin with "*." for any subdomain, and
	// "*" alone is any origin.
	Origins     []string
	Environment string
	Beacon      BeaconSettings
	// UserIDKey is what the app's user ids are hashed with before they are stored, so
	// that nobody can find a person by the id that the app knows; "" stores them as sent.
	UserIDKey    string
	Transactions []Transaction
	Limits       Limits
	// Pages name pages by rule; others are named by what their paths are like.
	Pages []PageRule
	// Scrubber takes out of the app's texts what may be secret; nil is one that
	// allows nothing.
	Scrubber *scrub.Scrubber
}

// BeaconSettings are what the script of an app does beyond what all of them do.
type BeaconSettings struct {
	// ConsoleErrors lets it tell what pages write to console.error.
	ConsoleErrors bool
	// Consent lets it do nothing before the page says that the user has agreed.
	Consent bool
	// SampleRate is the share of sessions that it measures, ErrorSampleRate that of
	// sessions of which it tells errors: 0 to 1, nil is all.
	SampleRate, ErrorSampleRate *float64
	// UserTiming are the names of marks and measures that it tells, with * for what varies.
	UserTiming []string
	// TraceOrigins are the origins to which requests carry a traceparent header; self
	// is the page's own.
	TraceOrigins []string
}

// PageRule names the pages whose path matches a pattern.
type PageRule struct {
	Path Pattern
	Name string
}

// pageName is the name that the first rule gives that matches, "" without one.
func (a *App) pageName(path string) string {
	for _, rule := range a.Pages {
		if rule.Path.Matches(path) {
			return rule.Name
		}
	}
	return ""
}

// AllKeys are all keys of the app, the first of them Key.
func (a *App) AllKeys() []string { return append([]string{a.Key}, a.Keys...) }

// Limits are what one app may send. They are about its pages: journey agents,
// which have proved who they are and run on schedules, are not limited.
type Limits struct {
	// EventsPerSecond is the rate over longer times, at most [MaxEventsPerSecond]; 0
	// is no limit.
	EventsPerSecond int
	// Burst is how many events may come at once after a pause, 1 to [MaxBurst].
	// Without a rate it means nothing.
	Burst int
	// EventsPerDay bounds the events that are kept of one day, UTC, at most
	// [MaxEventsPerDay]; 0 is no limit.
	EventsPerDay int64
}

// The largest limits. They are far above what one collector can take, and keep
// the arithmetic within 64 bits.
const (
	MaxEventsPerSecond = 1_000_000
	MaxBurst           = 1_000_000_000
	MaxEventsPerDay    = 1_000_000_000_000
)

// AllowsOrigin says whether a page of that origin may report. The origin is
// the request's Origin header; a request without one comes from no page.
func (a *App) AllowsOrigin(origin string) bool {
	if origin == "" {
		return false
	}
	if slices.Contains(a.Origins, "*") || slices.Contains(a.Origins, origin) {
		return true
	}
	return slices.ContainsFunc(a.Origins, func(allowed string) bool {
		scheme, suffix, wild := strings.Cut(allowed, "://*")
		if !wild || !strings.HasPrefix(suffix, ".") {
			return false
		}
		host, found := strings.CutPrefix(origin, scheme)
		host, ofScheme := strings.CutPrefix(host, "://")
		subdomain, within := strings.CutSuffix(host, suffix)
		return found && ofScheme && within && isSubdomain(subdomain)
	})
}

// isSubdomain says whether a text can stand before the dot of a domain.
func isSubdomain(text string) bool {
	for i := range len(text) {
		c := text[i]
		if c != '.' && c != '-' && c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return text != ""
}

// Transaction returns the app's definition of that name.
func (a *App) Transaction(name string) (Transaction, bool) {
	i := slices.IndexFunc(a.Transactions, func(t Transaction) bool { return t.Name == name })
	if i < 0 {
		return Transaction{}, false
	}
	return a.Transactions[i], true
}

// Package console is the built-in web console: it shows how each business
// transaction fares, without Grafana and without the internet. So far it is
// one page.
package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"throughline/dashboards"
)

// contentSecurityPolicy lets the page load its own files and ask its own API,
// and nothing else: no inline script or style, no frame, no form, and no way
// from a string to markup.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// defaultWindow is the time range of the figures if the options name none.
const defaultWindow = time.Hour

// Options are what the console shows and how it gets it.
type Options struct {
	// Overview answers the figures of the last Window. It is called for one
	// request at a time, at most every two seconds, however many people look.
	Overview func(ctx context.Context) ([]dashboards.OverviewRow, error)
	// Window is the time range that Overview covers. Zero: one hour.
	Window time.Duration
	// Links stand at the foot of the page, in this order.
	Links []Link
	// Log receives why figures could not be read. Nil: nothing is logged.
	Log *slog.Logger
	// Now is the clock of "as of". Nil: time.Now.
	Now func() time.Time
}

// Link is a link to another page of the collector, or elsewhere.
type Link struct {
	Name string
	// URL may be relative to where the console is served, such as metrics.
	URL string
}

// Handler serves the console: its page at /, its figures at /api/overview. All
// its URLs are relative, so it can be served below a prefix that
// http.StripPrefix removes and that ends with a slash. It is safe for
// concurrent use.
func Handler(options Options) http.Handler {
	if options.Window <= 0 {
		options.Window = defaultWindow
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	files := loadFiles(options)
	figures := &figures{options: options}

	mux := http.NewServeMux()
	mux.Handle("GET /{$}", files.index)
	for name, f := range files.assets {
		mux.Handle("GET /assets/"+name, f)
	}
	mux.HandleFunc("GET /api/overview", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Console-Build", files.build)
		serveOverview(w, r, figures)
	})
	return secured(mux)
}

// secured sets the headers that every answer of the console carries.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// serveOverview answers the figures, or says that they could not be read. Why
// is for the log: an error may name what is nobody's business on a page.
func serveOverview(w http.ResponseWriter, r *http.Request, figures *figures) {
	now, err := figures.get(r.Context())
	if err != nil {
		writeJSON(w, http.StatusServiceUnavailable, problem{Error: "The database did not answer. The collector's log says more."})
		return
	}
	writeJSON(w, http.StatusOK, now)
}

// problem is the body of an answer without figures.
type problem struct {
	Error string `json:"error"`
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the viewer may have gone
}

// Package shop is the demo shop, "Mug & Co": a small web shop that visitors
// and journeys use, so that there is something to measure. It is slow and it
// fails in ways that real shops do, at rates that [Faults] sets.
//
// It is an ordinary application under test: it knows the monitor only as a
// script tag, and works the same without it. Its server side is instrumented
// with OpenTelemetry.
package shop

import (
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

//go:embed templates static
var files embed.FS

// maxBodyBytes bounds what the API reads of a request.
const maxBodyBytes = 16 << 10

// Options are what a shop can be told. The zero value is a shop without a
// monitor, with the default faults.
type Options struct {
	// ScriptURL is the full URL of the collector's script for this shop. Empty,
	// or not an absolute http or https URL: the pages have no script tag.
	ScriptURL string
	// Release is the shop's version as the monitor is told it; may be empty.
	Release string
	// Log receives what the shop's operator should know. Nil: nothing is logged.
	Log *slog.Logger
	// TracerProvider receives the spans. Nil: there are none, and responses name no trace.
	TracerProvider trace.TracerProvider
	// Now is the clock for orders and the length of requests. Nil: time.Now.
	Now func() time.Time
	// Seed makes delays and faults repeatable in the order of requests. Zero: they are not.
	Seed uint64
	// Faults say how slow and unreliable the shop is. Nil: [DefaultFaults].
	Faults *Faults
}

// Shop serves the demo shop. It is safe for concurrent use and keeps its
// state, which is bounded, in memory.
type Shop struct {
	log       *slog.Logger
	now       func() time.Time
	tracer    trace.Tracer
	chance    *chance
	faults    Faults
	delays    delays
	catalog   []Product
	carts     *carts
	orders    *orders
	pages     *template.Template
	scriptURL string
	release   string
	csp       string
	mux       *http.ServeMux
	handler   http.Handler
}

// New builds a shop.
func New(options Options) *Shop {
	s := &Shop{
		log:     options.Log,
		now:     options.Now,
		faults:  DefaultFaults(),
		delays:  designedDelays(),
		chance:  newChance(options.Seed),
		catalog: catalog(),
		carts:   newCarts(maxCarts),
		orders:  newOrders(maxOrders),
		release: options.Release,
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if options.Faults != nil {
		s.faults = *options.Faults
	}
	provider := options.TracerProvider
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	s.tracer = provider.Tracer("throughline/deploy/demo/shop")
	collector, err := originOf(options.ScriptURL)
	if err != nil {
		s.log.Error("shop runs without the monitor's script", "error", err)
	}
	if collector != "" {
		s.scriptURL = options.ScriptURL
	}
	s.csp = contentSecurityPolicy(collector)
	s.pages = template.Must(template.New("").Funcs(template.FuncMap{"price": price}).ParseFS(files, "templates/*.html"))
	s.mux = s.routes()
	s.handler = s.instrument(http.NewCrossOriginProtection().Handler(s.mux))
	return s
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", s.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
	s.handler.ServeHTTP(w, r)
}

func (s *Shop) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.home)
	mux.HandleFunc("GET /search", s.search)
	mux.HandleFunc("GET /product/{id}", s.product)
	mux.HandleFunc("GET /cart", s.cart)
	mux.HandleFunc("GET /checkout", s.checkout)
	mux.HandleFunc("GET /thanks/{order}", s.thanks)

	mux.HandleFunc("GET /api/search", s.apiSearch)
	mux.HandleFunc("GET /api/recommendations", s.apiRecommendations)
	mux.HandleFunc("GET /api/reviews/{id}", s.apiReviews)
	mux.HandleFunc("POST /api/cart", s.apiAddToCart)
	mux.HandleFunc("DELETE /api/cart/{id}", s.apiRemoveFromCart)
	mux.HandleFunc("POST /api/pay", s.apiPay)
	mux.HandleFunc("/api/", s.apiNotFound)

	assets := s.assets()
	mux.Handle("GET /static/{name}", assets)
	mux.Handle("GET /img/{name}", assets)
	mux.HandleFunc("/", s.notFound)
	return mux
}

// originOf returns the origin of the collector's script, or "" without an
// error when there is no script.
func originOf(scriptURL string) (string, error) {
	if scriptURL == "" {
		return "", nil
	}
	u, err := url.Parse(scriptURL)
	if err != nil {
		return "", fmt.Errorf("parse script URL: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return "", fmt.Errorf("script URL %q is not an absolute http or https URL", u.Redacted())
	}
	return u.Scheme + "://" + u.Host, nil
}

// contentSecurityPolicy allows what the shop itself serves and, if there is
// one, the collector's script and the reports it sends.
func contentSecurityPolicy(collector string) string {
	own := "'self'"
	if collector != "" {
		own += " " + collector
	}
	return "default-src 'none'; script-src " + own + "; connect-src " + own +
		"; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

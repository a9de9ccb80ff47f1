// Package server is the collector's HTTP side: the endpoint that takes
// reports, the script that browsers load, and the admin side. Echo is confined
// to this package.
package server

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/admission"
	"throughline/ingest/geo"
)

// Bounds on slow and large requests. They leave a phone on a bad network time
// for a 64 KiB report, and a client that trickles none.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 15 * time.Second
	idleTimeout       = 75 * time.Second
	maxHeaderBytes    = 16 << 10
)

// Service is what becomes of reports that were let in; [ingest.Service] is one.
type Service interface {
	// Accept keeps the good events of a report. An error is a *beacon.Reject
	// about the report as a whole, an *ingest.BusyError, or a fault of ours. The
	// body is the server's again when Accept returns.
	Accept(ingest.Submission) (ingest.Answer, error)
	// AcceptReports does the same with what a browser reports by itself.
	AcceptReports(contentType string, submission ingest.Submission) (ingest.Answer, error)
	// Rejected counts a report that was not let in.
	Rejected(app string, reason beacon.Reason)
}

// Options are the parts and settings of a [Server].
type Options struct {
	Service Service
	// Script renders the beacon for an app.
	Script func(*ingest.App) ([]byte, error)
	// CountryHeader is the request header in which a trusted proxy tells the
	// ISO 3166 country of the client, such as CF-IPCountry. Empty: not known.
	CountryHeader string
	// Places tell where addresses are; nil knows nothing.
	Places *geo.Reader
	// TrustedProxies are whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Admission bounds what apps send; nil is one with its defaults.
	Admission *admission.Control
	// MaxConnections bounds the connections of [Server.Serve]; 0 is
	// [DefaultMaxConnections].
	MaxConnections int
	// Now is the machine's clock; nil is [time.Now].
	Now func() time.Time
	// CollectPath and ScriptPath are where reports go to and scripts come from.
	CollectPath, ScriptPath string
	// ReportsPath is where browsers send what they report by themselves; it differs
	// from CollectPath. Empty: nothing is taken of it.
	ReportsPath string
	// SourceMaps keeps uploaded source maps; nil: none are taken.
	SourceMaps SourceMaps
	// UploadToken is what uploads of source maps prove themselves with. Empty:
	// none are taken.
	UploadToken string
	Log         *slog.Logger
	Tracer      trace.Tracer
	Meter       metric.Meter
	Propagator  propagation.TextMapPropagator
}

// Server takes reports and serves scripts. Make one with [New].
type Server struct {
	Options
	echo      *echo.Echo
	tenants   atomic.Pointer[tenants]
	bodies    sync.Pool // of *body
	unpackers sync.Pool // of *unpacker
	measured  *telemetry
	senders   maphash.Seed // tells addresses apart, as long as the process lives
}

// tenants is who may report. It does not change; another takes its place.
type tenants struct {
	byKey   map[string]tenant
	names   map[string]bool // of the apps
	scripts scripts
	// agentToken is what journey agents sign with. Empty: none can.
	agentToken string
}

// tenant is an app, and what it may send.
type tenant struct {
	app     *ingest.App
	account *admission.Account
}

// New returns a Server for these apps; it renders the script of every app at
// once, so that a fault in one shows at start.
func New(options Options, apps []ingest.App, agentToken string) (*Server, error) {
	s := &Server{
		Options: options, echo: echo.New(),
		bodies:    sync.Pool{New: func() any { return &body{} }},
		unpackers: sync.Pool{New: func() any { return &unpacker{} }},
		senders:   maphash.MakeSeed(),
	}
	if s.Admission == nil {
		s.Admission = admission.New(admission.Options{})
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	s.echo.HideBanner, s.echo.HidePort = true, true
	s.echo.HTTPErrorHandler = s.handleError
	if err := s.Replace(apps, agentToken); err != nil {
		return nil, err
	}
	var err error
	if s.measured, err = newTelemetry(options.Tracer, options.Meter, options.Propagator); err != nil {
		return nil, err
	}
	s.echo.Use(s.measured.middleware, s.recoverPanics)
	s.echo.POST(options.CollectPath, s.collect)
	s.echo.OPTIONS(options.CollectPath, s.preflight)
	if options.ReportsPath != "" {
		s.echo.POST(options.ReportsPath, s.reports)
		s.echo.OPTIONS(options.ReportsPath, s.preflight)
	}
	description, err := describe(options.CollectPath, options.ReportsPath)
	if err != nil {
		return nil, err
	}
	s.echo.GET(path.Join(path.Dir(options.CollectPath), "openapi.yaml"), description)
	s.echo.GET(options.ScriptPath+"/:file", s.script)
	s.echo.HEAD(options.ScriptPath+"/:file", s.script)
	s.routeSourceMaps()
	return s, nil
}

// Replace puts other apps and another token in the place of the present ones.
// Requests under way keep those that they began with. An error changes nothing.
func (s *Server) Replace(apps []ingest.App, agentToken string) error {
	rendered, err := renderScripts(apps, s.Script)
	if err != nil {
		return err
	}
	byKey, names := map[string]tenant{}, make(map[string]bool, len(apps))
	for i := range apps {
		names[apps[i].Name] = true
		t := tenant{&apps[i], s.Admission.Account(apps[i].Name, apps[i].Limits)}
		for _, key := range t.app.AllKeys() {
			byKey[key] = t
		}
	}
	s.tenants.Store(&tenants{byKey: byKey, names: names, scripts: rendered, agentToken: agentToken})
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Serve answers on the listener like the function of this name, at less cost.
func (s *Server) Serve(ctx context.Context, listener net.Listener, grace time.Duration) error {
	reports := newReportListener(listener, s.MaxConnections)
	return serve(ctx, reports, &http.Server{Handler: s, ConnState: reports.track}, grace, s.Log)
}

// Serve answers on the listener with handler until ctx ends, then lets the
// requests on their way finish for up to grace, and cuts off the rest. It fails
// only if it cannot serve.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration, log *slog.Logger) error {
	return serve(ctx, listener, &http.Server{Handler: handler}, grace, log)
}

func serve(ctx context.Context, listener net.Listener, server *http.Server, grace time.Duration, log *slog.Logger) error {
	server.ReadHeaderTimeout, server.ReadTimeout = readHeaderTimeout, readTimeout
	server.WriteTimeout, server.IdleTimeout = writeTimeout, idleTimeout
	server.MaxHeaderBytes = maxHeaderBytes
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		// Connections that say nothing, or too slowly: nobody waits for them.
		log.Debug("cut off what was still open", "addr", listener.Addr().String(), "error", err)
		_ = server.Close()
	}
	return nil
}

// maxBody is how large a sender's report may be.
func maxBody(agent bool) int {
	if agent {
		return beacon.MaxAgentBodyBytes
	}
	return beacon.MaxBrowserBodyBytes
}

package server

import (
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// telemetry traces and measures requests by the OpenTelemetry semantic
// conventions for HTTP servers. Names come from routes, never from paths, which
// are the client's.
type telemetry struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	duration   metric.Float64Histogram
	// options are those of the measurements seen so far: there are only as many
	// as routes, methods and statuses, and making one costs more than recording.
	// The map is replaced, never changed.
	options atomic.Pointer[map[kind][]metric.RecordOption]
}

// kind is what requests are told apart by.
type kind struct {
	method, route string
	status        int
}

func newTelemetry(tracer trace.Tracer, meter metric.Meter, propagator propagation.TextMapPropagator) (*telemetry, error) {
	duration, err := meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP server requests."),
		metric.WithExplicitBucketBoundaries(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	if err != nil {
		return nil, fmt.Errorf("create the request histogram: %w", err)
	}
	t := &telemetry{tracer: tracer, propagator: propagator, duration: duration}
	t.options.Store(&map[kind][]metric.RecordOption{})
	return t, nil
}

func (t *telemetry) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		k := kind{method: method(c.Request().Method), route: c.Path()}
		span := t.begin(c, k)
		if err := next(c); err != nil {
			c.Error(err) // answers now, so that the status below is the one sent
			if span != nil {
				span.RecordError(err)
			}
		}
		k.status = c.Response().Status
		if span != nil {
			span.SetAttributes(attribute.Int("http.response.status_code", k.status))
			if k.status >= http.StatusInternalServerError {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
		t.duration.Record(c.Request().Context(), time.Since(start).Seconds(), t.measurement(k)...)
		return nil
	}
}

// begin starts the span of a request; nil when nobody records it.
func (t *telemetry) begin(c echo.Context, k kind) trace.Span {
	if _, nobody := t.tracer.(noop.Tracer); nobody {
		return nil
	}
	request := c.Request()
	ctx := t.propagator.Extract(request.Context(), propagation.HeaderCarrier(request.Header))
	ctx, span := t.tracer.Start(ctx, k.method+" "+k.route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", k.method), attribute.String("http.route", k.route)))
	c.SetRequest(request.WithContext(ctx))
	return span
}

// measurement returns the attributes of a kind of request.
func (t *telemetry) measurement(k kind) []metric.RecordOption {
	known := t.options.Load()
	if option, ok := (*known)[k]; ok {
		return option
	}
	option := []metric.RecordOption{metric.WithAttributeSet(attribute.NewSet(
		attribute.String("http.request.method", k.method), attribute.String("http.route", k.route),
		attribute.Int("http.response.status_code", k.status)))}
	more := maps.Clone(*known)
	more[k] = option
	t.options.CompareAndSwap(known, &more) // if another came first, the next of this kind adds it
	return option
}

// method keeps the names of spans and metrics to methods that exist.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return name
	default:
		return "_OTHER"
	}
}

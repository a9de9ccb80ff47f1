package server

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// telemetry traces and measures requests by the OpenTelemetry semantic
// conventions for HTTP servers. Names come from routes, never from paths, which
// are the client's.
type telemetry struct {
	tracer     trace.Tracer
	propagator propagation.TextMapPropagator
	duration   metric.Float64Histogram
}

func newTelemetry(tracer trace.Tracer, meter metric.Meter, propagator propagation.TextMapPropagator) (*telemetry, error) {
	duration, err := meter.Float64Histogram("http.server.request.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of HTTP server requests."),
		metric.WithExplicitBucketBoundaries(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10))
	if err != nil {
		return nil, fmt.Errorf("create the request histogram: %w", err)
	}
	return &telemetry{tracer, propagator, duration}, nil
}

func (t *telemetry) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		request := c.Request()
		route := c.Path()
		attributes := []attribute.KeyValue{
			attribute.String("http.request.method", method(request.Method)),
			attribute.String("http.route", route),
		}
		ctx := t.propagator.Extract(request.Context(), propagation.HeaderCarrier(request.Header))
		ctx, span := t.tracer.Start(ctx, method(request.Method)+" "+route,
			trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
		defer span.End()
		c.SetRequest(request.WithContext(ctx))
		if err := next(c); err != nil {
			c.Error(err) // answers now, so that the status below is the one sent
			span.RecordError(err)
		}
		status := attribute.Int("http.response.status_code", c.Response().Status)
		span.SetAttributes(status)
		if c.Response().Status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		t.duration.Record(ctx, time.Since(start).Seconds(), metric.WithAttributes(append(attributes, status)...))
		return nil
	}
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

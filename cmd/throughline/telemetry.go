package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// telemetry is what the program says of itself: metrics for Prometheus, and
// metrics and traces by OTLP when the standard environment variables ask for it.
type telemetry struct {
	traces     oteltrace.TracerProvider
	metrics    *metric.MeterProvider
	propagator propagation.TextMapPropagator
	prometheus http.Handler
	endTraces  func(context.Context) error // nil when there are none
}

func newTelemetry(ctx context.Context, service string, getenv func(string) string) (*telemetry, error) {
	who, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithHost(),
		resource.WithAttributes(attribute.String("service.name", service), attribute.String("service.version", version())),
		resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("describe this program for telemetry: %w", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	scraped, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("set up metrics for Prometheus: %w", err)
	}
	metricOptions := []metric.Option{metric.WithResource(who), metric.WithReader(scraped)}
	if wanted(getenv, "METRICS") {
		pushed, err := autoexport.NewMetricReader(ctx)
		if err != nil {
			return nil, fmt.Errorf("set up the export of metrics (OTEL_METRICS_EXPORTER): %w", err)
		}
		metricOptions = append(metricOptions, metric.WithReader(pushed))
	}
	t := &telemetry{
		traces:     noop.NewTracerProvider(), // spans that go nowhere cost a tenth of a request
		metrics:    metric.NewMeterProvider(metricOptions...),
		propagator: propagation.TraceContext{},
		prometheus: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}),
	}
	if wanted(getenv, "TRACES") {
		exporter, err := autoexport.NewSpanExporter(ctx)
		if err != nil {
			return nil, fmt.Errorf("set up the export of traces (OTEL_TRACES_EXPORTER): %w", err)
		}
		provider := trace.NewTracerProvider(trace.WithResource(who), trace.WithBatcher(exporter))
		t.traces, t.endTraces = provider, provider.Shutdown
	}
	return t, nil
}

// wanted says whether the environment asks for an export of that signal. The
// standard's default is to export always; without a receiver that would be an
// error message a minute, so somebody has to name one.
func wanted(getenv func(string) string, signal string) bool {
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_" + signal + "_ENDPOINT", "OTEL_" + signal + "_EXPORTER"} {
		if getenv(name) != "" {
			return true
		}
	}
	return false
}

// close sends what is left.
func (t *telemetry) close(ctx context.Context) error {
	err := t.metrics.Shutdown(ctx)
	if t.endTraces != nil {
		err = errors.Join(err, t.endTraces(ctx))
	}
	return err
}

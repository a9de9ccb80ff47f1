package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
)

// The standard's environment variables send traces and metrics to a receiver.
func TestTelemetry_ExportsByTheStandardVariables(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got[r.URL.Path]++
	}))
	defer receiver.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")

	telemetry, err := newTelemetry(t.Context(), "throughline", os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	_, span := telemetry.traces.Tracer("test").Start(t.Context(), "work")
	span.End()
	counter, err := telemetry.metrics.Meter("test").Int64Counter("work")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(t.Context(), 1)
	if err := telemetry.close(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got["/v1/traces"] == 0 || got["/v1/metrics"] == 0 {
		t.Errorf("the receiver got %v", got)
	}
}

func TestTelemetry_IsQuietUnlessAsked(t *testing.T) {
	nothing := func(string) string { return "" }
	if wanted(nothing, "TRACES") || wanted(nothing, "METRICS") {
		t.Error("exports without a receiver named")
	}
}

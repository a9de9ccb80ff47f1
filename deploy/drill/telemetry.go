package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"time"
)

// receiver is somebody that the collector's own telemetry goes to.
type receiver struct {
	name, url string
	close     func()
}

// receivers are those with whom something is wrong.
func receivers() ([]receiver, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for telemetry: %w", err)
	}
	const late = 3 * time.Second
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = sleep(r.Context(), late)
		w.WriteHeader(http.StatusOK)
	}))
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	return []receiver{
		{"nobody", "http://" + local(ports[0]), func() {}},
		{"one who never answers", "http://" + hole.Addr().String(), func() { _ = hole.Close() }}, // it never accepts
		{"a slow one", slow.URL, func() { slow.CloseClientConnections(); slow.Close() }},
		{"one who fails", failing.URL, failing.Close},
	}, nil
}

// otelDown sends the collector's own telemetry to receivers with whom something
// is wrong. Reports must be taken as if there were no telemetry.
func otelDown(ctx context.Context, f *field) (v verdict, err error) {
	if err := f.begin(ctx); err != nil {
		return v, err
	}
	l := newLoad(f.public, loadOptions{})
	defer l.stop()
	without, err := f.pace(ctx, l)
	if err != nil {
		return v, err
	}
	wrong, err := receivers()
	if err != nil {
		return v, err
	}
	for _, r := range wrong {
		err := f.reportTo(ctx, l, r, without, &v)
		r.close()
		if err != nil {
			return v, err
		}
	}
	if err := f.serve(ctx); err != nil {
		return v, err
	}
	judged, err := f.judge(ctx, l)
	judged.add(v)
	judged.detail("without telemetry a report takes %s", median(without))
	return judged, err
}

// reportTo restarts the collector with a receiver and ends it again.
func (f *field) reportTo(ctx context.Context, l *load, r receiver, without tally, v *verdict) error {
	f.collector.kill()
	own := f.environment
	defer func() { f.environment = own }()
	f.environment = append(own[:len(own):len(own)], "OTEL_EXPORTER_OTLP_ENDPOINT="+r.url, "OTEL_TRACES_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_BSP_SCHEDULE_DELAY=100", "OTEL_METRIC_EXPORT_INTERVAL=100")
	if err := f.serve(ctx); err != nil {
		return err
	}
	with, err := f.pace(ctx, l)
	if err != nil {
		return err
	}
	if with.busy+with.broken > 0 {
		v.problem("%s: reports were refused: %d with 503, %d unanswered", r.name, with.busy, with.broken)
	}
	// Half of the reports must not notice; a busy machine has its say in the rest.
	const slack = 5 * time.Millisecond
	if with.quantile(.5) > 3*without.quantile(.5)+slack {
		v.problem("%s: a report takes %s, without telemetry %s", r.name, median(with), median(without))
	}
	told := time.Now()
	if err := f.collector.stop(); err != nil {
		v.problem("%s: it ended with %v: %s", r.name, err, f.collector.lastWords())
	}
	took := time.Since(told)
	if limit := f.settings.delay + f.settings.grace; took > limit {
		v.problem("%s: it took %s to end, it has %s", r.name, took, limit)
	}
	v.detail("%s: %d reports, each %s, ended in %d ms", r.name, with.reports, median(with), took.Milliseconds())
	return nil
}

// pace sends for a while and returns how it went.
func (f *field) pace(ctx context.Context, l *load) (tally, error) {
	l.reset()
	l.start(ctx)
	err := sleep(ctx, max(f.outage/6, 2*time.Second))
	l.stop()
	return l.snapshot(), err
}

func median(t tally) string {
	return fmt.Sprintf("%.1f ms (99 %%: %.1f ms)", milliseconds(t.quantile(.5)), milliseconds(t.quantile(.99)))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

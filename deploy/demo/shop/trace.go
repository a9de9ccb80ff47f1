package shop

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// instrument gives each request a server span named by its route and tells
// the browser of it in a Server-Timing header, from which the monitor learns
// which trace answered a page or a request.
func (s *Shop) instrument(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		method, route := s.route(r)
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := s.tracer.Start(ctx, strings.TrimSpace(method+" "+route),
			trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(requestAttributes(r, method, route)...))
		defer span.End()

		timed := &timedWriter{ResponseWriter: w, status: http.StatusOK, header: func() string {
			return serverTiming(span.SpanContext(), s.now().Sub(began))
		}}
		next.ServeHTTP(timed, r.WithContext(ctx))
		if !timed.begun {
			timed.WriteHeader(http.StatusOK)
		}

		span.SetAttributes(semconv.HTTPResponseStatusCode(timed.status))
		if timed.status >= http.StatusInternalServerError {
			span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(timed.status)))
			span.SetStatus(codes.Error, "")
		}
	})
}

// route returns the method and the pattern that will serve the request; the
// pattern is empty where none of the shop's own does, so that names stay few.
func (s *Shop) route(r *http.Request) (method, route string) {
	method = "HTTP"
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete, http.MethodPut, http.MethodPatch, http.MethodOptions:
		method = r.Method
	}
	_, pattern := s.mux.Handler(r)
	if _, path, hasMethod := strings.Cut(pattern, " "); hasMethod {
		route = strings.TrimSuffix(path, "{$}")
	}
	return method, route
}

func requestAttributes(r *http.Request, method, route string) []attribute.KeyValue {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	attributes := []attribute.KeyValue{semconv.URLScheme(scheme), semconv.URLPath(r.URL.Path)}
	if method == "HTTP" {
		attributes = append(attributes, semconv.HTTPRequestMethodOther)
	} else {
		attributes = append(attributes, semconv.HTTPRequestMethodKey.String(method))
	}
	if route != "" {
		attributes = append(attributes, semconv.HTTPRoute(route))
	}
	if agent := r.UserAgent(); agent != "" {
		attributes = append(attributes, semconv.UserAgentOriginal(agent))
	}
	return attributes
}

// serverTiming writes the Server-Timing header: the trace, if there is one,
// and how long the shop took to begin its answer.
func serverTiming(span trace.SpanContext, took time.Duration) string {
	app := fmt.Sprintf("app;dur=%.1f", float64(took)/float64(time.Millisecond))
	if !span.IsValid() {
		return app
	}
	return fmt.Sprintf("traceparent;desc=\"00-%s-%s-%s\", %s", span.TraceID(), span.SpanID(), span.TraceFlags(), app)
}

// timedWriter adds the Server-Timing header when the answer begins and notes its status.
type timedWriter struct {
	http.ResponseWriter
	header func() string
	status int
	begun  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *timedWriter) WriteHeader(status int) {
	if !w.begun && status >= http.StatusOK {
		w.begun, w.status = true, status
		w.Header().Set("Server-Timing", w.header())
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *timedWriter) Write(body []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(body)
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// readDatabase stands for the query behind a page or an answer.
func (s *Shop) readDatabase(ctx context.Context, table string, d delay) {
	ctx, span := s.tracer.Start(ctx, "SELECT "+table, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(semconv.DBOperationName("SELECT"), semconv.DBCollectionName(table)))
	s.wait(ctx, d)
	span.End()
}

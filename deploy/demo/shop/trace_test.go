package shop

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// traced runs a shop whose spans are recorded.
func traced(t *testing.T, faults Faults) (url string, recorded func() []sdktrace.ReadOnlySpan) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	server := serve(t, Options{Faults: &faults, TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))})
	return server.URL, func() []sdktrace.ReadOnlySpan {
		server.Close() // waits for the handlers, which end their spans last
		return recorder.Ended()
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		name, method, path string
		server, child      string
		status             int64
	}{
		{"home", "GET", "/", "GET /", "SELECT products", 200},
		{"product", "GET", "/product/camp?ref=mail", "GET /product/{id}", "SELECT products", 200},
		{"search", "GET", "/api/search?q=mug", "GET /api/search", "search index", 200},
		{"recommendations", "GET", "/api/recommendations", "GET /api/recommendations", "recommendation model", 200},
		{"head", "HEAD", "/cart", "HEAD /cart", "SELECT carts", 200},
		{"no route", "GET", "/wp-admin/x", "GET", "", 404},
		{"no such endpoint", "POST", "/api/x", "POST", "", 404},
		{"odd method", "BREW", "/", "HTTP", "", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, recorded := traced(t, Faults{})
			response, _ := send(t, http.DefaultClient, c.method, url+c.path, "")
			spans := recorded()
			server := spans[len(spans)-1]
			if server.Name() != c.server || server.SpanKind() != trace.SpanKindServer {
				t.Errorf("span %q of kind %v, want %q", server.Name(), server.SpanKind(), c.server)
			}
			has := attribute.NewSet(server.Attributes()...)
			if status, _ := has.Value("http.response.status_code"); status.AsInt64() != c.status {
				t.Errorf("status %d, want %d", status.AsInt64(), c.status)
			}
			_, route, _ := strings.Cut(c.server, " ")
			if got, _ := has.Value("http.route"); got.AsString() != route {
				t.Errorf("route %q, want %q", got.AsString(), route)
			}
			if path, _ := has.Value("url.path"); strings.Contains(path.AsString(), "?") || path.AsString() == "" {
				t.Errorf("url.path %q", path.AsString())
			}
			if c.child == "" && len(spans) != 1 || c.child != "" && (spans[0].Name() != c.child || spans[0].Parent().SpanID() != server.SpanContext().SpanID()) {
				t.Errorf("children %v, want %q", spans[:len(spans)-1], c.child)
			}
			want := `^traceparent;desc="00-` + server.SpanContext().TraceID().String() + "-" + server.SpanContext().SpanID().String() + `-01", app;dur=\d+\.\d$`
			if got := response.Header.Get("Server-Timing"); !regexp.MustCompile(want).MatchString(got) {
				t.Errorf("Server-Timing %q does not match %s", got, want)
			}
		})
	}
}

func TestFailedPaymentIsAnErrorInTheTrace(t *testing.T) {
	url, recorded := traced(t, Faults{Payment: 1})
	client := visitor(t)
	send(t, client, "POST", url+"/api/cart", `{"product":"camp"}`)
	send(t, client, "POST", url+"/api/pay", `{"name":"A","email":"a@example.com","address":"x"}`)
	spans := recorded()
	server, child := spans[len(spans)-1], spans[len(spans)-2]
	if child.Name() != "payment provider" || child.Status().Code != codes.Error || len(child.Events()) != 1 {
		t.Errorf("child %q, %v", child.Name(), child.Status())
	}
	has := attribute.NewSet(server.Attributes()...)
	if kind, _ := has.Value("error.type"); server.Status().Code != codes.Error || kind.AsString() != "502" {
		t.Errorf("server span %v, error.type %q", server.Status(), kind.AsString())
	}
	for _, span := range spans {
		for _, a := range span.Attributes() {
			if strings.Contains(a.Value.String(), "example.com") {
				t.Errorf("span %q holds what the buyer typed", span.Name())
			}
		}
	}
}

func TestTraceContinuesTheCallers(t *testing.T) {
	url, recorded := traced(t, Faults{})
	request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/cart", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	for _, span := range recorded() {
		if span.SpanContext().TraceID().String() != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s began a trace of its own", span.Name())
		}
	}
}

func TestWithoutTracesThereIsStillATime(t *testing.T) {
	server := serve(t, Options{})
	for _, path := range []string{"/", "/api/search?q=mug", "/static/style.css", "/teapot"} {
		response, _ := send(t, server.Client(), "GET", server.URL+path, "")
		if got := response.Header.Get("Server-Timing"); !regexp.MustCompile(`^app;dur=\d+\.\d$`).MatchString(got) {
			t.Errorf("%s: Server-Timing %q", path, got)
		}
	}
}

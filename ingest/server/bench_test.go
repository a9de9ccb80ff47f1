package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"

	"throughline/beacon"
	"throughline/ingest"
)

// openMinded accepts everything at once, so that only the door is measured.
type openMinded struct{}

func (openMinded) Accept(ingest.Submission) (ingest.Answer, error) {
	return ingest.Answer{Accepted: 3}, nil
}

func (openMinded) Rejected(string, beacon.Reason) {}

// nowhere is a response that is not sent.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header               { return n.header }
func (n *nowhere) WriteHeader(status int)            { n.status = status }
func (n *nowhere) Write(content []byte) (int, error) { return len(content), nil }

// BenchmarkCollect compares what the door does around Service.Accept with an
// Echo handler that only reads the body; neither has a network.
func BenchmarkCollect(b *testing.B) {
	bare := echo.New()
	bare.POST("/v1/events", func(c echo.Context) error {
		if _, err := io.Copy(io.Discard, c.Request().Body); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
	apps := []ingest.App{{Name: "shop", Key: key, Origins: []string{"https://*.shop.example", origin}}}
	door, err := New(Options{
		Service: openMinded{}, Script: func(*ingest.App) ([]byte, error) { return nil, nil },
		CollectPath: "/v1/events", ScriptPath: "/t", Log: slog.New(slog.DiscardHandler),
		Tracer:     noop.NewTracerProvider().Tracer(""),
		Meter:      metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())).Meter(""),
		Propagator: propagation.TraceContext{},
	}, apps, token)
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 1400)
	for _, c := range []struct {
		name, origin string
		handler      http.Handler
		status       int
	}{
		{"bare Echo", origin, bare, http.StatusNoContent},
		{"door", origin, door, http.StatusAccepted},
		{"door, wildcard origin", "https://www.shop.example", door, http.StatusAccepted},
	} {
		b.Run(c.name, func(b *testing.B) {
			reader := bytes.NewReader(body)
			request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+key, reader)
			request.Header.Set("Origin", c.origin)
			request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(body)
				request.Body = io.NopCloser(reader)
				response := &nowhere{header: http.Header{}}
				c.handler.ServeHTTP(response, request)
				if response.status != c.status {
					b.Fatal(response.status)
				}
			}
		})
	}
}

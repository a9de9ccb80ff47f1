package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/trace/noop"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/admission"
)

// openMinded accepts everything at once, so that only the door is measured.
type openMinded struct{}

func (openMinded) Accept(ingest.Submission) (ingest.Answer, error) {
	return ingest.Answer{Accepted: 3}, nil
}

func (openMinded) AcceptReports(string, ingest.Submission) (ingest.Answer, error) {
	return ingest.Answer{Accepted: 1}, nil
}

func (openMinded) Rejected(string, beacon.Reason) {}

func noScript(*ingest.App) ([]byte, error) { return nil, nil }

var (
	noTracer = noop.NewTracerProvider().Tracer("")
	noMeter  = metric.NewMeterProvider(metric.WithReader(metric.NewManualReader())).Meter("")
)

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
	limits := ingest.Limits{EventsPerSecond: ingest.MaxEventsPerSecond, Burst: ingest.MaxBurst, EventsPerDay: ingest.MaxEventsPerDay}
	apps := []ingest.App{
		{Name: "shop", Key: key, Origins: []string{"https://*.shop.example", origin}},
		{Name: "limited", Key: "limited-4f7c2a", Origins: []string{origin}, Limits: limits},
	}
	door, err := New(Options{
		Service: openMinded{}, Script: noScript,
		CollectPath: "/v1/events", ScriptPath: "/t", Log: slog.New(slog.DiscardHandler),
		Tracer: noTracer, Meter: noMeter,
		Propagator: propagation.TraceContext{},
	}, apps, token)
	if err != nil {
		b.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), 1400)
	report, err := os.ReadFile("../../beacon/testdata/wire/good_early_report.json")
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name, origin, key string
		body              []byte
		handler           http.Handler
		status            int
	}{
		{"bare Echo", origin, key, body, bare, http.StatusNoContent},
		{"door", origin, key, body, door, http.StatusAccepted},
		{"door, wildcard origin", "https://www.shop.example", key, body, door, http.StatusAccepted},
		{"door, with limits", origin, "limited-4f7c2a", body, door, http.StatusAccepted},
		{"door, gzip", origin, key, []byte(pack(b, string(report))), door, http.StatusAccepted},
	} {
		b.Run(c.name, func(b *testing.B) {
			reader := bytes.NewReader(c.body)
			request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+c.key, reader)
			request.Header.Set("Origin", c.origin)
			request.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
			b.ReportAllocs()
			for b.Loop() {
				reader.Reset(c.body)
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

// working takes as much of a processor for a report as decoding and keeping it
// does, and then waits as long as for the log.
type working struct{ openMinded }

func (working) Accept(ingest.Submission) (ingest.Answer, error) {
	for start := time.Now(); time.Since(start) < 40*time.Microsecond; {
	}
	time.Sleep(3 * time.Millisecond)
	return ingest.Answer{Accepted: 1}, nil
}

// BenchmarkCollect_BesideAFlood is how long one app's reports take while another
// app sends as many as it can: p99-ms without the flood, with it, and with it if
// there were slots for all. There is no network, and there are as many senders as
// get in: those that are refused at once would have nothing to wait for.
func BenchmarkCollect_BesideAFlood(b *testing.B) {
	for _, c := range []struct {
		name           string
		senders, slots int
	}{{"alone", 0, 0}, {"beside a flood", 2000, 0}, {"beside a flood, without slots", 2000, 1 << 20}} {
		b.Run(c.name, func(b *testing.B) {
			s, err := New(Options{
				Service: working{}, Script: noScript, CollectPath: "/v1/events", ScriptPath: "/t", Tracer: noTracer, Meter: noMeter,
				Admission: admission.New(admission.Options{Slots: c.slots, MaxWaiting: 1 << 20, MaxWait: time.Minute}),
			}, []ingest.App{{Name: "flood", Key: "flood-4f7c2a", Origins: []string{"*"}}, {Name: "shop", Key: key, Origins: []string{"*"}}}, "")
			if err != nil {
				b.Fatal(err)
			}
			send := func(key string) {
				request := httptest.NewRequest(http.MethodPost, "/v1/events?key="+key, strings.NewReader("x"))
				request.Header.Set("Origin", origin)
				response := &nowhere{header: http.Header{}}
				if s.ServeHTTP(response, request); response.status != http.StatusAccepted {
					b.Error(response.status)
				}
			}
			ctx, cancel := context.WithCancel(b.Context())
			var flood sync.WaitGroup
			for range c.senders {
				flood.Go(func() {
					for ctx.Err() == nil {
						send("flood-4f7c2a")
					}
				})
			}
			time.Sleep(time.Second / 2)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				send(key)
				took = append(took, time.Since(start))
			}
			cancel()
			flood.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// BenchmarkUnpack compares the gzip reader in use with that of the standard
// library, both used again and again.
func BenchmarkUnpack(b *testing.B) {
	report, err := os.ReadFile("../../beacon/testdata/wire/good_early_report.json")
	if err != nil {
		b.Fatal(err)
	}
	packed := []byte(pack(b, string(report)))
	into := make([]byte, len(report))
	b.Run("in use", func(b *testing.B) {
		u, account := &unpacker{}, admission.New(admission.Options{}).Account("shop", ingest.Limits{})
		unpacked := &body{account: account, arrived: buffer{bytes: packed}}
		for b.Loop() {
			unpacked.unpacked.bytes = unpacked.unpacked.bytes[:0]
			if err := u.unpack(unpacked, beacon.MaxBrowserBodyBytes); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("standard library", func(b *testing.B) {
		var from bytes.Reader
		var reader gzip.Reader
		for b.Loop() {
			from.Reset(packed)
			if err := reader.Reset(&from); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(&reader, into); err != nil {
				b.Fatal(err)
			}
		}
	})
}

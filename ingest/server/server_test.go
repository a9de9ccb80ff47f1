package server

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/naming"
	"throughline/ingest/queue"
	"throughline/ingest/seen"
)

const (
	key    = "shop-web-4f7c2a"
	origin = "https://shop.example"
	token  = "0123456789abcdef"
)

// rowKeeper keeps the rows that it should encode.
type rowKeeper struct {
	mu   sync.Mutex
	rows []ingest.Row
}

func (k *rowKeeper) AppendRow(dst []byte, row *ingest.Row) []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows = append(k.rows, *row)
	return append(dst, make([]byte, 1000)...)
}

func (k *rowKeeper) AppendLedger(dst []byte, _ time.Time, _ []ingest.Entry) []byte { return dst }

func (k *rowKeeper) Schema() []byte { return nil }

// door is a collector without a database behind it.
type door struct {
	*httptest.Server
	queue  *queue.Queue
	ledger *ingest.Ledger
	rows   *rowKeeper
	spans  *tracetest.SpanRecorder
	contract
}

// openDoor opens one; changes are made to what it is opened with.
func openDoor(t *testing.T, queueBytes int64, changes ...func(*Options, []ingest.App)) *door {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	const segmentBytes = 1 << 20
	q, err := queue.Open(queue.Options{
		Dir: t.TempDir(), MaxBytes: 3*segmentBytes + queueBytes, SegmentBytes: segmentBytes, MaxRecordBytes: 900 << 10, Now: time.Now, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Release(); err != nil {
			t.Error(err)
		}
	})
	d := &door{
		queue:  q,
		ledger: ingest.NewLedger(),
		rows:   &rowKeeper{},
		spans:  tracetest.NewSpanRecorder(),

		contract: loadContract(t),
	}
	apps := []ingest.App{{Name: "shop", Key: key, Origins: []string{origin}, Transactions: []ingest.Transaction{{Name: "View product"}}}, {Name: "other", Key: "other-4f7c2a", Origins: []string{"*"}}}
	options := Options{
		Service: ingest.NewService(ingest.ServiceOptions{
			Queue: q, Encoder: d.rows, Seen: seen.New(time.Minute, 10_000), Ledger: d.ledger, Names: naming.New(), Now: time.Now,
		}),
		Script: func(app *ingest.App) ([]byte, error) {
			return []byte("/* " + strings.Repeat(app.Name, 100) + " */"), nil
		},
		CountryHeader: "X-Country",
		CollectPath:   "/v1/events",
		ReportsPath:   "/v1/reports",
		ScriptPath:    "/t",
		Log:           slog.New(slog.NewTextHandler(io.Discard, nil)),
		Tracer:        trace.NewTracerProvider(trace.WithSpanProcessor(d.spans)).Tracer(""),
		Meter:         noop.NewMeterProvider().Meter(""),
		Propagator:    propagation.TraceContext{},
	}
	for _, change := range changes {
		change(&options, apps)
	}
	s, err := New(options, apps, token)
	if err != nil {
		t.Fatal(err)
	}
	d.Server = httptest.NewServer(s)
	t.Cleanup(d.Close)
	return d
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "beacon", "testdata", "wire", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// post sends a body as a page of the origin would; headers override.
func (d *door) post(t *testing.T, query, body string, headers map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/events"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	request.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	for name, value := range headers {
		if value == "" {
			request.Header.Del(name)
		} else {
			request.Header.Set(name, value)
		}
	}
	return d.do(t, request)
}

// do sends a request and returns the answer, which must be one that openapi.yaml
// describes.
func (d *door) do(t *testing.T, request *http.Request) (*http.Response, string) {
	t.Helper()
	response, err := d.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	d.check(t, response, string(answer))
	return response, string(answer)
}

func TestCollect_Answers(t *testing.T) {
	good := fixture(t, "good_early_report")
	journey := fixture(t, "good_journey_run")
	mixed := strings.Replace(good, `"duration_ms": 312.8`, `"duration_ms": -1`, 1)
	pad := func(size int) string { return good + strings.Repeat(" ", size-len(good)) }
	agent := map[string]string{"Origin": "", "Authorization": beacon.AgentToken(token, time.Now())}
	for name, c := range map[string]struct {
		query, body string
		headers     map[string]string
		status      int
		answer      string // part of it
	}{
		"good":                          {"?key=" + key, good, nil, 202, `{"accepted":3}`},
		"good, and nothing to tell":     {"?key=" + key + "&quiet=1", good, nil, 204, ""},
		"some bad, quiet":               {"?key=" + key + "&quiet=1", mixed, nil, 202, `{"accepted":2,"rejected":[{"index":1,`},
		"malformed, quiet":              {"?quiet=1&key=" + key, `{"v":1,`, nil, 400, `"reason":"malformed"`},
		"some events bad":               {"?key=" + key, mixed, nil, 202, `{"accepted":2,"rejected":[{"index":1,"field":"request.duration_ms","reason":"out_of_range"`},
		"all events bad":                {"?key=" + key, fixture(t, "bad_out_of_range_lcp_negative"), nil, 400, `{"accepted":0,"rejected":[{"index":0,"field":"page_view.lcp_ms","reason":"out_of_range"`},
		"a transaction of another app":  {"?key=other-4f7c2a", good, nil, 202, `{"accepted":2,"rejected":[{"index":2,"field":"transaction.name","reason":"unknown_transaction"`},
		"no key":                        {"", good, nil, 401, "unknown_key"},
		"unknown key":                   {"?key=nobodys-key", good, nil, 401, "unknown_key"},
		"another site's page":           {"?key=" + key, good, map[string]string{"Origin": "https://evil.example"}, 403, "forbidden_origin"},
		"no page at all":                {"?key=" + key, good, map[string]string{"Origin": ""}, 403, "forbidden_origin"},
		"at the limit":                  {"?key=" + key, pad(beacon.MaxBrowserBodyBytes), nil, 202, "accepted"},
		"above the limit":               {"?key=" + key, pad(beacon.MaxBrowserBodyBytes + 1), nil, 413, "too_large"},
		"malformed":                     {"?key=" + key, `{"v":1,`, nil, 400, `"reason":"malformed"`},
		"malformed field":               {"?key=" + key, fixture(t, "bad_malformed_view_type"), nil, 400, `"field":"view"`},
		"empty":                         {"?key=" + key, "", nil, 400, `"reason":"malformed"`},
		"a journey from a page":         {"?key=" + key, journey, nil, 403, "not_an_agent"},
		"an agent's secret itself":      {"?key=" + key, journey, map[string]string{"Origin": "", "Authorization": "Bearer " + token}, 403, "no agent's token"},
		"an agent whose clock is off":   {"?key=" + key, journey, map[string]string{"Origin": "", "Authorization": beacon.AgentToken(token, time.Now().Add(-time.Hour))}, 403, "clocks"},
		"a journey with a wrong token":  {"?key=" + key, journey, map[string]string{"Authorization": "Bearer 0123456789abcdeX"}, 403, "not_an_agent"},
		"a journey with the token":      {"?key=" + key, journey, agent, 202, `{"accepted":3}`},
		"an agent may send larger ones": {"?key=" + key, pad(beacon.MaxBrowserBodyBytes + 1), agent, 202, "accepted"},
		"an agent's limit":              {"?key=" + key, pad(beacon.MaxAgentBodyBytes + 1), agent, 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			response, answer := openDoor(t, 64<<10).post(t, c.query, c.body, c.headers)
			if response.StatusCode != c.status || !strings.Contains(answer, c.answer) {
				t.Errorf("%d %s\nwant %d with %s", response.StatusCode, answer, c.status, c.answer)
			}
			sent := response.Request.Header.Get("Origin")
			if got := response.Header.Get("Access-Control-Allow-Origin"); got != sent {
				t.Errorf("Access-Control-Allow-Origin = %q for origin %q", got, sent)
			}
			if c.status == http.StatusNoContent && answer != "" || c.status != http.StatusNoContent && !json.Valid([]byte(answer)) {
				t.Errorf("the answer is not JSON: %s", answer)
			}
		})
	}
}

func TestCollect_CountsEveryRefusal(t *testing.T) {
	d := openDoor(t, 64<<10)
	d.post(t, "?key=nobodys-key", "x", nil)
	d.post(t, "?key="+key, "x", map[string]string{"Origin": "https://evil.example"})
	d.post(t, "?key="+key, strings.Repeat("x", beacon.MaxBrowserBodyBytes+1), nil)
	d.post(t, "?key="+key, "x", nil)
	var got []ingest.Entry
	for _, e := range d.ledger.Entries() {
		if e.Stage == ingest.StageRejected {
			got = append(got, e)
		}
	}
	want := []ingest.Entry{
		{App: "", Stage: ingest.StageRejected, Reason: ingest.RejectUnknownKey, Events: 1},
		{App: "shop", Stage: ingest.StageRejected, Reason: ingest.RejectForbiddenOrigin, Events: 1},
		{App: "shop", Stage: ingest.StageRejected, Reason: beacon.RejectMalformed, Events: 1},
		{App: "shop", Stage: ingest.StageRejected, Reason: ingest.RejectTooLarge, Events: 1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("rejected = %+v", got)
	}
}

func TestCollect_FullQueueAsksToComeBack(t *testing.T) {
	d := openDoor(t, 5<<10)
	if response, answer := d.post(t, "?key="+key, fixture(t, "good_early_report"), nil); response.StatusCode != 202 {
		t.Fatalf("%d %s", response.StatusCode, answer)
	}
	response, answer := d.post(t, "?key="+key, fixture(t, "good_final_report"), nil)
	if response.StatusCode != 503 || response.Header.Get("Retry-After") != "5" || !strings.Contains(answer, "queue_full") {
		t.Errorf("%d, Retry-After %q: %s", response.StatusCode, response.Header.Get("Retry-After"), answer)
	}
	if response.Header.Get("Access-Control-Allow-Origin") != origin || response.Header.Get("Access-Control-Expose-Headers") != "Retry-After" {
		t.Error("no CORS headers on the 503")
	}
}

func TestCollect_KeepsWhatIsKnownOfTheClientButNotItsAddress(t *testing.T) {
	d := openDoor(t, 64<<10)
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	d.post(t, "?key="+key, fixture(t, "good_early_report"), map[string]string{"User-Agent": firefox, "X-Country": "de", "X-Forwarded-For": "192.0.2.7"})
	d.post(t, "?key="+key, fixture(t, "good_final_report"), map[string]string{"X-Country": "Narnia", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36", "Sec-CH-UA-Platform": `"Windows"`, "Sec-CH-UA-Platform-Version": `"15.0.0"`, "Sec-CH-UA-Mobile": "?0"})
	if first := d.rows.rows[0]; first.Client.Browser != "Firefox" || first.Country != "DE" || first.App != "shop" {
		t.Errorf("row = %+v", first)
	}
	if last := d.rows.rows[len(d.rows.rows)-1]; last.Country != "" || last.Client.OS != "Windows" || last.Client.OSVersion != "11" || last.Client.Device != "desktop" {
		t.Errorf("row = %+v", last)
	}
	request := httptest.NewRequest(http.MethodPost, "/", nil)
	request.Header.Set("User-Agent", "Agent\xff/"+strings.Repeat("1", 10_000))
	if agent := shortUserAgent(request); len(agent) > beacon.MaxUserAgentBytes || !strings.HasPrefix(agent, "Agent/1") {
		t.Errorf("a user agent of %d bytes is kept: %.20q", len(agent), agent)
	}
}

// A report that comes again is taken, and not refused: its sender would never stop.
func TestCollect_AnswersARepeatedReportAsTaken(t *testing.T) {
	d := openDoor(t, 64<<10)
	_, first := d.post(t, "?key="+key, fixture(t, "good_early_report"), nil)
	response, second := d.post(t, "?key="+key, fixture(t, "good_early_report"), nil)
	if first != "{\"accepted\":3}\n" || response.StatusCode != http.StatusAccepted || second != "{\"accepted\":0,\"duplicates\":3}\n" {
		t.Errorf("first %q, then %d %q", first, response.StatusCode, second)
	}
}

func TestServe_CutsOffClientsThatTrickle(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }), time.Second, slog.New(slog.NewTextHandler(io.Discard, nil)))
	}()
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := io.WriteString(connection, "POST / HTTP/1.1\r\nHost: x\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = connection.SetReadDeadline(time.Now().Add(2 * readHeaderTimeout))
	if _, err := io.ReadAll(connection); err != nil {
		t.Errorf("a client that never ends its headers still holds its connection: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Without a length the limit must be kept while reading.
func TestCollect_BoundsBodiesOfUnknownLength(t *testing.T) {
	d := openDoor(t, 64<<10)
	good := fixture(t, "good_early_report")
	for size, want := range map[int]int{beacon.MaxBrowserBodyBytes: http.StatusAccepted, beacon.MaxBrowserBodyBytes + 1: http.StatusRequestEntityTooLarge} {
		body := io.MultiReader(strings.NewReader(good), strings.NewReader(strings.Repeat(" ", size-len(good))))
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL+"/v1/events?key="+key, body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		response, err := d.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%d bytes of unknown length: %d, want %d", size, response.StatusCode, want)
		}
	}
}

// A buffer goes from report to report; nothing of one may show in the next.
func TestCollect_KeepsReportsApart(t *testing.T) {
	d := openDoor(t, 64<<10)
	d.post(t, "?key="+key, fixture(t, "good_final_report"), nil)
	for range 3 {
		if _, answer := d.post(t, "?key="+key, `{"v":1`, nil); !strings.Contains(answer, "at byte 6") {
			t.Errorf("a truncated report after a good one: %s", answer)
		}
	}
}

func TestReplace_SwapsAppsWhileServing(t *testing.T) {
	d := openDoor(t, 64<<10)
	s := d.Config.Handler.(*Server)
	status := func(key, token string) int {
		response, _ := d.post(t, "?key="+key, fixture(t, "good_journey_run"), map[string]string{"Authorization": beacon.AgentToken(token, time.Now())})
		return response.StatusCode
	}
	script := func(key string) string {
		response, err := d.Client().Get(d.URL + "/t/" + key + ".js")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	blog := []ingest.App{{Name: "blog", Key: "blog-4f7c2a", Origins: []string{origin}}}
	render := s.Script
	s.Script = func(*ingest.App) ([]byte, error) { return nil, errors.New("no bundle") }
	if err := s.Replace(blog, "another"); err == nil || !strings.Contains(err.Error(), `"blog"`) {
		t.Fatalf("an app without a script was taken: %v", err)
	}
	if status(key, token) != http.StatusAccepted || !strings.Contains(script(key), "shopshop") {
		t.Error("a failed replacement changed something")
	}
	s.Script = render
	if err := s.Replace(blog, "another"); err != nil {
		t.Fatal(err)
	}
	if before, wrong := status(key, "another"), status("blog-4f7c2a", token); before != http.StatusUnauthorized || wrong != http.StatusForbidden {
		t.Errorf("the app that is gone: %d, the token that is gone: %d", before, wrong)
	}
	if now := status("blog-4f7c2a", "another"); now != http.StatusAccepted || !strings.Contains(script("blog-4f7c2a"), "blogblog") {
		t.Errorf("the new app and token: %d", now)
	}
}

func TestPreflight_IsAnswered(t *testing.T) {
	d := openDoor(t, 64<<10)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, d.URL+"/v1/events?key="+key, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Origin", origin)
	response, err := d.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != 204 || response.Header.Get("Access-Control-Allow-Origin") != origin ||
		response.Header.Get("Access-Control-Allow-Methods") != "POST" || response.Header.Get("Access-Control-Allow-Headers") != "Content-Type, Content-Encoding" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
}

func TestScript_IsServedPerAppCompressedAndRevalidated(t *testing.T) {
	d := openDoor(t, 64<<10)
	get := func(path string, headers map[string]string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "identity")
		for name, value := range headers {
			request.Header.Set(name, value)
		}
		response, err := d.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		content, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(content)
	}
	plain, content := get("/t/"+key+".js", nil)
	if plain.StatusCode != 200 || !strings.Contains(content, "shopshop") || plain.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Fatalf("%d %v %s", plain.StatusCode, plain.Header, content)
	}
	packed, packedContent := get("/t/"+key+".js", map[string]string{"Accept-Encoding": "gzip, br"})
	if packed.Header.Get("Content-Encoding") != "gzip" || packed.ContentLength >= plain.ContentLength {
		t.Errorf("packed: %v", packed.Header)
	}
	again, _ := get("/t/"+key+".js", map[string]string{"If-None-Match": `"x", W/` + plain.Header.Get("ETag")})
	if again.StatusCode != 304 {
		t.Errorf("revalidation: %d", again.StatusCode)
	}
	if _, other := get("/t/other-4f7c2a.js", nil); !strings.Contains(other, "otherother") {
		t.Errorf("the other app's script is %s", other)
	}
	if unknown, _ := get("/t/nobodys-key.js", nil); unknown.StatusCode != 404 {
		t.Errorf("unknown key: %d", unknown.StatusCode)
	}
	reader, err := gzip.NewReader(strings.NewReader(packedContent))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(reader)
	if err != nil || string(unpacked) != content {
		t.Errorf("the packed script differs from the plain one: %v", err)
	}
}

func TestTelemetry_NamesSpansByRoute(t *testing.T) {
	d := openDoor(t, 64<<10)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	d.post(t, "?key="+key, fixture(t, "good_early_report"), map[string]string{"traceparent": parent})
	spans := d.spans.Ended()
	if len(spans) != 1 || spans[0].Name() != "POST /v1/events" || spans[0].SpanContext().TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Fatalf("spans = %v", spans)
	}
}

func TestHandleError_HidesInternals(t *testing.T) {
	d := openDoor(t, 64<<10)
	d.Config.Handler.(*Server).echo.GET("/panic", func(echo.Context) error { panic("password") })
	response, err := d.Client().Get(d.URL + "/panic")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 500 || string(content) != "{\"error\":\"internal error\"}\n" {
		t.Errorf("%d %s %v", response.StatusCode, content, err)
	}
}

func TestAdmin_HealthAndReadiness(t *testing.T) {
	notReady := errors.New("ClickHouse at 127.0.0.1:9000 does not answer")
	ready := error(nil)
	side := httptest.NewServer(Admin{
		Metrics: http.NotFoundHandler(),
		Console: http.NotFoundHandler(),
		Ready:   func(context.Context) error { return ready },
	}.Handler())
	defer side.Close()
	status := func(path string) int {
		response, err := side.Client().Get(side.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode
	}
	if live, is := status("/livez"), status("/readyz"); live != 200 || is != 200 {
		t.Errorf("live %d, ready %d", live, is)
	}
	ready = notReady
	if live, is := status("/livez"), status("/readyz"); live != 200 || is != 503 {
		t.Errorf("without a database: live %d, ready %d", live, is)
	}
}

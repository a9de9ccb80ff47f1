package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"throughline/ingest"
	"throughline/ingest/sourcemap"
)

const (
	uploadToken = "uploads-0123456789"
	smallMap    = `{"version":3,"sources":["app.ts"],"names":["start"],"mappings":"AAAAA,CAAC"}`
)

// openMaps is a collector that takes source maps, with this token.
func openMaps(t *testing.T, token string, maps SourceMaps) *httptest.Server {
	t.Helper()
	s, err := New(Options{
		Script:      func(*ingest.App) ([]byte, error) { return nil, nil },
		CollectPath: "/v1/events", ScriptPath: "/t", SourceMaps: maps, UploadToken: token,
		Log: slog.New(slog.DiscardHandler), Tracer: nooptrace.NewTracerProvider().Tracer(""),
		Meter: noop.NewMeterProvider().Meter(""), Propagator: propagation.TraceContext{},
	}, []ingest.App{{Name: "shop", Key: key, Origins: []string{origin}}}, "agents-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(s)
	server.Listener = newReportListener(server.Listener, 0) // as in Serve
	server.Config.ReadTimeout, server.Config.WriteTimeout, server.Config.IdleTimeout = readTimeout, writeTimeout, idleTimeout
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func openMapStore(t *testing.T) *sourcemap.Store {
	t.Helper()
	store, err := sourcemap.Open(t.TempDir(), sourcemap.Limits{MaxMapBytes: 1 << 20, MaxBytes: 8 << 20}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// ask sends a request with the upload token; headers override.
func askMaps(t *testing.T, server *httptest.Server, method, query string, body io.Reader, headers map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL+SourceMapsPath+query, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+uploadToken)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(answer)
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

const forApp = "?app=shop&release=1.4.2&file=%2Fassets%2Fapp.3f2a.js"

func TestSourceMaps_Upload(t *testing.T) {
	gzipped := map[string]string{"Content-Encoding": "gzip"}
	bomb := zipped(t, `{"x":"`+strings.Repeat("x", 4<<20)+`"}`)
	large := `{"version":3,"x":"` + strings.Repeat("x", 900<<10) + `"`
	for name, c := range map[string]struct {
		query, body string
		headers     map[string]string
		status      int
		answer      string
	}{
		"plain":                  {forApp, smallMap, nil, 201, `{"file":"/assets/app.3f2a.js","sources":1,"segments":2}`},
		"gzipped":                {forApp, zipped(t, smallMap), gzipped, 201, `"segments":2`},
		"named by URL":           {"?app=shop&release=1&file=" + url.QueryEscape("https://cdn.example/a.js?x"), smallMap, nil, 201, `"file":"/a.js"`},
		"no token":               {forApp, smallMap, map[string]string{"Authorization": ""}, 401, "upload token"},
		"wrong token":            {forApp, smallMap, map[string]string{"Authorization": "Bearer uploads-0123456780"}, 401, "upload token"},
		"the agents' token":      {forApp, smallMap, map[string]string{"Authorization": "Bearer agents-0123456789"}, 401, "upload token"},
		"the token alone":        {forApp, smallMap, map[string]string{"Authorization": uploadToken}, 401, "upload token"},
		"no app":                 {"?release=1&file=/a.js", smallMap, nil, 400, `app: no app is called \"\"`},
		"unknown app":            {"?app=shpo&release=1&file=/a.js", smallMap, nil, 400, `no app is called \"shpo\"`},
		"no release":             {"?app=shop&file=/a.js", smallMap, nil, 400, "release must have"},
		"no file":                {"?app=shop&release=1", smallMap, nil, 400, "file must be"},
		"not a map":              {forApp, "<!doctype html>", nil, 400, "where '{' should be"},
		"a map that ends early":  {forApp, smallMap[:20], nil, 400, "the map ends early"},
		"large, and wrong there": {forApp, large, nil, 400, "the map ends early"},
		"wrong, and large":       {forApp, "x" + strings.Repeat("x", 4<<20), nil, 400, "byte 0"},
		"not gzip":               {forApp, smallMap, gzipped, 400, "not what gzip makes"},
		"empty gzip":             {forApp, "", gzipped, 400, "not what gzip makes"},
		"gzip that ends early":   {forApp, zipped(t, smallMap)[:40], gzipped, 400, "not what gzip makes"},
		"other encoding":         {forApp, smallMap, map[string]string{"Content-Encoding": "br"}, 415, "content-encoding"},
		"too large":              {forApp, `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, "larger than a map may be"},
		"a bomb":                 {forApp, bomb, gzipped, 413, "larger than a map may be"},
	} {
		t.Run(name, func(t *testing.T) {
			store := openMapStore(t)
			response, answer := askMaps(t, openMaps(t, uploadToken, store), http.MethodPost, c.query, strings.NewReader(c.body), c.headers)
			if response.StatusCode != c.status || !strings.Contains(answer, c.answer) {
				t.Errorf("%d %s, want %d %s", response.StatusCode, answer, c.status, c.answer)
			}
			if kept := len(store.List("shop")); kept == 1 != (c.status == 201) {
				t.Errorf("%d maps are kept", kept)
			}
			if response.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("pages may upload")
			}
		})
	}
}

func TestSourceMaps_WhatWasUploadedResolves(t *testing.T) {
	store := openMapStore(t)
	askMaps(t, openMaps(t, uploadToken, store), http.MethodPost, forApp, strings.NewReader(smallMap), nil)
	want := sourcemap.Position{Source: "app.ts", Line: 1, Column: 1, Name: "start"}
	if got, ok := store.Resolve("shop", "1.4.2", "https://shop.example/assets/app.3f2a.js", 1, 1); !ok || got != want {
		t.Errorf("%+v, %t", got, ok)
	}
}

func TestSourceMaps_NothingIsThereWithoutATokenOrAStore(t *testing.T) {
	for name, server := range map[string]*httptest.Server{"no token": openMaps(t, "", openMapStore(t)), "no store": openMaps(t, uploadToken, nil)} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			for _, authorization := range []string{"Bearer ", "Bearer " + uploadToken} {
				response, _ := askMaps(t, server, method, forApp, strings.NewReader(smallMap), map[string]string{"Authorization": authorization})
				if response.StatusCode != http.StatusNotFound {
					t.Errorf("%s, %s: %d", name, method, response.StatusCode)
				}
			}
		}
	}
}

func TestSourceMaps_ListAndDelete(t *testing.T) {
	server := openMaps(t, uploadToken, openMapStore(t))
	list := func() (maps []sourcemap.Info) {
		t.Helper()
		response, answer := askMaps(t, server, http.MethodGet, "?app=shop", nil, nil)
		var body struct {
			SourceMaps []sourcemap.Info `json:"source_maps"`
		}
		if err := json.Unmarshal([]byte(answer), &body); err != nil || response.StatusCode != http.StatusOK || body.SourceMaps == nil {
			t.Fatalf("%d %s: %v", response.StatusCode, answer, err)
		}
		return body.SourceMaps
	}
	if maps := list(); len(maps) != 0 {
		t.Errorf("there are %+v", maps)
	}
	for _, release := range []string{"1", "2"} {
		askMaps(t, server, http.MethodPost, "?app=shop&file=/a.js&release="+release, strings.NewReader(smallMap), nil)
	}
	if maps := list(); len(maps) != 2 || maps[0].Release != "1" || maps[0].File != "/a.js" || maps[0].SizeBytes == 0 || maps[0].Uploaded.IsZero() {
		t.Errorf("there are %+v", maps)
	}
	for _, c := range []struct {
		query  string
		status int
	}{{"?app=shop&release=1", 200}, {"?app=shop&release=1", 404}, {"?app=shop", 404}, {"?app=other&release=2", 400}} {
		if response, answer := askMaps(t, server, http.MethodDelete, c.query, nil, nil); response.StatusCode != c.status {
			t.Errorf("delete %s: %d %s, want %d", c.query, response.StatusCode, answer, c.status)
		}
	}
	if maps := list(); len(maps) != 1 || maps[0].Release != "2" {
		t.Errorf("left are %+v", maps)
	}
}

// brokenMaps answers every upload with an error, without reading it.
type brokenMaps struct {
	*sourcemap.Store
	putError error
}

func (m brokenMaps) Put(context.Context, string, string, string, io.Reader) (sourcemap.Info, error) {
	return sourcemap.Info{}, m.putError
}

func TestSourceMaps_AnswersForFaultsOfOurs(t *testing.T) {
	for _, c := range []struct {
		fault      error
		status     int
		answer     string
		retryAfter string
	}{
		{sourcemap.ErrBusy, 503, "too many source maps", "5"},
		{errors.New("/var/lib/maps: input/output error"), 500, "internal error", ""},
	} {
		server := openMaps(t, uploadToken, brokenMaps{openMapStore(t), c.fault})
		response, answer := askMaps(t, server, http.MethodPost, forApp, strings.NewReader(smallMap), nil)
		if response.StatusCode != c.status || !strings.Contains(answer, c.answer) || response.Header.Get("Retry-After") != c.retryAfter {
			t.Errorf("%v: %d %s", c.fault, response.StatusCode, answer)
		}
	}
}

// deadlines is a connection that remembers its deadlines for reading.
type deadlines struct {
	http.ResponseWriter
	reads []time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.reads = append(d.reads, t)
	return nil
}

// A map may take long as long as something comes; the next request's deadline is
// not an upload's to move.
func TestUploadBody_PutsTheDeadlineOffUntilTheEnd(t *testing.T) {
	connection := &deadlines{}
	body := &uploadBody{in: iotest.OneByteReader(strings.NewReader("abc")), control: http.NewResponseController(connection)}
	before := time.Now()
	for range 10 {
		_, _ = body.Read(make([]byte, 8))
	}
	if n := len(connection.reads); n != 4 { // three bytes and the end
		t.Errorf("the deadline was set %d times", n)
	}
	for _, deadline := range connection.reads {
		if left := deadline.Sub(before); left < uploadPause || left > uploadPause+time.Minute {
			t.Errorf("a read has %v", left)
		}
	}
}

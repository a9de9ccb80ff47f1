package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"throughline/ingest"
	"throughline/ingest/server"
	"throughline/ingest/sourcemap"
)

const sourceMapToken = "uploads-0123456789"

// mapCollector is a collector that takes source maps for the app shop.
func mapCollector(t *testing.T) (*sourcemap.Store, http.Handler) {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	store, err := sourcemap.Open(t.TempDir(), sourcemap.Limits{MaxMapBytes: 1 << 20, MaxBytes: 8 << 20}, time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	handler, err := server.New(server.Options{
		Script:      func(*ingest.App) ([]byte, error) { return nil, nil },
		CollectPath: "/v1/events", ScriptPath: "/t", SourceMaps: store, UploadToken: sourceMapToken,
		Log: quiet, Tracer: nooptrace.NewTracerProvider().Tracer(""), Meter: noop.NewMeterProvider().Meter(""),
		Propagator: propagation.TraceContext{},
	}, []ingest.App{{Name: "shop", Key: "shop-web-4f7c2a", Origins: []string{"*"}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	return store, handler
}

// tree writes files and returns their directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mapOf(source string) string {
	return fmt.Sprintf(`{"version":3,"sources":[%q],"mappings":"AAAA"}`, source)
}

func TestSourceMapUpload_EndToEnd(t *testing.T) {
	store, handler := mapCollector(t)
	collector := httptest.NewServer(handler)
	defer collector.Close()
	dir := tree(t, map[string]string{
		"app.3f2a.js": "go()\n//# sourceMappingURL=app.3f2a.js.map\n", "app.3f2a.js.map": mapOf("app.ts"),
		"lazy/é [id].js": "go()", "lazy/é [id].js.map": mapOf("lazy.ts"),
		"style.css.map": mapOf("style.scss"), "types.d.ts.map": mapOf("types.ts"),
		"node_modules/x/x.js.map": mapOf("x.ts"),
	})
	t.Setenv("THROUGHLINE_UPLOAD_TOKEN", sourceMapToken)
	code, out, errs := command(t.Context(), "sourcemap", "upload", "--collector", collector.URL, "--app", "shop", "--release", "1.4.2", "--url-prefix", "/assets/", dir)
	if want := "  ✓ /assets/app.3f2a.js  1 sources\n  ✓ /assets/lazy/%C3%A9%20%5Bid%5D.js  1 sources\n2 source maps of shop 1.4.2 uploaded\n"; code != exitOK || out != want || errs != "" {
		t.Errorf("exit %d, printed\n%s%s\nwant\n%s", code, out, errs, want)
	}
	for script, source := range map[string]string{
		"https://cdn.example/assets/app.3f2a.js": "app.ts", "https://cdn.example/assets/lazy/%C3%A9%20[id].js": "lazy.ts",
	} {
		if p, ok := store.Resolve("shop", "1.4.2", script, 1, 1); !ok || p.Source != source {
			t.Errorf("%s comes from %+v, want %s", script, p, source)
		}
	}
	if n := len(store.List("shop")); n != 2 {
		t.Errorf("%d maps are kept", n)
	}
}

func TestSourceMapUpload_SaysWhatIsWrong(t *testing.T) {
	_, handler := mapCollector(t)
	collector := httptest.NewServer(handler)
	defer collector.Close()
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	moved := httptest.NewServer(http.RedirectHandler(collector.URL+server.SourceMapsPath, http.StatusTemporaryRedirect))
	defer moved.Close()
	good := tree(t, map[string]string{"a.js.map": mapOf("a.ts")})
	mixed := tree(t, map[string]string{"a.js.map": "<!doctype html>", "b.js.map": mapOf("b.ts"), "c.js.map": `{"version":2}`})
	empty := tree(t, map[string]string{"a.js": "go()"})
	wrong, spaced := writeFile(t, "token", "another-0123456789\n"), writeFile(t, "spaced", "two words")
	for name, c := range map[string]struct {
		args string
		code int
		says []string
	}{
		"no collector":     {"--app shop --release 1 " + good, exitBadInput, []string{"--collector is required"}},
		"no app":           {"--collector " + collector.URL + " --release 1 " + good, exitBadInput, []string{"--app is required"}},
		"no release":       {"--collector " + collector.URL + " --app shop " + good, exitBadInput, []string{"--release is required"}},
		"bad collector":    {"--collector collect.example --app shop --release 1 " + good, exitBadInput, []string{"must be a URL"}},
		"no path":          {"--collector " + collector.URL + " --app shop --release 1", exitBadInput, []string{"requires at least 1 arg"}},
		"missing path":     {"--collector " + collector.URL + " --app shop --release 1 /nowhere", exitBadInput, []string{"/nowhere"}},
		"no maps":          {"--collector " + collector.URL + " --app shop --release 1 " + empty, exitBadInput, []string{"no source maps of scripts in " + empty}},
		"bad maps":         {"--collector " + collector.URL + " --app shop --release 1 " + mixed, exitBadInput, []string{"✗ /a.js  the collector answered 400", "where '{' should be", "✓ /b.js", "✗ /c.js", "2 of 3 source maps were not taken"}},
		"wrong token":      {"--collector " + collector.URL + " --app shop --release 1 --token-file " + wrong + " " + mixed, exitBadInput, []string{"✗ /a.js  the collector answered 401", "gave up after 0 of 3"}},
		"no token there":   {"--collector " + collector.URL + " --app shop --release 1 --token-file /nowhere " + good, exitBadInput, []string{"read the upload token"}},
		"not a token":      {"--collector " + collector.URL + " --app shop --release 1 --token-file " + spaced + " " + good, exitBadInput, []string{"holds something else"}},
		"unknown app":      {"--collector " + collector.URL + " --app shpo --release 1 " + good, exitBadInput, []string{`no app is called "shpo"`}},
		"not a collector":  {"--collector " + elsewhere.URL + " --app shop --release 1 " + good, exitBadInput, []string{"404", "sourcemaps.upload_token"}},
		"moved elsewhere":  {"--collector " + moved.URL + " --app shop --release 1 " + good, exitBadInput, []string{"307"}},
		"a map by itself":  {"--collector " + collector.URL + " --app shop --release 1 " + filepath.Join(good, "a.js.map"), exitOK, []string{"✓ /a.js"}},
		"a script, no map": {"--collector " + collector.URL + " --app shop --release 1 " + filepath.Join(empty, "a.js"), exitBadInput, []string{"is no source map of a script"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("THROUGHLINE_UPLOAD_TOKEN", sourceMapToken)
			code, out, errs := command(t.Context(), append([]string{"sourcemap", "upload"}, strings.Fields(c.args)...)...)
			for _, says := range c.says {
				if !strings.Contains(out+errs, says) {
					t.Errorf("does not say %q", says)
				}
			}
			if code != c.code || strings.Contains(out+errs, sourceMapToken) || t.Failed() {
				t.Errorf("exit %d, want %d, printed\n%s%s", code, c.code, out, errs)
			}
		})
	}
	t.Setenv("THROUGHLINE_UPLOAD_TOKEN", "")
	if code, _, errs := command(t.Context(), "sourcemap", "upload", "--collector", collector.URL, "--app", "shop", "--release", "1", good); code != exitBadInput || !strings.Contains(errs, "THROUGHLINE_UPLOAD_TOKEN") {
		t.Errorf("without a token: %d %s", code, errs)
	}
}

func TestUploader_TriesAgainWhenThatMayHelp(t *testing.T) {
	type answer struct {
		status     int
		retryAfter string
	}
	cut := answer{status: 0} // the connection, in the middle of the body
	for name, c := range map[string]struct {
		answers []answer
		pauses  []time.Duration
		wrong   string
	}{
		"at once":             {nil, nil, ""},
		"busy":                {[]answer{{503, "7"}, {429, "3600"}, {502, ""}}, []time.Duration{7 * time.Second, time.Minute, 4 * time.Second}, ""},
		"asks for less":       {[]answer{{503, "0"}, {503, "-5"}, {503, "soon"}}, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}, ""},
		"cut off":             {[]answer{cut}, []time.Duration{time.Second}, ""},
		"refused":             {[]answer{{403, ""}}, nil, "403"},
		"busy for ever":       {slices.Repeat([]answer{{503, ""}}, 9), []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9}, "503"},
		"busy, then refused":  {[]answer{{500, ""}, {413, ""}}, []time.Duration{time.Second}, "413"},
		"too slow, then fine": {[]answer{{408, ""}}, []time.Duration{time.Second}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			store, handler := mapCollector(t)
			var asked atomic.Int64
			collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				i := int(asked.Add(1)) - 1
				switch {
				case i >= len(c.answers):
					handler.ServeHTTP(w, r)
				case c.answers[i] == cut:
					_, _ = io.ReadFull(r.Body, make([]byte, 5))
					panic(http.ErrAbortHandler)
				default:
					w.Header().Set("Retry-After", c.answers[i].retryAfter)
					w.WriteHeader(c.answers[i].status)
				}
			}))
			defer collector.Close()
			address, err := url.Parse(collector.URL)
			if err != nil {
				t.Fatal(err)
			}
			u := newUploader(address, "shop", "1", sourceMapToken)
			var pauses []time.Duration
			u.wait = func(_ context.Context, d time.Duration) error {
				pauses = append(pauses, d)
				return nil
			}
			var sentBytes int64
			text := mapOf("a.ts")
			_, err = u.upload(t.Context(), sourceMapFile{path: writeFile(t, "a.map", text), file: "/a.js"}, func(n int64) { sentBytes = n })
			if c.wrong == "" && (err != nil || len(store.List("shop")) != 1 || sentBytes != int64(len(text))) {
				t.Errorf("%v, %d of %d bytes sent", err, sentBytes, len(text))
			}
			if c.wrong != "" && !strings.Contains(fmt.Sprint(err), c.wrong) {
				t.Errorf("error %v, want %s", err, c.wrong)
			}
			if diff := cmp.Diff(c.pauses, pauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestUploader_StopsWhenTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		cancel()
	}))
	defer collector.Close()
	t.Setenv("THROUGHLINE_UPLOAD_TOKEN", sourceMapToken)
	dir := tree(t, map[string]string{"a.js.map": mapOf("a.ts"), "b.js.map": mapOf("b.ts")})
	code, out, errs := command(ctx, "sourcemap", "upload", "--collector", collector.URL, "--app", "shop", "--release", "1", dir)
	if code != exitFailed || !strings.Contains(errs, "gave up after 0 of 2") {
		t.Errorf("exit %d, printed\n%s%s", code, out, errs)
	}
}

func TestFindSourceMaps_PairsMapsWithScripts(t *testing.T) {
	const comment = "\n//# sourceMappingURL="
	dir := tree(t, map[string]string{
		"named.js": "go()" + comment + "maps/n%C3%A4med.map", "maps/nämed.map": "{}",
		"by-name.js": "go()", "by-name.js.map": "{}",
		"script-is-gone.mjs.map": "{}",
		"on-a-host.js":           "go()" + comment + "https://maps.example/x/on-a-host.js.map?v=1", "on-a-host.js.map": "{}",
		"absolute.js": "go()" + comment + "/maps/absolute.map", "absolute.map": "{}",
		"inline.js":  "go()" + comment + "data:application/json;base64,e30=",
		"missing.js": "go()" + comment + "nowhere.map",
		"last.js":    "go()" + comment + "by-name.js.map" + comment + "last.map\n", "last.map": "{}",
		"old.cjs": "go()\n//@ sourceMappingURL=old.map", "old.map": "{}",
		"in-a-string.js": `go("//# sourceMappingURL=stray.map")`, "stray.map": "{}",
		"outside.js":           "go()" + comment + "../../../etc/passwd",
		"long.js":              comment + "stray.map\n" + strings.Repeat("x", 2*tailBytes),
		".cache/hidden.js.map": "{}", "a.css.map": "{}", "a.d.ts.map": "{}", "deep/er/z.js.map": "{}",
	})
	maps, err := findSourceMaps([]string{dir + "/"}, "https://cdn.example/assets")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range maps {
		relative, err := filepath.Rel(dir, m.path)
		if err != nil || m.sizeBytes != 2 {
			t.Errorf("%+v: %v", m, err)
		}
		got[strings.TrimPrefix(m.file, "https://cdn.example/assets/")] = relative
	}
	want := map[string]string{
		"named.js": "maps/nämed.map", "by-name.js": "by-name.js.map", "script-is-gone.mjs": "script-is-gone.mjs.map",
		"on-a-host.js": "on-a-host.js.map", "last.js": "last.map", "old.cjs": "old.map", "deep/er/z.js": "deep/er/z.js.map",
		"absolute.js": "absolute.map",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	for arg, want := range map[string]string{"named.js": "/named.js", "by-name.js.map": "/by-name.js", "old.map": "/old.cjs"} {
		maps, err := findSourceMaps([]string{filepath.Join(dir, arg)}, "/")
		if err != nil || len(maps) != 1 || maps[0].file != want {
			t.Errorf("%s: %+v, %v", arg, maps, err)
		}
	}
	twice := tree(t, map[string]string{"a.js.map": "{}"})
	if _, err := findSourceMaps([]string{twice, tree(t, map[string]string{"a.js.map": "{}"})}, "/"); err == nil || !strings.Contains(err.Error(), "both for /a.js") {
		t.Errorf("two maps of one script: %v", err)
	}
	if maps, err := findSourceMaps([]string{twice, filepath.Join(twice, "a.js.map")}, "/"); err != nil || len(maps) != 1 {
		t.Errorf("one map named twice: %v, %v", maps, err)
	}
}

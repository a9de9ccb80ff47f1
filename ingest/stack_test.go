package ingest

import (
	"fmt"
	"log/slog"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"

	"throughline/beacon"
	"throughline/ingest/naming"
	"throughline/ingest/sourcemap"
)

// release is a build of sourcemap's shop: the script, minified, its path and map.
type release struct{ name, file, script, mapped string }

func buildRelease(t *testing.T, name string) (r release) {
	t.Helper()
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{"sourcemap/testdata/shop/shop.ts"}, EntryNames: "[name].[hash]", Outdir: "dist", Bundle: true,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Sourcemap: api.SourceMapExternal,
		Define: map[string]string{"RELEASE": fmt.Sprintf("%q", name)}, Banner: map[string]string{"js": "/* " + name + " */"},
	})
	if len(result.Errors) > 0 {
		t.Fatal(result.Errors[0].Text)
	}
	r.name = name
	for _, output := range result.OutputFiles {
		if strings.HasSuffix(output.Path, ".map") {
			r.mapped = string(output.Contents)
		} else {
			r.file, r.script = "/assets/"+path.Base(output.Path), string(output.Contents)
		}
	}
	return r
}

// place is where a text stands in the script, as browsers write it.
func (r release) place(t *testing.T, text string, back int) string {
	t.Helper()
	before, _, ok := strings.Cut(r.script, text)
	if !ok {
		t.Fatalf("%q is not in the script", text)
	}
	return fmt.Sprintf("https://cdn.shop.example%s:%d:%d", r.file, strings.Count(before, "\n")+1, len(before)-strings.LastIndexByte(before, '\n')-back)
}

// The same fault in two builds, told by Chrome and by Firefox, minified: one
// group, and a stack that the makers of the app can read.
func TestReadStack_ResolvesMinifiedOnes(t *testing.T) {
	store, err := sourcemap.Open(t.TempDir(), sourcemap.Limits{MaxMapBytes: 1 << 20, MaxBytes: 1 << 20}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	notations := []string{"TypeError: refused: the cart is empty\n    at a (%s)\n    at b (%s)", "a@%s\nb@%s\n"}
	var rows []Row
	for i, name := range []string{"1.4.2", "1.5.0-with-a-longer-name"} {
		build := buildRelease(t, name)
		if _, err := store.Put(t.Context(), "shop", name, build.file, strings.NewReader(build.mapped)); err != nil {
			t.Fatal(err)
		}
		report := &beacon.Report{
			Release: name, View: &beacon.View{URL: "https://www.shop.example/cart"},
			Events: []beacon.Event{{Error: &beacon.Error{
				Type: "TypeError", Message: "refused: the cart is empty",
				Stack: fmt.Sprintf(notations[i], build.place(t, `"refused: "`, 0), build.place(t, `"the cart is empty"`, len("x("))),
			}}},
		}
		rows = NewEnricher(naming.New(), store, time.Unix(0, 0)).Rows(rows, Record{App: &App{Name: "shop"}, Report: report})
	}
	for _, row := range rows {
		got := row.Event.Error.Stack
		if !strings.Contains(got, "at refuse (") || !strings.Contains(got, "sourcemap/testdata/shop/refuse.ts:3:") || !strings.Contains(got, "shop/cart.ts:12:") {
			t.Errorf("%s: the stack is\n%s", row.Release, got)
		}
	}
	if rows[0].Fingerprint == 0 || rows[0].Fingerprint != rows[1].Fingerprint || rows[0].Event.Error.Stack != rows[1].Event.Error.Stack {
		t.Errorf("two groups, %x and %x:\n%s\n%s", rows[0].Fingerprint, rows[1].Fingerprint, rows[0].Event.Error.Stack, rows[1].Event.Error.Stack)
	}
}

func TestReadStack_MarksNoise(t *testing.T) {
	report := &beacon.Report{Events: []beacon.Event{
		{Error: &beacon.Error{Message: "Script error."}},
		{Error: &beacon.Error{Type: "TypeError", Message: "x is not a function", Stack: "TypeError: x\n    at f (chrome-extension://abc/x.js:1:2)"}},
		{Error: &beacon.Error{Type: "TypeError", Message: "x is not a function", Stack: "TypeError: x\n    at f (https://shop.example/x.js:1:2)"}},
	}}
	rows := NewEnricher(naming.New(), nil, time.Unix(0, 0)).Rows(nil, Record{App: &App{Name: "shop"}, Report: report})
	if rows[0].Noise != "script_error" || rows[1].Noise != "extension" || rows[2].Noise != "" {
		t.Errorf("%q, %q, %q", rows[0].Noise, rows[1].Noise, rows[2].Noise)
	}
}

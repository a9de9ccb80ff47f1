package sourcemap

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

// built is what a bundler made of an entry point.
type built struct{ file, script, mapped string }

// build bundles and minifies entry points of testdata/shop, by name.
func build(t testing.TB, release string) map[string]built {
	t.Helper()
	result := api.Build(api.BuildOptions{
		EntryPoints: []string{"testdata/shop/shop.ts", "testdata/shop/admin.ts"},
		EntryNames:  "[name].[hash]", Outdir: "dist", Bundle: true, Charset: api.CharsetUTF8,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true,
		Sourcemap: api.SourceMapExternal, SourcesContent: api.SourcesContentInclude,
		Define: map[string]string{"RELEASE": fmt.Sprintf("%q", release)},
		Banner: map[string]string{"js": "/* " + release + " */"},
	})
	if len(result.Errors) > 0 {
		t.Fatal(result.Errors[0].Text)
	}
	outputs := map[string]built{}
	for _, file := range result.OutputFiles {
		name := path.Base(filepath.ToSlash(file.Path))
		entry, _, _ := strings.Cut(name, ".")
		b := outputs[entry]
		if strings.HasSuffix(name, ".map") {
			b.mapped = string(file.Contents)
		} else {
			b.file, b.script = "/assets/"+name, string(file.Contents)
		}
		outputs[entry] = b
	}
	return outputs
}

// at is the line and column of a text, from 1, as browsers count: in UTF-16.
func at(t testing.TB, text, of string) (line, column int) {
	t.Helper()
	before, _, ok := strings.Cut(text, of)
	if !ok || strings.Count(text, of) != 1 {
		t.Fatalf("%q does not stand exactly once in\n%s", of, text)
	}
	lastLine := before[strings.LastIndexByte(before, '\n')+1:]
	units := 0
	for _, c := range lastLine {
		units++
		if c > 0xFFFF {
			units++
		}
	}
	return strings.Count(before, "\n") + 1, units + 1
}

// thrown are texts in the sources that stand in what is built, too, and what is
// called with them.
var thrown = []struct{ entry, source, text, called string }{
	{"shop", "refuse.ts", `"refused: "`, ""},
	{"shop", "cart.ts", `"the cart is empty"`, "refuse"},
	{"shop", "shop.ts", `"the order was not taken"`, "refuse"},
	{"admin", "refuse.ts", `"refused: "`, ""},
	{"admin", "admin.ts", `"only keepers may see the stock"`, "refuse"},
}

// checkThrown looks up each text of thrown in a store, and what calls it.
func checkThrown(t *testing.T, s *Store, release string, script func(entry string) (url, text string)) {
	t.Helper()
	for _, c := range thrown {
		source, err := os.ReadFile(filepath.Join("testdata", "shop", c.source))
		if err != nil {
			t.Fatal(err)
		}
		url, text := script(c.entry)
		line, column := at(t, text, c.text)
		wantLine, wantColumn := at(t, string(source), c.text)
		check := func(back, wantBack int, name string) {
			t.Helper()
			want := Position{Source: "../testdata/shop/" + c.source, Line: wantLine, Column: wantColumn - wantBack, Name: name}
			if got, ok := s.Resolve("shop", release, url, line, column-back); !ok || got != want {
				t.Errorf("%s %s: %d:%d comes from %+v (%t), want %+v", release, c.text, line, column-back, got, ok, want)
			}
		}
		check(0, 0, "")
		if c.called != "" { // by one letter, minified, and a parenthesis
			check(len("x("), len(c.called+"("), c.called)
		}
	}
}

func TestResolve_FindsWhereABundleThrows(t *testing.T) {
	s := openStore(t, t.TempDir(), generous(), time.Now)
	releases := map[string]map[string]built{"1.4.2": build(t, "1.4.2"), "1.4.3-with-a-longer-name": build(t, "1.4.3-with-a-longer-name")}
	for release, outputs := range releases {
		for _, b := range outputs {
			put(t, s, release, b.file, b.mapped)
		}
	}
	for release, outputs := range releases {
		checkThrown(t, s, release, func(entry string) (string, string) {
			b := outputs[entry]
			return "https://cdn.example" + b.file + "?cached=1", b.script
		})
	}
	if a, b := releases["1.4.2"]["shop"], releases["1.4.3-with-a-longer-name"]["shop"]; a.file == b.file {
		t.Errorf("both builds made %s", a.file)
	} else if p, ok := s.Resolve("shop", "1.4.3-with-a-longer-name", a.file, 1, 1); ok {
		t.Errorf("a script of the other build comes from %+v", p)
	}
}

// A file that puts two bundles together has an index map of both.
func TestResolve_FindsWhereAJoinedBundleThrows(t *testing.T) {
	outputs := build(t, "1.4.2")
	shop, admin := outputs["shop"], outputs["admin"]
	joined := "/* both */" + shop.script + admin.script
	lines := strings.Count(shop.script, "\n")
	document := fmt.Sprintf(`{"version":3,"sections":[{"offset":{"line":0,"column":%d},"map":%s},{"offset":{"line":%d,"column":0},"map":%s}]}`,
		len("/* both */"), shop.mapped, lines, admin.mapped)
	if !json.Valid([]byte(document)) {
		t.Fatal("the index map is no JSON")
	}
	s := openStore(t, t.TempDir(), generous(), time.Now)
	info := put(t, s, "1", "/both.js", document)
	if info.Sources != 5 {
		t.Errorf("%d sources, want 3 and 2", info.Sources)
	}
	// In both, the text of refuse.ts stands once for each.
	checkThrown(t, s, "1", func(entry string) (string, string) {
		if entry == "shop" {
			return "/both.js", joined[:strings.Index(joined, admin.script)]
		}
		return "/both.js", strings.Repeat("\n", lines) + admin.script
	})
}

package synthetic

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// good loads every fixture that must load.
func good(t testing.TB) map[string]*Journey {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(journeys, "good_*[nl]"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	loaded := map[string]*Journey{}
	for _, file := range files {
		journey, err := LoadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		loaded[filepath.Base(file)] = journey
	}
	return loaded
}

// checkWritten writes a journey in both formats and loads it again.
func checkWritten(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, journey *Journey,
) {
	t.Helper()
	again := func(extension string, data []byte) *Journey {
		t.Helper()
		got, err := Load(filepath.Join(journey.Dir, "written"+extension), data)
		if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		if diff := cmp.Diff(journey, got); diff != "" {
			t.Fatalf("%s\n%s", diff, data)
		}
		return got
	}
	again(".yaml", journey.YAML())
	data, err := journey.Recorder()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if yaml := again(".json", data).YAML(); string(yaml) != string(journey.YAML()) {
		t.Fatalf("by way of the Recorder:\n%s\nwant\n%s", yaml, journey.YAML())
	}
}

func TestWrite_LoadsAgain(t *testing.T) {
	for name, journey := range good(t) {
		t.Run(name, func(t *testing.T) { checkWritten(t, journey) })
	}
}

// TestYAML_AsWritten holds fixtures that are as the writer writes them.
func TestYAML_AsWritten(t *testing.T) {
	for _, name := range []string{"good_written.yaml"} {
		want, err := os.ReadFile(filepath.Join(journeys, name))
		if err != nil {
			t.Fatal(err)
		}
		journey := good(t)[name]
		if diff := cmp.Diff(string(want), string(journey.YAML())); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWrite_Place(t *testing.T) {
	journey := &Journey{Name: "J", Timeout: DefaultTimeout, Viewport: DefaultViewport, Steps: []Step{{
		Name: "click a", Timeout: DefaultStepTimeout, Action: Click{Selectors: CSS("a")},
		Place: Place{Target: "https://pay.example/", Frame: []int{0, 2}},
	}}}
	if yaml := string(journey.YAML()); !strings.Contains(yaml, "- click: {target: https://pay.example/, frame: [0, 2], selectors: a}\n") {
		t.Errorf("got\n%s", yaml)
	}
	data, err := journey.Recorder()
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(data)), ""), `"target":"https://pay.example/","frame":[0,2],"selectors":[["a"]]`) {
		t.Errorf("got %v\n%s", err, data)
	}
}

func TestRecorder_ForChrome(t *testing.T) {
	journey, err := Load("j.yaml", []byte(`
name: J
base_url: https://shop.example/de/
steps:
  - {name: Open, navigate: cart, timeout: 1m}
  - click: "#buy"
  - change: {selectors: "#price", value: "$${5}"}
`))
	if err != nil {
		t.Fatal(err)
	}
	data, err := journey.Recorder()
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{
		`"url": "https://shop.example/de/cart"`, `"timeout": 30000`, `"offsetX": 1,`, `"name": "throughline:journey"`,
	} {
		if !strings.Contains(string(data), words) {
			t.Errorf("no %s in\n%s", words, data)
		}
	}
	recording := `{"title": "J", "steps": [{"type": "change", "selectors": ["#a"], "value": "${not a variable} $${"}]}`
	if journey, err = Load("j.json", []byte(recording)); err != nil {
		t.Fatal(err)
	}
	checkWritten(t, journey)
	value, err := newValues(time.Now).expand(t.Context(), journey.Steps[0].Action.(Change).Value)
	if err != nil || value != "${not a variable} $${" {
		t.Errorf("enters %q, %v: a recording means what it says", value, err)
	}
}

// TestWrite_AnyText takes any texts: what a person may write must be quoted right.
func TestWrite_AnyText(t *testing.T) {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[ \n\t:#,\[\]{}'"\\&*!|>%@?=<~.0-9a-c$/-]{0,14}`),
		rapid.SampledFrom([]string{"null", "true", "no", "0x1", "1_0", ".inf", "2024-01-01", "<<", "a\n  b\n", "---", "...", "\n", " ", "0", "-"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z:#'"\[ -]{0,9}x`).Draw(t, "name")
		label := text.Filter(func(s string) bool { return s != "" && len(s) <= 200 })
		journey := &Journey{
			Name: strings.TrimSpace(name), Dir: "a", Timeout: DefaultTimeout, Viewport: DefaultViewport,
			Variables: []Variable{{Name: "v", Value: text.Draw(t, "variable")}},
			Steps: []Step{
				{Name: label.Draw(t, "step"), Timeout: time.Second, Transaction: text.Filter(func(s string) bool { return len(s) <= 200 }).Draw(t, "transaction"), Action: Change{Selectors: CSS("a"), Value: escapeTemplate(text.Draw(t, "value"))}},
				{Name: "w", Timeout: DefaultStepTimeout, Action: WaitForElement{ElementCondition{
					Selectors: Selectors{{{Kind: SelectText, Value: "x" + escapeTemplate(text.Draw(t, "text"))}}, {{Kind: SelectARIA, Role: "a"}}},
					Count:     1, Attributes: map[string]string{text.Draw(t, "key"): escapeTemplate(text.Draw(t, "attribute")), "a": "b"},
				}}},
			},
		}
		checkWritten(t, journey)
	})
}

func TestSelector_StringParses(t *testing.T) {
	// A name of which what follows it would make an attribute.
	const tricky = `aria/[role='"][name="'][name="']`
	if selector, err := parseSelector(tricky); err != nil {
		t.Error(err)
	} else if again, err := parseSelector(selector.String()); err != nil || again != selector {
		t.Errorf("%+v is written %s and read %+v, %v", selector, selector, again, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`aria/(\[(name|role) ?= ?["'][a '"=\[\]]{0,8}["']\]|[a-c'" ]){0,4}`),
			rapid.StringMatching(`(css/|text/|xpath/|pierce/|)[a-c/ .#\[\]]{1,6}`),
		).Draw(t, "text")
		selector, err := parseSelector(text)
		if err != nil {
			return
		}
		again, err := parseSelector(selector.String())
		if err != nil || again != selector {
			t.Fatalf("%s: %+v is written %s and read %+v, %v", text, selector, selector, again, err)
		}
	})
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const recording = `{"title": "Sign in", "steps": [
	{"type": "navigate", "url": "https://shop.example/"},
	{"type": "click", "selectors": [["aria/Sign in"]], "offsetX": 3, "offsetY": 4}]}`

func TestJourneyImport(t *testing.T) {
	file := writeFile(t, "in.json", recording)
	code, out, stderr := command(t.Context(), "journey", "import", file)
	const want = `name: Sign in
steps:
  - navigate: https://shop.example/
  - click: {selectors: aria/Sign in, offsetX: 3, offsetY: 4}
`
	if code != exitOK || out != want || stderr != "" {
		t.Errorf("exit %d, %s\n%s", code, stderr, out)
	}
	written := filepath.Join(t.TempDir(), "in.yaml")
	if code, out, _ := command(t.Context(), "journey", "import", file, "-o", written); code != exitOK || out != "" {
		t.Errorf("exit %d\n%s", code, out)
	}
	if data, err := os.ReadFile(written); err != nil || string(data) != want {
		t.Errorf("%v\n%s", err, data)
	}
	var printed bytes.Buffer
	root := newRoot(environment{stdout: &printed, stderr: &printed, getenv: os.Getenv, now: time.Now})
	root.SetIn(strings.NewReader(recording))
	root.SetArgs([]string{"journey", "import", "-"})
	if err := root.ExecuteContext(t.Context()); err != nil || printed.String() != want {
		t.Errorf("from the standard input: %v\n%s", err, &printed)
	}
}

func TestJourneyExport_ImportsAgain(t *testing.T) {
	const journey = `name: Sign in
base_url: https://shop.example/
variables:
  password: {secret: SHOP_PASSWORD}
steps:
  - name: Open
    navigate: in
  - change: {selectors: "#p", value: "${password}"}
`
	code, out, stderr := command(t.Context(), "journey", "export", writeFile(t, "in.yaml", journey))
	if code != exitOK || !json.Valid([]byte(out)) {
		t.Fatalf("exit %d, %s\n%s", code, stderr, out)
	}
	code, again, stderr := command(t.Context(), "journey", "import", writeFile(t, "in.json", out))
	if code != exitOK || again != journey {
		t.Errorf("exit %d, %s\n%s", code, stderr, again)
	}
}

func TestJourneyValidate(t *testing.T) {
	good := writeFile(t, "good.json", recording)
	bad := writeFile(t, "bad.yaml", "name: J\nsteps:\n  - clik: a\n  - change: {selectors: a}\n")
	code, out, _ := command(t.Context(), "journey", "validate", good, bad, "/nowhere.yaml")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != exitBadInput || len(lines) != 4 || lines[0] != good+": ok, 2 steps" ||
		!strings.HasPrefix(lines[1], bad+":3: steps[0]: unsupported step type \"clik\"") ||
		lines[2] != bad+":4: steps[1] (change): value: is required" || !strings.Contains(lines[3], "/nowhere.yaml") {
		t.Errorf("exit %d\n%s", code, out)
	}
	if code, _, _ := command(t.Context(), "journey", "validate", good); code != exitOK {
		t.Errorf("exit %d for a good file", code)
	}
}

func TestJourneySchema(t *testing.T) {
	code, out, _ := command(t.Context(), "journey", "schema")
	if code != exitOK || !json.Valid([]byte(out)) || !strings.Contains(out, "draft/2020-12") {
		t.Errorf("exit %d\n%s", code, out)
	}
}

func TestJourneyFormats_RefuseWrongInput(t *testing.T) {
	bad := writeFile(t, "bad.json", `{"title": "J", "steps": [{"type": "fly"}]}`)
	for _, args := range [][]string{
		{"import", bad},
		{"import", "/nowhere.json"},
		{"import"},
		{"export", bad},
		{"export", "a", "b"},
		{"validate"},
		{"schema", "x"},
	} {
		if code, out, stderr := command(t.Context(), append([]string{"journey"}, args...)...); code != exitBadInput || stderr == "" || out != "" {
			t.Errorf("%v: exit %d, %q, %q", args, code, out, stderr)
		}
	}
}

package js

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

func TestScript_HoldsTheConfigInPlaceOfThePlaceholder(t *testing.T) {
	half := 0.5
	viewed := Transaction{Name: "View product", Version: "1a2b", Page: "^/product/[^/]*$"}
	paid := Transaction{Name: "Pay", Version: "3c4d", Request: &Request{Method: "POST", Path: "^/api/pay$"}}
	usual := Config{
		Collect: "/v1/events?key=k1", Environment: "staging", Transactions: []Transaction{viewed},
		Consent: true, SampleRate: &half, ErrorSampleRate: &half, ConsoleErrors: true, UserTiming: "^cart",
	}
	holds(t, usual, lean)
	for _, more := range []func(*Config){
		func(c *Config) { c.Transactions = append(c.Transactions, paid) },
		func(c *Config) { c.TraceOrigins = []string{"self"} },
	} {
		wanted := usual
		more(&wanted)
		holds(t, wanted, full)
	}
}

func holds(t *testing.T, want Config, bundle []byte) {
	t.Helper()
	script, err := Script(want)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := bytes.Cut(bundle, []byte(placeholder))
	if !found || bytes.Contains(after, []byte(placeholder)) {
		t.Fatalf("the bundle must hold %s exactly once", placeholder)
	}
	value, found := bytes.CutPrefix(script, before)
	if !found {
		t.Fatal("the script does not begin like the bundle")
	}
	value, found = bytes.CutSuffix(value, after)
	if !found {
		t.Fatal("the script does not end like the bundle")
	}
	var got Config
	if err := json.Unmarshal(value, &got); err != nil {
		t.Fatalf("decode %s: %v", value, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("config in the script is %+v, want %+v", got, want)
	}
}

func TestScript_EscapesWhatEndsAScript(t *testing.T) {
	hostile := "</script><!--\u2028\u2029&" + placeholder
	script, err := Script(Config{Collect: "/c", Transactions: []Transaction{{Name: hostile, Version: "1", Page: "^/$"}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"</script", "<!--", "\u2028", "\u2029"} {
		if bytes.Contains(script, []byte(bad)) {
			t.Errorf("the script holds %q", bad)
		}
	}
	if !strings.Contains(string(script), `\u003c/script\u003e\u003c!--\u2028\u2029\u0026`+placeholder) {
		t.Error("the name is not in the script, escaped")
	}
}

func TestScript_LeavesTheBundleAsItIs(t *testing.T) {
	first, err := Script(Config{Collect: "/first"})
	if err != nil {
		t.Fatal(err)
	}
	clear(first)
	second, err := Script(Config{Collect: "/second"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(second, []byte(`{"collect":"/second"}`)) {
		t.Error("the second script does not hold its own config")
	}
}

// Who has no copy of the sources takes the snippet from the README.
func TestSnippet_StandsInTheREADME(t *testing.T) {
	snippet, err := os.ReadFile("dist/snippet.js")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append([]byte("<script>"), bytes.TrimSpace(snippet)...)) {
		t.Errorf("README.md does not show dist/snippet.js as it is: %s", snippet)
	}
}

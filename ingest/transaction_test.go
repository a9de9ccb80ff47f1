package ingest

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"
	"time"
)

func TestParsePattern_ReadsGlobs(t *testing.T) {
	for pattern, want := range map[string]string{
		"/cart":                `^/cart$`,
		"/product/*":           `^/product/[^/]*$`,
		"/docs/**":             `^/docs/.*$`,
		"/a.b/*/c":             `^/a\.b/[^/]*/c$`,
		`/^\/order\/\d+$/`:     `^\/order\/\d+$`,
		"/":                    `^/$`,
		"/**/edit":             `^/.*/edit$`,
		"/thanks/":             `^/thanks/$`,
		"/checkout/thanks/*/x": `^/checkout/thanks/[^/]*/x$`,
	} {
		got, err := ParsePattern(pattern)
		if err != nil || got.String() != want {
			t.Errorf("ParsePattern(%q) = %q, %v; want %q", pattern, got, err, want)
		}
	}
}

func TestParsePattern_RefusesWhatBrowsersReadDifferently(t *testing.T) {
	for _, pattern := range []string{"", "product/*", `/^(/`, `/(?i)^\/pay$/`, `/^\/(?P<id>\d+)$/`, `/\A\/pay\z/`, `/^\/[[:alpha:]]+$/`} {
		if got, err := ParsePattern(pattern); err == nil {
			t.Errorf("ParsePattern(%q) = %q, want an error", pattern, got)
		}
	}
}

// The fixtures are the beacon's too; they say what the expressions mean.
func TestPatterns_MatchAsTheSharedFixturesSay(t *testing.T) {
	var cases []struct {
		Name       string
		Definition struct {
			Page    string
			Request *struct{ Method, Path string }
		}
		Method *string
		Path   string
		Match  bool
	}
	data, err := os.ReadFile("../beacon/testdata/transactions/match.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		got := false
		switch request := c.Definition.Request; {
		case request != nil:
			got = c.Method != nil && (request.Method == "" || request.Method == *c.Method) &&
				regexp.MustCompile(request.Path).MatchString(c.Path)
		default:
			got = c.Method == nil && regexp.MustCompile(c.Definition.Page).MatchString(c.Path)
		}
		if got != c.Match {
			t.Errorf("%s: %v", c.Name, got)
		}
	}
}

func TestTransactionVersion_ChangesWithTheMeasurementOnly(t *testing.T) {
	pattern := func(text string) *Pattern {
		p, err := ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		return &p
	}
	base := Transaction{Name: "Pay", Owner: "payments", Satisfied: time.Second, Complete: Matcher{Page: pattern("/pay")}}
	if got := base.Version(); len(got) != 8 || got != base.Version() {
		t.Fatalf("Version() = %q", got)
	}
	other := base
	other.Owner, other.Satisfied = "someone else", 2*time.Second
	if other.Version() != base.Version() {
		t.Error("owner or objective changed the version")
	}
	other.Complete = Matcher{Page: pattern("/pay/*")}
	if other.Version() == base.Version() {
		t.Error("another matcher has the same version")
	}
}

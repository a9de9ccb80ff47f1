package ingest

import (
	"encoding/json"
	"os"
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
		var matcher Matcher
		if request := c.Definition.Request; request != nil {
			matcher.Request = &RequestPattern{Method: request.Method, Path: compiled(t, request.Path)}
		} else {
			page := compiled(t, c.Definition.Page)
			matcher.Page = &page
		}
		got := false
		if c.Method != nil {
			got = matcher.MatchesRequest(*c.Method, c.Path)
		} else {
			got = matcher.MatchesPage(c.Path)
		}
		if got != c.Match {
			t.Errorf("%s: %v", c.Name, got)
		}
	}
}

func compiled(t *testing.T, expression string) Pattern {
	t.Helper()
	p, err := compilePattern(expression)
	if err != nil {
		t.Fatal(err)
	}
	return p
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

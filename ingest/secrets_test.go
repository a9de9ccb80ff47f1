package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest/naming"
)

// A corpus of secrets in every text of every good report: no row has one.
// Fields that the contract lets be numbers in another dress, such as ids, are
// refused with them; releases and the like may be hexadecimal.
func TestRows_HoldNoSecretFromAnyField(t *testing.T) {
	corpus := secrets(t)
	files, err := filepath.Glob("../beacon/testdata/wire/good_*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	tried, taken := 0, 0
	takenAt := map[string]bool{}
	enricher := NewEnricher(naming.New(), nil, time.Unix(0, 0))
	for _, file := range files {
		fixture, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Ids have nothing in common with secrets.
		fixture = bytes.ReplaceAll(fixture, []byte("0123456789abcdef"), []byte("00000000000000a1"))
		for secret, core := range corpus {
			var report any
			if err := json.Unmarshal(fixture, &report); err != nil {
				t.Fatal(err)
			}
			eachText(report, "", func(path, text string) string {
				if strings.Contains(text, "://") {
					return "https://shop.example/p/" + secret
				}
				return "x " + secret
			}, func(path string) {
				tried++
				if text, ok := rowsOf(t, enricher, report); ok {
					taken++
					takenAt[lastOf(path)] = true
					if strings.Contains(text, core) && !mayHold(path, core) {
						t.Errorf("%s: %s holds %q: %s", filepath.Base(file), path, secret, text)
					}
				}
			})
		}
	}
	if tried < 1000 || taken < tried/4 {
		t.Errorf("of %d reports %d were taken", tried, taken)
	}
	for _, field := range []string{
		"user_id", "attributes.*", "attributes key", "action.name", "action.target", "measure.name", "measure.detail",
		"resources.host", "error.message", "page_view.lcp_element", "request.url",
	} {
		if !takenAt[field] {
			t.Errorf("no secret got in by %s", field)
		}
	}
}

// lastOf names the field at a path: with its payload, if it is one's.
func lastOf(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "."), ".")
	if at := slices.Index(parts, "attributes"); at >= 0 {
		return map[bool]string{true: "attributes key", false: "attributes.*"}[len(parts) == at+1]
	}
	return strings.Join(parts[max(0, len(parts)-2):], ".")
}

// secrets are the texts of package scrub's corpus, each with the part of it that may
// not be kept.
func secrets(t *testing.T) map[string]string {
	t.Helper()
	corpus, err := os.ReadFile("scrub/testdata/secrets.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(corpus)) {
		_, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		if !ok {
			continue
		}
		secret, core, ok := strings.Cut(rest, "|")
		if !ok {
			core = secret
		}
		all[secret] = core
	}
	return all
}

// mayHold says whether a field may have such a text: names of versions and
// steps, of users and of attributes, are made of numbers, too.
func mayHold(path, core string) bool {
	for _, name := range []string{".release", ".environment", ".name", ".failed_step", ".browser", ".location", ".user_id", ".host", ".attributes"} {
		if strings.HasSuffix(path, name) {
			return strings.Trim(core, "0123456789abcdefABCDEF.:-_") == "" || strings.ContainsAny(core, "0123456789") && !strings.ContainsAny(core, "@=")
		}
	}
	return false
}

// rowsOf are the rows of a report as JSON, if it is taken.
func rowsOf(t *testing.T, enricher *Enricher, report any) (rows string, ok bool) {
	t.Helper()
	body, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	decoded, _, err := beacon.Decode(body)
	if err != nil || len(decoded.Events) == 0 {
		return "", false
	}
	app := &App{Name: "shop"}
	refuseUnknownTransactions(app, decoded, nil)
	enricher.names = naming.New() // nothing is hidden since there is too much of it
	text, err := json.Marshal(enricher.Rows(nil, Record{App: app, Report: decoded}))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), true
}

// eachText replaces one text of a JSON value at a time, calls try, and puts it
// back.
func eachText(value any, path string, replace func(path, text string) string, try func(path string)) {
	visit := func(at string, child any, set func(any)) {
		if text, ok := child.(string); ok {
			set(replace(at, text))
			try(at)
			set(text)
			return
		}
		eachText(child, at, replace, try)
	}
	switch value := value.(type) {
	case map[string]any:
		for key, child := range value {
			visit(path+"."+key, child, func(text any) { value[key] = text })
			if strings.HasSuffix(path, ".attributes") { // their names are the app's, too
				delete(value, key)
				name := replace(path, key)
				value[name] = child
				try(path)
				delete(value, name)
				value[key] = child
			}
		}
	case []any:
		for i, child := range value {
			visit(fmt.Sprintf("%s[%d]", path, i), child, func(text any) { value[i] = text })
		}
	}
}

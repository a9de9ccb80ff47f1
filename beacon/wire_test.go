package beacon

import (
	stdjson "encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// expectation stands in a bad fixture beside what it spoils; the contract
// ignores unknown fields.
type expectation struct {
	Expect struct {
		Index int    `json:"index"`
		Field string `json:"field"`
	} `json:"expect"`
}

// wireFixtures are the examples of version 1 whose names begin so, by their names.
func wireFixtures(t testing.TB, prefix string) map[string][]byte {
	t.Helper()
	return fixtures(t, "testdata/wire", prefix)
}

func fixtures(t testing.TB, folder, prefix string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, prefix+"*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("fixtures %s*: found %d, %v", prefix, len(paths), err)
	}
	fixtures := make(map[string][]byte, len(paths))
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fixtures[strings.TrimSuffix(filepath.Base(path), ".json")] = data
	}
	return fixtures
}

func TestDecode_KeepsGoodReportsWhole(t *testing.T) {
	for name, data := range wireFixtures(t, "good_") {
		t.Run(name, func(t *testing.T) {
			report, rejects, err := Decode(data)
			if err != nil || len(rejects) != 0 {
				t.Fatalf("Decode: %v, %v", rejects, err)
			}
			// What was decoded must say the same as the fixture, bar unknown fields.
			again, err := stdjson.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			var want Report
			if err := stdjson.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			var got Report
			if err := stdjson.Unmarshal(again, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded report differs from the fixture (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_RefusesBadReportsForTheReasonInTheirName(t *testing.T) {
	for name, data := range wireFixtures(t, "bad_") {
		t.Run(name, func(t *testing.T) {
			got := onlyReject(t, data)
			if rest := strings.TrimPrefix(name, "bad_"); !strings.HasPrefix(rest, string(got.Reason)+"_") {
				t.Errorf("reason %q does not match the file's name", got.Reason)
			}
			if strings.HasSuffix(name, "_truncated") {
				return // cannot hold its expectation
			}
			var want expectation
			if err := stdjson.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			if got.Index != want.Expect.Index || got.Field != want.Expect.Field {
				t.Errorf("reject at [%d].%q, want [%d].%q", got.Index, got.Field, want.Expect.Index, want.Expect.Field)
			}
			if got.Detail == "" {
				t.Error("no detail for people")
			}
		})
	}
}

// onlyReject is why a report, or one event of it, is refused.
func onlyReject(t *testing.T, data []byte) Reject {
	t.Helper()
	_, rejects, err := Decode(data)
	var whole *Reject
	switch {
	case errors.As(err, &whole):
		return *whole
	case err == nil && len(rejects) == 1:
		return rejects[0]
	}
	t.Fatalf("Decode: want one reject, got %v, %v", rejects, err)
	return Reject{}
}

func TestDecode_KeepsTheGoodEventsOfAReport(t *testing.T) {
	data := wireFixtures(t, "good_early_report")["good_early_report"]
	spoilt := strings.Replace(string(data), `"duration_ms": 312.8`, `"duration_ms": "long"`, 1)
	report, rejects, err := Decode([]byte(spoilt))
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Events) != 2 || report.Events[0].PageView == nil || report.Events[1].TransactionDone == nil {
		t.Errorf("kept %d events, want the page view and the transaction", len(report.Events))
	}
	if len(rejects) != 1 || rejects[0].Index != 1 || rejects[0].Field != "request.duration_ms" {
		t.Errorf("rejects = %v, want events[1].request.duration_ms", rejects)
	}
}

func TestDecode_TakesOutWhatMayHoldSecrets(t *testing.T) {
	data := wireFixtures(t, "good_early_report")["good_early_report"]
	leaky := strings.NewReplacer(
		"https://shop.example/product/42", "https://user:hunter2@shop.example/product/42?token=hunter2#hunter2",
		"https://shop.example/api/recommendations", "https://shop.example/api/recommendations?token=hunter2",
		`"referrer": "https://shop.example/"`, `"referrer": "https://shop.example/?token=hunter2"`,
	).Replace(string(data))
	report, _, err := Decode([]byte(leaky))
	if err != nil {
		t.Fatal(err)
	}
	again, err := stdjson.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(again), "hunter2") {
		t.Errorf("a secret survived: %s", again)
	}
}

func TestDecode_LimitsAtMaximumAndOneAbove(t *testing.T) {
	text := func(n int) string { return strings.Repeat("é", n/2) + strings.Repeat("x", n%2) }
	report := func(change func(*Report)) []byte {
		one := 1.0
		r := Report{
			Version: 1, SentAtMS: 1, Source: SourceRUM, SessionID: "00000000000000a1",
			View:   &View{ID: "00000000000000b1", URL: "https://shop.example/", Navigation: NavigationNavigate},
			Events: []Event{{ID: "00000000000000e1", AtMS: 1, PageView: &PageView{Phase: PhaseEarly, LCPMS: &one}}},
		}
		change(&r)
		data, err := stdjson.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	kept := func(data []byte) bool {
		_, rejects, err := Decode(data)
		return err == nil && len(rejects) == 0
	}
	longest := float64(MaxDuration.Milliseconds())
	for name, at := range map[string]func(above int) []byte{
		"release": func(above int) []byte { return report(func(r *Report) { r.Release = text(MaxNameBytes + above) }) },
		"url": func(above int) []byte {
			return report(func(r *Report) { r.View.URL += strings.Repeat("a", MaxURLBytes-len(r.View.URL)+above) })
		},
		"duration": func(above int) []byte {
			return report(func(r *Report) { v := longest + float64(above); r.Events[0].PageView.LCPMS = &v })
		},
		"events": func(above int) []byte {
			return report(func(r *Report) {
				for len(r.Events) < MaxEvents+above {
					r.Events = append(r.Events, r.Events[0])
				}
			})
		},
	} {
		if !kept(at(0)) {
			t.Errorf("%s at its limit was refused", name)
		}
		if kept(at(1)) {
			t.Errorf("%s one above its limit was kept", name)
		}
	}
}

func TestDecode_CutsTextsForPeopleAtARuneBoundary(t *testing.T) {
	message := strings.Repeat("é", MaxMessageBytes)
	data, err := stdjson.Marshal(Report{
		Version: 1, SentAtMS: 1, Source: SourceRUM, SessionID: "00000000000000a1",
		View: &View{ID: "00000000000000b1", URL: "https://shop.example/", Navigation: NavigationNavigate},
		Events: []Event{{ID: "00000000000000e1", AtMS: 1, Error: &Error{
			Kind: ErrorUncaught, Message: message, Stack: "a\x00b\x1b[31mc\x85\u0085d", Count: 1,
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	report, _, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	got := report.Events[0].Error
	if len(got.Message) > MaxMessageBytes || !strings.HasSuffix(got.Message, "é…") {
		t.Errorf("message of %d bytes ends with %q", len(got.Message), got.Message[len(got.Message)-8:])
	}
	if want := "ab[31mc\uFFFDd"; got.Stack != want {
		t.Errorf("stack = %q, want %q", got.Stack, want)
	}
}

func TestCleanURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://shop.example":                    "https://shop.example/",
		"HTTPS://Shop.Example/A":                  "https://shop.example/A",
		"https://u:p@shop.example/a?b=c#d":        "https://shop.example/a",
		"https://shop.example?b=c":                "https://shop.example/",
		"https://shop.example#d":                  "https://shop.example/",
		"https://shop.example?":                   "https://shop.example/",
		"https://shop.example/?":                  "https://shop.example/",
		"https://@shop.example":                   "https://shop.example/",
		"https://shop.example/a":                  "https://shop.example/a",
		"https://shop.example/a#b?c":              "https://shop.example/a",
		"https://a@b@shop.example/":               "https://shop.example/",
		"http://[::1]:8080/a":                     "http://[::1]:8080/a",
		"https://shop.example/100%/x":             "https://shop.example/100%/x",
		"https://shop.example/a@b":                "https://shop.example/a@b",
		"https://shop.example/a\x00b":             "https://shop.example/ab",
		"javascript:alert(1)":                     "",
		"//shop.example/":                         "",
		"https://":                                "",
		"https:///a":                              "",
		"https://user@/a":                         "",
		"https://shop example/":                   "",
		"data:image/png;base64,https://x.example": "",
	} {
		if got, ok := CleanURL(raw); got != want || ok != (want != "") {
			t.Errorf("CleanURL(%q) = %q, %v; want %q", raw, got, ok, want)
		}
	}
}

package reporting

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"throughline/beacon"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// fixture is a body; the ending of its file's name is its content type.
type fixture struct {
	name, contentType string
	body              []byte
}

func fixtures(t testing.TB, prefix string) []fixture {
	t.Helper()
	var list []fixture
	for _, ending := range []string{"reports+json", "csp-report"} {
		paths, err := filepath.Glob(filepath.Join("testdata", prefix+"*."+ending))
		if err != nil || len(paths) == 0 {
			t.Fatalf("fixtures %s*.%s: %v", prefix, ending, err)
		}
		for _, path := range paths {
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, fixture{strings.TrimSuffix(filepath.Base(path), "."+ending), "application/" + ending, body})
		}
	}
	return list
}

// outcome is what became of a body, as golden files have it.
type outcome struct {
	Reports  []Report        `json:"reports,omitempty"`
	Rejected []beacon.Reject `json:"rejected,omitempty"`
	Refused  *beacon.Reject  `json:"refused,omitempty"`
}

func decode(t testing.TB, contentType string, body []byte) outcome {
	t.Helper()
	reports, rejects, err := Decode(contentType, body)
	got := outcome{Reports: reports, Rejected: rejects}
	if err != nil && !errors.As(err, &got.Refused) {
		t.Fatalf("an error that is no reject: %v", err)
	}
	return got
}

func (f fixture) checkGolden(t *testing.T, got outcome) {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", f.name+".golden")
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("go test ./ingest/reporting -update (-want +got):\n%s", diff)
	}
	// The fixtures have this word wherever something may not be kept.
	if bytes.Contains(text.Bytes(), []byte("hunter2")) {
		t.Errorf("a secret gets through:\n%s", text.Bytes())
	}
}

func TestDecode_KeepsWhatBrowsersSend(t *testing.T) {
	for _, f := range fixtures(t, "good_") {
		t.Run(f.name, func(t *testing.T) {
			got := decode(t, f.contentType, f.body)
			if got.Refused != nil || len(got.Rejected) != 0 || len(got.Reports) == 0 {
				t.Errorf("not kept whole: %v, %v", got.Refused, got.Rejected)
			}
			f.checkGolden(t, got)
		})
	}
}

func TestDecode_RefusesBadBodiesForTheReasonInTheirName(t *testing.T) {
	for _, f := range fixtures(t, "bad_") {
		t.Run(f.name, func(t *testing.T) {
			got := decode(t, f.contentType, f.body)
			reject := got.Refused
			if reject == nil && len(got.Rejected) == 1 {
				reject = &got.Rejected[0]
			}
			if reject == nil || len(got.Reports) != 0 {
				t.Fatalf("got %+v", got)
			}
			if rest := strings.TrimPrefix(f.name, "bad_"); !strings.HasPrefix(rest, string(reject.Reason)+"_") || reject.Detail == "" {
				t.Errorf("refused as %+v", reject)
			}
			f.checkGolden(t, got)
		})
	}
}

func TestDecode_TakesTheContentTypesOfBrowsers(t *testing.T) {
	list, violation := []byte(`[{"type":"crash","url":"https://shop.example/","body":{}}]`), []byte(`{"csp-report":{"document-uri":"https://shop.example/","violated-directive":"img-src"}}`)
	for contentType, want := range map[string]bool{
		"application/reports+json":                true,
		"Application/Reports+JSON; charset=utf-8": true,
		"application/csp-report":                  true,
		" application/json ;charset=utf-8":        true,
		"":                                        false,
		"text/plain":                              false,
		"application/reports+json, x":             false,
		"application/expect-ct-report+json":       false,
	} {
		for _, body := range [][]byte{list, violation} {
			got := decode(t, contentType, body)
			if (len(got.Reports) == 1) != want {
				t.Errorf("%q: %+v", contentType, got)
			}
			if !want && (got.Refused == nil || got.Refused.Index != -1 || got.Refused.Field != "content-type" || got.Refused.Reason != beacon.RejectInvalid) {
				t.Errorf("%q is refused as %+v", contentType, got.Refused)
			}
		}
	}
}

// Each report is judged alone: a list becomes what its members become.
func TestDecode_JudgesEachReportAlone(t *testing.T) {
	var members []json.RawMessage
	for _, f := range fixtures(t, "") {
		var list []json.RawMessage
		if json.Unmarshal(f.body, &list) == nil {
			members = append(members, list...)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(rapid.SampledFrom(members), 1, 20).Draw(rt, "reports")
		var want outcome
		for i, member := range list {
			alone := decode(t, "application/reports+json", append(append([]byte{'['}, member...), ']'))
			for _, report := range alone.Reports {
				report.Index = i
				want.Reports = append(want.Reports, report)
			}
			for _, reject := range alone.Rejected {
				reject.Index = i
				want.Rejected = append(want.Rejected, reject)
			}
		}
		body, err := json.Marshal(list)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, decode(t, "application/reports+json", body)); diff != "" {
			rt.Fatalf("(-alone +in a list):\n%s", diff)
		}
	})
}

func TestDecode_LimitsAtMaximumAndOneAbove(t *testing.T) {
	body := func(change func(*entry, map[string]any)) []byte {
		told, inner := entry{Type: "network-error", URL: "https://shop.example/"}, map[string]any{"type": "ok"}
		change(&told, inner)
		raw, err := json.Marshal(inner)
		if err != nil {
			t.Fatal(err)
		}
		told.Body = raw
		list, err := json.Marshal([]entry{told})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for name, at := range map[string]func(above int) []byte{
		"type": func(above int) []byte {
			return body(func(e *entry, _ map[string]any) { e.Type = strings.Repeat("x", beacon.MaxNameBytes+above) })
		},
		"age": func(above int) []byte {
			return body(func(e *entry, _ map[string]any) { e.AgeMS = float64(MaxAge.Milliseconds() + int64(above)) })
		},
		"url": func(above int) []byte {
			return body(func(e *entry, _ map[string]any) { e.URL += strings.Repeat("x", beacon.MaxURLBytes-len(e.URL)+above) })
		},
		"elapsed time": func(above int) []byte {
			return body(func(_ *entry, b map[string]any) { b["elapsed_time"] = beacon.MaxDuration.Milliseconds() + int64(above) })
		},
		"status": func(above int) []byte {
			return body(func(_ *entry, b map[string]any) { b["status_code"] = 999 + above })
		},
		"method": func(above int) []byte {
			return body(func(_ *entry, b map[string]any) { b["method"] = strings.Repeat("x", 32+above) })
		},
		"NEL type": func(above int) []byte {
			return body(func(_ *entry, b map[string]any) { b["type"] = strings.Repeat("x", beacon.MaxCodeBytes+above) })
		},
	} {
		if got := decode(t, "application/reports+json", at(0)); len(got.Reports) != 1 {
			t.Errorf("%s at its limit: %+v", name, got)
		}
		if got := decode(t, "application/reports+json", at(1)); len(got.Rejected) != 1 {
			t.Errorf("%s one above its limit: %+v", name, got)
		}
	}
}

func TestDecode_CountsReportsAboveTheLimit(t *testing.T) {
	one := `{"type":"crash","url":"https://shop.example/","body":{}},`
	for n, above := range map[int]int{beacon.MaxEvents: 0, beacon.MaxEvents + 1: 1, 3 * beacon.MaxEvents: 2 * beacon.MaxEvents} {
		got := decode(t, "application/reports+json", []byte("["+strings.TrimSuffix(strings.Repeat(one, n), ",")+"]"))
		var want []beacon.Reject
		if above > 0 {
			want = []beacon.Reject{{Index: beacon.MaxEvents, Reason: beacon.RejectTooMany, Events: above, Detail: "a body holds at most 500 reports"}}
		}
		if len(got.Reports) != beacon.MaxEvents || !cmp.Equal(got.Rejected, want) {
			t.Errorf("%d reports: %d kept, rejected %+v", n, len(got.Reports), got.Rejected)
		}
	}
}

func TestDecode_CutsTextsForPeople(t *testing.T) {
	long := strings.Repeat("é", 20_000)
	body, err := json.Marshal([]entry{
		{Type: "deprecation", URL: "https://shop.example/", UserAgent: long, Body: json.RawMessage(`{"id":"x","message":"` + long + `"}`)},
		{Type: "crash", URL: "https://shop.example/", Body: json.RawMessage(`{"stack":"` + long + `"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := decode(t, "application/reports+json", body).Reports
	if len(got) != 2 {
		t.Fatalf("%d reports", len(got))
	}
	for name, c := range map[string]struct {
		text  string
		limit int
	}{
		"user agent": {got[0].UserAgent, MaxUserAgentBytes},
		"message":    {got[0].Error.Message, beacon.MaxMessageBytes},
		"stack":      {got[1].Error.Stack, beacon.MaxStackBytes},
	} {
		if len(c.text) > c.limit || len(c.text) < c.limit-2 || !strings.HasSuffix(c.text, "é…") {
			t.Errorf("%s of %d bytes ends with %q", name, len(c.text), c.text[len(c.text)-8:])
		}
	}
}

// Whoever wants to hurt sends these. Each must be told from what is good, and quickly.
func TestDecode_StandsHostileJSON(t *testing.T) {
	good := `{"type":"crash","url":"https://shop.example/","body":{}`
	keys := strings.Repeat(`"k":0,`, 100_000)
	for name, c := range map[string]struct {
		body         string
		kept, reject int // -1: refused as a whole
	}{
		"deep lists":                   {strings.Repeat("[", 100_000), 0, -1},
		"deep lists that end":          {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), 0, -1},
		"deep objects":                 {strings.Repeat(`{"a":`, 100_000), 0, -1},
		"a deep unknown field":         {`[` + good + `,"x":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}]`, 1, 0},
		"a deep text":                  {`[{"type":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}]`, 0, 1},
		"many keys":                    {`[{` + keys + strings.TrimPrefix(good, "{") + `}]`, 1, 0},
		"many keys in a body":          {`[{"type":"crash","url":"https://shop.example/","body":{` + keys + `"reason":"oom"}}]`, 1, 0},
		"many reports that are none":   {`[` + strings.Repeat("0,", 100_000) + `0]`, 0, beacon.MaxEvents + 1},
		"a long number":                {`[` + good + `,"age":` + strings.Repeat("9", 100_000) + `}]`, 0, 1},
		"a number of many digits":      {`[` + good + `,"age":0.` + strings.Repeat("9", 100_000) + `}]`, 1, 0},
		"not a number":                 {`[` + good + `,"age":NaN}]`, 0, -1},
		"minus zero":                   {`[` + good + `,"age":-0}]`, 1, 0},
		"invalid UTF-8":                {"[" + strings.Replace(good, "shop.example/", "shop.example/\xff\xfe", 1) + "}]", 1, 0},
		"half a pair":                  {`[` + strings.Replace(good, "shop.example/", `shop.example/\ud800`, 1) + `}]`, 1, 0},
		"a NUL in a text":              {"[" + strings.Replace(good, "shop.example/", "shop.example/\x00", 1) + "}]", 0, -1},
		"a NUL between":                {"[\x00" + good + "}]", 0, -1},
		"UTF-16":                       {"\xff\xfe[\x00]\x00", 0, -1},
		"white space only":             {strings.Repeat(" ", 100_000), 0, -1},
		"names in other letters":       {`[` + strings.NewReplacer("type", "TYPE", "url", "Url").Replace(good) + `}]`, 1, 0},
		"a host of what hosts are not": {`[` + strings.Replace(good, "shop.example", "shop.example<script>", 1) + `}]`, 0, 1},
	} {
		got := decode(t, "application/reports+json", []byte(c.body))
		rejected := 0
		for _, reject := range got.Rejected {
			rejected++
			if reject.Index < 0 {
				t.Errorf("%s: %+v", name, reject)
			}
		}
		if got.Refused != nil {
			rejected = -1
		}
		if len(got.Reports) != c.kept || rejected != c.reject {
			t.Errorf("%s: %d kept, %d rejected (%v), want %d and %d", name, len(got.Reports), rejected, got.Refused, c.kept, c.reject)
		}
	}
}

func TestDecode_RequestsBeganBeforeTheyFailed(t *testing.T) {
	got := decode(t, "application/reports+json", []byte(`[{"type":"network-error","age":2000,"url":"https://shop.example/","body":{"type":"tcp.timed_out","elapsed_time":30000}}]`))
	if len(got.Reports) != 1 || got.Reports[0].Age != 32*time.Second || got.Reports[0].Request.DurationMS != 30_000 {
		t.Errorf("got %+v", got)
	}
}

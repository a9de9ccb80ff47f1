package stack

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write testdata/stacks/*.golden")

// The goldens hold each frame as Format writes it, behind a plus if it is in-app.
func TestParse_ReadsWhatBrowsersWrite(t *testing.T) {
	for _, f := range readFixtures(t, "stacks/*.txt") {
		var got strings.Builder
		for _, frame := range f.frames() {
			mark := ' '
			if frame.InApp {
				mark = '+'
			}
			fmt.Fprintf(&got, "%c%s\n", mark, Format([]Frame{frame}))
		}
		golden := strings.TrimSuffix(f.name, ".txt") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.name, diff)
		}
	}
}

func TestParse_ReadsFields(t *testing.T) {
	for line, want := range map[string]Frame{
		"    at async Cart.total [as sum] (https://a.example/x.js:3:4)": {Function: "Cart.total", URL: "https://a.example/x.js", Line: 3, Column: 4, InApp: true, Async: true},
		"    at https://a.example/x.js:3:4":                             {URL: "https://a.example/x.js", Line: 3, Column: 4, InApp: true},
		"    at async (https://a.example/x.js:3:4)":                     {Function: "async", URL: "https://a.example/x.js", Line: 3, Column: 4, InApp: true},
		"    at Array.map (<anonymous>)":                                {Function: "Array.map"},
		"    at run (<anonymous>:3:4)":                                  {Function: "run", Line: 3, Column: 4},
		"    at eval (eval at f (https://a.example/x.js:3:4), <anonymous>:1:1)": {
			Function: "eval", URL: "https://a.example/x.js", Line: 3, Column: 4, InApp: true,
		},
		"total@https://a.example/x.js:3:4":               {Function: "total", URL: "https://a.example/x.js", Line: 3, Column: 4, InApp: true},
		"async*@https://a.example/@b/x.js:3:4":           {URL: "https://a.example/@b/x.js", Line: 3, Column: 4, InApp: true, Async: true},
		"f@https://a.example/x.js line 3 > eval:1:1":     {Function: "f", URL: "https://a.example/x.js", Line: 3, InApp: true},
		"forEach@[native code]":                          {Function: "forEach"},
		"global code":                                    {Function: "global code"},
		"f@https://a.example:8080/x.js:3":                {Function: "f", URL: "https://a.example:8080/x.js", Line: 3, InApp: true},
		"f@https://b.example/x.js:3:4":                   {Function: "f", URL: "https://b.example/x.js", Line: 3, Column: 4},
		"__webpack_require__@https://a.example/x.js:3:4": {Function: "__webpack_require__", URL: "https://a.example/x.js", Line: 3, Column: 4},
	} {
		if diff := cmp.Diff([]Frame{want}, Parse(line, "a.example")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

func TestParse_StopsAtItsBound(t *testing.T) {
	for _, line := range []string{"    at f (https://a.example/x.js:1:2)\n", "f@https://a.example/x.js:1:2\n"} {
		if frames := Parse(strings.Repeat(line, 2*MaxFrames), ""); len(frames) != MaxFrames {
			t.Errorf("%q: %d frames", line, len(frames))
		}
	}
	if frames := Parse(strings.Repeat("word\n", 2*maxLines)+"f@https://a.example/x.js:1:2", ""); len(frames) != 0 {
		t.Error("lines are read without bound")
	}
	if lines := strings.Count(Format(make([]Frame, 2*MaxFrames)), "\n") + 1; lines != MaxFrames {
		t.Errorf("%d lines", lines)
	}
}

func TestFormat_KeepsHostileNamesOnTheirLine(t *testing.T) {
	hostile := []Frame{{Function: "f\n    at g", URL: "https://a.example/x y\n.js", Line: 1, Column: -1}}
	const want = "    at f     at g (https://a.example/x%20y%0A.js:1:0)"
	if got := Format(hostile); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// What Format writes is read back as it was.
func TestFormat_IsReadBack(t *testing.T) {
	frame := rapid.Custom(func(t *rapid.T) Frame {
		f := Frame{
			Function: rapid.SampledFrom([]string{"", "total", "Cart.total", "new Cart", "cart/total/<", "global code", "get price", "async"}).Draw(t, "function"),
			URL:      rapid.StringMatching(`(https?://[a-z]{1,5}\.example(:80)?/|webpack:///|src/)[a-zA-Z0-9_.@()~/-]{1,20}`).Draw(t, "url"),
			Line:     rapid.IntRange(1, 999_999_999).Draw(t, "line"),
			Column:   rapid.IntRange(0, 999_999_999).Draw(t, "column"),
			Async:    rapid.Bool().Draw(t, "async"),
		}
		f.InApp = InApp(f.URL, "a.example")
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(frame, 1, 12).Draw(t, "frames")
		if diff := cmp.Diff(frames, Parse(Format(frames), "a.example")); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

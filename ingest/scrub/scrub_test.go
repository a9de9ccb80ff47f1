package scrub

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func plain(t testing.TB, allow ...string) *Scrubber {
	t.Helper()
	s, err := New(allow)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The cases are the beacon's too.
func TestText_CutsURLsAsTheSharedFixturesSay(t *testing.T) {
	var cases []struct {
		Name, Text, Want string
		Positions        bool
	}
	data, err := os.ReadFile("../../beacon/testdata/scrub/text.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 20 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		if got := cutURLs(c.Text, c.Positions); got != c.Want {
			t.Errorf("%s: %q, want %q", c.Name, got, c.Want)
		}
	}
}

// lines are those of a file of test data, without comments.
func lines(t testing.TB, file string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && !strings.HasPrefix(line, "# ") {
			lines = append(lines, line)
		}
	}
	if len(lines) < 30 {
		t.Fatalf("%s has %d lines", file, len(lines))
	}
	return lines
}

// secret is a text and the part of it that must vanish.
type secret struct{ text, core string }

func secrets(t testing.TB) (ofText, ofURLs []secret) {
	t.Helper()
	for _, line := range lines(t, "secrets.txt") {
		where, rest, _ := strings.Cut(line, "|")
		text, core, ok := strings.Cut(rest, "|")
		if !ok {
			core = text
		}
		ofText = append(ofText, secret{text, core})
		if where == "" {
			ofURLs = append(ofURLs, secret{text, core})
		}
	}
	return ofText, ofURLs
}

func TestScrubber_TakesOutEverySecretWhereverItStands(t *testing.T) {
	s := plain(t)
	gone := func(how, scrubbed, core string) {
		t.Helper()
		// Neither the whole nor most of it.
		if strings.Contains(scrubbed, core) || len(core) > 11 && (strings.Contains(scrubbed, core[:9]) || strings.Contains(scrubbed, core[len(core)-9:])) {
			t.Errorf("%s: %q is left of %q", how, scrubbed, core)
		}
	}
	ofText, ofURLs := secrets(t)
	for _, c := range ofText {
		for _, around := range []string{"%", "failed: %", "% failed", "user % is gone", "(%)", "\"%\"", "'%'", "<%>", "a,%,b", "line one\n%\nline three", "[%]", "x:%", "https://shop.example/p % x"} {
			gone("text "+around, s.Text(strings.Replace(around, "%", c.text, 1)), c.core)
		}
		gone("value", s.Value("note", c.text), c.core)
		gone("stack", s.Stack("TypeError: "+c.text+" is wrong\n    at pay (https://shop.example/app.js:1:2)"), c.core)
	}
	for _, c := range ofURLs {
		for _, around := range []string{"https://shop.example/%", "https://shop.example/user/%/orders", "https://shop.example:8443/a/%/", "/api/%", "https://shop.example/x.%.y/z"} {
			url := strings.Replace(around, "%", c.text, 1)
			gone("URL "+around, s.URL(url), c.core)
			gone("URL in a text", s.Text("Failed to fetch "+url+" (502)"), c.core)
			gone("URL in a stack", s.Stack("Error\n    at f ("+url+"/app.js:10:20)\ng@"+url+"/app.js:1:2"), c.core)
		}
	}
}

func TestScrubber_LeavesAloneWhatIsNoSecret(t *testing.T) {
	s := plain(t)
	for _, line := range lines(t, "innocent.txt") {
		if got := s.Text(line); got != line {
			t.Errorf("text: %q, was %q", got, line)
		}
		if got := s.Stack(line); got != line {
			t.Errorf("stack: %q, was %q", got, line)
		}
		if strings.HasPrefix(line, "/") {
			if got := s.URL("https://shop.example" + line); got != "https://shop.example"+line {
				t.Errorf("URL: %q, was %q", got, line)
			}
		}
	}
}

func TestScrubber_SaysWhatStoodThere(t *testing.T) {
	s := plain(t)
	for text, want := range map[string]string{
		"no account for jane.doe@example.com.":                       "no account for [email].",
		"card 4111 1111 1111 1111 declined":                          "card [card] declined",
		"cards 4111 1111 1111 1111 5555 5555 5555 4444":              "cards [card] [card]",
		"card 4111 1111 1111 1112 declined":                          "card 4111 1111 1111 1112 declined",
		"from 203.0.113.9:443 to 2001:db8::1":                        "from [ip]:443 to [ip]",
		"order 123e4567-e89b-12d3-a456-426614174000 gone":            "order [id] gone",
		"order-123456789 and 4294967295":                             "order-[id] and [id]",
		"Authorization: Bearer abc.def-123":                          "Authorization: [hidden]",
		"sent Bearer abc123def456ghi":                                "sent Bearer [token]",
		`{"password":"a b","user":"c"}`:                              `{"password":"[hidden] b","user":"c"}`,
		"https://a.example/u/jane%40example.com/x":                   "https://a.example/u/[email]/x",
		"https://a.example/3f2a9c1bdeadbeef/app.3f2a9c1bdeadbeef.js": "https://a.example/[id]/app.3f2a9c1bdeadbeef.js",
		"https://192.168.0.1/x is down":                              "https://192.168.0.1/x is down",
	} {
		if got := s.Text(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	for url, want := range map[string]string{
		"https://a.example/u/jane%2540example.com/x":    "https://a.example/u/[email]/x",
		"https://a.example/%E4%B8%AD%E6%96%87/p":        "https://a.example/%E4%B8%AD%E6%96%87/p",
		"https://a.example/100%/x":                      "https://a.example/100%/x",
		"https://a.example":                             "https://a.example",
		"https://10.1.2.3/of/10.1.2.3":                  "https://10.1.2.3/of/[ip]",
		"https://a.example/reset/Zk3xQ9vB7mN2pL8sT4wY6": "https://a.example/reset/[token]",
		"": "",
	} {
		if got := s.URL(url); got != want {
			t.Errorf("%q becomes %q, want %q", url, got, want)
		}
	}
	for name, want := range map[string]string{
		"2.7.1": "2.7.1", "shop@2.7.1": "shop@2.7.1", "shop@2.7.1+20261128": "shop@2.7.1+20261128",
		"d41d8cd98f00b204e9800998ecf8427e0a1b2c3d": "d41d8cd98f00b204e9800998ecf8427e0a1b2c3d", "2026-11-28T12:00": "2026-11-28T12:00",
		"of jane.doe@example.com": "of [email]", "key=ghp_16C7e42F292c6912E7710c838347Ae178B4a": "key=[token]", "pr-42-token=hunter2": "pr-42-token=[hidden]",
	} {
		if got := s.Name(name); got != want {
			t.Errorf("the name %q becomes %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"password": placeHidden, "X-Auth-Token": placeHidden, "user.password": placeHidden, "newPassword": placeHidden,
		"plan": "gold", "tokens_left": "gold", "author": "gold", "": "gold",
	} {
		if got := s.Value(name, "gold"); got != want {
			t.Errorf("the value of %q becomes %q, want %q", name, got, want)
		}
	}
}

func TestNew_AllowsWhatTheAppSays(t *testing.T) {
	s := plain(t, `\d{10}`, `[a-z]+@shop\.example`)
	const text = "order 1234567890 of help@shop.example and jane@shop.example2.com"
	if got, want := s.Text(text), "order 1234567890 of help@shop.example and [email]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := New([]string{"("}); err == nil || !strings.Contains(err.Error(), `"("`) {
		t.Errorf("a broken expression: %v", err)
	}
}

// Scrubbing is done when it is done.
func TestScrubber_ChangesNothingTheSecondTime(t *testing.T) {
	s := plain(t)
	ofText, _ := secrets(t)
	var pieces []string
	for _, c := range ofText {
		pieces = append(pieces, c.text)
	}
	pieces = append(append(pieces, lines(t, "innocent.txt")...), "@", "%40", "::", "[id]", "[token]", "1", "f", "eyJ", "%")
	rapid.Check(t, func(rt *rapid.T) {
		between := rapid.SampledFrom([]string{" ", ", ", "\n", `"`, "; "}).Draw(rt, "between")
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(rt, "pieces"), between)
		for name, scrub := range map[string]func(string) string{"Text": s.Text, "Stack": s.Stack, "URL": func(url string) string { return s.URL("https://a.example/" + strings.ReplaceAll(url, "%", "")) }} {
			once := scrub(text)
			if name == "URL" {
				if twice := s.URL(once); twice != once {
					rt.Fatalf("%s(%q) = %q, then %q", name, text, once, twice)
				}
				continue
			}
			if twice := scrub(once); twice != once {
				rt.Fatalf("%s(%q) = %q, then %q", name, text, once, twice)
			}
		}
	})
}

// The short cut and the scan are of one mind.
func TestHarmless_LetsNothingPass(t *testing.T) {
	s := plain(t)
	rapid.Check(t, func(rt *rapid.T) {
		path := rapid.StringMatching(`/([a-zA-Z0-9/._-]{0,30}|[a-f0-9/-]{0,40}|(sk_live_|eyJ|AKIA|ghp_|123|4111)[a-z0-9.]{0,20}){0,3}`).Draw(rt, "path")
		if scrubbed := s.patterns(path, inPath); harmless(path) && scrubbed != path {
			rt.Fatalf("%q becomes %q", path, scrubbed)
		}
	})
}

func FuzzScrubber(f *testing.F) {
	ofText, _ := secrets(f)
	for _, c := range ofText {
		f.Add(c.text)
	}
	s := plain(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, scrub := range []func(string) string{s.Text, s.Stack, s.URL} {
			if got := scrub(text); len(got) > len(text)+len(placeHidden)*(len(text)+1) {
				t.Errorf("%d bytes become %d", len(text), len(got))
			}
		}
		s.Value("x", text)
	})
}

func BenchmarkScrubber(b *testing.B) {
	s := plain(b)
	for name, url := range map[string]string{
		"URL, clean":   "https://shop.example/product/blue-ceramic-mug-42/reviews/all",
		"URL, an id":   "https://shop.example/order/123e4567-e89b-12d3-a456-426614174000",
		"URL, escaped": "https://shop.example/search/caf%C3%A9%20au%20lait/page/2",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.URL(url)
			}
		})
	}
	b.Run("message", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Text("Cannot read properties of undefined (reading 'price')")
		}
	})
	// What would take quadratic time if anything did.
	for _, piece := range []string{"0", "@", "a.", "eyJ", "1.", "::", "a@", "%", "-----BEGIN ", "token=", "f:", "4 "} {
		text := strings.Repeat(piece, (16<<10)/len(piece))
		b.Run("16 KiB of "+piece, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				s.Stack(text)
			}
		})
	}
}

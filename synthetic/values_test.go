package synthetic

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTOTP(t *testing.T) {
	// The vectors of RFC 6238, appendix B, for SHA-1.
	seed := totpSeed("12345678901234567890")
	for unix, want := range map[int64]string{
		59: "94287082", 1111111109: "07081804", 1111111111: "14050471",
		1234567890: "89005924", 2000000000: "69279037", 20000000000: "65353130",
	} {
		at := time.Unix(unix, 0)
		if got := seed.digits(at, 8); got != want {
			t.Errorf("at %d: got %s, want %s", unix, got, want)
		}
		if got := seed.code(at); got != want[2:] {
			t.Errorf("at %d: got %s, want the last six digits of %s", unix, got, want)
		}
	}
}

func TestParseSeed(t *testing.T) {
	const want = "48656c6c6f21deadbeef"
	for _, text := range []string{"JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", "JBSW-Y3DP-EHPK-3PXP", "JBSWY3DPEHPK3PXP===="} {
		if seed, err := parseSeed(text); err != nil || hex.EncodeToString(seed) != want {
			t.Errorf("%s: got %x, %v", text, seed, err)
		}
	}
	for _, text := range []string{"", " ", "0189", "hunter!"} {
		_, err := parseSeed(text)
		if err == nil || len(text) > 1 && strings.Contains(err.Error(), text) {
			t.Errorf("%q: got %v, want an error that does not tell the seed", text, err)
		}
	}
}

func TestValues_Code(t *testing.T) {
	now := time.Unix(1111111109, 0) // the period ends at 1111111110
	v := newValues(func() time.Time { return now })
	v.wait = func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil }
	if err := v.setSeed("code", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"); err != nil {
		t.Fatal(err)
	}
	code, err := v.expand(t.Context(), "${code}")
	if err != nil || code != "050471" || now.Unix() != 1111111110 {
		t.Errorf("got %s at %d, %v: a code about to end is waited out", code, now.Unix(), err)
	}
	if got := v.redact("code 050471 of GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"); got != "code *** of ***" {
		t.Errorf("got %s", got)
	}
	now = time.Unix(1111111139, 0)
	v.wait = pause
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := v.expand(ctx, "${code}"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the step's time to bound the wait", err)
	}
}

func TestValues_Expand(t *testing.T) {
	v := newValues(time.Now)
	v.set("user", "anna", false)
	v.set("empty", "", false)
	for template, want := range map[string]string{
		"plain": "plain", "$": "$", "${user}": "anna", "a${user}b${user}": "aannabanna", "${empty}": "",
		"$${user}": "${user}", "$$${user}": "$${user}", "{user} $user": "{user} $user", "$${": "${", "${user}$": "anna$",
	} {
		if got, err := v.expand(t.Context(), template); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", template, got, err, want)
		}
	}
	for _, template := range []string{"${", "${user", "${}", "${a b}", "${1}", "${user.name}", "${other}"} {
		if got, err := v.expand(t.Context(), template); err == nil {
			t.Errorf("%s: got %q", template, got)
		}
	}
}

func TestValues_EscapedExpandsToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[$\{\}a]{0,12}`).Draw(t, "text")
		got, err := newValues(time.Now).expand(context.Background(), escapeTemplate(text))
		if err != nil || got != text {
			t.Fatalf("%q: got %q, %v", text, got, err)
		}
	})
}

// TestValues_Redact takes any secret and hides it in whatever form it shows.
func TestValues_Redact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.StringN(3, 20, -1).Draw(t, "secret")
		v := newValues(time.Now)
		v.set("short", secret[:2], true)
		v.set("password", secret, true)
		v.set("longer", secret+" and more", true)
		written, err := json.Marshal(map[string]string{"text": "it is " + secret + "!"})
		if err != nil {
			t.Fatal(err)
		}
		// Characters that are written as numbers by choice.
		escaped := strings.Builder{}
		for _, r := range secret {
			if r < 0x10000 {
				escaped.WriteString(`\u` + hex.EncodeToString([]byte{byte(r >> 8), byte(r)}))
			} else {
				escaped.WriteRune(r)
			}
		}
		for form, got := range map[string]string{
			"plain": v.redact("it is " + secret), "longer": v.redact(secret + " and more"),
			"query": v.redact("https://a.example/?q=" + url.QueryEscape(secret)),
			"path":  v.redact("https://a.example/" + url.PathEscape(secret)),
			"lower": v.redact("https://a.example/?q=" + lowerEscapes(url.QueryEscape(secret))),
			"json":  v.redactJSON(string(written)),
			"codes": v.redactJSON(`{"text":"` + escaped.String() + `"}`),
		} {
			around := `{"text":"it is ***!"} https://a.example/?q=***`
			if !strings.Contains(got, redacted) || strings.Contains(got, secret) && !strings.Contains(around, secret) {
				t.Fatalf("%s: %q shows in %q", form, secret, got)
			}
		}
	})
}

func TestValues_RedactJSON(t *testing.T) {
	v := newValues(time.Now)
	v.set("pin", "170", true)
	v.set("quote", `a"b`, true)
	for document, want := range map[string]string{
		`{"at_ms":1700000,"text":"1700"}`: `{"at_ms":1700000,"text":"***0"}`,
		`{"text":"a\"b","170":true}`:      `{"text":"***","***":true}`,
		`{"text":"\u0031\u0037\u0030"}`:   `{"text":"***"}`,
		`{"text":"170`:                    `{"text":"***`,
		`170 is no JSON`:                  `*** is no JSON`,
		`{"text":"\q170"}`:                `{"text":"\q***"}`,
	} {
		if got := v.redactJSON(document); got != want {
			t.Errorf("%s: got %s, want %s", document, got, want)
		}
	}
}

func FuzzRedactJSON(f *testing.F) {
	f.Add(`{"text":"hush\u0068ush","n":1}`)
	f.Add(`"\`)
	f.Add(`{"a":"b`)
	f.Fuzz(func(t *testing.T, document string) {
		v := newValues(time.Now)
		v.set("secret", "hush", true)
		got := v.redactJSON(document)
		if strings.Contains(got, "hush") {
			t.Fatalf("%q shows the secret in %q", document, got)
		}
		if json.Valid([]byte(document)) && !json.Valid([]byte(got)) {
			t.Fatalf("%q became %q", document, got)
		}
	})
}

func TestResolve(t *testing.T) {
	dir, secrets := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "query.txt"), "blue mug\r\n")
	write(filepath.Join(dir, "large.txt"), strings.Repeat("x", maxVariableBytes+1))
	write(filepath.Join(secrets, "SHOP_PASSWORD"), "from file\n\n")
	if err := os.Symlink(filepath.Join(secrets, "SHOP_PASSWORD"), filepath.Join(dir, "link.txt")); err != nil {
		t.Fatal(err)
	}
	eu := "eu"
	journey := &Journey{Dir: dir, Variables: []Variable{
		{Name: "user", Value: "anna"},
		{Name: "region", Source: FromEnv, Value: "SHOP_REGION", Default: &eu},
		{Name: "query", Source: FromFile, Value: "query.txt"},
		{Name: "password", Source: FromSecret, Value: "SHOP_PASSWORD"},
		{Name: "code", Source: FromTOTP, Value: "SHOP_SEED"},
	}}
	environment := map[string]string{"THROUGHLINE_SECRETS": secrets, "SHOP_SEED": "JBSWY3DPEHPK3PXP", "SHOP_WORD": "0189"}
	getenv := func(name string) string { return environment[name] }
	v, err := journey.resolve(getenv, map[string]string{"user": "bob"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.expand(t.Context(), "${user} ${region} ${query} ${password}")
	if want := "bob eu blue mug from file\n"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	environment["SHOP_PASSWORD"] = "from environment"
	if v, err = journey.resolve(getenv, nil, time.Now); err != nil {
		t.Fatal(err)
	}
	if got, err := v.expand(t.Context(), "${password}"); err != nil || got != "from environment" {
		t.Errorf("got %q, %v", got, err)
	}
	for words, bad := range map[string]Variable{
		"variable a: the environment variable SHOP_GONE is not set": {Source: FromEnv, Value: "SHOP_GONE"},
		"open gone.txt":                          {Source: FromFile, Value: "gone.txt"},
		"open link.txt":                          {Source: FromFile, Value: "link.txt"},
		"large.txt is larger":                    {Source: FromFile, Value: "large.txt"},
		"open SHOP_GONE":                         {Source: FromSecret, Value: "SHOP_GONE"},
		"variable a: a TOTP seed must be base32": {Source: FromTOTP, Value: "SHOP_WORD"},
	} {
		bad.Name = "a"
		bad := &Journey{Dir: dir, Variables: []Variable{bad}}
		if err := bad.CheckVariables(getenv, nil); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("got %v, want %s", err, words)
		}
	}
	for _, replace := range []map[string]string{{"password": "x"}, {"code": "x"}, {"nobody": "x"}} {
		if err := journey.CheckVariables(getenv, replace); err == nil {
			t.Errorf("%v is allowed", replace)
		}
	}
}

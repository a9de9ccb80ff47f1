package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Transaction is the definition of a business transaction: a named unit of
// user value, matched the same way for real users and for journeys.
type Transaction struct {
	Name string `json:"name"`
	// Owner is who answers for it; free text.
	Owner string `json:"-"`
	// Satisfied is the Apdex threshold T: up to it a user is satisfied with the
	// wait, up to four times it tolerating.
	Satisfied time.Duration `json:"-"`
	// Complete is what completes an instance. A transaction that has nothing
	// but this is a one-step transaction: it begins where the wait for it begins.
	Complete Matcher `json:"complete"`
}

// Matcher recognises a page view or a request. Exactly one field is set.
type Matcher struct {
	Page    *Pattern        `json:"page,omitempty"`
	Request *RequestPattern `json:"request,omitempty"`
}

// MatchesPage says whether a page with that path is it.
func (m Matcher) MatchesPage(path string) bool { return m.Page != nil && m.Page.Matches(path) }

// MatchesRequest says whether a request is it; its method is "" when the browser
// did not tell.
func (m Matcher) MatchesRequest(method, path string) bool {
	return m.Request != nil && (m.Request.Method == "" || m.Request.Method == method) && m.Request.Path.Matches(path)
}

// RequestPattern matches fetch and XMLHttpRequest calls.
type RequestPattern struct {
	Method string  `json:"method,omitempty"` // upper case; "" is any
	Path   Pattern `json:"path"`
}

// Pattern matches URL paths. Its text is a regular expression that RE2 and
// JavaScript read alike.
type Pattern struct{ compiled *regexp.Regexp }

// Matches says whether the pattern matches a path.
func (p Pattern) Matches(path string) bool { return p.compiled != nil && p.compiled.MatchString(path) }

// MarshalText implements encoding.TextMarshaler.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String returns the regular expression.
func (p Pattern) String() string {
	if p.compiled == nil {
		return ""
	}
	return p.compiled.String()
}

// ParsePattern reads a path pattern as people write it: a glob in which *
// stands for anything within one segment and ** for anything at all, or a
// regular expression between slashes.
func ParsePattern(text string) (Pattern, error) {
	if text == "" {
		return Pattern{}, fmt.Errorf("a pattern must not be empty")
	}
	if len(text) > 2 && strings.HasPrefix(text, "/") && strings.HasSuffix(text, "/") && strings.ContainsAny(text, `^$\[](){}+|?`) {
		return compilePattern(text[1 : len(text)-1])
	}
	if !strings.HasPrefix(text, "/") {
		return Pattern{}, fmt.Errorf("pattern %q must begin with a slash, as in /product/*; a regular expression stands between slashes, as in /^\\/product\\/\\d+$/", text)
	}
	var expression strings.Builder
	expression.WriteByte('^')
	for rest := text; rest != ""; {
		switch {
		case strings.HasPrefix(rest, "**"):
			expression.WriteString(".*")
			rest = rest[2:]
		case rest[0] == '*':
			expression.WriteString("[^/]*")
			rest = rest[1:]
		default:
			end := strings.IndexByte(rest, '*')
			if end < 0 {
				end = len(rest)
			}
			expression.WriteString(regexp.QuoteMeta(rest[:end]))
			rest = rest[end:]
		}
	}
	expression.WriteByte('$')
	return compilePattern(expression.String())
}

// notInJavaScript finds RE2 syntax that JavaScript reads differently or not at all.
var notInJavaScript = regexp.MustCompile(`\(\?[a-zA-Z-]+[:)]|\(\?P<|\\[AzQECaG]|\[\[:|\\p|\\x\{`)

func compilePattern(expression string) (Pattern, error) {
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern: %w", err)
	}
	if found := notInJavaScript.FindString(expression); found != "" {
		return Pattern{}, fmt.Errorf("pattern %q uses %q, which browsers do not understand", expression, found)
	}
	return Pattern{compiled}, nil
}

// Version is the content hash of what decides how instances are measured, 8
// hexadecimal characters. Instances of different versions are not the same thing.
func (t Transaction) Version() string {
	content, err := json.Marshal(t)
	if err != nil {
		// Marshalling strings cannot fail; a change that makes it fail must be seen.
		panic(fmt.Sprintf("marshal transaction: %v", err))
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:4])
}

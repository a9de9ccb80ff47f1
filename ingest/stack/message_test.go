package stack

import (
	"strings"
	"testing"
)

func TestShapeOf_TakesOutWhatVaries(t *testing.T) {
	for shape, texts := range map[string][]string{
		"order * is late":                        {"Order 42 is late", "Order [id] is late", "Order  -3 is late!", "Order 1,234.50 is late.", "Order 'a b' is late", `Order "it's" is late`, "Order 3f2a9c1b is late", "Order 9b2f0c1e-5a44-4c1f-9d0e-3f5a7b8c9d0e is late", "Order abcdefab-abcd-abcd-abcd-abcdefabcdef is late", "Order 1, 2, 3 is late", "Order x1y2z3 is late", "Order “12” is late"},
		"get * failed":                           {"GET https://a.example/b/c?d=1 failed", "GET http://10.0.0.1:8080 failed", "get wss://x.example failed"},
		"see *":                                  {"see https://a.example/b.", "see https://[id].example"},
		"from * to * in a hurry":                 {"From 2026-11-28 to 2026-11-29 in a hurry", "from Sat Nov 28 2026 07:17:18 GMT+0100 (Mitteleuropäische Zeit) to 29.11.2026, 7:17:18 PM in a hurry", "from 2026-11-28T07:17:18.123Z to [date] in a hurry"},
		"user* is gone":                          {"user42 is gone", "User7 is gone"},
		"user-* is gone":                         {"user-42 is gone", "user-[token] is gone", "user-3f2a9c1b77 is gone"},
		"status 404":                             {"Status 404", "status 404."},
		"http 500 from *":                        {"HTTP 500 from https://a.example/"},
		"status *":                               {"status 40412"},
		"minified react error #418; visit * for": {"Minified React error #418; visit https://react.dev/errors/418?args[]= for"},
		"can't, won't and don't":                 {"Can't, won't and don't"},
		"it's * o'clock":                         {"It's 5 o'clock"},
		"unclosed \" quote":                      {`Unclosed " quote`},
		"[object object]":                        {"[object Object]"},
		"(see *)":                                {"(see https://a.example/b)"},
		"* of *":                                 {"[email] of 12"},
		"order #* is late":                       {"Order #42 is late", "order #[id] is late"},
		"größe * fehlt":                          {"Größe 42 fehlt"},
		"":                                       {"", " ", "..."},
	} {
		for _, text := range texts {
			if got := shapeOf(text); got != shape {
				t.Errorf("%q is %q, want %q", text, got, shape)
			}
		}
	}
	if n := len(shapeOf(strings.Repeat("word ", 1000))); n > maxShapeBytes {
		t.Errorf("a shape of %d bytes", n)
	}
}

// Browsers quote values of any length before what tells messages apart.
func TestShapeOf_IsBoundedBehindWhatIsTakenOut(t *testing.T) {
	short := shapeOf(`value "x" is not a colour`)
	if long := shapeOf(`value "` + strings.Repeat("x", 2000) + `" is not a colour`); long != short {
		t.Errorf("%q, want %q", long, short)
	}
}

func TestReadMessage_KnowsWhatBrowsersMean(t *testing.T) {
	for _, c := range []struct{ errorType, text, wantType, wantShape, wantSubject string }{
		{"TypeError", "Cannot read properties of undefined (reading 'price')", "TypeError", "member of nothing", "price"},
		{"TypeError", `can't access property "price", t.items[0] is undefined`, "TypeError", "member of nothing", "price"},
		{"TypeError", "undefined is not an object (evaluating 't.items[0].price')", "TypeError", "member of nothing", "price"},
		{"TypeError", "null is not an object (evaluating 't.field.price = 3')", "TypeError", "member of nothing", "price"},
		{"TypeError", "Cannot destructure property 'price' of 'e' as it is undefined.", "TypeError", "member of nothing", "price"},
		{"TypeError", "(intermediate value).map is not a function", "TypeError", "not a function", "map"},
		{"TypeError", "e.items.map is not a function. (In 'e.items.map(t)', 'e.items.map' is undefined)", "TypeError", "not a function", "map"},
		{"TypeError", "t is not a function", "TypeError", "not a function", ""},
		{"TypeError", "undefined is not a function (near '...t of e...')", "TypeError", "not iterable", ""},
		{"TypeError", "undefined is not iterable (cannot read property Symbol(Symbol.iterator))", "TypeError", "not iterable", ""},
		{"TypeError", "undefined is not a constructor (evaluating 'new Cart()')", "TypeError", "not a constructor", "cart"},
		{"ReferenceError", "$ is not defined", "ReferenceError", "not defined", "$"},
		{"ReferenceError", "Can't find variable: gtag", "ReferenceError", "not defined", "gtag"},
		{"ReferenceError", "can't access lexical declaration 'e' before initialization", "ReferenceError", "not yet defined", ""},
		{"InternalError", "too much recursion", "RangeError", "stack overflow", ""},
		{"TypeError", `"price" is read-only`, "TypeError", "read-only", "price"},
		{"", "Uncaught TypeError: Failed to fetch", "TypeError", "request failed", ""},
		{"Error", "Uncaught (in promise): TypeError: Load failed", "TypeError", "request failed", ""},
		// What browsers do not say is the app's.
		{"Error", "user is not defined", "Error", "user is not defined", ""},
		{"CartError", "CartError: no item 3", "CartError", "no item *", ""},
		{"t", "no item 3", "", "no item *", ""},
		{"Error", "\nno item 3\n    at f (x:1:2)", "Error", "no item *", ""},
		{"Error", "Uncaught Error: Uncaught Error: late", "Error", "late", ""},
		{"CartError", "TypeError: x", "CartError", "typeerror: x", ""},
	} {
		m := readMessage(c.errorType, c.text)
		if m.errorType != c.wantType || m.shape != c.wantShape || m.subject != c.wantSubject {
			t.Errorf("%s %q: %+v, want %s %q %q", c.errorType, c.text, m, c.wantType, c.wantShape, c.wantSubject)
		}
	}
}

// Phrases are compared with small letters without a dot at the end.
func TestDialects_CanBeFound(t *testing.T) {
	names := map[string]bool{}
	for _, d := range dialects {
		if names[d.name] || len(d.errorTypes) == 0 {
			t.Errorf("%s stands twice or has no type", d.name)
		}
		names[d.name] = true
		for _, phrase := range d.phrases {
			example := strings.NewReplacer("*", "example", "%", "example").Replace(phrase)
			words := strings.TrimRight(strings.ToLower(example), ". ")
			found, _, ok := findDialect(d.errorTypes[0], words)
			if !ok || found.name != d.name {
				t.Errorf("%s: %q is not found, or found as another", d.name, phrase)
			}
		}
	}
}

func TestMatchPhrase(t *testing.T) {
	for _, c := range []struct {
		phrase, words, subject string
		ok                     bool
	}{
		{"a", "a", "", true},
		{"a", "ab", "", false},
		{"a*", "ab", "", true},
		{"*b", "ab", "", true},
		{"*b", "ba", "", false},
		{"% is %", "x is y", "y", true},
		{"get '%' of *", "get 'x' of y", "x", true},
		{"get '%' of *", "get x of y", "", false},
		{"a*a", "a", "", false},
		{"*", "", "", true},
	} {
		if subject, ok := matchPhrase(c.phrase, c.words); ok != c.ok || ok && subject != c.subject {
			t.Errorf("%q, %q: %q %v", c.phrase, c.words, subject, ok)
		}
	}
}

package synthetic

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const journeys = "testdata/journeys"

// TestLoadFile_Bad reads every fixture that must be refused. The error stands
// beside it, in a file of the same name with .error behind; several, a line each.
func TestLoadFile_Bad(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(journeys, "bad_*[nl]"))
	if err != nil || len(files) < 40 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file + ".error")
			if err != nil {
				t.Fatal(err)
			}
			journey, err := LoadFile(file)
			var fileErr *FileError
			if !errors.As(err, &fileErr) {
				t.Fatalf("got %v, %v, want a FileError", journey, err)
			}
			// The words of a growing table stand in errors, not in fixtures.
			got := strings.NewReplacer(
				journeys+"/", "", (&reader{strict: true}).supportedTypes(), "<types>",
				(&reader{}).supportedTypes(), "<types>", strings.Join(customNames(), ", "), "<custom>",
			).Replace(err.Error())
			if got != strings.TrimSpace(string(want)) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestLoadFile_YAML(t *testing.T) {
	got, err := LoadFile(filepath.Join(journeys, "good_shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sel := func(texts ...string) Selectors {
		selectors, err := ParseSelectors(texts...)
		if err != nil {
			t.Fatal(err)
		}
		return selectors
	}
	pay := sel(`aria/Check out[role="link"]`, "my-cart", `xpath///*[@id="pay"]`, "pierce/#pay")
	pay[1] = append(pay[1], Selector{Kind: SelectCSS, Value: "button.pay"})
	want := &Journey{
		Name: "Buy a mug", Dir: "testdata/journeys", BaseURL: "https://shop.example/de/", Schedule: "@every 30s", Timeout: 45 * time.Second,
		Viewport: Viewport{Width: 390, Height: 844, DeviceScaleFactor: 3, Mobile: true, Touch: true},
		Steps: []Step{
			{Name: "Open the shop", Timeout: 5 * time.Second, Action: Navigate{URL: "/"}},
			{Name: "Search", Timeout: 10 * time.Second, Action: Change{Selectors: sel("#q"), Value: "2024"}},
			{Name: "keyDown Enter", Timeout: 5 * time.Second, Action: KeyDown{Key: "Enter"}},
			{Name: "keyUp Enter", Timeout: 5 * time.Second, Action: KeyUp{Key: "Enter"}},
			{
				Name: "waitForElement .result", Timeout: 5 * time.Second,
				Action: WaitForElement{ElementCondition{Selectors: sel(".result"), Count: 1}},
			},
			{Name: "click text/Add to cart", Timeout: 5 * time.Second, Action: Click{Selectors: sel("text/Add to cart")}},
			{
				Name: `click aria/Check out[role="link"]`, Timeout: 5 * time.Second,
				Expect: []ExpectedNavigation{{URL: "pay", Title: "Pay"}},
				Action: Click{pay, ClickOptions{
					Offset: &Point{X: 4, Y: 2.5}, Button: ButtonSecondary, Device: DeviceTouch, Hold: 50 * time.Millisecond,
				}},
			},
			{
				Name: "waitForElement li", Timeout: 5 * time.Second,
				Action: WaitForElement{ElementCondition{
					Selectors: sel("css/li", "text/Mug"), Operator: "==", Absent: true,
					Attributes: map[string]string{"class": "item"},
					Properties: []byte(`{"dataset":{"sku":"m1"},"tabIndex":2}`),
				}},
			},
			{Name: "waitForExpression", Timeout: 5 * time.Second, Action: WaitForExpression{"window.paid === true"}},
			{
				Name: "setViewport 1024x768", Timeout: 5 * time.Second,
				Action: SetViewport{Viewport{Width: 1024, Height: 768, DeviceScaleFactor: 1}},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLoadFile_Request(t *testing.T) {
	got, err := LoadFile(filepath.Join(journeys, "good_request.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{
		{Name: "Log in", Timeout: 2 * time.Second, Action: Request{
			Method: "POST", URL: "/api/login", Headers: map[string]string{"X-Client": "monitor"},
			JSON: []byte(`{"remember":true,"tags":[1,"x"],"user":"${user}"}`), Redirects: 2,
			Expect: Expectation{
				Status: []string{"200", "2xx"}, Body: []string{"token"},
				JSON:         []JSONValue{{"data.admin", []byte("false")}, {"data.parent", []byte("null")}},
				Header:       map[string]string{"content-type": "json"},
				ResponseTime: 500 * time.Millisecond, CertificateDaysLeft: 14,
			},
			Extracts: []Extract{
				{Name: "token", Source: ExtractJSON, Key: "data.token", Secret: true},
				{Name: "session", Source: ExtractCookie, Key: "session", Secret: true},
			},
		}},
		{Name: "request DELETE /api/orders", Timeout: DefaultStepTimeout, Action: Request{
			Method: "DELETE", URL: "/api/orders?key=${token}", Body: "all of ${user}", Redirects: DefaultRedirects,
			Expect: Expectation{Body: []string{"a", "b"}},
		}},
	}
	if diff := cmp.Diff(want, got.Steps); diff != "" {
		t.Error(diff)
	}
}

func TestLoadFile_Recorder(t *testing.T) {
	got, err := LoadFile(filepath.Join(journeys, "good_recorder.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "Sign in" || got.Timeout != DefaultTimeout || len(got.Steps) != 8 {
		t.Errorf("got %+v", got)
	}
	navigate, click := got.Steps[1], got.Steps[3]
	if navigate.Name != "navigate https://shop.example/sign-in" {
		t.Errorf("the query shows in the name %q", navigate.Name)
	}
	want := []ExpectedNavigation{{URL: "https://shop.example/sign-in?next=%2F"}}
	if diff := cmp.Diff(want, navigate.Expect); diff != "" {
		t.Error(diff)
	}
	if navigate.Timeout != 8*time.Second || click.Timeout != 12*time.Second {
		t.Errorf("timeouts %s and %s, want the flow's and the step's", navigate.Timeout, click.Timeout)
	}
	chain := Chain{{Kind: SelectARIA, Value: "Sign in"}, {Kind: SelectARIA, Role: "generic"}}
	if diff := cmp.Diff(Click{Selectors: Selectors{chain, {{Kind: SelectCSS, Value: "#go"}}}}, click.Action); diff != "" {
		t.Error(diff)
	}
	for _, step := range got.Steps {
		if strings.Contains(step.Name, "horse") {
			t.Errorf("a typed value shows in the name %q", step.Name)
		}
	}
}

func TestLoadFile_NotAJourney(t *testing.T) {
	if _, err := LoadFile(filepath.Join(t.TempDir(), "absent.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	large := filepath.Join(t.TempDir(), "large.yaml")
	if err := os.WriteFile(large, make([]byte, MaxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{large, "load_test.go"} {
		var fileErr *FileError
		if _, err := LoadFile(file); !errors.As(err, &fileErr) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestParseARIA(t *testing.T) {
	for text, want := range map[string]Selector{
		"aria/Save":                            {Kind: SelectARIA, Value: "Save"},
		"aria/  Save \n it ":                   {Kind: SelectARIA, Value: "Save it"},
		`aria/Save (all)[role="button"]`:       {Kind: SelectARIA, Value: "Save (all)", Role: "button"},
		`aria/[role='img']`:                    {Kind: SelectARIA, Role: "img"},
		`aria/[name="It's"][ role = "button"]`: {Kind: SelectARIA, Value: "It's", Role: "button"},
		`aria/Größe "XL"`:                      {Kind: SelectARIA, Value: `Größe "XL"`},
	} {
		if got, err := parseSelector(text); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
}

// FuzzLoad feeds both loaders with any bytes: what loads must be a journey that
// can be run, and written and read again.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob(filepath.Join(journeys, "*[nl]"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(filepath.Ext(file) == ".json", data)
	}
	f.Fuzz(func(t *testing.T, recorder bool, data []byte) {
		path := "fuzz.yaml"
		if recorder {
			path = "fuzz.json"
		}
		journey, err := Load(path, data)
		if err != nil {
			var fileErr *FileError
			if !errors.As(err, &fileErr) || fileErr.File != path {
				t.Fatalf("not a FileError: %v", err)
			}
			return
		}
		if journey.Name == "" || len(journey.Steps) == 0 || len(journey.Steps) > MaxSteps || journey.Timeout <= 0 {
			t.Fatalf("cannot be run: %+v", journey)
		}
		for _, step := range journey.Steps {
			if step.Name == "" || len(step.Name) > 200 || step.Timeout <= 0 || step.Action == nil {
				t.Fatalf("cannot be run: %+v", step)
			}
		}
		checkWritten(t, journey)
	})
}

func TestLoadFile_Places(t *testing.T) {
	for file, want := range map[string][]Place{
		"good_places.yaml": {
			{},
			{Frame: []int{0, 2}},
			{Target: "https://pay.example/${order}?a=b"},
			{Target: "help", Frame: []int{1}},
			{Target: "https://pay.example/"},
			{Target: "https://pay.example/"},
		},
		"good_places.json": {
			{}, {Frame: []int{0, 2}}, {Target: "https://pay.example/?price=$${5}"}, {Target: "https://pay.example/"},
		},
	} {
		journey, err := LoadFile(filepath.Join(journeys, file))
		if err != nil {
			t.Fatal(err)
		}
		var got []Place
		for _, step := range journey.Steps {
			got = append(got, step.Place)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
	}
}

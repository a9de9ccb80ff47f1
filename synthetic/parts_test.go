package synthetic

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad_Parts(t *testing.T) {
	journey, err := LoadFile(filepath.Join(journeys, "good_parts.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `name: Buy as Bob
base_url: https://shop.example
variables:
  password: {secret: SHOP_PASSWORD}
steps:
  - name: Sign in as bob
    navigate: /sign-in
  - change: {selectors: "#user", value: "$${user} bob"}
  - change: {selectors: "#password", value: "$${user} ${password}"}
  - keyDown: Enter
  - assert: Welcome
  - click: text/Sign out
`
	if diff := cmp.Diff(want, string(journey.YAML())); diff != "" {
		t.Error(diff)
	}
}

func TestSubstitute(t *testing.T) {
	with := map[string]string{"a": "1", "b": "${a}"}
	for text, want := range map[string]string{
		"${a}${b}": "1${a}", "$${a}": "$${a}", "${c} ${a": "${c} ${a", "x${a}y$": "x1y$", "": "", "${": "${",
	} {
		if got := substituteText(text, with); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

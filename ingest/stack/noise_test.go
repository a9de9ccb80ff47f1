package stack

import (
	"path/filepath"
	"strings"
	"testing"
)

// The files below testdata/noise begin with the verdict, none_ if it is no noise.
func TestNoise_TellsWhatIsNoBugOfOurs(t *testing.T) {
	reasons := []string{NoiseScriptError, NoiseExtension, NoiseInjected, NoiseCrawler, NoiseResizeObserver, "none"}
	seen := map[string]bool{}
	for _, f := range readFixtures(t, "noise/*.txt") {
		want := ""
		for _, reason := range reasons {
			if strings.HasPrefix(filepath.Base(f.name), reason+"_") {
				want = reason
			}
		}
		seen[want] = true
		got := Noise(f.errorType, f.message, f.frames())
		if got == "" {
			got = "none"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", f.name, got, want)
		}
	}
	for _, reason := range reasons {
		if !seen[reason] {
			t.Errorf("no fixture for %s", reason)
		}
	}
}

func TestNoise_LeavesRealErrorsAlone(t *testing.T) {
	for _, f := range readFixtures(t, "groups/*/*.txt") {
		if reason := Noise(f.errorType, f.message, f.frames()); reason != "" {
			t.Errorf("%s: %s", f.name, reason)
		}
	}
}

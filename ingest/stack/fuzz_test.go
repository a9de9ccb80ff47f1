package stack

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzParse feeds any texts: frames are within their bounds, a formatted stack
// is read back as it was and written the same again, and errors have one
// fingerprint whichever of the two is read.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"stacks/*.txt", "groups/*/*.txt", "noise/*.txt"} {
		for _, e := range readFixtures(f, pattern) {
			f.Add(e.errorType, e.message, e.pageHost, e.stack)
		}
	}
	for _, stack := range []string{
		"at async  async 0 ()", "async@f@https://a.example/b.js:1:2\ng*h@https://a.example/b.js:1:2",
		"at f (eval at g (h:1:2, <anonymous>:3:4)", "@https://a.example/ line 3 > eval > eval:1:2", "f@a:7:0:0\nf@a:7:5:0", "at https://a:1:2",
	} {
		f.Add("Error", "x", "a.example", stack)
	}
	f.Fuzz(func(t *testing.T, errorType, message, pageHost, stack string) {
		frames := Parse(stack, pageHost)
		if len(frames) > MaxFrames {
			t.Fatalf("%d frames", len(frames))
		}
		for _, frame := range frames {
			if frame.Line < 0 || frame.Column < 0 || frame.Function == "" && frame.URL == "" || frame.InApp && frame.URL == "" {
				t.Fatalf("%+v", frame)
			}
		}
		text := Format(frames)
		if len(text) > len(stack)+40*len(frames) {
			t.Fatalf("%d bytes of %d", len(text), len(stack))
		}
		again := Parse(text, pageHost)
		if diff := cmp.Diff(frames, again); diff != "" {
			t.Fatalf("(-parsed +formatted and parsed):\n%s", diff)
		}
		if Group(errorType, message, frames) != Group(errorType, message, again) {
			t.Fatal("another group")
		}
		_ = Noise(errorType, message, frames)
		if shape := shapeOf(message); len(shape) > maxShapeBytes {
			t.Fatalf("a shape of %d bytes", len(shape))
		}
	})
}

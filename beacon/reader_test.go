package beacon

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What senders write is read in one pass: nothing of it goes the slow way.
func TestReader_TakesWhatSendersWrite(t *testing.T) {
	bodies, _ := ordinaryBodies(t, 100)
	bodies = append(bodies, slices.Collect(maps.Values(wireFixtures(t, "good_")))...)
	for _, body := range bodies {
		r := newReader(body)
		if r.report(new(Report)); !r.ended() {
			t.Errorf("given up on %s", body)
		}
	}
}

// FuzzReader holds the reader to what the standard library makes of the same
// bytes, where it does not give up.
func FuzzReader(f *testing.F) {
	for _, prefix := range []string{"good_", "bad_"} {
		for _, data := range wireFixtures(f, prefix) {
			f.Add(data)
		}
	}
	for _, data := range []string{
		`{"v":1,"v":2,"view":{"id":"a"},"view":{"url":"b"},"view":null}`,
		`{"events":[{"id":"a"}],"events":[{"at_ms":1},null]}`,
		`{"events":[{"page_view":{"lcp_ms":1.5e3,"cls":-0,"inp_ms":null,"load_ms":0.1234567890123456789}}]}`,
		`{"sdk":"\ud83d\ude00\n\"\\\/\u00e9 é","release":"\ud83d"}`,
		`{"Source":"rum","more":[1,{"a":[true,false,null,"x"]}]} `,
		`{"sent_at_ms":1e3}`, `{"v":01}`, `{"v":1.0}`, "{\"sdk\":\"a\tb\"}", "\ufeff{}", `{"v":9223372036854775808}`,
		`{"events":[{"page_view":{"lcp_ms":1e400}}]}`, `{"sdk":"\x"}`, `{"sdk":"abcdefg\`, `[`, ``, `{"events":{}}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var report Report
		r := newReader(data)
		events := r.report(&report)
		if !r.ended() {
			return
		}
		want, wantEvents, malformed, err := readCarefully(data)
		if err != nil {
			t.Fatalf("the reader takes what does not parse: %v", err)
		}
		for i, reject := range malformed {
			if reject != nil {
				t.Fatalf("the reader takes event %d: %v", i, reject)
			}
		}
		if len(report.Events) == 0 && len(want.Events) == 0 {
			report.Events, want.Events = nil, nil
		}
		if diff := cmp.Diff(want, &report); diff != "" || events != wantEvents {
			t.Fatalf("%d events, want %d; (-standard library +reader)\n%s", events, wantEvents, diff)
		}
	})
}

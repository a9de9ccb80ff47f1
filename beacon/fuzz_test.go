package beacon

import (
	stdjson "encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode holds Decode to what it promises of any bytes: no panic, a reason
// for everything refused, and a report that would be accepted again as it is.
func FuzzDecode(f *testing.F) {
	for _, prefix := range []string{"good_", "bad_"} {
		for _, data := range wireFixtures(f, prefix) {
			f.Add(data)
		}
		for _, data := range compactFixtures(f, prefix) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		report, rejects, err := Decode(data)
		if err != nil {
			var reject *Reject
			if !errors.As(err, &reject) || reject.Reason == "" {
				t.Fatalf("error without a reason: %v", err)
			}
			return
		}
		for _, reject := range rejects {
			if reject.Reason == "" || reject.Index < 0 {
				t.Fatalf("reject without reason or index: %+v", reject)
			}
		}
		if len(report.Events) == 0 {
			return
		}
		again, err := stdjson.Marshal(report)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		if !utf8.Valid(again) || strings.ContainsRune(string(again), 0) {
			t.Fatal("text that is not safe to print")
		}
		if _, rejects, err := Decode(again); err != nil || len(rejects) != 0 {
			t.Fatalf("an accepted report is refused the second time: %v %v", rejects, err)
		}
	})
}

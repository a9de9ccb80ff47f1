package reporting

import (
	"encoding/json"
	"testing"

	"throughline/beacon"
)

// FuzzDecode holds Decode to what it promises of any bytes: no panic, a reason for
// everything refused, and reports that package beacon would take, were they the
// beacon's.
func FuzzDecode(f *testing.F) {
	for _, prefix := range []string{"good_", "bad_"} {
		for _, fixture := range fixtures(f, prefix) {
			f.Add(fixture.contentType, fixture.body)
		}
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		got := decode(t, contentType, body)
		if got.Refused != nil {
			if got.Refused.Index != -1 || got.Refused.Reason == "" || got.Refused.Detail == "" || got.Reports != nil || got.Rejected != nil {
				t.Fatalf("refused: %+v", got)
			}
			return
		}
		if len(got.Reports)+len(got.Rejected) == 0 || len(got.Reports) > beacon.MaxEvents {
			t.Fatalf("%d reports, %d rejects", len(got.Reports), len(got.Rejected))
		}
		taken := map[int]bool{}
		for _, reject := range got.Rejected {
			if reject.Index < 0 || reject.Index > beacon.MaxEvents || reject.Reason == "" || reject.Detail == "" || taken[reject.Index] {
				t.Fatalf("reject %+v", reject)
			}
			taken[reject.Index] = true
		}
		for _, report := range got.Reports {
			if taken[report.Index] || report.Age < 0 || report.Age > MaxAge+beacon.MaxDuration || len(report.UserAgent) > MaxUserAgentBytes {
				t.Fatalf("report %+v", report)
			}
			taken[report.Index] = true
			holdToTheContract(t, report)
		}
	})
}

// holdToTheContract passes a report through beacon.Decode, as a kind that the beacon
// may send. Nothing may be refused, or cleaned that is not clean.
func holdToTheContract(t *testing.T, report Report) {
	t.Helper()
	event := beacon.Event{ID: "00000000000000e1", AtMS: 1, Error: report.Error, Request: report.Request}
	if (event.Error == nil) == (event.Request == nil) {
		t.Fatalf("not one of error and request: %+v", report)
	}
	if event.Error != nil {
		disguised := *event.Error
		disguised.Kind = beacon.ErrorUncaught
		event.Error = &disguised
	} else {
		disguised := *event.Request
		disguised.Initiator = "fetch"
		event.Request = &disguised
	}
	want := beacon.Report{
		Version: beacon.Version, SentAtMS: 1, Source: beacon.SourceRUM, SDK: "x", SessionID: "00000000000000a1",
		View:   &beacon.View{ID: "00000000000000b1", URL: report.URL, Navigation: beacon.NavigationNavigate},
		Events: []beacon.Event{event},
	}
	sent, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	kept, rejects, err := beacon.Decode(sent)
	if err != nil || len(rejects) != 0 {
		t.Fatalf("%+v is refused: %v %v", report, rejects, err)
	}
	again, err := json.Marshal(kept)
	if err != nil || string(again) != string(sent) {
		t.Fatalf("not clean: %s\nwant %s, %v", sent, again, err)
	}
}

package generator

import (
	"fmt"
	"testing"
	"time"

	"throughline/beacon"
)

func TestBodies_AreWhatBrowsersSend(t *testing.T) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	ids := map[string]bool{}
	for stream := range uint64(3) {
		bodies := NewBodies(7, stream)
		sizeBytes := 0
		const count = 2000
		for range count {
			body := bodies.Append(nil, at)
			sizeBytes += len(body)
			report, rejects, err := beacon.Decode(body)
			if err != nil || len(rejects) != 0 || len(report.Events) != EventsPerBody {
				t.Fatalf("%v, rejected %v: %s", err, rejects, body)
			}
			if view := report.Events[0].PageView; view == nil || view.LCPMS == nil || view.INPMS == nil || view.CLS == nil || report.Events[1].Request == nil || report.Events[2].Request == nil {
				t.Fatalf("not a page view with vitals and two requests: %s", body)
			}
			for _, id := range []string{report.SessionID, report.View.ID, report.Events[0].ID, report.Events[1].ID, report.Events[2].ID} {
				if ids[id] {
					t.Fatalf("the id %s came before", id)
				}
				ids[id] = true
			}
		}
		if mean := sizeBytes / count; mean < 1300 || mean > 1800 {
			t.Errorf("bodies have %d bytes on average", mean)
		}
	}
}

func TestBodies_MarkOnlyTheNext(t *testing.T) {
	bodies := NewBodies(7, 0)
	bodies.Mark("/marker/12")
	for _, want := range []bool{true, false} {
		report, _, err := beacon.Decode(bodies.Append(nil, time.UnixMilli(1_763_900_000_000)))
		if err != nil || (report.View.URL == "https://shop.example/marker/12") != want || (report.SessionID == fmt.Sprintf("%016x", MarkedSession)) != want {
			t.Errorf("%v, %+v, want the mark: %v", err, report.View, want)
		}
	}
}

func BenchmarkBodies(b *testing.B) {
	bodies, at := NewBodies(1, 0), time.UnixMilli(1_763_900_000_000)
	dst := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		dst = bodies.Append(dst[:0], at)
	}
	b.ReportMetric(float64(len(dst)), "bytes/body")
}

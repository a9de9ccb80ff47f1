package admission

import (
	"testing"
	"time"

	"throughline/ingest"
)

// BenchmarkAccount is what every report pays.
func BenchmarkAccount(b *testing.B) {
	a := New(Options{}).Account("shop", ingest.Limits{EventsPerSecond: ingest.MaxEventsPerSecond, Burst: ingest.MaxBurst, EventsPerDay: ingest.MaxEventsPerDay})
	now := time.Now()
	for name, step := range map[string]func() error{
		"Room":        func() error { return a.Room(now) },
		"Take":        func() error { a.Take(now, 1, 1); return nil },
		"EnterLeave":  func() error { err := a.Enter(b.Context(), now); a.Leave(); return err },
		"HoldAndFree": func() error { err := a.Hold(1400); a.Free(1400); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			now = now.Add(time.Hour)
			for b.Loop() {
				if err := step(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/all processors", func(b *testing.B) {
			now = now.Add(time.Hour)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := step(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

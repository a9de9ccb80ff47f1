package seen

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// BenchmarkClaim_AtItsBound claims new ids one report after another in a set that
// is as full as it gets with the default configuration, or has just begun a
// generation or grown.
func BenchmarkClaim_AtItsBound(b *testing.B) {
	const reportIDs = 3
	for name, held := range map[string]int{"full": 2_300_000, "grown": 1_600_000} {
		b.Run(name, func(b *testing.B) {
			before := heapBytes()
			s := New(10*time.Minute, 2_300_000)
			ids, duplicate := make([]uint64, reportIDs), make([]bool, reportIDs)
			claim := func() {
				for i := range ids {
					ids[i] = rand.Uint64()
				}
				s.Claim(ids, duplicate)
			}
			for range held / reportIDs {
				claim()
			}
			count, _ := s.Stats()
			sizeBytes := heapBytes() - before
			b.ResetTimer()
			for range b.N {
				claim()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*reportIDs), "ns/id")
			b.ReportMetric(float64(sizeBytes)/float64(count), "B/id") // ResetTimer forgets it
			runtime.KeepAlive(s)
		})
	}
}

// BenchmarkClaim_Slowest fills a set and tells how long the slowest claim took:
// meanwhile every other report waits.
func BenchmarkClaim_Slowest(b *testing.B) {
	var slowest time.Duration
	for b.Loop() {
		s := New(10*time.Minute, 2_300_000)
		ids, duplicate := make([]uint64, 1), make([]bool, 1)
		for range 700_000 {
			ids[0] = rand.Uint64()
			began := time.Now()
			s.Claim(ids, duplicate)
			slowest = max(slowest, time.Since(began))
		}
	}
	b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-ms")
}

func heapBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

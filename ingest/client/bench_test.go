package client

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// hintsOfChrome are those that are sent with each report.
var hintsOfChrome = Hints{UA: chromeBrands, Platform: `"Windows"`, Mobile: "?0"}

func BenchmarkReader_Known(b *testing.B) {
	r := NewReader(10_000)
	r.Read(windowsChrome, hintsOfChrome)
	b.ReportAllocs()
	for b.Loop() {
		r.Read(windowsChrome, hintsOfChrome)
	}
}

func BenchmarkReader_KnownOnAllProcessors(b *testing.B) {
	r := NewReader(10_000)
	r.Read(windowsChrome, hintsOfChrome)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Read(windowsChrome, hintsOfChrome)
		}
	})
}

// BenchmarkReader_New reads agents that were never seen, as in a flood of them.
func BenchmarkReader_New(b *testing.B) {
	before := heapBytes()
	r := NewReader(10_000)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		r.Read(fmt.Sprintf("%s %d", windowsChrome, i), hintsOfChrome)
	}
	b.ReportMetric(float64(heapBytes()-before)/float64(len(r.known.young)+len(r.known.old)), "B/entry")
	runtime.KeepAlive(r)
}

func BenchmarkReader_First(b *testing.B) {
	for b.Loop() {
		NewReader(10_000).Read(windowsChrome, Hints{})
	}
}

func BenchmarkWatch_Known(b *testing.B) {
	w := NewWatch(100_000)
	const session = "00000000000000a1"
	at := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		at += time.Second
		w.Bot(session, 1, at%forgetAfter)
	}
}

// BenchmarkWatch_Full counts views of as many sessions as are remembered at once.
func BenchmarkWatch_Full(b *testing.B) {
	before := heapBytes()
	w := NewWatch(100_000)
	sessions := make([]string, 50_000)
	for i := range sessions {
		sessions[i] = fmt.Sprintf("%016x", rand.Uint64())
		w.Bot(sessions[i], 1, 0)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		w.Bot(sessions[i*7919%len(sessions)], 1, 0)
	}
	b.ReportMetric(float64(heapBytes()-before)/float64(len(w.sessions.young)+len(w.sessions.old)), "B/session")
	runtime.KeepAlive(w)
}

func heapBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

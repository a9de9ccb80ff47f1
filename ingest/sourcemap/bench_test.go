package sourcemap

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

const largeMapBytes = 30 << 20

// largeMap writes a map like those of large applications, of about 30 MB: a third
// are mappings, the rest what the sources contain. Its script is one line.
func largeMap(b *testing.B) (path string, segments []segment) {
	b.Helper()
	const sources, names = 4000, 30_000
	random := rand.New(rand.NewPCG(1, 2))
	var s segment
	for range largeMapBytes / 3 / 5 {
		s.column += 1 + random.Uint32N(12)
		if random.IntN(200) == 0 {
			s.source, s.sourceLine = random.Int64N(sources), 0
		}
		if random.IntN(4) == 0 {
			s.sourceLine++
			s.sourceColumn = random.Uint32N(40)
		} else {
			s.sourceColumn += random.Uint32N(15)
		}
		if s.name = none; random.IntN(5) == 0 {
			s.name = random.Int64N(names)
		}
		segments = append(segments, s)
	}
	path = filepath.Join(b.TempDir(), "large.map")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(file)
	text := func(name string, count int, item func(i int) string) {
		for i := range count {
			_, _ = fmt.Fprintf(w, "%s%q", [2]string{`,"` + name + `":[`, ","}[min(i, 1)], item(i))
		}
		_, _ = w.WriteString("]")
	}
	_, _ = w.WriteString(`{"version":3`)
	text("sources", sources, func(i int) string { return fmt.Sprintf("webpack://shop/./src/part%d/module%d.ts", i%50, i) })
	text("names", names, func(i int) string { return fmt.Sprintf("identifier%d", i) })
	mappings := encodeMappings(segments)
	line := "  const value = compute(\"x\", options);\n"
	text("sourcesContent", sources, func(int) string { return strings.Repeat(line, (largeMapBytes-len(mappings))/sources/(len(line)+4)) })
	_, _ = fmt.Fprintf(w, `,"mappings":%q}`, mappings)
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	return path, segments
}

// peakReader looks at the heap every so many bytes that are read.
type peakReader struct {
	in         io.Reader
	read, peak uint64
}

func (p *peakReader) Read(data []byte) (int, error) {
	n, err := p.in.Read(data)
	if p.read>>18 != (p.read+uint64(n))>>18 {
		p.peak = max(p.peak, heapBytes(false))
	}
	p.read += uint64(n)
	return n, err
}

func heapBytes(clean bool) uint64 {
	if clean {
		runtime.GC()
	}
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkPut_Large reads a map of 30 MB, and tells how much more heap than
// before was in use at most, garbage included.
func BenchmarkPut_Large(b *testing.B) {
	path, _ := largeMap(b)
	s := openStore(b, b.TempDir(), generous30(), time.Now)
	var peak, sizeBytes, indexBytes uint64
	for b.Loop() {
		file, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		before := heapBytes(true)
		measured := &peakReader{in: file}
		info, err := s.Put(b.Context(), "shop", "1", "/large.js", measured)
		if err != nil {
			b.Fatal(err)
		}
		peak, sizeBytes, indexBytes = max(peak, measured.peak-min(before, measured.peak)), measured.read, uint64(info.SizeBytes)
		_ = file.Close()
	}
	b.SetBytes(int64(sizeBytes))
	b.ReportMetric(float64(peak)/1e6, "peak-heap-MB")
	b.ReportMetric(float64(sizeBytes)/1e6, "map-MB")
	b.ReportMetric(float64(indexBytes)/1e6, "index-MB")
}

func generous30() Limits { return Limits{MaxMapBytes: 64 << 20, MaxBytes: 256 << 20} }

// BenchmarkResolve asks an index of 2 million segments: for a place that was
// asked for before, for ever other places, and for a script without a map, which
// is what an app pays that uploads none.
func BenchmarkResolve(b *testing.B) {
	path, segments := largeMap(b)
	content, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	s := openStore(b, dir, generous30(), time.Now)
	if _, err := s.Put(b.Context(), "shop", "1", "/large.js", bytes.NewReader(content)); err != nil {
		b.Fatal(err)
	}
	last := int(segments[len(segments)-1].column)
	for name, next := range map[string]func(i int) (url string, column int){
		"known":  func(int) (string, int) { return "https://cdn.example/large.js", 4711 },
		"other":  func(i int) (string, int) { return "https://cdn.example/large.js", 1 + i*7919%last },
		"no-map": func(int) (string, int) { return "https://cdn.example/unknown.js", 4711 },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				url, column := next(i)
				if _, ok := s.Resolve("shop", "1", url, 1, column); ok == (name == "no-map") {
					b.Fatalf("%s:%d: %t", url, column, ok)
				}
			}
		})
	}
}

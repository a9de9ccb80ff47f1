package queue

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// countingDisk is a real directory that counts what it syncs.
type countingDisk struct {
	directory
	syncs *atomic.Int64
}

func (d countingDisk) open(name string, create bool) (file, error) {
	f, err := d.directory.open(name, create)
	if err != nil {
		return nil, err
	}
	return countingFile{f, d.syncs}, nil
}

type countingFile struct {
	file
	syncs *atomic.Int64
}

func (f countingFile) datasync() error {
	f.syncs.Add(1)
	return f.file.datasync()
}

// benchRecord is as large as a report of one page view.
func benchRecord() []byte { return make([]byte, 800) }

// benchQueue opens a log on the disk that the package is on: a temporary
// directory may be in memory.
func benchQueue(b *testing.B) (*Queue, *atomic.Int64) {
	b.Helper()
	dir, err := os.MkdirTemp(".", "bench-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = os.RemoveAll(dir) })
	syncs := new(atomic.Int64)
	q, err := Open(Options{
		Dir: dir, MaxBytes: 1 << 40, SegmentBytes: 64 << 20, MaxRecordBytes: 1 << 20,
		KeepFor: time.Hour, Now: time.Now, Log: quiet(), disk: countingDisk{directory{dir}, syncs},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = q.Release() })
	return q, syncs
}

// share lets producers do b.N pieces of work.
func share(b *testing.B, producers int, work func()) {
	b.Helper()
	var left atomic.Int64
	left.Store(int64(b.N))
	var all sync.WaitGroup
	for range producers {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				work()
			}
		})
	}
	all.Wait()
}

// Records of 800 bytes, each waited for until it is on disk.
func BenchmarkAppend(b *testing.B) {
	for _, producers := range []int{1, 16, 256} {
		b.Run(fmt.Sprintf("producers=%d", producers), func(b *testing.B) {
			q, syncs := benchQueue(b)
			record := benchRecord()
			settled := func(Position, error) {}
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			b.ResetTimer()
			share(b, producers, func() {
				commit, err := q.Enqueue(record, 1, settled)
				if err == nil {
					err = commit.Wait(context.Background())
				}
				if err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(syncs.Load())/float64(b.N), "fdatasyncs/record")
		})
	}
}

// The same promise without a group: a write and a sync for each record.
func BenchmarkAppendOneByOne(b *testing.B) {
	dir, err := os.MkdirTemp(".", "bench-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	f, err := directory{dir}.open("naive", true)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	record := benchRecord()
	offset := int64(0)
	var turn sync.Mutex
	b.SetBytes(int64(len(record)))
	b.ResetTimer()
	share(b, 256, func() {
		turn.Lock()
		defer turn.Unlock()
		if _, err := f.WriteAt(record, offset); err != nil {
			b.Error(err)
		}
		if err := f.datasync(); err != nil {
			b.Error(err)
		}
		offset += int64(len(record))
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(1, "fdatasyncs/record")
}

// fill puts records in without waiting for each.
func fill(b *testing.B, q *Queue, records int) {
	b.Helper()
	record := benchRecord()
	for i := range records {
		commit, err := q.Enqueue(record, 1, func(Position, error) {})
		if err == nil && i%1000 == 0 {
			err = commit.Wait(context.Background())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	all, err := q.Barrier()
	if err == nil {
		err = all.Wait(context.Background())
	}
	if err != nil {
		b.Fatal(err)
	}
}

// From the log to frozen ranges, checkpoints included.
func BenchmarkRead(b *testing.B) {
	q, _ := benchQueue(b)
	fill(b, q, b.N)
	b.SetBytes(int64(len(benchRecord())))
	b.ReportAllocs()
	b.ResetTimer()
	for read := 0; read < b.N; {
		r, err := q.Next(context.Background(), Cut{MaxEvents: 50_000, MaxBytes: 16 << 20})
		if err == nil {
			err = q.Done(r, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
		read += len(r.Items)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// A start with 64 MiB that wait.
func BenchmarkOpen(b *testing.B) {
	q, _ := benchQueue(b)
	fill(b, q, (64<<20)/800)
	o := q.o
	if err := q.Release(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(64 << 20)
	b.ResetTimer()
	for range b.N {
		q, err := Open(o)
		if err == nil {
			err = q.Release()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

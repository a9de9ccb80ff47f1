package queue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// takesAll is a cut that waits for nothing and takes as much as it can.
var takesAll = Cut{MaxEvents: 1 << 20, MaxBytes: 1 << 20}

// small are the options of a log whose segments hold a few dozen records.
func small(dir string) Options {
	return Options{
		Dir: dir, MaxBytes: 64 << 13, SegmentBytes: 1 << 13, MaxRecordBytes: 1 << 12,
		KeepFor: time.Hour, Preamble: []byte("preamble"), Now: time.Now, Log: quiet(), healEvery: time.Millisecond, readPause: time.Microsecond,
	}
}

func mustOpen(t *testing.T, o Options) *Queue {
	t.Helper()
	q, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.Release() })
	return q
}

func mustRelease(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.Release(); err != nil {
		t.Fatal(err)
	}
}

// numbered is a record of 200 bytes.
func numbered(number int) []byte {
	return append(fmt.Appendf(nil, "%08d", number), bytes.Repeat([]byte{'x'}, 192)...)
}

// put enqueues one record and waits for its fate.
func put(q *Queue, number int) (end Position, err error) {
	commit, err := q.Enqueue(numbered(number), 1, func(at Position, _ error) { end = at })
	if err != nil {
		return 0, err
	}
	return end, commit.Wait(context.Background())
}

// mustPut puts the records from one number up to before another, each in a
// group of its own, and returns the positions behind them.
func mustPut(t *testing.T, q *Queue, from, to int) (ends []Position) {
	t.Helper()
	for number := from; number < to; number++ {
		end, err := put(q, number)
		if err != nil {
			t.Fatalf("record %d: %v", number, err)
		}
		ends = append(ends, end)
	}
	return ends
}

func numbers(items []Item) (list []int) {
	for _, item := range items {
		var number int
		if _, err := fmt.Sscanf(string(item.Data[:8]), "%d", &number); err != nil || !bytes.Equal(item.Data, numbered(number)) {
			return append(list, -1)
		}
		list = append(list, number)
	}
	return list
}

// takeNext deals with the next range.
func takeNext(t *testing.T, q *Queue) []int {
	t.Helper()
	r, err := q.Next(t.Context(), takesAll)
	if err != nil {
		t.Fatal(err)
	}
	list := numbers(r.Items)
	if err := q.Done(r, nil); err != nil {
		t.Fatal(err)
	}
	return list
}

// drain closes a log and takes everything that it holds.
func drain(t *testing.T, q *Queue) (list []int) {
	t.Helper()
	q.Close()
	for {
		r, err := q.Next(t.Context(), takesAll)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, numbers(r.Items)...)
		if err := q.Done(r, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// run lists the numbers from one up to before another, without some.
func run(from, to int, without ...int) (list []int) {
	for number := from; number < to; number++ {
		if !slices.Contains(without, number) {
			list = append(list, number)
		}
	}
	return list
}

// filesOf returns the names of a directory's files that match, sorted.
func filesOf(t *testing.T, dir, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	return paths
}

// segmentsOf returns the paths of a log's segments, oldest first.
func segmentsOf(t *testing.T, dir string) []string {
	t.Helper()
	paths := filesOf(t, dir, "*"+segmentSuffix)
	if len(paths) == 0 {
		t.Fatalf("no segments in %s", dir)
	}
	return paths
}

// edit changes a file's content.
func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// frameOf is where in a segment's file the frame of the nth record begins; all
// records are as large as numbered makes them.
func frameOf(n int) int {
	header := len(segmentHeader(logID{}, 0, 0, time.Time{}, small("").Preamble))
	return header + n*frameBytes(len(numbered(0)))
}

func flip(offset int) func([]byte) []byte {
	return func(content []byte) []byte {
		content[offset] ^= 0x10
		return content
	}
}

func zero(from int) func([]byte) []byte {
	return func(content []byte) []byte {
		clear(content[from:])
		return content
	}
}

// One of ten records, or more, is damaged on disk: the others come out once, in
// order, and the damage is counted.
func TestOpen_SkipsDamageAndKeepsTheRest(t *testing.T) {
	const records = 10
	for name, c := range map[string]struct {
		damage func([]byte) []byte
		want   []int
		whole  bool // nothing was lost, so nothing is counted
	}{
		"nothing":                    {func(c []byte) []byte { return c }, run(0, 10), true},
		"the reserved zeros are cut": {func(c []byte) []byte { return c[:frameOf(10)] }, run(0, 10), true},
		"the tail is torn off":       {func(c []byte) []byte { return c[:frameOf(9)+50] }, run(0, 9), false},
		"the tail is half zeros":     {zero(frameOf(9) + 50), run(0, 9), false},
		"a header is torn":           {func(c []byte) []byte { return c[:frameOf(9)+10] }, run(0, 9), false},
		"a bit of a record":          {flip(frameOf(4) + frameHeaderBytes + 100), run(0, 10, 4), false},
		"a bit of a length":          {flip(frameOf(4) + 4), run(0, 10, 4), false},
		"a high bit of a length":     {flip(frameOf(4) + 7), run(0, 10, 4), false},
		"a bit of an event count":    {flip(frameOf(4) + 8), run(0, 10, 4), false},
		"a bit of a time":            {flip(frameOf(4) + 16), run(0, 10, 4), false},
		"a bit of a header's sum":    {flip(frameOf(4)), run(0, 10, 4), false},
		"a bit of a record's sum":    {flip(frameOf(4) + 12), run(0, 10, 4), false},
		"zeros in the middle": {func(c []byte) []byte {
			clear(c[frameOf(3)+8 : frameOf(6)-8])
			return c
		}, run(0, 10, 3, 4, 5), false},
		"rubbish at the start": {func(c []byte) []byte {
			copy(c[frameOf(0):frameOf(2)], bytes.Repeat([]byte{0xa5}, 1<<10))
			return c
		}, run(0, 10, 0, 1), false},
		"rubbish behind the end": {func(c []byte) []byte {
			copy(c[frameOf(10)+40:], "rubbish")
			return c
		}, run(0, 10), false},
		"a frame in another's place": {func(c []byte) []byte {
			copy(c[frameOf(7):frameOf(8)], bytes.Clone(c[frameOf(2):frameOf(3)]))
			return c
		}, run(0, 10, 7), false},
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			mustPut(t, q, 0, records)
			mustRelease(t, q)
			edit(t, segmentsOf(t, o.Dir)[0], c.damage)
			q = mustOpen(t, o)
			found := q.Recovered()
			if found.Records != len(c.want) || found.Events != len(c.want) {
				t.Errorf("found %d records, %d events, want %d", found.Records, found.Events, len(c.want))
			}
			if (found.SkippedBytes == 0) != c.whole || (found.SkippedSpots == 0) != c.whole {
				t.Errorf("skipped %d bytes in %d spots", found.SkippedBytes, found.SkippedSpots)
			}
			mustPut(t, q, 77, 78)
			if got, want := drain(t, q), append(slices.Clone(c.want), 77); !slices.Equal(got, want) {
				t.Errorf("came out %v, want %v", got, want)
			}
			if events, sizeBytes := q.Held(); events != 0 || sizeBytes != 0 {
				t.Errorf("still holds %d events, %d bytes", events, sizeBytes)
			}
		})
	}
}

// A record that carries the bytes of frames must never be read as those frames,
// also not when its own frame is damaged.
func TestOpen_TakesNothingInsideOfARecordForAFrame(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	mustPut(t, q, 0, 3)
	mustRelease(t, q)
	path := segmentsOf(t, o.Dir)[0]
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	frames := content[frameOf(0):frameOf(3)]
	q = mustOpen(t, o)
	commit, err := q.Enqueue(frames, 3, func(Position, error) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := commit.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustRelease(t, q)
	segments := segmentsOf(t, o.Dir)
	edit(t, segments[1], flip(frameOf(0)+5))
	q = mustOpen(t, o)
	if got := drain(t, q); !slices.Equal(got, run(0, 3)) {
		t.Errorf("came out %v", got)
	}
}

func TestOpen_CountsAMissingSegmentAsAGap(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	mustPut(t, q, 0, 120)
	mustRelease(t, q)
	segments := segmentsOf(t, o.Dir)
	if len(segments) < 3 {
		t.Fatalf("%d segments are too few for this test", len(segments))
	}
	perSegment := (int(o.SegmentBytes) - frameOf(0)) / frameBytes(len(numbered(0)))
	if err := os.Remove(segments[1]); err != nil {
		t.Fatal(err)
	}
	q = mustOpen(t, o)
	found := q.Recovered()
	if found.SkippedSpots != 1 || found.SkippedBytes != int64(perSegment*frameBytes(len(numbered(0)))) {
		t.Errorf("counted %d spots, %d bytes", found.SkippedSpots, found.SkippedBytes)
	}
	want := append(run(0, perSegment), run(2*perSegment, 120)...)
	if got := drain(t, q); !slices.Equal(got, want) {
		t.Errorf("came out %v, want %v", got, want)
	}
}

// A file that is no segment of this log is renamed, counted and never deleted.
func TestOpen_SetsForeignAndUnreadableSegmentsAside(t *testing.T) {
	other := small(t.TempDir())
	q := mustOpen(t, other)
	mustPut(t, q, 0, 5)
	mustRelease(t, q)
	foreign, err := os.ReadFile(segmentsOf(t, other.Dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func([]byte) []byte{
		"of another log":          func([]byte) []byte { return bytes.Clone(foreign) },
		"a bit of its magic":      flip(3),
		"a bit of its length":     flip(12),
		"a bit of the log's id":   flip(17),
		"a bit of its position":   flip(25),
		"a bit of its preamble":   flip(segmentFixedBytes),
		"a bit of its sum":        flip(frameOf(0) - 1),
		"cut behind its preamble": func(c []byte) []byte { return c[:segmentFixedBytes+4] },
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			mustPut(t, q, 0, 120)
			if err := q.Checkpoint([]byte("state")); err != nil {
				t.Fatal(err)
			}
			id := q.ID()
			mustRelease(t, q)
			segments := segmentsOf(t, o.Dir)
			edit(t, segments[1], change)
			damaged, err := os.ReadFile(segments[1])
			if err != nil {
				t.Fatal(err)
			}
			q = mustOpen(t, o)
			if found := q.Recovered(); len(found.SetAside) != 1 || found.SkippedSpots == 0 || q.ID() != id {
				t.Errorf("recovered %+v, id %s, was %s", found, q.ID(), id)
			}
			kept, err := os.ReadFile(segments[1] + setAsideSuffix)
			if err != nil || !bytes.Equal(kept, damaged) {
				t.Errorf("the file was not kept as it was: %v", err)
			}
			got := drain(t, q)
			if len(got) == 0 || got[0] != 0 || got[len(got)-1] != 119 || slices.Contains(got, -1) {
				t.Errorf("came out %v", got)
			}
		})
	}
}

// A segment file that was made ready and never used is nobody's loss.
func TestOpen_RemovesSegmentsThatWereNeverUsed(t *testing.T) {
	for name, sizeBytes := range map[string]int{"just made": 0, "reserved": 1 << 13} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			mustPut(t, q, 0, 5)
			mustRelease(t, q)
			unused := filepath.Join(o.Dir, segmentName(99))
			if err := os.WriteFile(unused, make([]byte, sizeBytes), 0o600); err != nil {
				t.Fatal(err)
			}
			q = mustOpen(t, o)
			if found := q.Recovered(); found.Records != 5 || found.SkippedSpots != 0 || len(found.SetAside) != 0 {
				t.Errorf("recovered %+v", found)
			}
			if _, err := os.Stat(unused); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the unused file is still there: %v", err)
			}
		})
	}
}

// snapshotOf is the name and content of every file of a directory.
func snapshotOf(t *testing.T, dir string) (list []string) {
	t.Helper()
	for _, path := range filesOf(t, dir, "*") {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %x", filepath.Base(path), sha256.Sum256(content)))
	}
	return list
}

// A program must not touch what a later one wrote.
func TestOpen_LeavesANewerFormatAlone(t *testing.T) {
	for name, pattern := range map[string]string{"segment": "*" + segmentSuffix, "checkpoint": "checkpoint.1"} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			mustPut(t, q, 0, 5)
			if err := q.Checkpoint([]byte("state")); err != nil {
				t.Fatal(err)
			}
			mustRelease(t, q)
			edit(t, filesOf(t, o.Dir, pattern)[0], newer)
			before := snapshotOf(t, o.Dir)
			_, err := Open(o)
			var version *VersionError
			if !errors.As(err, &version) || version.Version != formatVersion+1 || !strings.Contains(err.Error(), o.Dir) {
				t.Fatalf("Open: %v", err)
			}
			if after := snapshotOf(t, o.Dir); !slices.Equal(before, after) {
				t.Errorf("the directory changed from %v to %v", before, after)
			}
			if _, err := Open(o); !errors.As(err, &version) {
				t.Errorf("Open once more must not find the directory locked: %v", err)
			}
		})
	}
}

func TestOpen_RefusesADirectoryThatIsInUse(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	if _, err := Open(o); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), o.Dir) {
		t.Fatalf("a second Open: %v", err)
	}
	mustPut(t, q, 0, 1)
	mustRelease(t, q)
	q = mustOpen(t, o)
	if got := drain(t, q); !slices.Equal(got, run(0, 1)) {
		t.Errorf("came out %v", got)
	}
}

// A damaged checkpoint costs the step that it stood for; without any, reading
// begins at the oldest record. Records are never dropped for it.
func TestOpen_FallsBackWhenACheckpointIsDamaged(t *testing.T) {
	for name, c := range map[string]struct {
		damaged []string
		lost    bool
		state   string
		want    []int
	}{
		"none":            {nil, false, "third", run(4, 10)},
		"the newest":      {[]string{"checkpoint.1"}, false, "second", run(4, 10)},
		"the one before":  {[]string{"checkpoint.0"}, false, "third", run(4, 10)},
		"both":            {[]string{"checkpoint.0", "checkpoint.1"}, true, "", run(0, 10)},
		"both, by length": {[]string{"checkpoint.0 cut", "checkpoint.1 cut"}, true, "", run(0, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			mustPut(t, q, 0, 10)
			// Three writes: the range, what was done with it, and a state.
			r, err := q.Next(t.Context(), Cut{MaxEvents: 4, MaxBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			if err := q.Done(r, []byte("second")); err != nil {
				t.Fatal(err)
			}
			if err := q.Checkpoint([]byte("third")); err != nil {
				t.Fatal(err)
			}
			id := q.ID()
			mustRelease(t, q)
			for _, name := range c.damaged {
				name, cut := strings.CutSuffix(name, " cut")
				edit(t, filepath.Join(o.Dir, name), func(content []byte) []byte {
					if cut {
						return content[:20]
					}
					return flip(33)(content)
				})
			}
			q = mustOpen(t, o)
			if q.Recovered().CheckpointLost != c.lost || string(q.State()) != c.state || q.ID() != id {
				t.Errorf("recovered %+v, state %q, id %s, was %s", q.Recovered(), q.State(), q.ID(), id)
			}
			if got := drain(t, q); !slices.Equal(got, c.want) {
				t.Errorf("came out %v, want %v", got, c.want)
			}
		})
	}
}

// What was handed out and not done comes again as it was, whatever the cut is.
func TestNext_RepeatsAFrozenRangeAfterARestart(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	mustPut(t, q, 0, 10)
	first, err := q.Next(t.Context(), Cut{MaxEvents: 4, MaxBytes: 1 << 20, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := numbers(first.Items)
	mustRelease(t, q)
	for range 2 { // also when it is interrupted twice
		q = mustOpen(t, o)
		again, err := q.Next(t.Context(), Cut{MaxEvents: 100, MaxBytes: 1, MaxAge: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		if got := numbers(again.Items); again.From != first.From || again.To != first.To || again.Events != 4 || !slices.Equal(got, want) {
			t.Fatalf("came again as %d-%d %v, was %d-%d %v", again.From, again.To, got, first.From, first.To, want)
		}
		if again.Oldest.UnixMilli() != first.Oldest.UnixMilli() || string(again.Items[0].Preamble) != "preamble" {
			t.Errorf("oldest %v, was %v; preamble %q", again.Oldest, first.Oldest, again.Items[0].Preamble)
		}
		mustRelease(t, q)
	}
}

// A range never takes more than the cut allows, but for a single record.
func TestNext_KeepsToTheCut(t *testing.T) {
	frame := int64(frameBytes(len(numbered(0))))
	for name, c := range map[string]struct {
		cut  Cut
		want int
	}{
		"events":         {Cut{MaxEvents: 3, MaxBytes: 1 << 20}, 3},
		"bytes":          {Cut{MaxEvents: 100, MaxBytes: 4*frame + 1}, 4},
		"bytes, exactly": {Cut{MaxEvents: 100, MaxBytes: 4 * frame}, 4},
		"one at least":   {Cut{MaxEvents: 0, MaxBytes: 1}, 1},
		"no limit":       {takesAll, 10},
	} {
		t.Run(name, func(t *testing.T) {
			q := mustOpen(t, small(t.TempDir()))
			mustPut(t, q, 0, 10)
			r, err := q.Next(t.Context(), c.cut)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Items) != c.want || r.Events != c.want || r.Items[0].At != r.From || r.Items[len(r.Items)-1].End != r.To {
				t.Errorf("%d records, %d events, %d to %d", len(r.Items), r.Events, r.From, r.To)
			}
		})
	}
}

// The range is due when its oldest record is, by the log's clock.
func TestNext_WaitsForTheAgeOfTheOldest(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	o := small(t.TempDir())
	o.Now = func() time.Time { return now }
	q := mustOpen(t, o)
	mustPut(t, q, 0, 1)
	cut := Cut{MaxEvents: 100, MaxBytes: 1 << 20, MaxAge: time.Minute}
	early, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := q.Next(early, cut); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Next of a young record: %v", err)
	}
	mustRelease(t, q)
	now = now.Add(time.Minute) // also over a restart
	q = mustOpen(t, o)
	r, err := q.Next(t.Context(), cut)
	if err != nil || len(r.Items) != 1 || !r.Oldest.Equal(now.Add(-time.Minute)) {
		t.Fatalf("Next of an old record: %+v, %v", r, err)
	}
}

// A clock that was set back must not keep records waiting until it is as late
// again as they are.
func TestNext_DoesNotWaitForAClockThatWasSetBack(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	o := small(t.TempDir())
	o.Now = func() time.Time { return now }
	q := mustOpen(t, o)
	mustPut(t, q, 0, 1)
	now = now.Add(-time.Hour)
	mustPut(t, q, 1, 2)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if r, err := q.Next(ctx, Cut{MaxEvents: 100, MaxBytes: 1 << 20, MaxAge: time.Minute}); err != nil || len(r.Items) != 2 {
		t.Fatalf("Next: %d records, %v", len(r.Items), err)
	}
}

func TestQueue_ClosesDrainsAndEnds(t *testing.T) {
	q := mustOpen(t, small(t.TempDir()))
	mustPut(t, q, 0, 3)
	if _, err := q.Enqueue(make([]byte, 1<<12+1), 1, nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record above the bound: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Next(ended, takesAll); !errors.Is(err, context.Canceled) {
		t.Errorf("Next with a context that has ended: %v", err)
	}
	q.Close()
	if _, err := put(q, 3); !errors.Is(err, ErrClosed) {
		t.Errorf("Enqueue after Close: %v", err)
	}
	r, err := q.Next(t.Context(), Cut{MaxEvents: 100, MaxBytes: 1 << 20, MaxAge: time.Hour})
	if err != nil || len(r.Items) != 3 {
		t.Fatalf("Next after Close: %+v, %v", r, err)
	}
	if err := q.Done(r, []byte("state")); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Next(t.Context(), takesAll); !errors.Is(err, io.EOF) {
		t.Errorf("Next of a closed and empty log: %v", err)
	}
	if err := q.Checkpoint([]byte("last")); err != nil || string(q.State()) != "last" {
		t.Errorf("Checkpoint after Close: %v, state %q", err, q.State())
	}
	mustRelease(t, q)
	mustRelease(t, q)
	if _, err := put(q, 4); !errors.Is(err, ErrClosed) {
		t.Errorf("Enqueue after Release: %v", err)
	}
}

// Every record is told its fate once, in the order of the log, before anybody
// who waits for it.
func TestEnqueue_SettlesEachRecordOnceInOrder(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 1 << 24
	q := mustOpen(t, o)
	var settled []Position // only the committer touches it, and who has waited for it
	var producers sync.WaitGroup
	for producer := range 8 {
		producers.Go(func() {
			for i := range 50 {
				told := 0
				commit, err := q.Enqueue(numbered(100*producer+i), 1, func(end Position, err error) {
					if err != nil {
						t.Errorf("settled with %v", err)
					}
					told++
					settled = append(settled, end)
				})
				if err != nil {
					t.Error(err)
					return
				}
				if err := commit.Wait(t.Context()); err != nil || told != 1 {
					t.Errorf("Wait: %v, told %d times before", err, told)
				}
			}
		})
	}
	producers.Wait()
	barrier, err := q.Barrier()
	if err != nil {
		t.Fatal(err)
	}
	if err := barrier.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(settled) != 400 || !slices.IsSorted(settled) || len(slices.Compact(slices.Clone(settled))) != 400 {
		t.Errorf("%d records were settled, in order: %v", len(settled), slices.IsSorted(settled))
	}
	if got := drain(t, q); len(got) != 400 || slices.Contains(got, -1) {
		t.Errorf("%d records came out", len(got))
	}
}

// At its bound a log refuses what is new and keeps what is old.
func TestEnqueue_RefusesAtTheBoundUntilThereIsRoom(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 6 * o.SegmentBytes
	q := mustOpen(t, o)
	accepted := 0
	var err error
	for err == nil {
		if _, err = put(q, accepted); err == nil {
			accepted++
		}
		if accepted > 1000 {
			t.Fatal("the log takes more than its bound")
		}
	}
	if !errors.Is(err, ErrFull) || accepted < 50 {
		t.Fatalf("after %d records: %v", accepted, err)
	}
	if events, sizeBytes := q.Held(); events != accepted || sizeBytes > o.MaxBytes {
		t.Errorf("holds %d events, %d bytes", events, sizeBytes)
	}
	if got := takeNext(t, q); got[0] != 0 {
		t.Errorf("the first to come out is %d", got[0])
	}
	mustPut(t, q, accepted, accepted+1)
	mustRelease(t, q)
	q = mustOpen(t, o)
	got := drain(t, q)
	if got[len(got)-1] != accepted || !slices.IsSorted(got) {
		t.Errorf("came out %v", got)
	}
}

// diskUse is what the segments of a directory take.
func diskUse(t *testing.T, dir string) (total int64) {
	t.Helper()
	for _, path := range filesOf(t, dir, "*"+segmentSuffix) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	return total
}

// Records that were dealt with are kept, but never in the way of new ones.
func TestDone_KeepsSegmentsWhileThereIsRoom(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 6 * o.SegmentBytes
	q := mustOpen(t, o)
	for number := range 1000 {
		mustPut(t, q, number, number+1)
		if got := takeNext(t, q); !slices.Equal(got, []int{number}) {
			t.Fatalf("came out %v, want %d", got, number)
		}
		if used := diskUse(t, o.Dir); used > o.MaxBytes {
			t.Fatalf("%d bytes of %d are used", used, o.MaxBytes)
		}
	}
	mustRelease(t, q)
	q = mustOpen(t, o)
	kept := 0
	err := q.Scan(func(item Item) error {
		kept++
		if !item.Acknowledged {
			return errors.New("not acknowledged")
		}
		return nil
	})
	if err != nil || kept < 50 || kept > 999 {
		t.Errorf("%d records are kept: %v", kept, err)
	}
}

// Their time is what the process has run since, whatever the wall clock does.
func TestDone_ForgetsSegmentsAfterTheirTime(t *testing.T) {
	elapsed := time.Duration(0)
	o := small(t.TempDir())
	o.elapsed, o.KeepFor = func() time.Duration { return elapsed }, time.Minute
	q := mustOpen(t, o)
	mustPut(t, q, 0, 100)
	for taken := 0; taken < 100; {
		taken += len(takeNext(t, q))
	}
	scanned := func(o Options) (acknowledged, others int) {
		t.Helper()
		q := mustOpen(t, o)
		defer mustRelease(t, q)
		err := q.Scan(func(item Item) error {
			if item.Acknowledged {
				acknowledged++
			} else {
				others++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return acknowledged, others
	}
	mustRelease(t, q)
	if acknowledged, others := scanned(o); acknowledged != 100 || others != 0 {
		t.Errorf("before their time %d are kept, and %d others", acknowledged, others)
	}
	q = mustOpen(t, o)
	elapsed += 2 * time.Minute
	mustPut(t, q, 100, 101)
	takeNext(t, q)
	mustPut(t, q, 101, 102)
	mustRelease(t, q)
	if acknowledged, others := scanned(o); acknowledged != 1 || others != 1 {
		t.Errorf("after their time %d are kept, and %d others", acknowledged, others)
	}
}

// flakyDisk is a real directory whose operations fail as it is told, and which
// notes what is asked of a file after its sync or write has failed.
type flakyDisk struct {
	directory
	mu     sync.Mutex
	fail   map[string]error // by operation
	abused []string
}

func (d *flakyDisk) failing(operation string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fail[operation]
}

func (d *flakyDisk) set(operation string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail[operation] = err
}

func (d *flakyDisk) open(name string, create bool) (file, error) {
	if create {
		if err := d.failing("create"); err != nil {
			return nil, err
		}
	}
	f, err := d.directory.open(name, create)
	if err != nil {
		return nil, err
	}
	return &flakyFile{file: f, disk: d, name: name}, nil
}

type flakyFile struct {
	file
	disk   *flakyDisk
	name   string
	failed bool
}

// attempt does an operation, or fails.
func (f *flakyFile) attempt(operation string, do func() error) error {
	f.disk.mu.Lock()
	if f.failed {
		f.disk.abused = append(f.disk.abused, operation+" "+f.name)
	}
	err := f.disk.fail[operation]
	f.failed = f.failed || err != nil
	f.disk.mu.Unlock()
	if err != nil {
		return err
	}
	return do()
}

func (f *flakyFile) WriteAt(p []byte, offset int64) (written int, err error) {
	err = f.attempt("write", func() error {
		written, err = f.file.WriteAt(p, offset)
		return err
	})
	return written, err
}

func (f *flakyFile) datasync() error { return f.attempt("datasync", f.file.datasync) }

func (f *flakyFile) preallocate(sizeBytes int64) error {
	return f.attempt("preallocate", func() error { return f.file.preallocate(sizeBytes) })
}

// While the disk fails records are refused and the reason is told; when it is
// well again the log is, too, without being asked. What was refused does not
// come out, what was safe does, and nothing failed is ever synced again.
func TestEnqueue_FailsWithTheDiskAndHealsWithIt(t *testing.T) {
	for name, c := range map[string]struct {
		operations []string
		cause      error
	}{
		"sync fails":               {[]string{"datasync"}, syscall.EIO},
		"write fails":              {[]string{"write"}, syscall.EIO},
		"disk full":                {[]string{"write", "preallocate"}, syscall.ENOSPC},
		"disk full, sync tells":    {[]string{"datasync", "preallocate"}, syscall.ENOSPC},
		"read-only":                {[]string{"write", "preallocate", "datasync", "create"}, syscall.EROFS},
		"no new files, sync fails": {[]string{"datasync", "create"}, syscall.EIO},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each waits for the log to try again
			o := small(t.TempDir())
			d := &flakyDisk{directory: directory{o.Dir}, fail: map[string]error{}}
			o.disk = d
			q := mustOpen(t, o)
			before := mustPut(t, q, 0, 5)
			for _, operation := range c.operations {
				d.set(operation, c.cause)
			}
			var broken *BrokenError
			if _, err := put(q, 5); !errors.Is(err, c.cause) {
				t.Errorf("the record that met the failure: %v", err)
			}
			if _, err := put(q, 6); !errors.As(err, &broken) || !errors.Is(err, c.cause) {
				t.Errorf("a record after it: %v", err)
			}
			if err := q.Err(); !errors.As(err, &broken) || !errors.Is(err, c.cause) {
				t.Errorf("Err: %v", err)
			}
			for _, operation := range c.operations {
				d.set(operation, nil)
			}
			heals(t, q)
			after := mustPut(t, q, 7, 9)
			if after[0] <= before[4] {
				t.Errorf("position %d came after %d", after[0], before[4])
			}
			want := append(run(0, 5), 7, 8)
			if got := drain(t, q); !slices.Equal(got, want) {
				t.Errorf("came out %v, want %v", got, want)
			}
			mustRelease(t, q)
			if len(d.abused) > 0 {
				t.Errorf("files were used after they had failed: %v", d.abused)
			}
		})
	}
}

// heals waits until the log takes records again.
func heals(t *testing.T, q *Queue) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); q.Err() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log stays broken: %v", q.Err())
		}
	}
}

// What a failed group left in its segment must not come back once there is a
// newer segment, also not after a restart.
func TestOpen_IgnoresWhatWasAbandoned(t *testing.T) {
	o := small(t.TempDir())
	d := &flakyDisk{directory: directory{o.Dir}, fail: map[string]error{}}
	o.disk = d
	q := mustOpen(t, o)
	mustPut(t, q, 0, 5)
	d.set("datasync", syscall.EIO)
	if _, err := put(q, 5); !errors.Is(err, syscall.EIO) { // written, not synced
		t.Fatalf("put: %v", err)
	}
	d.set("datasync", nil)
	heals(t, q)
	mustPut(t, q, 6, 8)
	mustRelease(t, q)
	o.disk = nil
	q = mustOpen(t, o)
	if found := q.Recovered(); found.Records != 7 || found.SkippedBytes != 0 {
		t.Errorf("recovered %+v", found)
	}
	if got, want := drain(t, q), append(run(0, 5), 6, 7); !slices.Equal(got, want) {
		t.Errorf("came out %v, want %v", got, want)
	}
}

// While no checkpoint can be kept no range is handed out and none is done; the
// same calls succeed later.
func TestNext_HandsOutNothingThatIsNotOnDisk(t *testing.T) {
	o := small(t.TempDir())
	d := &flakyDisk{directory: directory{o.Dir}, fail: map[string]error{}}
	o.disk = d
	q := mustOpen(t, o)
	mustPut(t, q, 0, 5)
	d.set("datasync", syscall.EIO)
	if r, err := q.Next(t.Context(), takesAll); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Next: %+v, %v", r, err)
	}
	d.set("datasync", nil)
	r, err := q.Next(t.Context(), takesAll)
	if err != nil || len(r.Items) != 5 {
		t.Fatalf("Next: %+v, %v", r, err)
	}
	d.set("write", syscall.ENOSPC)
	if err := q.Done(r, []byte("state")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("Done: %v", err)
	}
	if err := q.Checkpoint([]byte("other")); !errors.Is(err, syscall.ENOSPC) || q.State() != nil {
		t.Fatalf("Checkpoint: %v, state %q", err, q.State())
	}
	if events, _ := q.Held(); events != 5 {
		t.Errorf("holds %d events", events)
	}
	d.set("write", nil)
	if err := q.Done(r, []byte("state")); err != nil || string(q.State()) != "state" {
		t.Errorf("Done: %v, state %q", err, q.State())
	}
	if events, sizeBytes := q.Held(); events != 0 || sizeBytes != 0 {
		t.Errorf("holds %d events, %d bytes", events, sizeBytes)
	}
}

// A disk that hangs must not fill the memory with what waits for it.
func TestEnqueue_BoundsWhatWaitsInMemory(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes, o.SegmentBytes, o.MaxRecordBytes = 2<<30, 64<<20, 1<<20
	d := &hangingDisk{directory: directory{o.Dir}, hang: make(chan struct{})}
	o.disk = d
	q := mustOpen(t, o)
	defer close(d.hang)
	record, waiting := make([]byte, 1<<20), 0
	var err error
	for ; err == nil && waiting < 256; waiting++ {
		_, err = q.Enqueue(record, 1, func(Position, error) {})
	}
	if err == nil || waiting < 2 {
		t.Errorf("%d MiB wait in memory: %v", waiting, err)
	}
}

// hangingDisk makes no segments until it is let go.
type hangingDisk struct {
	directory
	hang chan struct{}
}

func (d *hangingDisk) open(name string, create bool) (file, error) {
	if create && strings.HasSuffix(name, segmentSuffix) {
		<-d.hang
	}
	return d.directory.open(name, create)
}

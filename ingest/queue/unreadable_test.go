package queue

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// steady are the options of a log in memory, and a clock that the test turns.
func steady(d *memDisk) (Options, *time.Time) {
	o, now := inMemory(d), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	o.Now = func() time.Time { return now }
	return o, &now
}

// drainPatiently takes everything out of a log, again and again where it fails.
func drainPatiently(t *testing.T, q *Queue, now *time.Time) (list []int) {
	t.Helper()
	q.Close()
	for failures := 0; ; {
		r, err := q.Next(t.Context(), takesAll)
		if errors.Is(err, io.EOF) {
			return list
		}
		*now = now.Add(time.Second)
		if err != nil {
			if failures++; failures > 1000 {
				t.Fatalf("it never ends: %v", err)
			}
			continue
		}
		list = append(list, numbers(r.Items)...)
		if err := q.Done(r, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// touched are the records of a file that stand in one of the blocks of a stretch.
func touched(held []int, from, to int) (list []int) {
	from, to = from/blockBytes*blockBytes, (to+blockBytes-1)/blockBytes*blockBytes
	for i, number := range held {
		if frameOf(i) < to && frameOf(i)+frameHeaderBytes+len(numbered(0)) > from {
			list = append(list, number)
		}
	}
	return list
}

// A stretch that cannot be read costs the records in its blocks and no others,
// and keeps no log from opening; a stretch that can be read again costs nothing.
func TestOpen_ReadsAroundWhatCannotBeRead(t *testing.T) {
	const half = blockBytes
	header := frameOf(0)
	for name, c := range map[string]struct {
		from, to int
		whole    bool // the file is set aside
	}{
		"a byte of a record":     {half + 100, half + 101, false},
		"a byte of the first":    {header + 30, header + 31, false},
		"the second half":        {half, 1 << 13, false},
		"all but the header":     {header, 1 << 13, false},
		"the header":             {0, header, true},
		"a byte of the header":   {20, 21, true},
		"the preamble":           {segmentFixedBytes, segmentFixedBytes + 1, true},
		"everything":             {0, 1 << 13, true},
		"a stretch at a block's": {half - 1, half + 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range 3 {
				d, names, held := threeSegments(t)
				lost := touched(held[i], c.from, c.to)
				if c.whole {
					lost = held[i]
				}
				d.spoil(names[i], badStretch{int64(c.from), int64(c.to), -1})
				o, now := steady(d)
				q := mustOpen(t, o)
				found := q.Recovered()
				if (len(found.SetAside) == 1) != c.whole || found.SkippedSpots == 0 || found.SkippedBytes == 0 && !c.whole {
					t.Errorf("segment %d: recovered %+v", i, found)
				}
				mustPut(t, q, 4711, 4712)
				all := slices.Concat(held...)
				if got, want := drainPatiently(t, q, now), append(run(0, len(all), lost...), 4711); !slices.Equal(got, want) {
					t.Errorf("segment %d: came out %v, want %v", i, got, want)
				}
				if after := q.Recovered(); after.SkippedBytes != found.SkippedBytes {
					t.Errorf("segment %d: damage was counted twice: %+v, then %+v", i, found, after)
				}
				if c.whole {
					continue
				}
				mustRelease(t, q)
				d, names, _ = threeSegments(t)
				d.spoil(names[i], badStretch{int64(c.from), int64(c.to), 4})
				o, now = steady(d)
				if got := drainPatiently(t, mustOpen(t, o), now); !slices.Equal(got, run(0, len(all))) {
					t.Errorf("segment %d: of a stretch that becomes readable came out %v", i, got)
				}
			}
		})
	}
}

// A header that can be read after all costs nothing.
func TestOpen_ReadsAHeaderAndACheckpointAgain(t *testing.T) {
	d, names, held := threeSegments(t)
	for _, name := range append(names, "checkpoint.1") {
		d.spoil(name, badStretch{0, 1, 3})
	}
	o, now := steady(d)
	q := mustOpen(t, o)
	if found := q.Recovered(); len(found.SetAside) > 0 || found.CheckpointLost || string(q.State()) != "state" {
		t.Errorf("recovered %+v, state %q", found, q.State())
	}
	if got, want := drainPatiently(t, q, now), slices.Concat(held...); !slices.Equal(got, want) {
		t.Errorf("came out %v, want %v", got, want)
	}
}

// When not a single file can be read the log is empty, and works.
func TestOpen_OpensWhatCannotBeReadAtAll(t *testing.T) {
	d, names, _ := threeSegments(t)
	for _, name := range append(names, "checkpoint.0", "checkpoint.1") {
		d.spoil(name, badStretch{0, 1 << 13, -1})
	}
	before := d.content(names[0])
	if list := useUp(t, d); len(list) != 1 {
		t.Errorf("%d records came out", len(list))
	}
	d.cure()
	if !slices.Equal(d.content(names[0]+setAsideSuffix), before) {
		t.Error("a file was not kept as it was")
	}
}

// A checkpoint that cannot be read is like a damaged one, and the next is written
// in spite of it.
func TestOpen_FallsBackWhenACheckpointCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		spoiled []string
		from    int64
		lost    bool
		state   string
		want    []int
	}{
		"the newest":          {[]string{"checkpoint.1"}, 0, false, "state", run(3, 10)},
		"the one before":      {[]string{"checkpoint.0"}, 0, false, "state", run(3, 10)},
		"the newest's state":  {[]string{"checkpoint.1"}, checkpointFixed + 2, false, "state", run(3, 10)},
		"both":                {[]string{"checkpoint.0", "checkpoint.1"}, 0, true, "", run(0, 10)},
		"the state of either": {[]string{"checkpoint.0", "checkpoint.1"}, checkpointFixed, true, "", run(0, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			d, _ := written(t)
			for _, name := range c.spoiled {
				d.spoil(name, badStretch{c.from, c.from + 1, -1})
			}
			q := mustOpen(t, inMemory(d))
			found := q.Recovered()
			if found.CheckpointLost != c.lost || string(q.State()) != c.state || len(found.SetAside) != len(c.spoiled) {
				t.Errorf("recovered %+v, state %q", found, q.State())
			}
			for _, state := range []string{"one", "two", "three"} {
				if err := q.Checkpoint([]byte(state)); err != nil {
					t.Fatal(err)
				}
			}
			if got := drain(t, q); !slices.Equal(got, c.want) {
				t.Errorf("came out %v, want %v", got, c.want)
			}
		})
	}
}

// What cannot be read in the running log is waited for, by attempts and by time;
// then it is counted and passed by, and the records around it come.
func TestNext_GivesUpWhatStaysUnreadable(t *testing.T) {
	d := newMemDisk()
	o, now := steady(d)
	q := mustOpen(t, o)
	mustPut(t, q, 0, 30)
	d.spoil(q.segments[0].name, badStretch{blockBytes, blockBytes + 1, -1})
	lost := touched(run(0, 30), blockBytes, blockBytes+1)
	if got := takeNext(t, q); !slices.Equal(got, run(0, lost[0])) {
		t.Fatalf("before the stretch came out %v", got)
	}
	fails := func() bool {
		_, err := q.Next(t.Context(), takesAll)
		if err != nil && !errors.Is(err, errIO) {
			t.Fatalf("Next: %v", err)
		}
		return err != nil
	}
	for range readAttempts + 1 { // many attempts in no time
		if !fails() {
			t.Fatal("it gives up at once")
		}
	}
	if found := q.Recovered(); found.SkippedBytes > 0 {
		t.Errorf("it has been counted: %+v", found)
	}
	*now = now.Add(readPatience)
	r, err := q.Next(t.Context(), takesAll)
	if err != nil || len(r.Items) > 0 || !r.Oldest.IsZero() {
		t.Fatalf("of the stretch came %d records, %v", len(r.Items), err)
	}
	if err := q.Done(r, nil); err != nil {
		t.Fatal(err)
	}
	if found := q.Recovered(); found.SkippedSpots == 0 || found.SkippedBytes < blockBytes/2 || found.SkippedBytes > 2*blockBytes {
		t.Errorf("counted %+v", found)
	}
	if got, want := drain(t, q), run(lost[len(lost)-1]+1, 30); !slices.Equal(got, want) {
		t.Errorf("behind the stretch came out %v, want %v", got, want)
	}
}

// Time alone is no reason to give up: the process may have slept.
func TestNext_TriesOftenBeforeItGivesUp(t *testing.T) {
	d := newMemDisk()
	o, now := steady(d)
	q := mustOpen(t, o)
	mustPut(t, q, 0, 10)
	d.spoil(q.segments[0].name, badStretch{int64(frameOf(0)), 1 << 13, -1})
	for range readAttempts - 1 {
		if _, err := q.Next(t.Context(), takesAll); !errors.Is(err, errIO) {
			t.Fatalf("Next: %v", err)
		}
		*now = now.Add(time.Hour)
	}
	d.cure()
	if got := drain(t, q); !slices.Equal(got, run(0, 10)) {
		t.Errorf("came out %v", got)
	}
}

// A batch's token is made from the bounds of its range. A stretch that becomes
// readable by a restart must not come in the bounds of a range that has been
// stored without it.
func TestNext_KeepsWhatCannotBeReadApart(t *testing.T) {
	d := newMemDisk()
	o, now := steady(d)
	q := mustOpen(t, o)
	mustPut(t, q, 0, 30)
	d.spoil(q.segments[0].name, badStretch{blockBytes, blockBytes + 1, -1})
	stored := map[[2]Position][]int{}
	var came []int
	for restarts := 0; len(came) < 30 && restarts < 10; restarts++ {
		r, err := q.Next(t.Context(), takesAll)
		for err != nil {
			*now = now.Add(time.Second)
			r, err = q.Next(t.Context(), takesAll)
		}
		bounds := [2]Position{r.From, r.To}
		if before := stored[bounds]; len(before) > 0 && !slices.Equal(before, numbers(r.Items)) {
			t.Fatalf("%v held %v and now %v", bounds, before, numbers(r.Items))
		}
		stored[bounds] = numbers(r.Items)
		if len(r.Items) == 0 { // killed while the range without records is out
			d.cure()
			mustRelease(t, q)
			q = mustOpen(t, o)
			continue
		}
		came = append(came, numbers(r.Items)...)
		if err := q.Done(r, nil); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(came, run(0, 30)) {
		t.Errorf("came out %v", came)
	}
}

// A range that came before comes again in its bounds, without what cannot be read.
func TestNext_RepeatsAFrozenRangeAroundWhatCannotBeRead(t *testing.T) {
	d := newMemDisk()
	o, now := steady(d)
	q := mustOpen(t, o)
	mustPut(t, q, 0, 30)
	first, err := q.Next(t.Context(), takesAll)
	if err != nil {
		t.Fatal(err)
	}
	name := q.segments[0].name
	mustRelease(t, q)
	d.spoil(name, badStretch{blockBytes, blockBytes + 1, -1})
	q = mustOpen(t, o)
	again, err := q.Next(t.Context(), takesAll)
	for err != nil {
		*now = now.Add(time.Second)
		again, err = q.Next(t.Context(), takesAll)
	}
	want := run(0, 30, touched(run(0, 30), blockBytes, blockBytes+1)...)
	if again.From != first.From || again.To != first.To || !slices.Equal(numbers(again.Items), want) {
		t.Errorf("%d-%d came again as %d-%d %v", first.From, first.To, again.From, again.To, numbers(again.Items))
	}
}

// A log that is released is not damaged.
func TestNext_TakesNoClosedFileForDamage(t *testing.T) {
	o := small(t.TempDir())
	now := time.Now()
	o.Now = func() time.Time { return now }
	q := mustOpen(t, o)
	mustPut(t, q, 0, 10)
	mustRelease(t, q)
	for range 2 * readAttempts {
		if r, err := q.Next(t.Context(), takesAll); !errors.Is(err, os.ErrClosed) {
			t.Fatalf("Next: %+v, %v", r, err)
		}
		now = now.Add(time.Minute)
	}
	if got := drain(t, mustOpen(t, o)); !slices.Equal(got, run(0, 10)) {
		t.Errorf("came out %v", got)
	}
}

// What is no bad spot is told: a directory that cannot be listed, files that
// may not be opened.
func TestOpen_FailsWhereNothingCanBeKnown(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	mustPut(t, q, 0, 10)
	mustRelease(t, q)
	segment := filepath.Base(segmentsOf(t, o.Dir)[0])
	for name, d := range map[string]disk{
		"list the log's segments": closedDisk{directory: directory{o.Dir}, unlisted: true},
		"open segment " + segment: closedDisk{directory: directory{o.Dir}, name: segment},
		"open checkpoint.0":       closedDisk{directory: directory{o.Dir}, name: "checkpoint.0"},
	} {
		o.disk = d
		if _, err := Open(o); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.disk = nil
	if got := drain(t, mustOpen(t, o)); !slices.Equal(got, run(0, 10)) {
		t.Errorf("came out %v", got)
	}
}

// closedDisk is a directory with a part that may not be opened.
type closedDisk struct {
	directory
	name     string
	unlisted bool
}

func (d closedDisk) list() ([]string, error) {
	if d.unlisted {
		return nil, os.ErrPermission
	}
	return d.directory.list()
}

func (d closedDisk) open(name string, create bool) (file, error) {
	if name == d.name {
		return nil, os.ErrPermission
	}
	return d.directory.open(name, create)
}

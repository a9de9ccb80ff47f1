package queue

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each of these fails on the code as it is. Copy the file into ingest/queue to run it.

// zeroSumPosition returns a log id for which 24 zero bytes at that position have
// the header checksum zero. CRC is affine, so 32 equations give 32 bits of the id.
func zeroSumID(t *testing.T, at Position) logID {
	t.Helper()
	sum := func(x uint32) uint32 {
		var id logID
		binary.LittleEndian.PutUint32(id[:], x)
		return headerCRC(make([]byte, frameHeaderBytes), id, at)
	}
	base := sum(0)
	type row struct{ value, mask uint32 }
	var pivots [32]row
	for bit := range 32 {
		r := row{sum(1<<bit) ^ base, 1 << bit}
		for top := 31; top >= 0; top-- {
			if r.value>>top&1 == 0 {
				continue
			}
			if pivots[top].value == 0 {
				pivots[top] = r
				break
			}
			r.value ^= pivots[top].value
			r.mask ^= pivots[top].mask
		}
	}
	want, x := base, uint32(0)
	for top := 31; top >= 0; top-- {
		if want>>top&1 == 1 {
			want ^= pivots[top].value
			x ^= pivots[top].mask
		}
	}
	var id logID
	binary.LittleEndian.PutUint32(id[:], x)
	if sum(x) != 0 {
		t.Fatal("the equations have no solution")
	}
	return id
}

// 1 in 500 full-size segments has a position whose zeros pass for an empty frame.
func TestFault_ZerosAreTakenForAFrame(t *testing.T) {
	d := newMemDisk()
	segment := make([]byte, 1<<13)
	header := segmentHeader(zeroSumID(t, 800), 0, 0, time.Now(), []byte("preamble"))
	copy(segment, header)
	d.on(segmentName(0), segment)
	q, err := Open(inMemory(d))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Release()
	if found := q.Recovered(); found.Records != 0 || found.SkippedBytes != 0 {
		t.Errorf("a segment of zeros holds %+v", found)
	}
}

// What a killed process left in the page cache is taken for durable, handed out
// and used to recognise repeated deliveries; then the power fails.
func TestFault_RecoveredRecordsAreNotSynced(t *testing.T) {
	d := newMemDisk()
	q, err := Open(inMemory(d))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := put(q, 0); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.fail = func(operation string) error { // killed between write and sync
		if operation == "datasync" || operation == "open" {
			return errIO
		}
		return nil
	}
	d.mu.Unlock()
	_, _ = put(q, 1)
	_ = q.Release()
	d.fail = nil
	q, err = Open(inMemory(d))
	if err != nil {
		t.Fatal(err)
	}
	recovered := q.Recovered().Records
	r, err := q.Next(t.Context(), takesAll)
	if err != nil {
		t.Fatal(err)
	}
	_ = q.Release()
	q, err = Open(inMemory(d.crash(rand.New(rand.NewPCG(1, 1)))))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Release()
	again, err := q.Next(t.Context(), takesAll)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Items) != len(r.Items) {
		t.Errorf("recovered %d records; range %d-%d had %d of them, and now has %d", recovered, r.From, r.To, len(r.Items), len(again.Items))
	}
}

// The newest checkpoint may be in the page cache only. The next write goes over
// the one that is on disk, and the power fails.
func TestFault_BothCheckpointsCanBeLost(t *testing.T) {
	for seed := range uint64(50) {
		d := newMemDisk()
		q, err := Open(inMemory(d))
		if err != nil {
			t.Fatal(err)
		}
		for _, state := range []string{"first", "second"} {
			if err := q.Checkpoint([]byte(state)); err != nil {
				t.Fatal(err)
			}
		}
		unsynced := func(state string) {
			d.mu.Lock()
			d.fail = func(operation string) error {
				if operation == "datasync" {
					return errIO
				}
				return nil
			}
			d.mu.Unlock()
			dirty := d.files
			if err := q.Checkpoint([]byte(state)); err == nil {
				t.Fatal("no failure")
			}
			d.mu.Lock()
			for _, n := range dirty { // killed before the sync: the write is still on its way
				if !slices.Equal(n.data, n.synced) {
					n.dirty = []write{{0, slices.Clone(n.data)}}
				}
			}
			d.fail = nil
			d.mu.Unlock()
		}
		unsynced("third " + strings.Repeat("x", 300))
		_ = q.Release()
		if q, err = Open(inMemory(d)); err != nil {
			t.Fatal(err)
		}
		unsynced("fourth " + strings.Repeat("y", 300))
		_ = q.Release()
		if q, err = Open(inMemory(d.crash(rand.New(rand.NewPCG(seed, 1))))); err != nil {
			t.Fatal(err)
		}
		lost, state := q.Recovered().CheckpointLost, string(q.State())
		_ = q.Release()
		if lost || !slices.Contains([]string{"second", "third", "fourth"}, strings.Fields(state + " none")[0]) {
			t.Fatalf("seed %d: lost %v, state %.10q after state second was durable", seed, lost, state)
		}
	}
}

// Positions that somebody was told of are given out a second time.
func TestFault_PositionsAreUsedTwice(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"header of the last segment": flip(17),
		"zeros over the tail":        zero(frameOf(7)),
		"tail cut at a frame":        func(c []byte) []byte { return c[:frameOf(7)] },
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			if err := q.Checkpoint([]byte("so that the id is kept")); err != nil {
				t.Fatal(err)
			}
			before := mustPut(t, q, 0, 10)
			if err := q.Checkpoint([]byte("counted up to the last position")); err != nil {
				t.Fatal(err)
			}
			mustRelease(t, q)
			segments := segmentsOf(t, o.Dir)
			edit(t, segments[len(segments)-1], damage)
			q = mustOpen(t, o)
			if after := mustPut(t, q, 10, 11); after[0] <= before[9] {
				t.Errorf("position %d after %d", after[0], before[9])
			}
		})
	}
}

// The files that were set aside by an earlier start held positions, too.
func TestFault_PositionsOfFilesSetAsideAreUsedTwice(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	if err := q.Checkpoint([]byte("so that the id is kept")); err != nil {
		t.Fatal(err)
	}
	before := mustPut(t, q, 0, 120)
	mustRelease(t, q)
	for _, path := range segmentsOf(t, o.Dir) {
		edit(t, path, flip(17))
	}
	mustRelease(t, mustOpen(t, o))
	q = mustOpen(t, o)
	if after := mustPut(t, q, 120, 121); after[0] <= before[119] {
		t.Errorf("position %d after %d", after[0], before[119])
	}
}

// A disk that fails now and then must not be filled with segments that were begun
// and never used: nothing counts them.
func TestFault_FailedSegmentsStay(t *testing.T) {
	o := small(t.TempDir())
	d := &headerless{flakyDisk{directory: directory{o.Dir}, fail: map[string]error{}}}
	o.disk = d
	q := mustOpen(t, o)
	for range 20 {
		if _, err := q.begin(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("begin: %v", err)
		}
	}
	mustRelease(t, q)
	if left := filesOf(t, o.Dir, "*"+segmentSuffix); len(left) > 1 {
		t.Errorf("%d files are left", len(left))
	}
}

// headerless takes everything but the headers of segments.
type headerless struct{ flakyDisk }

func (d *headerless) open(name string, create bool) (file, error) {
	f, err := d.flakyDisk.open(name, create)
	return headerlessFile{f}, err
}

type headerlessFile struct{ file }

func (f headerlessFile) WriteAt(p []byte, offset int64) (int, error) {
	if strings.HasPrefix(string(p), segmentMagic) {
		return 0, syscall.EIO
	}
	return f.file.WriteAt(p, offset)
}

// What is kept for a restart goes for want of room, not for any failure.
func TestFault_AFailureForgetsWhatIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		cause error
		kept  bool
	}{"failing": {syscall.EIO, true}, "full": {syscall.ENOSPC, false}, "over quota": {syscall.EDQUOT, false}} {
		o := small(t.TempDir())
		d := &flakyDisk{directory: directory{o.Dir}, fail: map[string]error{}}
		o.disk = d
		q := mustOpen(t, o)
		mustPut(t, q, 0, 100)
		for taken := 0; taken < 100; {
			taken += len(takeNext(t, q))
		}
		kept := len(q.segments)
		d.set("create", c.cause)
		for range 3 { // the first may still have a file that was made ready
			_, _ = q.begin()
		}
		d.set("create", nil)
		if left := len(q.segments); (left >= kept) != c.kept {
			t.Errorf("%s: of %d segments %d are left", name, kept, left)
		}
		mustRelease(t, q)
	}
}

// A header of zeros with records behind it is damage, not an unused file.
func TestFault_ASegmentWithRecordsIsDeleted(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"header zeroed": func(c []byte) []byte {
			clear(c[:frameOf(0)])
			return c
		},
		"fixed part zeroed": func(c []byte) []byte {
			clear(c[:segmentFixedBytes])
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := small(t.TempDir())
			q := mustOpen(t, o)
			mustPut(t, q, 0, 10)
			mustRelease(t, q)
			path := segmentsOf(t, o.Dir)[0]
			edit(t, path, damage)
			q = mustOpen(t, o)
			if _, err := os.Stat(path + setAsideSuffix); err != nil || len(q.Recovered().SetAside) != 1 {
				t.Errorf("recovered %+v; set aside: %v", q.Recovered(), err)
			}
		})
	}
}

func TestFault_TouchesFilesBesideANewerOne(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	mustPut(t, q, 0, 120)
	mustRelease(t, q)
	segments := segmentsOf(t, o.Dir)
	edit(t, segments[0], flip(17))
	edit(t, segments[1], newer)
	before := snapshotOf(t, o.Dir)
	if _, err := Open(o); err == nil {
		t.Fatal("no error")
	}
	if after := snapshotOf(t, o.Dir); !slices.Equal(before, after) {
		t.Errorf("the directory changed")
	}
}

func TestFault_ErrIsNilWhileEverythingIsRefused(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 6 * o.SegmentBytes
	q := mustOpen(t, o)
	var err error
	for number := 0; err == nil; number++ {
		_, err = put(q, number)
	}
	if !errors.Is(q.Err(), ErrFull) {
		t.Errorf("Enqueue: %v, Err: %v", err, q.Err())
	}
}

// Every start leaves a segment; it must not take more than what is in it.
func TestFault_RestartsExceedTheDiskBudget(t *testing.T) {
	o := small(t.TempDir())
	o.MaxBytes = 8 * o.SegmentBytes
	for number := range 40 {
		q := mustOpen(t, o)
		_, err := put(q, number)
		if err != nil {
			t.Fatalf("refused after %d restarts: %v", number, err)
		}
		mustRelease(t, q)
	}
	if used := diskUse(t, o.Dir); used > o.MaxBytes {
		t.Errorf("%d bytes of %d are used", used, o.MaxBytes)
	}
}

// Events of damaged records stay in the count that cuts ranges, for ever.
func TestFault_DamageSpoilsTheCut(t *testing.T) {
	o := small(t.TempDir())
	q := mustOpen(t, o)
	mustPut(t, q, 0, 10)
	edit(t, segmentsOf(t, o.Dir)[0], flip(frameOf(4)+frameHeaderBytes))
	for taken := 0; taken < 9; {
		taken += len(takeNext(t, q))
	}
	mustPut(t, q, 10, 11)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := q.Next(ctx, Cut{MaxEvents: 2, MaxBytes: 1 << 20, MaxAge: time.Hour})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("1 event of at least 2 is cut: %d events, %v", r.Events, err)
	}
}

// A released log still writes checkpoints, over those of who has it now.
func TestFault_WritesAfterRelease(t *testing.T) {
	o := small(t.TempDir())
	first := mustOpen(t, o)
	mustPut(t, first, 0, 10)
	mustRelease(t, first)
	second := mustOpen(t, o)
	takeNext(t, second)
	before := snapshotOf(t, o.Dir)
	if err := first.Checkpoint([]byte("late")); err == nil {
		t.Error("Checkpoint after Release succeeds")
	}
	if after := snapshotOf(t, o.Dir); !slices.Equal(before, after) {
		t.Error("and changes another process's directory")
	}
}

// An abandoned empty segment that could not be removed has the same position as
// its successor; when it is listed behind it, acknowledged records are ignored.
func TestFault_AnAbandonedSegmentHidesItsSuccessor(t *testing.T) {
	o := small(t.TempDir())
	d := &unremovable{flakyDisk{directory: directory{o.Dir}, fail: map[string]error{}}}
	o.disk = d
	q := mustOpen(t, o)
	d.set("datasync", syscall.EIO) // the first group in a new segment fails
	_, _ = put(q, 0)
	d.set("datasync", nil)
	heals(t, q)
	d.set("datasync", syscall.EIO)
	_, _ = put(q, 1)
	d.set("datasync", nil)
	heals(t, q)
	mustPut(t, q, 2, 5)
	mustRelease(t, q)
	o.disk = backwards{directory{o.Dir}}
	q = mustOpen(t, o)
	if got := drain(t, q); !slices.Equal(got, run(2, 5)) {
		t.Errorf("came out %v, want 2 to 4", got)
	}
}

// unremovable keeps its files.
type unremovable struct{ flakyDisk }

func (d *unremovable) open(name string, create bool) (file, error) {
	return d.flakyDisk.open(name, create)
}
func (d *unremovable) remove(string) error { return syscall.EIO }

// backwards lists its files in another order, as interfaces do not forbid.
type backwards struct{ directory }

func (d backwards) list() ([]string, error) {
	names, err := d.directory.list()
	slices.Reverse(names)
	return names, err
}

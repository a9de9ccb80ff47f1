package queue

import (
	"errors"
	"io"
	"slices"
	"testing"
	"time"
)

// on puts a file on a disk in memory, as if it had been there for long.
func (d *memDisk) on(name string, content []byte) {
	n := &inode{data: slices.Clone(content), synced: slices.Clone(content)}
	d.files[name], d.safe[name] = n, n
}

// content returns a copy of a file.
func (d *memDisk) content(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.files[name].data)
}

// inMemory are the options of a log on that disk.
func inMemory(d *memDisk) Options {
	o := small("")
	o.disk, o.Now = d, func() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }
	return o
}

// written returns a disk with a log of one segment that holds ten records, and
// the name of the segment. Three of the records are done, two are handed out.
func written(t testing.TB) (*memDisk, string) {
	t.Helper()
	d := newMemDisk()
	q, err := Open(inMemory(d))
	if err != nil {
		t.Fatal(err)
	}
	for number := range 10 {
		if _, err := put(q, number); err != nil {
			t.Fatal(err)
		}
	}
	name := q.segments[0].name
	for i, events := range []int{3, 2} {
		r, err := q.Next(t.Context(), Cut{MaxEvents: events, MaxBytes: 1 << 20})
		if err == nil && i == 0 {
			err = q.Done(r, []byte("state"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Release(); err != nil {
		t.Fatal(err)
	}
	return d, name
}

// useUp opens a log and takes everything out of it; then it must still take
// records and give them back. It returns what came out.
func useUp(t *testing.T, d *memDisk) (list [][]byte) {
	q, err := Open(inMemory(d))
	var version *VersionError
	if errors.As(err, &version) {
		return nil
	}
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer func() {
		if err := q.Release(); err != nil {
			t.Errorf("Release: %v", err)
		}
	}()
	scanned := 0
	if err := q.Scan(func(Item) error { scanned++; return nil }); err != nil {
		t.Fatalf("Scan: %v", err)
	}
	if scanned < q.Recovered().Records {
		t.Fatalf("%d records wait, and a scan shows %d", q.Recovered().Records, scanned)
	}
	if _, err := put(q, 4711); err != nil {
		t.Fatalf("put: %v", err)
	}
	q.Close()
	var last Position
	for {
		r, err := q.Next(t.Context(), takesAll)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || r.From < last || r.To <= r.From {
			t.Fatalf("Next: %d to %d behind %d, %v", r.From, r.To, last, err)
		}
		last = r.To
		for _, item := range r.Items {
			list = append(list, slices.Clone(item.Data))
		}
		if err := q.Done(r, nil); err != nil {
			t.Fatalf("Done: %v", err)
		}
	}
	if len(list) == 0 || !slices.Equal(list[len(list)-1], numbered(4711)) {
		t.Fatalf("what was put in behind the rest did not come out")
	}
	if events, _ := q.Held(); events != 0 {
		t.Fatalf("an empty log holds %d events", events)
	}
	return list
}

// Whatever stands in the files: opening ends, everything that is readable comes
// out, in bounded memory, and the log works.
func FuzzOpen_ReadsAnything(f *testing.F) {
	d, segment := written(f)
	content, checkpoint := d.content(segment), d.content("checkpoint.0")
	f.Add(content, checkpoint)
	f.Add(content[:frameOf(9)+30], checkpoint[:20])
	f.Add(content[:10], []byte{})
	f.Add(flip(9)(slices.Clone(content)), checkpoint)
	f.Add(newer(slices.Clone(content)), newer(slices.Clone(checkpoint)))
	f.Add(flip(15)(slices.Clone(content)), flip(14)(slices.Clone(checkpoint)))
	f.Add([]byte{}, checkpoint)
	f.Add([]byte(segmentMagic+"\x01\x00\x00\x00\xff\xff\xff\xff"), []byte(checkpointMagic+"\x01\x00\x00\x00\xff\xff\xff\x00"))
	f.Fuzz(func(t *testing.T, segment, checkpoint []byte) {
		d := newMemDisk()
		d.on(segmentName(0), segment)
		d.on("checkpoint.0", checkpoint)
		total := 0
		for _, data := range useUp(t, d) {
			total += len(data)
		}
		if total > len(segment)+len(numbered(0)) {
			t.Errorf("%d bytes came out of a file of %d", total, len(segment))
		}
	})
}

// A checkpoint whose sums are right may still say anything.
func FuzzOpen_BelievesNoCheckpoint(f *testing.F) {
	d, segment := written(f)
	content := d.content(segment)
	end := uint64(10 * frameBytes(len(numbered(0))))
	f.Add(uint64(0), uint64(0), uint64(1))
	f.Add(end, end, uint64(7))
	f.Add(end/2+4, end/2+12, uint64(8))
	f.Add(end+1000, end+2000, uint64(9))
	f.Add(uint64(100), uint64(50), uint64(1))
	f.Fuzz(func(t *testing.T, cursor, frozen, sequence uint64) {
		const implausible = 1 << 62 // more than a log can hold; sums protect against it
		d := newMemDisk()
		d.on(segment, content)
		c := checkpoint{cursor: Position(cursor % implausible &^ 7), frozen: Position(frozen % implausible &^ 7), sequence: sequence % implausible}
		c.frozen = max(c.cursor, c.frozen)
		copy(c.id[:], content[16:])
		d.on(checkpointNames()[c.sequence%2], c.encode())
		if got := len(useUp(t, d)); got > 11 {
			t.Errorf("%d records came out of 11", got)
		}
	})
}

// Damage anywhere behind a segment's header costs the records that it touches,
// and no others.
func FuzzOpen_LosesOnlyWhatIsDamaged(f *testing.F) {
	f.Add(uint16(frameOf(4)), []byte{0xff})
	f.Add(uint16(frameOf(5)+30), make([]byte, 500))
	f.Add(uint16(frameOf(9)+100), make([]byte, 4000))
	f.Add(uint16(0), []byte("rubbish"))
	d, segment := written(f)
	content := d.content(segment)
	f.Fuzz(func(t *testing.T, offset uint16, rubbish []byte) {
		from := frameOf(0) + int(offset)%(len(content)-frameOf(0))
		to := min(from+len(rubbish), len(content))
		damaged := slices.Clone(content)
		copy(damaged[from:to], rubbish)
		d := newMemDisk()
		d.on(segment, damaged)
		var want []int
		for n := range 10 {
			if slices.Equal(damaged[frameOf(n):frameOf(n+1)], content[frameOf(n):frameOf(n+1)]) {
				want = append(want, n)
			}
		}
		var items []Item
		for _, data := range useUp(t, d) {
			items = append(items, Item{Data: data})
		}
		if got := numbers(items); !slices.Equal(got, append(want, 4711)) {
			t.Errorf("rubbish at %d to %d: came out %v, want %v", from, to, got, want)
		}
	})
}

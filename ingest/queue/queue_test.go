package queue

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func newQueue(limits Limits) *Queue[int] { return New[int](limits, time.Now) }

var (
	roomy  = Limits{Events: 1000, SizeBytes: 1 << 20}
	atOnce = Cut{MaxEvents: 1000, MaxAge: 0}
)

func TestQueue_RefusesAboveItsBoundsAndNotAtThem(t *testing.T) {
	q := newQueue(Limits{Events: 3, SizeBytes: 100})
	if err := q.Append(1, 3, 10); err != nil {
		t.Fatalf("at the bound: %v", err)
	}
	if err := q.Append(2, 1, 10); !errors.Is(err, ErrFull) {
		t.Fatalf("above the events bound: %v", err)
	}
	r, err := q.Next(context.Background(), atOnce)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Append(2, 1, 10); !errors.Is(err, ErrFull) {
		t.Fatalf("a frozen range must count until it is done: %v", err)
	}
	q.Done(r)
	if err := q.Append(2, 1, 100); err != nil {
		t.Fatalf("after Done: %v", err)
	}
	if err := q.Append(3, 1, 1); !errors.Is(err, ErrFull) {
		t.Fatalf("above the bytes bound: %v", err)
	}
}

func TestQueue_CutsByAgeOfTheFirstItem(t *testing.T) {
	q := newQueue(roomy)
	cut := Cut{MaxEvents: 1000, MaxAge: 60 * time.Millisecond}
	start := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // a steady trickle must not put the cut off
		for ctx.Err() == nil {
			_ = q.Append(1, 1, 1)
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if _, err := q.Next(ctx, cut); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(start); waited < cut.MaxAge-10*time.Millisecond || waited > 10*cut.MaxAge {
		t.Errorf("cut after %v, want about %v", waited, cut.MaxAge)
	}
}

func TestQueue_CloseDrainsAndThenEnds(t *testing.T) {
	q := newQueue(roomy)
	if err := q.Append(7, 1, 1); err != nil {
		t.Fatal(err)
	}
	q.Close()
	if err := q.Append(8, 1, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	r, err := q.Next(context.Background(), Cut{MaxEvents: 10, MaxAge: time.Hour})
	if err != nil || len(r.Items) != 1 || r.Items[0] != 7 {
		t.Fatalf("Next after Close: %v %v", r, err)
	}
	if _, err := q.Next(context.Background(), atOnce); !errors.Is(err, io.EOF) {
		t.Errorf("Next of an empty closed queue: %v", err)
	}
}

func TestQueue_NextEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := newQueue(roomy).Next(ctx, atOnce); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next: %v", err)
	}
}

// Whatever is appended, cut and done in whatever order: every item comes out
// once, in order, ranges are gapless, and the books balance.
func TestQueue_KeepsOrderAndBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue(Limits{Events: 50, SizeBytes: 500})
		var open []Range[int]
		appended, taken := 0, 0
		lastNumber := uint64(0)
		take := func(cut Cut) {
			r, err := q.Next(context.Background(), cut)
			if err != nil {
				t.Fatalf("Next: %v", err)
			}
			if r.First != lastNumber+1 || r.Last-r.First+1 != uint64(len(r.Items)) {
				t.Fatalf("range %d-%d of %d items after %d", r.First, r.Last, len(r.Items), lastNumber)
			}
			lastNumber = r.Last
			for _, got := range r.Items {
				if got != taken {
					t.Fatalf("item %d came out as number %d", got, taken)
				}
				taken++
			}
			open = append(open, r)
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				events := rapid.IntRange(1, 10).Draw(t, "events")
				held, _ := q.Held()
				err := q.Append(appended, events, events*10)
				if full := held+events > 50; full != errors.Is(err, ErrFull) {
					t.Fatalf("held %d, appending %d: %v", held, events, err)
				}
				if err == nil {
					appended++
				}
			},
			"next": func(t *rapid.T) {
				if appended > taken {
					take(Cut{MaxEvents: rapid.IntRange(1, 20).Draw(t, "max"), MaxAge: 0})
				}
			},
			"done": func(*rapid.T) {
				if len(open) > 0 {
					q.Done(open[0])
					open = open[1:]
				}
			},
		})
		for appended > taken {
			take(Cut{MaxEvents: 7})
		}
		for _, r := range open {
			q.Done(r)
		}
		if events, size := q.Held(); events != 0 || size != 0 {
			t.Fatalf("an emptied queue holds %d events, %d bytes", events, size)
		}
	})
}

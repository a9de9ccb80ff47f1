// Package queue is a bounded first-in-first-out queue in memory whose consumer
// works on frozen ranges: a range keeps its place and its number until it is
// acknowledged, so that repeating the work on it can be recognised.
//
// The package knows nothing of what it holds.
package queue

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// ErrFull says that the queue is at one of its bounds; trying later may do.
var ErrFull = errors.New("queue is full")

// ErrClosed says that the queue takes nothing more.
var ErrClosed = errors.New("queue is closed")

// Limits bound what a queue holds, ranges that are being worked on included.
type Limits struct {
	Events    int
	SizeBytes int
}

// Cut says when waiting items become a range: at MaxEvents, or when the first of
// them has waited for MaxAge.
type Cut struct {
	MaxEvents int
	MaxAge    time.Duration
}

// Range is a frozen run of items.
type Range[T any] struct {
	// First and Last are the numbers of its first and last item, counted from 1
	// in order of arrival over the queue's life.
	First, Last uint64
	Items       []T
	// Oldest is when its first item arrived.
	Oldest time.Time

	events, sizeBytes int
}

type item[T any] struct {
	value             T
	events, sizeBytes int
	at                time.Time
}

// Queue is safe for concurrent use by any number of producers and one consumer.
type Queue[T any] struct {
	limits Limits
	now    func() time.Time

	mu        sync.Mutex
	waiting   []item[T]
	events    int // held, frozen ranges included
	sizeBytes int
	fresh     int // events waiting, frozen ranges not included
	next      uint64
	closed    bool
	changed   chan struct{} // closed and replaced when waiting or closed change
}

// New returns an empty queue. now is its clock.
func New[T any](limits Limits, now func() time.Time) *Queue[T] {
	return &Queue[T]{limits: limits, now: now, next: 1, changed: make(chan struct{})}
}

// Append puts a value at the end, which weighs so many events and bytes. It
// never blocks; it returns [ErrFull] or [ErrClosed].
func (q *Queue[T]) Append(value T, events, sizeBytes int) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.closed:
		return ErrClosed
	case q.events+events > q.limits.Events || q.sizeBytes+sizeBytes > q.limits.SizeBytes:
		return ErrFull
	}
	q.waiting = append(q.waiting, item[T]{value, events, sizeBytes, q.now()})
	q.events += events
	q.fresh += events
	q.sizeBytes += sizeBytes
	q.signal()
	return nil
}

// Next waits for the next range. After [Queue.Close] it returns what still
// waits without delay, and then io.EOF. The range counts against the limits
// until [Queue.Done].
func (q *Queue[T]) Next(ctx context.Context, cut Cut) (Range[T], error) {
	for {
		r, wait, changed, err := q.tryCut(cut)
		if err != nil || len(r.Items) > 0 {
			return r, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return Range[T]{}, ctx.Err()
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// tryCut returns a range, or how long to wait for one at the most.
func (q *Queue[T]) tryCut(cut Cut) (Range[T], time.Duration, <-chan struct{}, error) {
	const noDeadline = time.Hour
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		if q.closed {
			return Range[T]{}, 0, nil, io.EOF
		}
		return Range[T]{}, noDeadline, q.changed, nil
	}
	if age := q.now().Sub(q.waiting[0].at); !q.closed && q.fresh < cut.MaxEvents && age < cut.MaxAge {
		return Range[T]{}, cut.MaxAge - age, q.changed, nil
	}
	r := Range[T]{First: q.next, Oldest: q.waiting[0].at}
	taken := 0
	for taken < len(q.waiting) && (taken == 0 || r.events+q.waiting[taken].events <= cut.MaxEvents) {
		it := q.waiting[taken]
		r.Items = append(r.Items, it.value)
		r.events += it.events
		r.sizeBytes += it.sizeBytes
		taken++
	}
	q.waiting = append([]item[T](nil), q.waiting[taken:]...)
	q.fresh -= r.events
	q.next += uint64(taken)
	r.Last = q.next - 1
	return r, 0, nil, nil
}

// Done gives back the room of a range that has been dealt with.
func (q *Queue[T]) Done(r Range[T]) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.events -= r.events
	q.sizeBytes -= r.sizeBytes
}

// Close refuses further values; what waits can still be taken.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		q.signal()
	}
}

// Held is how many events and bytes the queue holds, frozen ranges included.
func (q *Queue[T]) Held() (events, sizeBytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.events, q.sizeBytes
}

func (q *Queue[T]) signal() {
	close(q.changed)
	q.changed = make(chan struct{})
}

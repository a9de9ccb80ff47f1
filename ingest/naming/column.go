package naming

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Column is one whose values are capped.
type Column uint8

// The columns.
const (
	Release Column = iota
	Environment
	PageDomain
	ReferrerDomain
	RequestDomain
	ErrorType
	RequestError
	Network
	Journey
	Location
	Initiator
	ResourceHost
	ActionName
	MeasureName
	columnCount
)

// String returns the column's name, as in metrics and in the file.
func (c Column) String() string {
	return [columnCount]string{
		"release", "environment", "page_domain", "referrer_domain", "request_domain", "error_type", "request_error",
		"network", "journey", "location", "initiator", "resource_host", "action_name", "measure_name",
	}[c]
}

// values are those of a column, each with the day on which it was last seen, in
// days since 1970.
type values struct {
	days sync.Map // of *atomic.Int32, by value; read without a lock

	mu     sync.Mutex // guards what follows, and who adds
	held   int
	capped uint64
	// sought is the last day on which a value was looked for that may go.
	sought int32
}

// cap returns the value or Other, and whether there is something new to keep.
func (v *values) cap(value string, day int32) (kept string, learned bool) {
	seen, ok := v.days.Load(value)
	if !ok {
		return v.add(value, day)
	}
	last := seen.(*atomic.Int32)
	if before := last.Load(); before < day {
		return value, last.CompareAndSwap(before, day)
	}
	return value, false
}

func (v *values) add(value string, day int32) (kept string, learned bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.days.Load(value); ok {
		return value, false
	}
	if v.held >= maxValues && !v.forget(day) {
		v.capped++
		return Other, false
	}
	seen := new(atomic.Int32)
	seen.Store(day)
	v.days.Store(strings.Clone(value), seen) // it may be part of a larger buffer
	v.held++
	return value, true
}

// forget makes room for values, if some have not been seen for long.
func (v *values) forget(day int32) bool {
	if v.sought == day {
		return false // once a day will do, however many come
	}
	v.sought = day
	before := v.held
	v.each(func(value string, seen int32) {
		if day-seen > forgetAfterDays {
			v.days.Delete(value)
			v.held--
		}
	})
	return v.held < before
}

// each calls f with each value and the day on which it was last seen.
func (v *values) each(f func(value string, day int32)) {
	v.days.Range(func(value, seen any) bool {
		f(value.(string), seen.(*atomic.Int32).Load())
		return true
	})
}

func (v *values) count() (held int, capped uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.held, v.capped
}

package naming

import (
	"maps"
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
	// days is read without a lock, several times for each report. Another map takes
	// its place when a value comes or goes, which is seldom; days change in it.
	days atomic.Pointer[map[string]*atomic.Int32]

	mu     sync.Mutex // guards what follows, and who changes values
	held   int
	capped uint64
	// sought is the last day on which a value was looked for that may go.
	sought int32
}

// cap returns the value or Other, and whether there is something new to keep.
func (v *values) cap(value string, day int32) (kept string, learned bool) {
	last := v.known()[value]
	if last == nil {
		return v.add(value, day)
	}
	if before := last.Load(); before < day {
		return value, last.CompareAndSwap(before, day)
	}
	return value, false
}

// known are the values that there are.
func (v *values) known() map[string]*atomic.Int32 {
	if days := v.days.Load(); days != nil {
		return *days
	}
	return nil
}

func (v *values) add(value string, day int32) (kept string, learned bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known()[value] != nil {
		return value, false
	}
	if v.held >= maxValues && !v.forget(day) {
		v.capped++
		return Other, false
	}
	v.put(map[string]int32{value: day})
	return value, true
}

// put adds values that are not there, as many as there may be.
func (v *values) put(days map[string]int32) {
	if len(days) == 0 {
		return
	}
	more := make(map[string]*atomic.Int32, v.held+len(days))
	maps.Copy(more, v.known())
	for value, day := range days {
		if len(more) < maxValues {
			seen := new(atomic.Int32)
			seen.Store(day)
			more[strings.Clone(value)] = seen // it may be part of a larger buffer
		}
	}
	v.days.Store(&more)
	v.held = len(more)
}

// forget makes room for values, if some have not been seen for long.
func (v *values) forget(day int32) bool {
	if v.sought == day {
		return false // once a day will do, however many come
	}
	v.sought = day
	left := maps.Clone(v.known())
	maps.DeleteFunc(left, func(_ string, seen *atomic.Int32) bool { return day-seen.Load() > forgetAfterDays })
	forgot := len(left) < v.held
	v.days.Store(&left)
	v.held = len(left)
	return forgot
}

// each calls f with each value and the day on which it was last seen.
func (v *values) each(f func(value string, day int32)) {
	for value, seen := range v.known() {
		f(value, seen.Load())
	}
}

func (v *values) count() (held int, capped uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.held, v.capped
}

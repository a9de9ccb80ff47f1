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
	Browser
	OS
	Network
	Journey
	Location
	columnCount
)

// String returns the column's name, as in metrics and in the file.
func (c Column) String() string {
	return [columnCount]string{
		"release", "environment", "page_domain", "referrer_domain", "request_domain", "error_type",
		"browser", "os", "network", "journey", "location",
	}[c]
}

// values are those of a column, each with the day on which it was last seen, in
// days since 1970.
type values struct {
	mu     sync.RWMutex
	days   map[string]*atomic.Int32
	capped uint64
	// sought is the last day on which a value was looked for that may go.
	sought int32
}

// cap returns the value or Other, and whether there is something new to keep.
func (v *values) cap(value string, day int32) (kept string, learned bool) {
	v.mu.RLock()
	seen, ok := v.days[value]
	v.mu.RUnlock()
	if !ok {
		return v.add(value, day)
	}
	if before := seen.Load(); before < day {
		return value, seen.CompareAndSwap(before, day)
	}
	return value, false
}

func (v *values) add(value string, day int32) (kept string, learned bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, ok := v.days[value]; ok {
		return value, false
	}
	if len(v.days) >= maxValues && !v.forget(day) {
		v.capped++
		return Other, false
	}
	if v.days == nil {
		v.days = map[string]*atomic.Int32{}
	}
	seen := new(atomic.Int32)
	seen.Store(day)
	v.days[strings.Clone(value)] = seen // it may be part of a larger buffer
	return value, true
}

// forget makes room for values, if some have not been seen for long.
func (v *values) forget(day int32) bool {
	if v.sought == day {
		return false // once a day will do, however many come
	}
	v.sought = day
	held := len(v.days)
	for value, seen := range v.days {
		if day-seen.Load() > forgetAfterDays {
			delete(v.days, value)
		}
	}
	return len(v.days) < held
}

func (v *values) count() (held int, capped uint64) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.days), v.capped
}

//go:build drill

package main

import (
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// clockFile names the file that sets the clock of the drill's program.
const clockFile = "THROUGHLINE_DRILL_CLOCK"

// wallClock is a clock that the fault drill sets while it goes, as an operator
// or an NTP daemon sets that of a machine. Without a file it is the machine's.
func wallClock(getenv func(string) string) func() time.Time {
	file := getenv(clockFile)
	if file == "" {
		return time.Now
	}
	s := &settable{file: file, began: time.Now()}
	return s.now
}

// settable is the machine's clock plus the duration that stands in a file.
type settable struct {
	file   string
	began  time.Time
	look   atomic.Int64 // when to look at the file again, in nanoseconds since began
	offset atomic.Int64 // nanoseconds
}

// now has no monotonic part: whoever takes the difference of two readings is
// to see the clock being set, as one does who has read it from a disk.
func (s *settable) now() time.Time {
	const every = 10 * time.Millisecond
	since := time.Since(s.began)
	if due := s.look.Load(); int64(since) >= due && s.look.CompareAndSwap(due, int64(since+every)) {
		s.read()
	}
	return time.Now().Round(0).Add(time.Duration(s.offset.Load()))
}

// read takes the offset over. What cannot be read leaves the clock as it is.
func (s *settable) read() {
	text, err := os.ReadFile(s.file)
	if err != nil {
		return
	}
	if offset, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
		s.offset.Store(int64(offset))
	}
}

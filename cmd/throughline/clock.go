//go:build !drill

package main

import "time"

// wallClock is the clock of everything that is stored.
func wallClock(func(string) string) func() time.Time { return time.Now }

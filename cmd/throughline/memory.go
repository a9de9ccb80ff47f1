package main

import "runtime/debug"

// What the collector holds for long is little (20 to 35 MB at full load), and
// what it makes for each report is much: collecting it half as often saves a
// tenth of the time. Both are Go's own settings, GOGC and GOMEMLIMIT, which win
// where they are set.
const (
	garbagePercent   = 200
	memoryLimitBytes = 112 << 20
)

// setGarbageCollection trades memory for time, up to a bound.
func setGarbageCollection(getenv func(string) string) {
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimitBytes)
	}
}

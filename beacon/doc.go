// Package beacon is the wire contract between everything that measures
// (the browser beacon, the journey runner) and the collector that stores.
//
// The body of one POST /v1/events is one [Report]: who sends it, the page view
// or journey run it belongs to, and a list of events. [Decode] turns bytes into
// a Report, checks it against the limits of limits.go and says of each event
// that cannot be kept which field is wrong and why, so that the good events of
// a report survive its bad ones.
//
// Conventions of the wire:
//
//   - Names follow the W3C specifications for timings and the OpenTelemetry
//     semantic conventions for attributes; every number names its unit.
//   - Durations come from a monotonic clock; only fields ending in _at_ms are
//     wall clock, in milliseconds since the Unix epoch.
//   - Ids are 16 lower-case hexadecimal characters (64 random bits), trace ids
//     are W3C trace ids of 32.
//   - Unknown fields are ignored, so that a newer sender can talk to an older
//     collector; a report of a version this package does not know is refused.
//   - testdata/wire holds the contract as examples: good_*.json must be kept
//     whole, bad_<reason>_*.json must be refused for exactly that reason. The
//     tests of this package and those of js/ both read them.
//   - The browser beacon writes the compact form, see [CompactVersion]. What it has
//     ever written stays readable, since old scripts live on in caches:
//     testdata/wire/compact has reports of each release.
//
// The package knows nothing of HTTP, storage or configuration. It imports the
// standard library only.
package beacon

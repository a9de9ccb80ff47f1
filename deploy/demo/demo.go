// Package demo is the demonstration: a shop to be monitored (package shop) and
// the journeys that an agent runs through it.
package demo

import "embed"

// Journeys holds the journey files, in the folder journeys: YAML and one
// recording of the Chrome DevTools Recorder. Their base URL is
// http://127.0.0.1:8090.
//
//go:embed journeys
var Journeys embed.FS

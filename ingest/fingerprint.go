package ingest

import (
	"hash/fnv"
	"regexp"
	"strings"

	"throughline/beacon"
)

// Frames of the stack, from the top, that take part in a fingerprint.
const fingerprintFrames = 3

var (
	variableParts = regexp.MustCompile(`[0-9a-fA-F]{8,}|\d+|"[^"]*"|'[^']*'`)
	// framePlace finds the file of a frame in the stacks of Chrome, Firefox and
	// Safari, without origin, build hash, line and column.
	framePlace = regexp.MustCompile(`\w+://[^/\s]+(/[^\s?#:()]*)`)
)

// fingerprint is equal for errors that a person would call the same: same
// type, same message but for numbers, ids and quoted parts, same top frames
// but for hosts, builds, lines and columns.
func fingerprint(e *beacon.Error) uint64 {
	hash := fnv.New64a()
	write := func(part string) {
		_, _ = hash.Write([]byte(variableParts.ReplaceAllString(part, "*")))
		_, _ = hash.Write([]byte{0})
	}
	write(e.Type)
	write(e.Message)
	frames := 0
	for line := range strings.Lines(e.Stack) {
		place := framePlace.FindStringSubmatch(line)
		if place == nil {
			continue
		}
		write(place[1])
		if frames++; frames == fingerprintFrames {
			break
		}
	}
	return hash.Sum64()
}

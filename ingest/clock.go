package ingest

import "time"

// How far a sender's wall clock is believed.
const (
	trustedSkew = 5 * time.Minute
	oldest      = 48 * time.Hour
	newest      = trustedSkew // a clock that is believed may be that far ahead
)

// correctTime returns when something began, by the collector's clock. A
// sender's clock is believed while it is within five minutes of ours when the
// report arrives: then the difference is mostly the report's way, and taking it
// off would fold the network's delay into the time. A clock that is further off
// is shifted by the difference, rounded to five minutes for the same reason.
// What is still absurd is clamped, so that one wrong clock cannot spread a
// batch over the years.
func correctTime(at, sentAt, receivedAt time.Time) time.Time {
	if skew := receivedAt.Sub(sentAt); skew.Abs() > trustedSkew {
		at = at.Add(skew.Round(trustedSkew))
	}
	if earliest := receivedAt.Add(-oldest); at.Before(earliest) {
		return earliest
	}
	if latest := receivedAt.Add(newest); at.After(latest) {
		return latest
	}
	return at
}

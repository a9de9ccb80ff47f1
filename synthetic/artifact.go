package synthetic

import (
	"context"
	"time"

	"throughline/beacon"
)

// Artifact is a piece of evidence of a run, for people who look for why it failed.
type Artifact struct {
	// Name is a file name, such as step-03.jpg, film-0007.jpg, console.json or
	// run.har.
	Name string
	// ContentType is its media type.
	ContentType string
	// Step is the index of the step that it belongs to; -1 for the whole run.
	Step int
	Data []byte
}

// Evidence is what is kept of one run.
type Evidence struct {
	RunID, Journey, Location string
	Outcome                  beacon.RunOutcome
	Started                  time.Time
	Artifacts                []Artifact
}

// Keeper stores evidence. It is used by several goroutines at a time.
type Keeper interface {
	// Keep stores the evidence and returns the address where people find it.
	Keep(ctx context.Context, evidence Evidence) (address string, err error)
}

// When says of which runs or steps something is kept. The zero value is
// [OnFailure].
type When string

// The choices.
const (
	OnFailure When = ""
	Always    When = "always"
	Never     When = "never"
)

// applies tells whether to keep what belongs to something that passed or failed.
func (w When) applies(failed bool) bool { return w == Always || w == OnFailure && failed }

// Recorder keeps evidence of what happens in a page and in all that opens from
// it. All of it is bounded, since a page decides how much it does. Its methods
// work for a page that hangs, crashed or was closed, with what there was.
type Recorder interface {
	// BeginStep says which step what happens from now on belongs to, and with which
	// W3C trace id its requests go to [PageOptions].TraceHosts; empty is none.
	BeginStep(index int, traceID string)
	// FailedRequest names the request that failed during the step and tells most,
	// such as "POST https://shop.example/pay answered 500"; empty if none did.
	FailedRequest() string
	// Screenshot returns as JPEG what the viewport shows of the page, or of the popup
	// that the step acts in; also of a page that hangs.
	Screenshot(ctx context.Context) ([]byte, error)
	// Record returns what was noted since the page was opened.
	Record() Record
}

// Record is what was noted of a page.
type Record struct {
	Messages []Message
	// LostMessages counts those that were forgotten to bound them.
	LostMessages int
	Exchanges    []Exchange
	// LostExchanges counts those that were forgotten to bound them.
	LostExchanges int
	// Film holds the last pictures of the page, oldest first, if it was filmed.
	Film []Picture
}

// Picture is what a page showed at a time, as a small JPEG.
type Picture struct {
	At   time.Time
	Step int
	JPEG []byte
}

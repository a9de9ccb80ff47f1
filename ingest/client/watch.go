package client

import (
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// The pace that no person keeps. A view needs a page to load and to be left, or at
// least a change of route, and a person a reason for it: a view every second, for
// minutes on end, is beyond anybody who looks at what is shown. Fast people are
// fast in bursts: a browser restores a hundred tabs of one session at once, and
// an arrow key flips through a gallery. What a session has in hand allows for that.
// It is the pace that tells, so a robot is found after spareViews are used up:
// at two views a second in two minutes, at ten in thirteen seconds.
const (
	viewTakes  = time.Second // 60 views a minute, for as long as it likes
	spareViews = 120         // views beyond that, at once or one after another
)

// forgetAfter is how long a session is remembered at least: as long as the beacon
// lets one rest before it begins another.
const forgetAfter = 30 * time.Minute

// Watch tells sessions that open pages faster than people do. It holds what it
// knows in about 40 bytes for each session. It is safe for concurrent use.
type Watch struct {
	seed maphash.Seed

	mu       sync.Mutex
	sessions generations[pace]
	turned   time.Duration // when a generation began
}

// pace is how fast a session goes, by the generic cell rate algorithm of ITU-T
// I.371: all that it takes is the time at which the views so far would end if none
// had come sooner than viewTakes after the one before.
type pace time.Duration

// tooFast is the pace of a session that was once too fast, and stays so.
const tooFast pace = math.MaxInt64

// NewWatch returns a Watch that remembers at most maxSessions sessions. When there
// are more, those that were not seen for longest are forgotten early, so that a
// flood of new sessions costs no memory.
func NewWatch(maxSessions int) *Watch {
	return &Watch{seed: maphash.MakeSeed(), sessions: generations[pace]{max: maxSessions / 2}}
}

// Bot counts views that a session begins, and returns BotRate once they are more
// than people open: over 60 a minute, beyond 120 in hand. A session that was once
// too fast stays so until it has rested for half an hour; also with no views,
// which only asks. Each view must be counted once, although it is reported twice:
// all that end have one final report, so count those.
//
// at is the time by a clock that is never set, such as since the program began.
func (w *Watch) Bot(session string, views int, at time.Duration) string {
	if session == "" {
		return ""
	}
	key := maphash.String(w.seed, session)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forget(at)
	p, known := w.sessions.get(key)
	if views > 0 && p != tooFast {
		p, known = p.after(views, at), true
		w.sessions.put(key, p)
	}
	if known && p == tooFast {
		return BotRate
	}
	return ""
}

// after is the pace after more views, of which there is at least one.
func (p pace) after(views int, at time.Duration) pace {
	p = max(p, pace(at)) + pace(min(views, spareViews+1))*pace(viewTakes)
	if p-pace(at) > spareViews*pace(viewTakes) {
		return tooFast
	}
	return p
}

// forget drops the sessions that were not seen for at least forgetAfter.
func (w *Watch) forget(at time.Duration) {
	for range 2 {
		if at-w.turned < forgetAfter {
			return
		}
		w.sessions.turn()
		w.turned += forgetAfter
	}
	w.turned = max(w.turned, at) // nobody came for long
}

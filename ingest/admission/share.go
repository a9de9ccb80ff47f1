package admission

import "time"

// slotShare is how many slots one of several apps may hold. What an app that sends
// too much has begun stands before the reports of others in the line for a processor.
// How long that line is shows in how long a report takes to go on that was given a
// slot: while it is long the share shrinks, and grows again when it is not, as a
// sender's window does in TCP.
type slotShare struct {
	now, least, most float64
	shrunk           time.Time // when it last did
}

const (
	// mostShare and leastShare are the parts of all slots between which the share is.
	mostShare, leastShare = 1. / 4, 1. / 64
	// longDelay is how long a report may take to go on.
	longDelay = 2 * time.Millisecond
	// shrinkEvery is the time in which it shrinks but once: those who are late come
	// together.
	shrinkEvery = 20 * time.Millisecond
	shrinkTo    = 3. / 4
	growBy      = 1. / 16
)

func newSlotShare(total int) slotShare {
	most := max(1, float64(total)*mostShare)
	return slotShare{now: most, least: max(1, float64(total)*leastShare), most: most}
}

func (s *slotShare) slots() int { return int(s.now) }

// adapt learns from how long a report took to go on.
func (s *slotShare) adapt(now time.Time, delay time.Duration) {
	switch {
	case delay <= longDelay:
		s.now = min(s.most, s.now+growBy)
	case now.Sub(s.shrunk) >= shrinkEvery:
		s.now, s.shrunk = max(s.least, s.now*shrinkTo), now
	}
}

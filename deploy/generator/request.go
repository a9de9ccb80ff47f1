package generator

import (
	"strconv"
	"time"

	"throughline/beacon"
)

// request makes up the requests of the view. failing is the endpoint that an
// incident has hit for this visitor, -1 for none.
func (v *viewing) request(failing int) {
	if v.timing.restored {
		return
	}
	s := v.session
	if s.agent.device == robot && happens(s.draw, 0.5) {
		return
	}
	for _, c := range v.page.loads {
		if happens(s.draw, c.chance) {
			begun := v.timing.contentLoadedMS * (0.7 + 0.35*s.draw.Float64())
			v.call(c.endpoint, millis(begun), failing)
		}
	}
	for _, c := range v.page.acts {
		if happens(s.draw, c.chance) {
			room := float64(v.duration.Milliseconds()) - v.timing.loadMS
			v.call(c.endpoint, millis(v.timing.loadMS+room*s.draw.Float64()), failing)
		}
	}
}

// call makes up one request that begins so long after the view.
func (v *viewing) call(index int, begun time.Duration, failing int) {
	s := v.session
	e := &v.session.site.endpoints[index]
	trip := s.roundTripMS()
	waitMS := trip + logNormal(s.draw, e.serverMS*s.world.releaseFactor(s.release), 0.6)
	if happens(s.draw, 0.004) {
		waitMS *= 12
	}
	r := &beacon.Request{Method: e.method, URL: s.site.origin + s.world.words.fill(s.draw, e.path, s.product), Initiator: "fetch"}
	if e.xhr {
		r.Initiator = "xmlhttprequest"
	}
	s.answer(r, e, index == failing, &waitMS)
	size := int64(logNormal(s.draw, e.sizeKB, 0.35)*1000) + 180
	whole := waitMS
	if r.Failure == "" {
		if r.StatusCode >= 400 {
			size = 240 + int64(s.draw.IntN(200))
		}
		whole += s.transferMS(float64(size) / 1000)
		requestMS := ms(waitMS)
		r.RequestMS, r.TransferSizeBytes = &requestMS, &size
	}
	r.DurationMS = ms(whole)
	v.broken = v.broken || r.StatusCode >= 500 || r.Failure == beacon.RequestFailureNetwork || r.Failure == beacon.RequestFailureTimeout
	event := beacon.Event{Request: r, Transaction: transactionOf(e.transaction, v.ids)}
	if happens(s.draw, s.world.options.Traced) {
		event.TraceID = v.ids.trace()
	}
	known := begun + millis(r.DurationMS)
	v.note(begun, known, event)
	if e.transaction != nil {
		v.note(begun, known, beacon.Event{Transaction: event.Transaction, TraceID: event.TraceID, TransactionDone: judge(r)})
	}
	if load := millis(v.timing.loadMS); begun < load && known <= load+settle && known <= v.duration {
		v.open = max(v.open, known)
		v.wait = max(v.wait, known)
	}
}

// answer draws what becomes of a request.
func (s *session) answer(r *beacon.Request, e *siteEndpoint, failing bool, waitMS *float64) {
	r.StatusCode = 200
	if e.method == "POST" && e.client > 0 {
		r.StatusCode = 201
	}
	switch at := s.draw.Float64(); {
	case failing && at < failingShare:
		r.StatusCode = 502
		*waitMS = s.roundTripMS() + logNormal(s.draw, 25, 0.4)
	case at < e.errors:
		r.StatusCode = []int{500, 500, 502, 503, 504}[s.draw.IntN(5)]
	case at < e.errors+e.client:
		r.StatusCode = e.clientStatus
	case at < e.errors+e.client+0.0022:
		r.StatusCode, r.Failure = 0, beacon.RequestFailureNetwork
	case at < e.errors+e.client+0.0034:
		r.StatusCode, r.Failure = 0, beacon.RequestFailureAborted
		*waitMS *= s.draw.Float64()
	case at < e.errors+e.client+0.0038:
		r.StatusCode, r.Failure = 0, beacon.RequestFailureTimeout
		*waitMS = 30_000
	}
}

// judge is how the transaction ended that the request is, as the beacon says.
func judge(r *beacon.Request) *beacon.TransactionDone {
	done := &beacon.TransactionDone{Outcome: beacon.OutcomeCompleted, DurationMS: r.DurationMS, WaitMS: r.DurationMS}
	switch {
	case r.Failure == beacon.RequestFailureAborted:
		done.Outcome, done.Reason = beacon.OutcomeAbandoned, string(r.Failure)
	case r.Failure != "":
		done.Outcome, done.Reason = beacon.OutcomeFailed, string(r.Failure)
	case r.StatusCode >= 400:
		done.Outcome, done.Reason = beacon.OutcomeFailed, statusReason(r.StatusCode)
	}
	return done
}

func statusReason(status int) string { return "status " + strconv.Itoa(status) }

package chrome

import (
	"sync/atomic"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"

	"throughline/synthetic"
)

// recorder notes what happens in a page and in what opens from it. It listens to
// events that the browser sends in any case.
type recorder struct {
	step    atomic.Int64
	console console
	traffic traffic
	film    *film
}

func newRecorder(options synthetic.EvidenceOptions) *recorder {
	r := &recorder{traffic: newTraffic(options.Queries), film: newFilm(options.Film)}
	r.console.queries = options.Queries
	r.step.Store(-1)
	return r
}

// follow takes one event of a target of the page. It must not block.
func (r *recorder) follow(event any) {
	step := int(r.step.Load())
	r.console.follow(event, step)
	r.traffic.follow(event, step)
	r.film.follow(event, step)
}

// BeginStep implements [synthetic.Recorder].
func (p *Page) BeginStep(index int, traceID string) {
	p.record.step.Store(int64(index))
	p.trace.Store(&traceID)
	p.acted.Store(nil)
	p.record.traffic.forgive()
}

// FailedRequest implements [synthetic.Recorder].
func (p *Page) FailedRequest() string { return p.record.traffic.blame() }

// ConsoleErrors implements [synthetic.Witness].
func (p *surface) ConsoleErrors() []string { return p.record.console.errors() }

// Record implements [synthetic.Recorder].
func (p *Page) Record() synthetic.Record {
	var record synthetic.Record
	record.Messages, record.LostMessages = p.record.console.all()
	record.Exchanges, record.LostExchanges = p.record.traffic.all(time.Now())
	record.Film = p.record.film.all()
	return record
}

// moment is a time that the browser gives in seconds.
func moment(seconds cdp.TimeSinceEpoch) time.Time {
	return time.UnixMicro(int64(float64(seconds) * 1e6))
}

// scriptMoment is a time that the browser's scripts give in milliseconds.
func scriptMoment(ms runtime.Timestamp) time.Time { return time.UnixMicro(int64(float64(ms) * 1e3)) }

package beacon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// CompactVersion is the version of the wire that the browser beacon writes: the
// contract of [Version] in a third of the bytes. The three reports of a visit in
// testdata/wire/compact/good_0.1.0_*.json have 1,681 bytes, 973 in gzip; with names of
// one or two letters in objects they would have 2,774 and 1,505, in version 1 they
// have 5,073 and 2,101. Version 2, which scripts in caches may still write, has
// attributes as an object, and none of the numbers for words below; each may be
// written as the other's, since both are read alike.
//
// A compact report is an array, and so is each row in it: the values of a list of
// columns, which have the names and meanings of the fields of version 1. As values
// are never negative, a negative number -n says that the next n columns have none;
// columns behind the last value are left out. What stands beyond the columns that
// are known is ignored.
//
//	[3,1771000005000,-1,"throughline-js/0.2.0","1.4.2",-1,"0123456789abcdef",-5,
//	 ["fedcba9876543210",1771000000000,"https://shop.example/cart",-3,1280,720,"4g"],-1,
//	 [[0,-3,1,-1,3.1,...],[1,412,-2,-1,"/api/cart",-1,200,-2,80.5]]]
//
// Of an event the first value is its kind, see [compactPayload]. What it leaves out
// stands for what is usual: a navigation for navigate, a kind of errors for error, of
// actions for click, an initiator for fetch, an outcome for completed, a count for
// one. A column of few words may hold the place of one, from 1 on, in its list below.
// Attributes are a row of names and values in turns. A URL that begins with a slash is
// one of the view's origin, preferences are a sum of powers of two, by their place in
// [PreferenceNames]. A transaction without an instance is one of which each event that
// names it is an instance, with the event's id; if that is a request, it is its end,
// too: the reader adds that [TransactionDone] behind the events. The ids of events follow
// from the view's id, the sequence of the report and the place of the event, so that a
// report that comes again has the same. A sequence is used for one report only, which
// comes again as a whole: see [Report.RepeatID].
const (
	CompactVersion = 3
	// compactBefore is the one before it.
	compactBefore = 2
)

func compactReport() [15]string {
	return [15]string{
		"v", "sent_at_ms", "flags", "sdk", "release", "environment", "session_id", "user_id",
		"sequence", "sample_weight", "error_weight", "attributes", "view", "transactions", "events",
	}
}

// What the flags of a compact report are the sum of.
const (
	flagSynthetic = 1
	flagAutomated = 2
)

func compactView() [9]string {
	return [9]string{
		"id", "start_at_ms", "url", "referrer", "navigation", "navigation_detection",
		"viewport_width_px", "viewport_height_px", "effective_connection_type",
	}
}

func compactTransaction() [3]string { return [3]string{"name", "instance_id", "version"} }

// compactEvent is what rows of all kinds begin with, behind the kind: milliseconds
// since the view began, the place of the transaction among the report's, from 1 on,
// and the trace id.
func compactEvent() [3]string { return [3]string{"offset_ms", "transaction", "trace_id"} }

// compactPageView: what the early report knows comes before what only the final one does.
func compactPageView() [45]string {
	return [45]string{
		"phase", "redirect_ms", "dns_ms", "tcp_ms", "tls_ms", "request_ms", "download_ms",
		"dom_interactive_ms", "dom_content_loaded_ms", "load_ms", "transfer_size_bytes", "status_code", "ttfb_ms", "fcp_ms",
		"device_memory_gb", "cpu_cores", "device_pixel_ratio", "rtt_ms", "downlink_mbps", "preferences", "beacon_init_ms",
		"lcp_ms", "lcp_element", "lcp_url", "lcp_resource_load_delay_ms", "lcp_resource_load_duration_ms", "lcp_element_render_delay_ms",
		"cls", "cls_element", "blocking_ms", "long_frames",
		"duration_ms", "visible_ms", "abandoned", "scroll_depth", "beacon_handler_ms", "beacon_sent_bytes",
		"inp_ms", "inp_element", "inp_input_delay_ms", "inp_processing_duration_ms", "inp_presentation_delay_ms",
		"inp_script_ms", "inp_script_url", "inp_script_invoker",
	}
}

func compactRequest() [9]string {
	return [9]string{"method", "url", "initiator", "status_code", "failure", "error", "duration_ms", "request_ms", "transfer_size_bytes"}
}

func compactError() [5]string { return [5]string{"message", "stack", "type", "count", "kind"} }

func compactTransactionDone() [4]string {
	return [4]string{"duration_ms", "wait_ms", "outcome", "reason"}
}

func compactAction() [6]string {
	return [6]string{"name", "target", "kind", "count", "duration_ms", "attributes"}
}

func compactMeasure() [4]string { return [4]string{"kind", "name", "duration_ms", "detail"} }

func compactResources() [8]string {
	return [8]string{"type", "host", "count", "failed", "cached", "transfer_size_bytes", "duration_ms", "longest_ms"}
}

// compactReader reads a compact report.
type compactReader struct {
	*reader
	report *Report
	// careful reads each event on its own, so that a wrong type in one does not cost
	// the others; malformed has what is wrong with each then.
	careful   bool
	malformed []*Reject

	startMS      int64
	origin       string
	transactions []TransactionRef
	events       int
	// ends are those of requests that are transactions by themselves.
	ends []Event
}

// isCompact says whether what was sent is an array.
func isCompact(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte{'['})
}

// readCompact reads a compact report with its first [MaxEvents] events. It returns
// how many events there are, and what is known to be wrong with each of them, or nil.
func readCompact(data []byte) (report *Report, events int, malformed []*Reject, err error) {
	c := compactReader{reader: newReader(data), report: new(Report)}
	if c.read(); c.ended() {
		return c.report, c.events, nil, nil
	}
	// As when version 1 is not as senders write it, the standard library says what it
	// is, here by writing it in the usual form.
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return nil, 0, nil, JSONReject(err)
	}
	usual, err := json.Marshal(value)
	if err != nil {
		return nil, 0, nil, fmt.Errorf("write a report in the usual form: %w", err)
	}
	c = compactReader{reader: newReader(usual), report: new(Report), careful: true}
	if c.read(); !c.ended() {
		return nil, 0, nil, &Reject{Index: -1, Reason: RejectMalformed, Detail: "a value of a compact report is not of its column's type"}
	}
	return c.report, c.events, c.malformed, nil
}

func (c *compactReader) read() {
	columns := compactReport()
	c.row(c.firstItem(), columns[:], func(name string) {
		switch name {
		case "flags":
			flags := c.integer()
			c.report.Source = SourceRUM
			if flags&flagSynthetic != 0 {
				c.report.Source = SourceSynthetic
			}
			c.report.Automated = flags&flagAutomated != 0
		case "view":
			c.report.View = new(View)
			c.readView(c.report.View)
		case "transactions":
			c.readTransactions()
		case "events":
			c.readEvents()
			c.addEnds()
		case "attributes":
			c.readAttributes(&c.report.Attributes)
		default:
			c.reportField(c.report, name)
		}
	})
	if c.report.Source == "" {
		c.report.Source = SourceRUM
	}
	c.report.RepeatID = c.eventID(0)
}

// maxColumn bounds what a row may skip.
const maxColumn = 1 << 16

// row passes a row of which the first value is next, if there is one, and calls take
// at each that has a column, to pass it.
func (r *reader) row(more bool, columns []string, take func(name string)) {
	for at := 0; more; more = r.nextItem() {
		switch {
		case r.peek() == '-':
			skipped := -r.integer()
			if skipped < 1 || skipped > maxColumn {
				r.giveUp()
				return
			}
			at = min(at+int(skipped), maxColumn)
			continue
		case at < len(columns):
			take(columns[at])
		default:
			r.skip(maxSkippedDepth)
		}
		at++
	}
}

func (c *compactReader) readView(v *View) {
	v.Navigation = NavigationNavigate
	columns := compactView()
	c.row(c.firstItem(), columns[:], func(name string) {
		switch name {
		case "start_at_ms":
			c.startMS = c.integer()
		case "navigation":
			words := compactNavigations()
			readWord(c, &v.Navigation, words[:])
		case "navigation_detection":
			words := compactDetections()
			readWord(c, &v.Detection, words[:])
		default:
			c.viewField(v, name)
		}
	})
	if scheme, rest, ok := strings.Cut(v.URL, "://"); ok {
		host, _, _ := strings.Cut(rest, "/")
		c.origin = scheme + "://" + host
	}
	c.expand(&v.Referrer)
}

// expand puts the view's origin before a URL that lacks it.
func (c *compactReader) expand(url *string) {
	if strings.HasPrefix(*url, "/") {
		*url = c.origin + *url
	}
}

func (c *compactReader) readTransactions() {
	columns := compactTransaction()
	for more := c.firstItem(); more; more = c.nextItem() {
		if len(c.transactions) == MaxEvents {
			c.skip(maxSkippedDepth)
			continue
		}
		var t TransactionRef
		c.row(c.firstItem(), columns[:], func(name string) { c.transactionField(&t, name) })
		c.transactions = append(c.transactions, t)
	}
}

func (c *compactReader) readEvents() {
	c.report.Events = make([]Event, 0, 8) // most reports hold a few
	for more := c.firstItem(); more; more = c.nextItem() {
		index := c.events
		c.events++
		if index >= MaxEvents {
			c.skip(maxSkippedDepth)
			continue
		}
		c.report.Events = append(c.report.Events, Event{})
		event := &c.report.Events[index]
		if c.careful {
			c.malformed = append(c.malformed, c.readEventAlone(event))
		} else {
			c.readEvent(event)
		}
		event.ID = c.eventID(index)
		if t := event.Transaction; t != nil && t.InstanceID == "" {
			t.InstanceID = event.ID
			if event.Request != nil && (!c.careful || c.malformed[index] == nil) {
				c.ends = append(c.ends, endOfRequest(event))
			}
		}
	}
}

// addEnds adds the ends of requests that are transactions, as if the sender had.
func (c *compactReader) addEnds() {
	for _, end := range c.ends {
		index := c.events
		c.events++
		if index >= MaxEvents {
			continue
		}
		end.ID = c.eventID(index)
		c.report.Events = append(c.report.Events, end)
		if c.careful {
			c.malformed = append(c.malformed, nil)
		}
	}
}

// endOfRequest says how a transaction ended that a request is: the user waits for all of it.
func endOfRequest(event *Event) Event {
	q, ref := event.Request, *event.Transaction
	done := &TransactionDone{Outcome: OutcomeCompleted, DurationMS: q.DurationMS, WaitMS: q.DurationMS}
	switch {
	case q.Failure == RequestFailureAborted:
		done.Outcome, done.Reason = OutcomeAbandoned, string(q.Failure)
	case q.Failure != "":
		done.Outcome, done.Reason = OutcomeFailed, string(q.Failure)
	case q.StatusCode >= 400:
		done.Outcome, done.Reason = OutcomeFailed, fmt.Sprintf("status %d", q.StatusCode)
	}
	return Event{AtMS: event.AtMS, Transaction: &ref, TraceID: event.TraceID, TransactionDone: done}
}

// readEventAlone reads an event, or returns what is wrong with it.
func (c *compactReader) readEventAlone(event *Event) *Reject {
	start := c.at
	c.skip(maxSkippedDepth)
	if c.gaveUp {
		return nil
	}
	alone := *c
	alone.reader = newReader(c.data[start:c.at])
	alone.readEvent(event)
	if !alone.ended() {
		return &Reject{Index: -1, Reason: RejectMalformed, Detail: "a value of the event's row is not of its column's type"}
	}
	return nil
}

// readEvent reads the row of an event. Of a kind that is not known it has no payload.
func (c *compactReader) readEvent(event *Event) {
	if !c.firstItem() {
		c.giveUp()
		return
	}
	payload, field := compactPayload(c, event, c.integer())
	columns := compactEvent()
	event.AtMS = c.startMS
	c.row(c.nextItem(), append(columns[:], payload...), func(name string) {
		switch name {
		case "offset_ms":
			event.AtMS += c.integer()
		case "transaction":
			if place := c.integer(); place >= 1 && place <= int64(len(c.transactions)) {
				ref := c.transactions[place-1]
				event.Transaction = &ref
			} else {
				c.giveUp()
			}
		case "trace_id":
			readText(c.reader, &event.TraceID)
		default:
			field(name)
		}
	})
	c.expandEvent(event)
}

// compactPayload gives the event its payload, and returns the columns of that and
// what reads one of them.
func compactPayload(c *compactReader, event *Event, kind int64) (columns []string, field func(name string)) {
	switch kind {
	case 0:
		p, columns := new(PageView), compactPageView()
		event.PageView = p
		return columns[:], func(name string) { c.pageViewColumn(p, name) }
	case 1:
		q, columns := &Request{Initiator: "fetch"}, compactRequest()
		event.Request = q
		return columns[:], func(name string) { c.requestColumn(q, name) }
	case 2:
		e, columns := &Error{Kind: ErrorUncaught, Count: 1}, compactError()
		event.Error = e
		return columns[:], func(name string) { c.errorColumn(e, name) }
	case 3:
		t, columns := &TransactionDone{Outcome: OutcomeCompleted}, compactTransactionDone()
		event.TransactionDone = t
		return columns[:], func(name string) { c.transactionDoneColumn(t, name) }
	case 4:
		a, columns := &Action{Kind: ActionClick, Count: 1}, compactAction()
		event.Action = a
		return columns[:], func(name string) { c.actionColumn(a, name) }
	case 5:
		m, columns := new(Measure), compactMeasure()
		event.Measure = m
		return columns[:], func(name string) { c.measureColumn(m, name) }
	case 6:
		s, columns := &Resources{Count: 1}, compactResources()
		event.Resources = s
		return columns[:], func(name string) { c.resourcesField(s, name) }
	default:
		return nil, nil
	}
}

func (c *compactReader) expandEvent(event *Event) {
	switch {
	case event.PageView != nil:
		c.expand(&event.PageView.LCPURL)
		c.expand(&event.PageView.INPScriptURL)
	case event.Request != nil:
		c.expand(&event.Request.URL)
	}
}

// eventID is the id of the event at a place of the report. Views' ids are random in
// all their bits, so that sums of them and small numbers are as different.
func (c *compactReader) eventID(index int) string {
	if c.report.View == nil {
		return ""
	}
	view, err := strconv.ParseUint(c.report.View.ID, 16, 64)
	if err != nil {
		return "" // the view is refused, and with it all
	}
	// Sequences are below 2^16, and so are places; an odd factor keeps sums apart.
	return fmt.Sprintf("%016x", view+(uint64(c.report.Sequence)<<16+uint64(index)+1)*0x9e3779b97f4a7c15)
}

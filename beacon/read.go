package beacon

// What follows says how each type of the wire is read: a name in JSON per field.
// Where the same name comes twice, and for null, it does as encoding/json: the
// later value counts, objects are merged, null empties a pointer and leaves
// everything else.

// readText reads a string.
func readText[T ~string](r *reader, into *T) {
	if !r.null() {
		*into = T(r.string())
	}
}

// readInteger reads a whole number.
func readInteger[T int | int64](r *reader, into *T) {
	if r.null() {
		return
	}
	value := r.integer()
	*into = T(value)
	if int64(*into) != value {
		r.giveUp() // int is narrow here
	}
}

func readBool(r *reader, into *bool) {
	if !r.null() {
		*into = r.boolean()
	}
}

// present returns the object to read a field into; nil if the field is null.
func present[T any](r *reader, into **T) *T {
	if r.null() {
		*into = nil
		return nil
	}
	if *into == nil {
		*into = new(T)
	}
	return *into
}

// texts reads an object of strings.
func (r *reader) texts(into *map[string]string) {
	if r.null() {
		*into = nil
		return
	}
	if *into == nil {
		*into = make(map[string]string)
	}
	for key, more := r.firstKey(); more; key, more = r.nextKey() {
		var value string
		readText(r, &value)
		(*into)[key] = value
	}
}

// member reads an object into a field, which it makes, or leaves empty for null.
func member[T any](r *reader, into **T, field func(r *reader, into *T, key string)) {
	if value := present(r, into); value != nil {
		for key, more := r.firstKey(); more; key, more = r.nextKey() {
			field(r, value, key)
		}
	}
}

func (r *reader) duration(into *float64) {
	if !r.null() {
		*into = r.float()
	}
}

// The sizes of chunks are what one page view has.
const (
	floatsAtOnce = 16
	sizesAtOnce  = 4
)

func (r *reader) measure(into **float64) {
	if r.null() {
		*into = nil
		return
	}
	if *into == nil {
		*into = r.floats.take(floatsAtOnce)
	}
	**into = r.float()
}

func (r *reader) size(into **int64) {
	if r.null() {
		*into = nil
		return
	}
	if *into == nil {
		*into = r.sizes.take(sizesAtOnce)
	}
	**into = r.integer()
}

// report reads a report with its first [MaxEvents] events, and returns how many
// there are.
func (r *reader) report(report *Report) (events int) {
	for key, more := r.firstKey(); more; key, more = r.nextKey() {
		switch key {
		case "journey":
			member(r, &report.Journey, (*reader).journeyField)
		case "view":
			member(r, &report.View, (*reader).viewField)
		case "events":
			report.Events, events = r.events()
		default:
			r.reportField(report, key)
		}
	}
	return events
}

func (r *reader) reportField(report *Report, key string) {
	switch key {
	case "v":
		readInteger(r, &report.Version)
	case "sent_at_ms":
		readInteger(r, &report.SentAtMS)
	case "source":
		readText(r, &report.Source)
	case "sdk":
		readText(r, &report.SDK)
	case "release":
		readText(r, &report.Release)
	case "environment":
		readText(r, &report.Environment)
	case "session_id":
		readText(r, &report.SessionID)
	case "automated":
		readBool(r, &report.Automated)
	case "sequence":
		readInteger(r, &report.Sequence)
	case "sample_weight":
		r.duration(&report.SampleWeight)
	case "error_weight":
		r.duration(&report.ErrorWeight)
	case "user_id":
		readText(r, &report.UserID)
	case "attributes":
		r.texts(&report.Attributes)
	default:
		r.unknown(key)
	}
}

// events reads the first [MaxEvents] events, and returns how many there are.
func (r *reader) events() (list []Event, count int) {
	if r.null() {
		return nil, 0
	}
	list = make([]Event, 0, 4) // most reports hold a few
	for more := r.firstItem(); more; more = r.nextItem() {
		count++
		if count > MaxEvents {
			r.skip(maxSkippedDepth)
			continue
		}
		list = append(list, Event{})
		if !r.null() {
			r.event(&list[len(list)-1])
		}
	}
	return list, count
}

func (r *reader) viewField(v *View, key string) {
	switch key {
	case "id":
		readText(r, &v.ID)
	case "url":
		readText(r, &v.URL)
	case "referrer":
		readText(r, &v.Referrer)
	case "navigation":
		readText(r, &v.Navigation)
	case "navigation_detection":
		readText(r, &v.Detection)
	case "viewport_width_px":
		readInteger(r, &v.ViewportWidthPX)
	case "viewport_height_px":
		readInteger(r, &v.ViewportHeightPX)
	case "effective_connection_type":
		readText(r, &v.EffectiveConnectionType)
	default:
		r.unknown(key)
	}
}

func (r *reader) journeyField(j *JourneyContext, key string) {
	switch key {
	case "name":
		readText(r, &j.Name)
	case "run_id":
		readText(r, &j.RunID)
	case "location":
		readText(r, &j.Location)
	case "user_agent":
		readText(r, &j.UserAgent)
	default:
		r.unknown(key)
	}
}

func (r *reader) event(e *Event) {
	for key, more := r.firstKey(); more; key, more = r.nextKey() {
		switch key {
		case "id":
			readText(r, &e.ID)
		case "at_ms":
			readInteger(r, &e.AtMS)
		case "transaction":
			member(r, &e.Transaction, (*reader).transactionField)
		case "trace_id":
			readText(r, &e.TraceID)
		default:
			r.payload(e, key)
		}
	}
}

func (r *reader) payload(e *Event, key string) {
	switch key {
	case "page_view":
		member(r, &e.PageView, (*reader).pageViewField)
	case "request":
		member(r, &e.Request, (*reader).requestField)
	case "error":
		member(r, &e.Error, (*reader).faultField)
	case "transaction_done":
		member(r, &e.TransactionDone, (*reader).transactionDoneField)
	case "action":
		member(r, &e.Action, (*reader).actionField)
	case "measure":
		member(r, &e.Measure, (*reader).namedMeasureField)
	case "resources":
		member(r, &e.Resources, (*reader).resourcesField)
	case "journey_run":
		member(r, &e.JourneyRun, (*reader).journeyRunField)
	case "journey_step":
		member(r, &e.JourneyStep, (*reader).journeyStepField)
	default:
		r.unknown(key)
	}
}

func (r *reader) transactionField(t *TransactionRef, key string) {
	switch key {
	case "name":
		readText(r, &t.Name)
	case "instance_id":
		readText(r, &t.InstanceID)
	case "version":
		readText(r, &t.Version)
	default:
		r.unknown(key)
	}
}

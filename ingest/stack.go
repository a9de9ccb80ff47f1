package ingest

import "throughline/ingest/stack"

// readStack says which group the error of a row belongs to, and whether it is
// noise. A stack of which a source map is known is written anew, as the sources
// have it.
func (e *Enricher) readStack(row *Row, release string) {
	reported := row.Event.Error
	frames := stack.Parse(reported.Stack, row.PageDomain)
	if e.resolve(frames, row, release) {
		reported.Stack = stack.Format(frames)
	}
	row.Fingerprint = stack.Group(reported.Type, reported.Message, frames)
	row.Noise = stack.Noise(reported.Type, reported.Message, frames)
}

// resolve puts the places in the sources in the place of those in the script, and
// says whether there were any.
func (e *Enricher) resolve(frames []stack.Frame, row *Row, release string) (resolved bool) {
	if e.maps == nil || release == "" {
		return false
	}
	called := "" // what the frame below is called where it is called
	for i := len(frames) - 1; i >= 0; i-- {
		frame := &frames[i]
		if called != "" {
			frame.Function = called
		}
		called = ""
		if frame.Line <= 0 || frame.Column <= 0 {
			continue
		}
		place, ok := e.maps.Resolve(row.App, release, frame.URL, frame.Line, frame.Column)
		if !ok {
			continue
		}
		resolved, called = true, place.Name
		frame.URL, frame.Line, frame.Column = place.Source, place.Line, place.Column
		frame.InApp = !place.Ignored && stack.InApp(place.Source, row.PageDomain)
	}
	return resolved
}

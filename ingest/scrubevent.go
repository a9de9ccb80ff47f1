package ingest

import (
	"maps"
	"slices"
	"strings"

	"throughline/beacon"
	"throughline/ingest/scrub"
)

// scrubEvent takes what may be secret out of the texts of an event. The event
// may be read elsewhere yet, so that a payload is replaced, not changed; most page
// views and requests have nothing to take out, and are not copied for that.
func scrubEvent(s *scrub.Scrubber, event *beacon.Event) {
	switch {
	case event.PageView != nil:
		event.PageView = scrubPageView(s, event.PageView)
	case event.Request != nil:
		if url := s.URL(event.Request.URL); url != event.Request.URL {
			scrubbed := *event.Request
			scrubbed.URL = url
			event.Request = &scrubbed
		}
	case event.Error != nil:
		scrubbed := *event.Error
		scrubbed.Type, scrubbed.Message, scrubbed.Stack = s.Text(scrubbed.Type), s.Text(scrubbed.Message), s.Stack(scrubbed.Stack)
		event.Error = &scrubbed
	case event.TransactionDone != nil:
		if reason := s.Text(event.TransactionDone.Reason); reason != event.TransactionDone.Reason {
			scrubbed := *event.TransactionDone
			scrubbed.Reason = reason
			event.TransactionDone = &scrubbed
		}
	case event.Action != nil:
		event.Action = scrubAction(s, *event.Action)
	case event.Measure != nil:
		scrubbed := *event.Measure
		scrubbed.Name, scrubbed.Detail = s.Name(scrubbed.Name), s.Text(scrubbed.Detail)
		event.Measure = &scrubbed
	case event.Resources != nil:
		scrubbed := *event.Resources
		scrubbed.Host = s.Name(scrubbed.Host)
		event.Resources = &scrubbed
	case event.JourneyRun != nil:
		scrubbed := *event.JourneyRun
		scrubbed.Message, scrubbed.FailedStep, scrubbed.Browser = s.Text(scrubbed.Message), s.Name(scrubbed.FailedStep), s.Name(scrubbed.Browser)
		scrubbed.EvidenceURL = s.URL(scrubbed.EvidenceURL)
		event.JourneyRun = &scrubbed
	case event.JourneyStep != nil:
		scrubbed := *event.JourneyStep
		scrubbed.Message, scrubbed.Name, scrubbed.URL = s.Text(scrubbed.Message), s.Name(scrubbed.Name), s.URL(scrubbed.URL)
		scrubbed.Selector = s.Text(scrubbed.Selector)
		event.JourneyStep = &scrubbed
	}
}

// scrubPageView returns the page view, or a copy of it without what may be secret.
func scrubPageView(s *scrub.Scrubber, v *beacon.PageView) *beacon.PageView {
	lcpURL, lcp, inp, cls := s.URL(v.LCPURL), s.Text(v.LCPElement), s.Text(v.INPElement), s.Text(v.CLSElement)
	script, invoker, preferences := s.URL(v.INPScriptURL), s.Text(v.INPScriptInvoker), ordered(v.Preferences)
	if lcpURL == v.LCPURL && lcp == v.LCPElement && inp == v.INPElement && cls == v.CLSElement &&
		script == v.INPScriptURL && invoker == v.INPScriptInvoker && preferences == v.Preferences {
		return v
	}
	scrubbed := *v
	scrubbed.LCPURL, scrubbed.LCPElement, scrubbed.INPElement, scrubbed.CLSElement = lcpURL, lcp, inp, cls
	scrubbed.INPScriptURL, scrubbed.INPScriptInvoker, scrubbed.Preferences = script, invoker, preferences
	return &scrubbed
}

// ordered has each preference once and all in their order, so that there are few
// different texts, whatever is sent.
func ordered(preferences string) string {
	if strings.IndexByte(preferences, ',') < 0 {
		return preferences
	}
	told := strings.Split(preferences, ",")
	kept := slices.DeleteFunc(beacon.PreferenceNames(), func(name string) bool { return !slices.Contains(told, name) })
	return strings.Join(kept, ",")
}

// scrubAction is the action without what may be secret. What an element says of
// itself is a text of the page; other names are the makers'.
func scrubAction(s *scrub.Scrubber, a beacon.Action) *beacon.Action {
	if isNamed(a.Kind) {
		a.Name = s.Name(a.Name)
	} else {
		a.Name = s.Text(a.Name)
	}
	a.Target, a.Attributes = s.Text(a.Target), scrubAttributes(s, a.Attributes)
	return &a
}

// isNamed says whether actions of a kind have names that somebody has given them, of
// which there are few.
func isNamed(kind beacon.ActionKind) bool {
	return kind == beacon.ActionEvent || kind == beacon.ActionPageState
}

// scrubAttributes returns the attributes without what may be secret. Of two names
// that are the same then, the later in the alphabet counts.
func scrubAttributes(s *scrub.Scrubber, attributes map[string]string) map[string]string {
	if len(attributes) == 0 {
		return nil
	}
	scrubbed := make(map[string]string, len(attributes))
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		scrubbed[s.Name(name)] = s.Value(name, attributes[name])
	}
	return scrubbed
}

// merged are the attributes of a report and of one of its events, which know better.
// Neither is changed.
func merged(report, event map[string]string) map[string]string {
	if len(event) == 0 {
		return report
	}
	all := maps.Clone(event)
	for name, value := range report {
		if _, ok := all[name]; !ok {
			all[name] = value
		}
	}
	return all
}

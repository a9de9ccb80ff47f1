package synthetic

import (
	"context"
	"net/url"
	"strings"
	"time"
)

// writer collects the fields of one object of a journey file, in the order in
// which people read them. It is the counterpart of reader.
type writer struct {
	object object
	// recorder is set when the file is one for Chrome's Recorder.
	recorder *recorderStyle
}

// recorderStyle is how texts are written for Chrome's Recorder.
type recorderStyle struct {
	// base makes relative addresses such that Chrome can open them; may be nil.
	base *url.URL
	// plain says that the file holds no variables: its texts mean what they say.
	plain bool
}

// inner returns a writer of an object within this one.
func (w *writer) inner() *writer { return &writer{recorder: w.recorder} }

func (w *writer) put(field string, value any) {
	if w.object.members == nil {
		w.object.members = map[string]node{}
	}
	w.object.keys = append(w.object.keys, field)
	w.object.members[field] = node{value: value}
}

// text writes a text as it is, also an empty one.
func (w *writer) text(field, text string) { w.put(field, text) }

// given writes a text unless it is empty.
func (w *writer) given(field, text string) {
	if text != "" {
		w.text(field, text)
	}
}

// template writes a text that may refer to variables.
func (w *writer) template(field, text string) { w.put(field, w.templated(text)) }

func (w *writer) templated(text string) string {
	if w.recorder == nil || !w.recorder.plain {
		return text
	}
	return unescapeTemplate(text)
}

// unescapeTemplate is what a template without references expands to.
func unescapeTemplate(template string) string {
	text, err := newValues(time.Now).expand(context.Background(), template)
	if err != nil {
		return template
	}
	return text
}

// address writes an address. Chrome can only open absolute ones, so for it ours
// stands beside.
func (w *writer) address(field, address string) {
	if w.recorder != nil && w.recorder.base != nil && !strings.Contains(address, "${") {
		if absolute, err := resolve(w.recorder.base, address); err == nil && absolute != address {
			w.text(field, absolute)
			w.text(ours+field, address)
			return
		}
	}
	w.template(field, address)
}

func (w *writer) number(field string, number float64) { w.put(field, number) }

// flag writes a truth value; what is false goes without saying in YAML.
func (w *writer) flag(field string, value bool) {
	if value || w.recorder != nil {
		w.put(field, value)
	}
}

// duration writes a duration such as 5s.
func (w *writer) duration(field string, d time.Duration) { w.text(field, shortDuration(d)) }

// shortDuration writes 1m where Go writes 1m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// milliseconds writes a duration as the Recorder does.
func (w *writer) milliseconds(field string, d time.Duration) {
	w.number(field, float64(d)/float64(time.Millisecond))
}

// child writes an object, unless nothing is in it.
func (w *writer) child(field string, child *writer) {
	if len(child.object.keys) > 0 {
		w.put(field, &child.object)
	}
}

// objects writes a list of objects, unless it is empty.
func (w *writer) objects(field string, children []*writer) {
	items := make([]node, 0, len(children))
	for _, child := range children {
		items = append(items, node{value: &child.object})
	}
	if len(items) > 0 {
		w.put(field, items)
	}
}

// list writes a list of texts, unless it is empty.
func (w *writer) list(field string, texts []string) {
	if len(texts) > 0 {
		w.put(field, textNodes(texts))
	}
}

func textNodes(texts []string) []node {
	items := make([]node, 0, len(texts))
	for _, text := range texts {
		items = append(items, node{value: text})
	}
	return items
}

// texts writes a mapping of texts, unless it is empty.
func (w *writer) texts(field string, texts map[string]string) {
	child := w.inner()
	for _, key := range sortedKeys(texts) {
		child.template(key, texts[key])
	}
	w.child(field, child)
}

// json writes a mapping that is at hand as JSON, if any.
func (w *writer) json(field string, data []byte) {
	if len(data) == 0 {
		return
	}
	if n, err := parseJSON(data); err == nil {
		w.put(field, n.value)
	}
}

// selectors writes the field selectors; in YAML one selector needs no list.
func (w *writer) selectors(selectors Selectors) {
	const field = "selectors"
	alternatives := make([]node, 0, len(selectors))
	for _, chain := range selectors {
		parts := make([]string, 0, len(chain))
		for _, selector := range chain {
			parts = append(parts, w.templated(selector.String()))
		}
		if len(parts) == 1 && w.recorder == nil {
			alternatives = append(alternatives, node{value: parts[0]})
			continue
		}
		alternatives = append(alternatives, node{value: textNodes(parts)})
	}
	if _, single := alternatives[0].value.(string); single && len(alternatives) == 1 {
		w.put(field, alternatives[0].value)
		return
	}
	w.put(field, alternatives)
}

// expected writes assertedEvents.
func (w *writer) expected(navigations []ExpectedNavigation) {
	events := make([]*writer, 0, len(navigations))
	for _, navigation := range navigations {
		event := w.inner()
		event.text("type", "navigation")
		if navigation.URL != "" {
			event.address("url", navigation.URL)
		}
		if navigation.Title != "" {
			event.template("title", navigation.Title)
		}
		events = append(events, event)
	}
	w.objects("assertedEvents", events)
}

// settings writes what a journey has besides its name and its steps, except for
// what is as it would be anyway.
func (w *writer) settings(j *Journey) {
	w.given("base_url", j.BaseURL)
	w.given("schedule", j.Schedule)
	if j.Timeout != DefaultTimeout {
		w.duration("timeout", j.Timeout)
	}
	w.environment(j.Environment)
	if j.Viewport != j.Environment.viewport() {
		viewport := w.inner()
		viewport.viewport(j.Viewport)
		w.child("viewport", viewport)
	}
	w.given("keep_state", j.KeepState)
	w.budgets(j.Budgets)
	w.variables(j.Variables)
}

// step writes what a step does, without its type.
func (w *writer) step(step Step) {
	w.place(step.Place)
	step.Action.write(w)
	w.expected(step.Expect)
}

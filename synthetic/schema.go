package synthetic

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is a JSON Schema, as far as journeys need it.
type schema struct {
	Dialect     string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Ref         string             `json:"$ref,omitempty"`
	Type        []string           `json:"type,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	MinLength   int                `json:"minLength,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	MaxItems    int                `json:"maxItems,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	// Others is what members may be that Properties does not name.
	Others *schema            `json:"additionalProperties,omitempty"`
	AnyOf  []*schema          `json:"anyOf,omitempty"`
	OneOf  []*schema          `json:"oneOf,omitempty"`
	Not    *schema            `json:"not,omitempty"`
	Defs   map[string]*schema `json:"$defs,omitempty"`
}

// nothing is the schema of what must not be there.
func nothing() *schema { return &schema{Not: &schema{}} }

// anyText is a text; numbers and truth values stand for what they are written as.
func anyText() *schema { return &schema{Type: []string{"string", "number", "boolean"}} }

// selectorsSchema is one selector, or alternatives, each a selector or a chain.
func selectorsSchema() *schema {
	text := func() *schema { return &schema{Type: []string{"string"}, MinLength: 1} }
	chain := &schema{Type: []string{"array"}, MinItems: 1, Items: text()}
	return &schema{AnyOf: []*schema{
		text(),
		{Type: []string{"array"}, MinItems: 1, Items: &schema{AnyOf: []*schema{text(), chain}}},
	}}
}

// sketch draws the schema of an object from what its reader asks for. All its
// methods do nothing on nil, which is the sketch of a reader of a file.
type sketch struct{ of *schema }

func newSketch() *sketch {
	return &sketch{of: &schema{Type: []string{"object"}, Properties: map[string]*schema{}, Others: nothing()}}
}

// put notes a field. One that is asked for twice is what it was at first.
func (s *sketch) put(field string, of *schema, required bool) {
	if s == nil || s.of.Properties[field] != nil {
		return
	}
	of.Description = describe(field)
	s.of.Properties[field] = of
	if required {
		s.of.Required = append(s.of.Required, field)
	}
}

// text notes a text.
func (s *sketch) text(field string, need need) {
	of := anyText()
	if need == required {
		of.MinLength = 1
	}
	s.put(field, of, need != optional)
}

// list notes a list.
func (s *sketch) list(field string, items *schema) {
	s.put(field, &schema{Type: []string{"array"}, Items: items}, false)
}

// inner notes an object and returns its reader.
func (s *sketch) inner(r *reader, field string, wrap func(*schema) *schema) *reader {
	child := sketching()
	child.scope = r.scope
	s.put(field, wrap(child.sketch.of), false)
	return child
}

// sketching returns a reader that draws instead of reading.
func sketching() *reader {
	r := newReader(node{value: &object{}}, true)
	// Whatever is missing in nothing is no mistake.
	*r.first = &FileError{}
	r.sketch = newSketch()
	return r
}

// Schema is the JSON Schema of journeys in YAML, for editors. It is drawn from
// what the reader of journeys asks for, so it knows every key, but of values
// only their kind.
func Schema() []byte {
	r := sketching()
	r.text("name", required)
	readSettings(r, &Journey{})
	readSteps(r, "")
	root := r.sketch.of
	root.Dialect = "https://json-schema.org/draft/2020-12/schema"
	root.Title = "Journey"
	root.Description = "A scripted way through an application, as a user would take it."
	root.Defs = map[string]*schema{"selectors": selectorsSchema(), "step": stepSchema()}
	root.Required = slices.DeleteFunc(root.Required, func(field string) bool { return field == "steps" })
	r.sketch.put("http", checkSchema(), false)
	root.OneOf = []*schema{{Required: []string{"steps"}}, {Required: []string{"http"}}}
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic("schema of journeys: " + err.Error()) // plain values only
	}
	return append(data, '\n')
}

// stepSchema is a step: an object with exactly one key that names its type.
func stepSchema() *schema {
	r := sketching()
	r.duration("timeout", 0, 0)
	r.stepSettings(&Step{})
	step := r.sketch.of
	for _, kind := range stepKinds() {
		step.Properties[kind.name] = kind.schema()
		step.OneOf = append(step.OneOf, &schema{Required: []string{kind.name}})
	}
	uses := useSchemas()
	for _, name := range sortedKeys(uses) {
		step.Properties[name] = uses[name]
		step.OneOf = append(step.OneOf, &schema{Required: []string{name}})
	}
	return step
}

// schema is that of what stands behind the name of a step type.
func (k stepKind) schema() *schema {
	r := sketching()
	readPlace(r)
	readExpected(r)
	k.read(r)
	params := r.sketch.of
	if k.bare {
		params.Type = append(params.Type, "null")
	}
	if k.short == "" {
		params.Description = k.about
		return params
	}
	short := *params.Properties[k.short]
	return &schema{Description: k.about, AnyOf: []*schema{&short, params}}
}

// describe says what a field is for, to people in an editor.
func describe(field string) string {
	return cmp.Or(fieldDescriptions()[field], requestDescriptions()[field])
}

// fieldDescriptions says what the fields are for, to people in an editor.
func fieldDescriptions() map[string]string {
	all := settingDescriptions()
	maps.Copy(all, stepDescriptions())
	return all
}

// settingDescriptions are those of what a journey has besides its steps.
func settingDescriptions() map[string]string {
	return map[string]string{
		"base_url":      "What relative addresses refer to; absolute, http or https.",
		"schedule":      "When to run: a cron expression, @hourly and the like, or @every 30s.",
		"budgets":       "What the Web Vitals of the journey's pages may be at most.",
		"lcp":           "The largest contentful paint, such as 2.5s.",
		"inp":           "The interaction to next paint, such as 200ms.",
		"fcp":           "The first contentful paint, such as 1.8s.",
		"ttfb":          "The time to first byte, such as 800ms.",
		"cls":           "The cumulative layout shift, such as 0.1.",
		"page":          "What the page believes about the world around it.",
		"device":        "A preset of the size and kind of the screen and of the user agent.",
		"user_agent":    "What the browser says that it is.",
		"locale":        "The language of the user, such as de-DE.",
		"timezone":      "The time zone of the user, such as Europe/Berlin.",
		"geolocation":   "Where the user is.",
		"latitude":      "In degrees, north positive.",
		"longitude":     "In degrees, east positive.",
		"accuracy_m":    "In metres; 10 if not given.",
		"network":       "How slow the network is: a preset, or throughputs and a latency.",
		"download_kbps": "Kilobits in a second; not bounded if not given.",
		"upload_kbps":   "Kilobits in a second; not bounded if not given.",
		"latency":       "What is added to each request, such as 150ms.",
		"cpu_slowdown":  "How many times slower the page computes.",
		"headers":       "Headers to send: those of a request, or those of the page to the hosts that they name.",
		"hosts":         "Hosts such as shop.example, or *.shop.example for all below one.",
		"cookies":       "Cookies that the page begins with.",
		"domain":        "The host that the cookie is for; that of base_url if not given.",
		"path":          "The path that the cookie is for; / if not given.",
		"secure":        "Whether the cookie is for https alone.",
		"http_only":     "Whether scripts cannot read the cookie.",
		"same_site":     "Which requests of other sites bring the cookie.",
		"block":         "Patterns of addresses that are not loaded; * stands for anything.",
		"trace_hosts":   "Hosts that are told the trace of each step.",
		"allow_hosts":   "The host:port on the agent's own machine that the page may call, besides those that the journey names itself.",
		"keep_state":    "The name that the cookies and storage at the end are kept by, for pages with that state.",
		"state":         "The name of kept cookies and storage that the page begins with.",
		"viewport":      "The size and kind of the screen that the page begins with.",
		"variables":     "Texts that others refer to as ${name}.",
		"parts":         "Lists of steps that others use, by name.",
		"steps":         "What the journey does, in order.",
	}
}

// stepDescriptions are those of what a step holds.
func stepDescriptions() map[string]string {
	return map[string]string{
		"name":              "What people call it.",
		"timeout":           "How long it may take, such as 5s or 1m30s.",
		"budget":            "What the step should take at most, such as 2s; the run fails at its end if it took longer.",
		"transaction":       "The business transaction of the app that the step is part of; that of its page if not given.",
		"part":              "The name of a part.",
		"file":              "The file that holds the part, beside the journey's or below.",
		"with":              "Texts that the part refers to as ${name}.",
		"selectors":         "Ways to the element, of which the first that works is taken: CSS, or aria/, text/, xpath/ and pierce/. A list within the list is a path through shadow roots.",
		"url":               "An address, absolute or relative to base_url.",
		"title":             "The title of the document.",
		"type":              "The kind of event.",
		"value":             "What to enter, or what a header or a cookie holds.",
		"key":               "A key by its KeyboardEvent.key, such as Enter.",
		"expression":        "JavaScript; promises are awaited.",
		"operator":          "How the number of elements compares with count; >= if not given.",
		"count":             "A number of elements; 1 if not given.",
		"text":              "What must be part of the text of the element, or of the page.",
		"text_is":           "What the text of the element, or of the page, must be.",
		"status":            "The HTTP status that the document must have been answered with: 200, 2xx, or a list.",
		"response_time":     "How long the head of the document's response may take, such as 2s.",
		"no_console_errors": "true wants nothing to have written an error to the page's console.",
		"pattern":           "A regular expression that picks a part of the text: its first group, or all that it matches.",
		"secret":            "true hides the text wherever it would show.",
		"visible":           "false turns the condition round: it must not hold.",
		"attributes":        "Attributes that every element must have.",
		"properties":        "Properties that every element must have, deeply.",
		"offsetX":           "Where in the element, in CSS pixels from its left; the centre if not given.",
		"offsetY":           "Where in the element, in CSS pixels from its top; the centre if not given.",
		"button":            "The mouse button; primary if not given.",
		"deviceType":        "The pointing device; mouse if not given.",
		"duration":          "How long the button stays down, in milliseconds.",
		"x":                 "In CSS pixels from the left; 0 if not given.",
		"y":                 "In CSS pixels from the top; 0 if not given.",
		"download":          "Bytes per second; -1 is no bound. 0 for both download and upload is no network at all.",
		"upload":            "Bytes per second; -1 is no bound.",
		"latency":           "What is added to each request: such as 150ms for a page, in milliseconds for a step.",
		"width":             "In CSS pixels.",
		"height":            "In CSS pixels.",
		"deviceScaleFactor": "Pixels of the screen to a CSS pixel; 1 if not given.",
		"isMobile":          "Whether the page is laid out as on a phone.",
		"hasTouch":          "Whether the screen can be touched.",
		"isLandscape":       "Whether the screen lies on its side.",
		"assertedEvents":    "Navigations that the step must cause.",
		"target":            "The address of a popup or of a frame of another site that the step acts in.",
		"frame":             "The way to a frame: the index of a child frame, of a child of that, and so on.",
	}
}

// durationPattern matches what [time.ParseDuration] reads and a journey allows.
func durationPattern() string {
	return `^([0-9]+([.][0-9]*)?|[.][0-9]+)(` + strings.Join([]string{"ns", "us", "µs", "ms", "s", "m", "h"}, "|") + `)`
}

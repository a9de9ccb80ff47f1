package synthetic

import (
	"strings"
)

// What of a journey the Recorder has no word for.
const (
	// customType is the Recorder's type of steps that it passes over.
	customType = "customStep"
	// ours begins the names of custom steps, and of keys, that are our own.
	ours = "throughline:"
	// journeyStep is the custom step that holds a journey's settings.
	journeyStep = "journey"
)

// readCustomStep reads a custom step, whose name is throughline: and the name of a
// step type that only we have.
func readCustomStep(r *reader, step Step) Step {
	r.at.Type = customType
	name := r.text("name", required)
	kind, found := findKind(strings.TrimPrefix(name, ours))
	switch {
	case name == ours+journeyStep:
		r.fail("name", "%s must be the first step", name)
		return step
	case !strings.HasPrefix(name, ours) || !found || !kind.own:
		r.fail("name", "unknown custom step %q; supported: %s", name, strings.Join(customNames(), ", "))
		return step
	}
	return finishStep(r.parameters(), step, kind)
}

func customNames() []string {
	names := []string{ours + journeyStep}
	for _, kind := range stepKinds() {
		if kind.own {
			names = append(names, ours+kind.name)
		}
	}
	return names
}

// parameters reads those of a custom step, which are as strict as YAML.
func (r *reader) parameters() *reader {
	const field = "parameters"
	n, given := r.get(field)
	if !given {
		n = node{line: r.line, value: &object{}}
	}
	params := r.of(n, field)
	params.strict = true
	return params
}

// readJourneyStep reads the settings of a journey from the custom step that a
// Recorder file may begin with. It tells whether there is one.
func readJourneyStep(r *reader, journey *Journey) bool {
	steps, _ := r.list("steps")
	if len(steps) == 0 {
		return false
	}
	if _, mapping := steps[0].value.(*object); !mapping {
		return false
	}
	step := r.apart().of(steps[0], "steps")
	step.at.Step, step.at.Type = 0, customType
	if step.peek("type") != customType || step.peek("name") != ours+journeyStep {
		return false
	}
	settings := step.parameters()
	readSettings(settings, journey)
	settings.done()
	return true
}

// peek returns a text, or nothing if there is none.
func (r *reader) peek(field string) string {
	text, _ := r.object.members[field].value.(string)
	return text
}

// own is the key of what the Recorder does not know.
func (r *reader) own(field string) string {
	if r.strict {
		return field
	}
	return ours + field
}

// preferred is our own key for what the Recorder knows in another form, if it is
// there.
func (r *reader) preferred(field string) string {
	if _, given := r.object.members[ours+field]; given && !r.strict {
		return ours + field
	}
	return field
}

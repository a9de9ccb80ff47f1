package synthetic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Recorder writes the journey as a file for Chrome's DevTools Recorder. What the
// Recorder has no word for stands in custom steps and in keys of our own, which it
// ignores; loaded again it is the same journey.
func (j *Journey) Recorder() ([]byte, error) {
	style := &recorderStyle{plain: true}
	settings := &writer{}
	settings.settings(j)
	if len(settings.object.keys) > 0 || j.captures() {
		style.plain = false
	}
	if !strings.Contains(j.BaseURL, "${") {
		base, err := parseBase(j.BaseURL)
		if err != nil {
			return nil, fmt.Errorf("write journey: %w", err)
		}
		style.base = base
	}
	file := &writer{recorder: style}
	file.text("title", j.Name)
	var steps []*writer
	if !style.plain {
		step := file.inner()
		step.custom(journeyStep, settings)
		steps = append(steps, step)
	}
	for _, step := range j.Steps {
		steps = append(steps, recorderStep(file, step))
	}
	file.objects("steps", steps)
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(&file.object); err != nil {
		return nil, fmt.Errorf("write journey: %w", err)
	}
	return out.Bytes(), nil
}

// captures says that steps give variables their values.
func (j *Journey) captures() bool {
	for _, step := range j.Steps {
		if setter, ok := step.Action.(setter); ok && len(setter.sets()) > 0 {
			return true
		}
	}
	return false
}

func recorderStep(file *writer, step Step) *writer {
	w := file.inner()
	kind, _ := findKind(step.Type())
	if kind.own {
		params := &writer{}
		params.step(step)
		w.custom(kind.name, params)
	} else {
		w.text("type", step.Type())
		w.step(step)
	}
	w.stepSettings(step)
	switch {
	case step.Timeout > MaxRecorderTimeout:
		w.milliseconds("timeout", MaxRecorderTimeout)
		w.duration(ours+"timeout", step.Timeout)
	case step.Timeout != DefaultStepTimeout:
		w.milliseconds("timeout", step.Timeout)
	}
	return w
}

// custom writes a step that the Recorder passes over.
func (w *writer) custom(name string, parameters *writer) {
	w.text("type", customType)
	w.text("name", ours+name)
	w.child("parameters", parameters)
}

// own is the key of what the Recorder does not know.
func (w *writer) own(field string) string {
	if w.recorder != nil {
		return ours + field
	}
	return field
}

// MarshalJSON writes the members in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, value := range []any{key, o.members[key]} {
			data, err := marshal(value)
			if err != nil {
				return nil, err
			}
			b.Write(data)
			if j == 0 {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// MarshalJSON writes the value.
func (n node) MarshalJSON() ([]byte, error) { return marshal(n.value) }

// marshal leaves <, > and & readable.
func marshal(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

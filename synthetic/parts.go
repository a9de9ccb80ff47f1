package synthetic

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Bounds of what parts may lead to.
const (
	maxPartDepth = 8
	// maxPartUses bounds how often parts are used in all, so that small files do
	// not become large journeys.
	maxPartUses = 1000
)

// parts replaces the steps use and include by the steps of the parts that they
// name.
type parts struct {
	// dir is the journey's directory, which all files are in.
	dir string
	// files holds the parts of each file; those of the journey are under its own
	// name, which is empty.
	files map[string]*object
	uses  int
	steps int
}

// partUse is a part where it is used.
type partUse struct {
	file, part string
	// with are the texts of the part's own variables.
	with map[string]string
	// within are the parts that lead here, outermost first.
	within []string
}

// path names a part for people.
func (u partUse) path() string {
	if u.file == "" {
		return u.part
	}
	return u.file + ": " + u.part
}

// readSteps returns readers of the journey's steps, with those of parts in their
// places.
func readSteps(r *reader, dir string) []*reader {
	p := &parts{dir: dir, files: map[string]*object{}}
	r.sketch.put("parts", &schema{Type: []string{"object"}, Others: stepsSchema(0)}, false)
	r.sketch.put("steps", stepsSchema(MaxSteps), true)
	if own := r.child("parts"); own != nil {
		p.files[""] = own.object
	}
	items, _ := r.list("steps")
	return p.expand(r, items, partUse{})
}

// expand returns readers of steps, in order.
func (p *parts) expand(r *reader, items []node, in partUse) []*reader {
	var steps []*reader
	for i, item := range items {
		if p.steps > MaxSteps {
			return steps
		}
		step := r.apart()
		step.at.Part, step.at.Step = in.part, i
		if in.file != "" {
			step.at.File = filepath.Join(p.dir, filepath.FromSlash(in.file))
		}
		step = step.of(substitute(item, in.with), "")
		use, isUse := p.readUse(step, in)
		if !isUse {
			p.steps++
			steps = append(steps, step)
			continue
		}
		if body, found := p.find(step, use); found {
			steps = append(steps, p.expand(r, body, use)...)
		}
	}
	return steps
}

// readUse reads a step that uses a part; it tells whether it is one.
func (p *parts) readUse(r *reader, in partUse) (partUse, bool) {
	use := partUse{file: in.file, within: append(slices.Clone(in.within), in.path())}
	field := ""
	for _, key := range []string{"use", "include"} {
		if _, given := r.object.members[key]; given {
			field = key
		}
	}
	if field == "" {
		return use, false
	}
	r.at.Type = field
	params := r.params(field, "part")
	if field == "include" {
		use.file = params.text("file", required)
	}
	use.part = params.text("part", required)
	if with := params.child("with"); with != nil {
		use.with = map[string]string{}
		for _, name := range with.object.keys {
			if !variableName.MatchString(name) {
				with.fail(name, "is no name of a variable: letters, digits, _ and -, no digit first")
			}
			use.with[name] = with.text(name, present)
		}
	}
	params.done()
	r.done()
	return use, true
}

// find returns the steps of a part.
func (p *parts) find(r *reader, use partUse) ([]node, bool) {
	p.uses++
	switch {
	case r.failed():
		return nil, false
	case slices.Contains(use.within, use.path()):
		r.fail("", "the part %s leads to itself: %s", use.part, strings.Join(append(use.within[1:], use.path()), ", "))
		return nil, false
	case len(use.within) > maxPartDepth || p.uses > maxPartUses:
		r.fail("", "parts are used more than %d deep, or more than %d times", maxPartDepth, maxPartUses)
		return nil, false
	}
	file, err := p.file(use.file)
	if err != nil {
		r.fail("file", "%v", err)
		return nil, false
	}
	n, found := file.members[use.part]
	body, list := n.value.([]node)
	if !found || !list || len(body) == 0 {
		r.fail("part", "there is no part %q that is a list of steps", use.part)
		return nil, false
	}
	return body, true
}

// file returns the parts of a file in the journey's directory.
func (p *parts) file(name string) (*object, error) {
	if file, known := p.files[name]; known {
		return file, nil
	}
	if name == "" {
		return &object{}, nil
	}
	local := filepath.FromSlash(name)
	extension := strings.ToLower(filepath.Ext(local))
	if !filepath.IsLocal(local) || extension != ".yaml" && extension != ".yml" {
		return nil, fmt.Errorf("must be a YAML file beside the journey's or below, such as parts.yaml")
	}
	file, err := os.OpenInRoot(p.dir, local)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, MaxFileBytes)
	}
	root, err := parseYAML(data)
	if err != nil {
		return nil, inFile(filepath.Join(p.dir, local), err)
	}
	r := newReader(root, true)
	all := r.child("parts")
	r.done()
	if all == nil {
		r.fail("parts", "is required")
	}
	if err := r.err(); err != nil {
		return nil, inFile(filepath.Join(p.dir, local), err)
	}
	p.files[name] = all.object
	return all.object, nil
}

// substitute returns a node in which the texts of a part's own variables stand
// for the references to them.
func substitute(n node, with map[string]string) node {
	if len(with) == 0 {
		return n
	}
	switch value := n.value.(type) {
	case string:
		n.value = substituteText(value, with)
	case []node:
		items := make([]node, 0, len(value))
		for _, item := range value {
			items = append(items, substitute(item, with))
		}
		n.value = items
	case *object:
		o := &object{keys: value.keys, members: make(map[string]node, len(value.members))}
		for key, member := range value.members {
			o.members[key] = substitute(member, with)
		}
		n.value = o
	}
	return n
}

func substituteText(text string, with map[string]string) string {
	var b strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			break
		}
		name, rest, closed := strings.Cut(text[at+2:], "}")
		value, own := with[name]
		if escaped := at > 0 && text[at-1] == '$'; escaped || !closed || !own {
			b.WriteString(text[:at+2])
			text = text[at+2:]
			continue
		}
		b.WriteString(text[:at] + value)
		text = rest
	}
	return b.String() + text
}

// stepsSchema is that of a list of steps.
func stepsSchema(most int) *schema {
	return &schema{Type: []string{"array"}, MinItems: 1, MaxItems: most, Items: &schema{Ref: "#/$defs/step"}}
}

// useSchemas are those of the steps that use parts.
func useSchemas() map[string]*schema {
	text := func(field string) *schema {
		return &schema{Type: []string{"string"}, MinLength: 1, Description: fieldDescriptions()[field]}
	}
	object := func(about string, required ...string) *schema {
		of := &schema{
			Type: []string{"object"}, Description: about, Required: required, Others: nothing(),
			Properties: map[string]*schema{"with": {
				Type: []string{"object"}, Others: anyText(), Description: fieldDescriptions()["with"],
			}},
		}
		for _, field := range required {
			of.Properties[field] = text(field)
		}
		return of
	}
	use := object("", "part")
	return map[string]*schema{
		"use":     {Description: "Does the steps of a part of the same file.", AnyOf: []*schema{text("part"), use}},
		"include": object("Does the steps of a part of another file.", "file", "part"),
	}
}

package synthetic

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// node is a value of a journey file: nil, bool, float64, string, []node or
// *object, and where it stands.
type node struct {
	line  int
	value any
	// source is the text of a YAML scalar. There a number or a truth value may
	// stand for text, as in `keyDown: 1`.
	source string
}

// object is a mapping in the order of the file.
type object struct {
	keys    []string
	members map[string]node
}

// need says whether a text must be there.
type need int

const (
	optional need = iota
	// present texts may be empty.
	present
	required
)

// reader reads the fields of one object of a journey file. The first thing wrong
// is kept for each step, and for what is outside of steps; what is read afterwards
// does not matter.
type reader struct {
	at     FileError
	line   int
	object *object
	// strict refuses unknown keys and allows YAML's shorthands.
	strict bool
	used   map[string]bool
	first  **FileError
	all    *FileErrors
	scope  *scope
	// sketch, if not nil, is told what is asked for instead.
	sketch *sketch
}

// scope is what the texts of a file may refer to.
type scope struct {
	// names are the variables known so far.
	names map[string]bool
	// declared are those that the journey itself has.
	declared map[string]bool
	// plain says that the file knows no variables: its texts mean what they say.
	plain bool
}

func newReader(root node, strict bool) *reader {
	r := &reader{
		at: FileError{Step: -1}, strict: strict,
		first: new(*FileError), all: new(FileErrors), scope: &scope{names: map[string]bool{}, declared: map[string]bool{}},
	}
	return r.of(root, "")
}

// apart returns the reader with its first mistake still to come.
func (r *reader) apart() *reader {
	apart := *r
	apart.first = new(*FileError)
	return &apart
}

// of returns a reader of another node of the same file.
func (r *reader) of(n node, field string) *reader {
	child := &reader{
		at: r.at, line: n.line, strict: r.strict, used: map[string]bool{},
		first: r.first, all: r.all, scope: r.scope,
	}
	members, ok := n.value.(*object)
	if !ok {
		child.object = &object{}
		child.fail(field, "must be a mapping")
		return child
	}
	child.object = members
	return child
}

// failed says that something is wrong in the step, or outside of steps.
func (r *reader) failed() bool { return *r.first != nil }

// err is all that is wrong with the file.
func (r *reader) err() error {
	if len(*r.all) == 0 {
		return nil
	}
	return *r.all
}

func (r *reader) fail(field, format string, args ...any) {
	if r.failed() {
		return
	}
	fault := r.at
	fault.Field, fault.Line, fault.Detail = field, r.line, fmt.Sprintf(format, args...)
	if n, ok := r.object.members[field]; ok {
		fault.Line = n.line
	}
	*r.first = &fault
	*r.all = append(*r.all, &fault)
}

// done refuses keys that nothing read, if the format is strict.
func (r *reader) done() {
	if !r.strict {
		return
	}
	for _, key := range r.object.keys {
		if !r.used[key] {
			r.fail(key, "unknown key")
		}
	}
}

// get returns a field; null counts as not given.
func (r *reader) get(field string) (node, bool) {
	r.used[field] = true
	n, ok := r.object.members[field]
	return n, ok && n.value != nil
}

func (r *reader) text(field string, need need) string {
	r.sketch.text(field, need)
	n, given := r.get(field)
	if !given {
		if need != optional {
			r.fail(field, "is required")
		}
		return ""
	}
	text, ok := n.value.(string)
	if !ok && n.source != "" {
		text, ok = n.source, true
	}
	switch {
	case !ok:
		r.fail(field, "must be text")
	case text == "" && need == required:
		r.fail(field, "must not be empty")
	}
	return text
}

// template reads a text that may refer to variables.
func (r *reader) template(field string, need need) string {
	return r.templated(field, r.text(field, need))
}

// templated checks what a text refers to. In a file without variables it is
// written so that it expands to itself.
func (r *reader) templated(field, text string) string {
	if r.scope.plain {
		return escapeTemplate(text)
	}
	err := scanTemplate(text, func(string) {}, func(name string) error {
		if !r.scope.names[name] {
			return fmt.Errorf("unknown variable %s; write $${ for a plain ${", name)
		}
		return nil
	})
	if err != nil {
		r.fail(field, "%v", err)
	}
	return text
}

func (r *reader) number(field string) (float64, bool) {
	r.sketch.put(field, &schema{Type: []string{"number"}}, false)
	n, given := r.get(field)
	if !given {
		return 0, false
	}
	number, ok := n.value.(float64)
	if !ok {
		r.fail(field, "must be a number")
	}
	return number, true
}

func (r *reader) boolean(field string) (bool, bool) {
	r.sketch.put(field, &schema{Type: []string{"boolean"}}, false)
	n, given := r.get(field)
	if !given {
		return false, false
	}
	value, ok := n.value.(bool)
	if !ok {
		r.fail(field, "must be true or false")
	}
	return value, true
}

// duration reads a YAML duration such as 5s.
func (r *reader) duration(field string, fallback, limit time.Duration) time.Duration {
	r.sketch.put(field, &schema{Type: []string{"string"}, Pattern: durationPattern()}, false)
	if _, given := r.get(field); !given {
		return fallback
	}
	duration, err := time.ParseDuration(r.text(field, required))
	if err != nil || duration < time.Millisecond || duration > limit {
		r.fail(field, "must be a duration from 1ms to %s, such as 5s", limit)
	}
	return duration
}

// milliseconds reads a Recorder timeout.
func (r *reader) milliseconds(field string, fallback time.Duration) time.Duration {
	ms, given := r.number(field)
	if !given {
		return fallback
	}
	limit := float64(MaxRecorderTimeout.Milliseconds())
	if !(ms >= 1 && ms <= limit) {
		r.fail(field, "must be from 1 to %g ms", limit)
		return fallback
	}
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}

func (r *reader) list(field string) ([]node, bool) {
	r.sketch.list(field, nil)
	n, given := r.get(field)
	if !given {
		return nil, false
	}
	items, ok := n.value.([]node)
	if !ok {
		r.fail(field, "must be a list")
	}
	return items, true
}

// objects reads a list of mappings.
func (r *reader) objects(field string) []*reader {
	if r.sketch != nil {
		return []*reader{r.sketch.inner(r, field, func(item *schema) *schema {
			return &schema{Type: []string{"array"}, Items: item}
		})}
	}
	items, _ := r.list(field)
	readers := make([]*reader, 0, len(items))
	for _, item := range items {
		readers = append(readers, r.of(item, field))
	}
	return readers
}

// child reads a mapping; nil when it is not given.
func (r *reader) child(field string) *reader {
	if r.sketch != nil {
		return r.sketch.inner(r, field, func(child *schema) *schema { return child })
	}
	n, given := r.get(field)
	if !given {
		return nil
	}
	return r.of(n, field)
}

// params reads the parameters of a YAML step, of which a plain text is short for
// one field.
func (r *reader) params(field, short string) *reader {
	n, _ := r.get(field)
	if _, mapping := n.value.(*object); mapping || short == "" {
		return r.of(n, "")
	}
	return r.of(node{line: n.line, value: &object{
		keys:    []string{short},
		members: map[string]node{short: n},
	}}, "")
}

// texts reads a mapping of texts.
func (r *reader) texts(field string) map[string]string {
	r.sketch.put(field, &schema{Type: []string{"object"}, Others: anyText()}, false)
	child := r.child(field)
	if child == nil || len(child.object.keys) == 0 {
		return nil
	}
	texts := make(map[string]string, len(child.object.keys))
	for _, key := range child.object.keys {
		texts[key] = child.template(key, present)
	}
	return texts
}

// json reads a mapping of anything, as JSON.
func (r *reader) json(field string) []byte {
	r.sketch.put(field, &schema{Type: []string{"object"}}, false)
	child := r.child(field)
	if child == nil {
		return nil
	}
	data, err := json.Marshal(plain(node{value: child.object}))
	if err != nil {
		r.fail(field, "cannot be written as JSON")
	}
	return data
}

// plain turns a node into what encoding/json can write.
func plain(n node) any {
	switch value := n.value.(type) {
	case *object:
		members := make(map[string]any, len(value.keys))
		for key, member := range value.members {
			members[key] = plain(member)
		}
		return members
	case []node:
		items := make([]any, 0, len(value))
		for _, item := range value {
			items = append(items, plain(item))
		}
		return items
	default:
		return value
	}
}

// selectors reads the field selectors: alternatives, each a selector or a chain
// of selectors; in YAML also one selector.
func (r *reader) selectors(need need) Selectors {
	const field = "selectors"
	r.sketch.put(field, &schema{Ref: "#/$defs/selectors"}, need != optional)
	n, given := r.get(field)
	if !given {
		r.fail(field, "is required")
		return Selectors{{{}}}
	}
	items, ok := n.value.([]node)
	if !ok && r.strict {
		items = []node{n}
	}
	if len(items) == 0 {
		r.fail(field, "must be a list of at least one selector")
		return Selectors{{{}}}
	}
	selectors := make(Selectors, 0, len(items))
	for i, item := range items {
		selectors = append(selectors, r.chain(field+"["+strconv.Itoa(i)+"]", item))
	}
	return selectors
}

func (r *reader) chain(field string, n node) Chain {
	parts, ok := n.value.([]node)
	if !ok {
		parts = []node{n}
	}
	if len(parts) == 0 {
		r.fail(field, "must not be empty")
	}
	chain := make(Chain, 0, len(parts))
	for _, part := range parts {
		text, ok := part.value.(string)
		if !ok {
			r.fail(field, "must be text or a list of texts")
			break
		}
		selector, err := parseSelector(text)
		if err != nil {
			r.fail(field, "%v", err)
			break
		}
		selector.Value = r.templated(field, selector.Value)
		chain = append(chain, selector)
	}
	return chain
}

// oneOf reads one of a few words; empty when it is not given.
func oneOf[T ~string](r *reader, field string, allowed ...T) T {
	words := make([]string, 0, len(allowed))
	for _, word := range allowed {
		words = append(words, string(word))
	}
	r.sketch.put(field, &schema{Enum: words}, false)
	text := T(r.text(field, optional))
	if text == "" || slices.Contains(allowed, text) {
		return text
	}
	r.fail(field, "must be one of %s", strings.Join(words, ", "))
	return text
}

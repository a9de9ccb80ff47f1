package synthetic

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/token"

	"throughline/beacon"
)

// YAML writes the journey as a person would. Loaded from the same directory, it is
// the same journey; parts are written out, and comments are gone.
func (j *Journey) YAML() []byte {
	w := &writer{}
	w.text("name", j.Name)
	w.settings(j)
	steps := make([]*writer, 0, len(j.Steps))
	for _, step := range j.Steps {
		steps = append(steps, yamlStep(step))
	}
	var out yamlText
	out.mapping(&w.object, 0)
	out.WriteString("steps:\n")
	for _, step := range steps {
		out.item(node{value: &step.object}, 2)
	}
	return out.Bytes()
}

// yamlStep writes a step: the key of its type beside its name and its times.
func yamlStep(step Step) *writer {
	w, params := &writer{}, &writer{}
	w.stepSettings(step)
	if step.Timeout != DefaultStepTimeout {
		w.duration("timeout", step.Timeout)
	}
	params.step(step)
	if kind, _ := findKind(step.Type()); len(params.object.keys) == 1 && params.object.keys[0] == kind.short {
		w.put(kind.name, params.object.members[kind.short].value)
		return w
	}
	w.put(step.Type(), &params.object)
	return w
}

// stepSettings writes what both formats have beside a step's type.
func (w *writer) stepSettings(step Step) {
	if step.Name != cut(step.Action.label(), beacon.MaxNameBytes) {
		w.text(w.own("name"), step.Name)
	}
	if step.Budget != 0 {
		w.duration(w.own("budget"), step.Budget)
	}
	if step.Transaction != "" {
		w.text(w.own("transaction"), step.Transaction)
	}
}

// yamlText writes nodes as YAML.
type yamlText struct{ bytes.Buffer }

// maxFlow is how long what stands in braces on one line may be.
const maxFlow = 90

func (t *yamlText) indent(columns int) { t.WriteString(strings.Repeat(" ", columns)) }

// mapping writes the members of an object, a line or more each.
func (t *yamlText) mapping(o *object, columns int) {
	for _, key := range o.keys {
		t.indent(columns)
		t.member(key, o.members[key], columns)
	}
}

// member writes a key and its value from the current column on.
func (t *yamlText) member(key string, n node, columns int) {
	t.WriteString(yamlKey(key) + ":")
	t.value(n, columns)
}

// value writes what stands behind a key.
func (t *yamlText) value(n node, columns int) {
	if text, ok := n.value.(string); ok {
		t.WriteString(" " + yamlBlockText(text, columns+2) + "\n")
		return
	}
	if line, ok := yamlFlow(n, columns); ok {
		t.WriteString(" " + line + "\n")
		return
	}
	t.WriteByte('\n')
	switch value := n.value.(type) {
	case *object:
		t.mapping(value, columns+2)
	case []node:
		for _, item := range value {
			t.item(item, columns+2)
		}
	}
}

// item writes an item of a list.
func (t *yamlText) item(n node, columns int) {
	t.indent(columns)
	t.WriteByte('-')
	if _, list := n.value.([]node); list {
		line, _ := yamlInline(n, 0)
		t.WriteString(" " + line + "\n")
		return
	}
	o, ok := n.value.(*object)
	if _, fits := yamlFlow(n, columns); !ok || len(o.keys) == 0 || fits && columns > 2 {
		t.value(n, columns)
		return
	}
	for i, key := range o.keys {
		if i == 0 {
			t.WriteByte(' ')
		} else {
			t.indent(columns + 2)
		}
		t.member(key, o.members[key], columns+2)
	}
}

// yamlFlow writes a value on one line, unless it is too long or too deep to read.
func yamlFlow(n node, columns int) (string, bool) {
	line, ok := yamlInline(n, 0)
	return line, ok && len(line) <= maxFlow-columns
}

func yamlInline(n node, depth int) (string, bool) {
	var parts []string
	ok := depth < 3
	switch value := n.value.(type) {
	case *object:
		for _, key := range value.keys {
			text, fits := yamlInline(value.members[key], depth+1)
			_, nested := value.members[key].value.(*object)
			ok = ok && fits && !nested
			parts = append(parts, yamlKey(key)+": "+text)
		}
		return "{" + strings.Join(parts, ", ") + "}", ok || len(parts) == 0
	case []node:
		for _, item := range value {
			text, fits := yamlInline(item, depth+1)
			ok = ok && fits
			parts = append(parts, text)
		}
		return "[" + strings.Join(parts, ", ") + "]", ok || len(parts) == 0
	case string:
		// What needs quotes only in braces reads better on a line of its own.
		return yamlScalar(value, true), yamlScalar(value, true) == yamlScalar(value, false) && !strings.Contains(value, "\n")
	case float64:
		return yamlNumber(value), true
	case bool:
		return strconv.FormatBool(value), true
	default:
		return "null", true
	}
}

func yamlNumber(number float64) string {
	if number == float64(int64(number)) && number > -1e15 && number < 1e15 {
		return strconv.FormatInt(int64(number), 10)
	}
	return strconv.FormatFloat(number, 'g', -1, 64)
}

// yamlBlockText writes a text behind a key; one of several lines as such.
func yamlBlockText(text string, columns int) string {
	if !strings.Contains(text, "\n") || !plainLines(text) {
		return yamlScalar(text, false)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", columns) + line
		}
	}
	return "|-\n" + strings.Join(lines, "\n")
}

// plainLines tells texts whose lines can stand as they are: no white space at
// either end of any, which a block would change or hide.
func plainLines(text string) bool {
	if strings.TrimSpace(text) != text {
		return false
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.TrimRightFunc(line, unicode.IsSpace) != line || !printable(line) {
			return false
		}
	}
	return true
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// oddNumber matches texts that begin as YAML's special numbers and marks do.
var oddNumber = regexp.MustCompile(`^[.]([^A-Za-z_]|(?i:inf|nan)|$)`)

// plainKey matches keys that need no quotes anywhere.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

func yamlKey(key string) string {
	if plainKey.MatchString(key) && !token.IsNeedQuoted(key) {
		return key
	}
	return strconv.Quote(key)
}

// yamlScalar writes a text, quoted if it must be; flow says that it stands in
// braces or brackets.
func yamlScalar(text string, flow bool) string {
	quoted := token.IsNeedQuoted(text) || !printable(text) || strings.TrimSpace(text) != text ||
		strings.ContainsAny(text[:1], "-?:=<~") || oddNumber.MatchString(text) || strings.Contains(text, "<<") || strings.Contains(text, ": ") ||
		strings.ContainsAny(text, "{}") || flow && strings.ContainsAny(text, "[],")
	switch {
	case !quoted:
		return text
	case strings.ContainsAny(text, `"\`) && printable(text):
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
		return strconv.Quote(text)
	}
}

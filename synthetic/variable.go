package synthetic

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"
)

// VariableSource is where the text of a variable comes from, by the words of a
// journey file.
type VariableSource string

// The sources. [FromText] has no word: the text itself stands in the file.
const (
	FromText VariableSource = ""
	// FromEnv is an environment variable.
	FromEnv VariableSource = "env"
	// FromFile is a file beside the journey's.
	FromFile VariableSource = "file"
	// FromSecret is an environment variable, or a file of that name in the
	// directory that THROUGHLINE_SECRETS names. Its text shows nowhere.
	FromSecret VariableSource = "secret"
	// FromTOTP is a code of RFC 6238, made when it is used from a secret that is
	// its seed in base32.
	FromTOTP VariableSource = "totp"
)

// namedSources are those that a file has a word for.
func namedSources() []VariableSource {
	return []VariableSource{FromEnv, FromFile, FromSecret, FromTOTP}
}

// Variable is a named text that others of the journey refer to as ${name}.
type Variable struct {
	Name   string
	Source VariableSource
	// Value is the text itself, or the name of what holds it.
	Value string
	// Default is the text of an environment variable that is not set; nil is none.
	Default *string
}

// secretsVariable names the directory of secrets.
const secretsVariable = "THROUGHLINE_SECRETS"

// ownVariables is what the names of the program's own environment begin with.
// A journey cannot read them: its steps could show them to a site.
const ownVariables = "THROUGHLINE_"

// maxVariableBytes bounds a variable that is read from a file.
const maxVariableBytes = 64 << 10

// CheckVariables says why a run could not begin: a variable of the environment,
// a file or a secret that is missing, or a replacement that the journey does not
// allow. getenv is [os.Getenv] or stands for it; replace is that of [RunOptions].
func (j *Journey) CheckVariables(getenv func(string) string, replace map[string]string) error {
	_, err := j.resolve(getenv, replace, time.Now)
	return err
}

// resolve reads the variables of a run.
func (j *Journey) resolve(getenv func(string) string, replace map[string]string, now func() time.Time) (*values, error) {
	values := newValues(now)
	sources := variableSources{getenv: getenv, dir: j.Dir}
	known := map[string]bool{}
	var errs []error
	for _, variable := range j.Variables {
		known[variable.Name] = true
		text, replaced := replace[variable.Name]
		secret := variable.Source == FromSecret || variable.Source == FromTOTP
		var err error
		switch {
		case replaced && secret:
			err = errors.New("a secret cannot be replaced")
		case !replaced:
			text, err = sources.read(variable)
		}
		if err == nil && variable.Source == FromTOTP {
			err = values.setSeed(variable.Name, text)
		} else if err == nil {
			values.set(variable.Name, text, secret)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("variable %s: %w", variable.Name, err))
		}
	}
	for _, name := range sortedKeys(replace) {
		if !known[name] {
			errs = append(errs, fmt.Errorf("variable %s: the journey has none of that name", name))
		}
	}
	return values, errors.Join(errs...)
}

// variableSources is where variables are read from.
type variableSources struct {
	getenv func(string) string
	dir    string
}

func (s variableSources) read(variable Variable) (string, error) {
	switch variable.Source {
	case FromEnv:
		text := s.getenv(variable.Value)
		if text == "" && variable.Default == nil {
			return "", fmt.Errorf("the environment variable %s is not set", variable.Value)
		}
		if text == "" {
			text = *variable.Default
		}
		return text, nil
	case FromFile:
		return readLocal(cmp.Or(s.dir, "."), variable.Value)
	case FromSecret, FromTOTP:
		return s.secret(variable.Value)
	default:
		return variable.Value, nil
	}
}

func (s variableSources) secret(name string) (string, error) {
	if text := s.getenv(name); text != "" {
		return text, nil
	}
	dir := s.getenv(secretsVariable)
	if dir == "" {
		return "", fmt.Errorf("the secret %s is not in the environment, and %s names no directory", name, secretsVariable)
	}
	text, err := readLocal(dir, name)
	if err == nil && text == "" {
		err = fmt.Errorf("the secret %s is empty", name)
	}
	return text, err
}

// readLocal reads a text file below a directory, without its last line end.
func readLocal(dir, name string) (string, error) {
	file, err := os.OpenInRoot(dir, filepath.FromSlash(name))
	if err != nil {
		return "", fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, maxVariableBytes+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", name, err)
	case len(data) > maxVariableBytes:
		return "", fmt.Errorf("%s is larger than %d bytes", name, maxVariableBytes)
	case !utf8.Valid(data):
		return "", fmt.Errorf("%s is not valid UTF-8", name)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r"), nil
}

// readVariables reads the variables and makes their names known to the reader.
func readVariables(r *reader) []Variable {
	const field = "variables"
	r.sketch.put(field, &schema{Type: []string{"object"}, Others: variableSchema()}, false)
	child := r.child(field)
	if child == nil {
		return nil
	}
	var variables []Variable
	for _, name := range child.object.keys {
		if !variableName.MatchString(name) {
			child.fail(name, "is no name of a variable: letters, digits, _ and -, no digit first")
		}
		variables = append(variables, readVariable(child, name))
		r.scope.names[name], r.scope.declared[name] = true, true
	}
	return variables
}

// variableSchema is that of one variable.
func variableSchema() *schema {
	from := &schema{Type: []string{"object"}, Properties: map[string]*schema{}, Others: nothing()}
	about := map[VariableSource]string{
		FromEnv:    "The environment variable that holds it.",
		FromFile:   "The file that holds it, beside the journey's or below.",
		FromSecret: "The environment variable, or the file in the directory that " + secretsVariable + " names, that holds it. It shows nowhere.",
		FromTOTP:   "The secret with the seed, in base32, of the codes that it gives.",
	}
	for _, source := range namedSources() {
		from.Properties[string(source)] = &schema{Type: []string{"string"}, MinLength: 1, Description: about[source]}
		from.OneOf = append(from.OneOf, &schema{Required: []string{string(source)}})
	}
	from.Properties["default"] = anyText()
	from.Properties["default"].Description = "What it is if the environment variable is not set."
	return &schema{AnyOf: []*schema{anyText(), from}}
}

func readVariable(r *reader, name string) Variable {
	n, _ := r.get(name)
	if _, mapping := n.value.(*object); !mapping {
		return Variable{Name: name, Value: r.text(name, present)}
	}
	source := r.of(n, name)
	variable := Variable{Name: name}
	given := 0
	for _, from := range namedSources() {
		if _, ok := source.get(string(from)); ok {
			variable.Source, variable.Value = from, source.text(string(from), required)
			given++
		}
	}
	if given != 1 {
		r.fail(name, "must be text, or have one of env, file, secret and totp")
	}
	if _, ok := source.get("default"); ok {
		text := source.text("default", present)
		variable.Default = &text
		if variable.Source != FromEnv {
			source.fail("default", "only a variable from env has a default")
		}
	}
	checkSource(source, variable)
	source.done()
	return variable
}

// variables writes them, as a mapping.
func (w *writer) variables(variables []Variable) {
	all := w.inner()
	for _, variable := range variables {
		if variable.Source == FromText {
			all.text(variable.Name, variable.Value)
			continue
		}
		source := w.inner()
		source.text(string(variable.Source), variable.Value)
		if variable.Default != nil {
			source.text("default", *variable.Default)
		}
		all.child(variable.Name, source)
	}
	w.child("variables", all)
}

// checkSource refuses names that cannot be read, or must not be.
func checkSource(r *reader, variable Variable) {
	field := string(variable.Source)
	switch variable.Source {
	case FromFile:
		if !filepath.IsLocal(filepath.FromSlash(variable.Value)) {
			r.fail(field, "must be a file beside the journey's or below, such as data/query.txt")
		}
	case FromEnv, FromSecret, FromTOTP:
		if !variableName.MatchString(variable.Value) {
			r.fail(field, "must be the name of an environment variable")
		}
		if strings.HasPrefix(strings.ToUpper(variable.Value), ownVariables) {
			r.fail(field, "names that begin with %s are the program's own", ownVariables)
		}
	}
}

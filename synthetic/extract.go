package synthetic

import (
	"encoding/json"
	"net/http"
	"regexp"
)

// ExtractSource is where in an answer a value is, by the words of a journey file.
type ExtractSource string

// The sources.
const (
	// ExtractJSON is a path in the body, such as data.token.
	ExtractJSON ExtractSource = "json"
	// ExtractHeader is the name of a header.
	ExtractHeader ExtractSource = "header"
	// ExtractRegexp finds the first match in the body: its first group, or all of
	// it without groups.
	ExtractRegexp ExtractSource = "regexp"
	// ExtractCookie is the name of a cookie that the answer sets.
	ExtractCookie ExtractSource = "cookie"
)

// Extract keeps a value of an answer in a variable, for the steps that follow.
type Extract struct {
	// Name is the variable's.
	Name   string
	Source ExtractSource
	// Key is the path, name or expression.
	Key string
	// Secret says that the value must show nowhere. Cookies never do.
	Secret bool
}

// find returns the value. That there is none is a *Fault.
func (c Extract) find(response HTTPResponse) (string, error) {
	text, found, err := c.look(response)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", assertion("the answer has no %s %s for the variable %s%s", c.Source, cut(c.Key, maxShownBytes), c.Name, ofCut(response))
	case len(text) > maxVariableBytes:
		return "", assertion("the value for the variable %s is larger than %d bytes", c.Name, maxVariableBytes)
	}
	return text, nil
}

func (c Extract) look(response HTTPResponse) (text string, found bool, err error) {
	switch c.Source {
	case ExtractHeader:
		texts := response.Header.Values(c.Key)
		if len(texts) == 0 {
			return "", false, nil
		}
		return texts[0], true, nil
	case ExtractCookie:
		text, found = response.Cookies[c.Key]
		return text, found, nil
	case ExtractRegexp:
		expression, err := regexp.Compile(c.Key)
		if err != nil {
			return "", false, err
		}
		match := expression.FindSubmatch(response.Body)
		if match == nil {
			return "", false, nil
		}
		return string(match[min(1, len(match)-1)]), true, nil
	default:
		value, err := valueAt(response, c.Key)
		if err != nil {
			return "", false, err
		}
		text, err := textOf(value)
		return text, true, err
	}
}

// textOf is a value of JSON as a variable holds it: texts as they mean, everything
// else as it is written.
func textOf(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil
	}
	data, err := encodeJSON(value)
	return string(data), err
}

func (e Extract) write(w *writer) {
	w.text(string(e.Source), e.Key)
	if e.Secret {
		w.put("secret", true)
	}
}

// readExtracts reads what a request keeps: a mapping from variables to where their
// values are.
func readExtracts(r *reader) []Extract {
	const field = "capture"
	one := sketching()
	readExtract(one, "")
	r.sketch.put(field, &schema{Type: []string{"object"}, Others: one.sketch.of}, false)
	n, given := r.get(field)
	if !given {
		return nil
	}
	extracts := []Extract{}
	all := r.of(n, field)
	for _, name := range all.object.keys {
		switch n, _ := all.get(name); {
		case !variableName.MatchString(name):
			all.fail(name, "is no name of a variable: letters, digits, _ and -, no digit first")
		case r.scope.declared[name]:
			all.fail(name, "is a variable of the journey already")
		default:
			extracts = append(extracts, readExtract(all.of(n, name), name))
			r.scope.names[name] = true
		}
	}
	return extracts
}

func readExtract(r *reader, name string) Extract {
	extract := Extract{Name: name}
	given := 0
	for _, source := range []ExtractSource{ExtractJSON, ExtractHeader, ExtractRegexp, ExtractCookie} {
		r.sketch.text(string(source), optional)
		if _, ok := r.get(string(source)); ok {
			extract.Source, extract.Key = source, r.text(string(source), required)
			given++
		}
	}
	if given != 1 {
		r.fail("", "a capture has one of json, header, regexp and cookie")
	}
	extract.Secret, _ = r.boolean("secret")
	switch extract.Source {
	case ExtractJSON:
		r.checkPath("json", extract.Key)
	case ExtractRegexp:
		if _, err := regexp.Compile(extract.Key); err != nil {
			r.fail("regexp", "is no regular expression of RE2: %v", err)
		}
	case ExtractCookie:
		extract.Secret = true
	case ExtractHeader:
		if name := http.CanonicalHeaderKey(extract.Key); name == "Set-Cookie" || name == "Authorization" {
			extract.Secret = true
		}
	}
	r.done()
	return extract
}

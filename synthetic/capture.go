package synthetic

import (
	"encoding/json"
	"net/http"
	"regexp"
)

// CaptureSource is where in an answer a value is, by the words of a journey file.
type CaptureSource string

// The sources.
const (
	// CaptureJSON is a path in the body, such as data.token.
	CaptureJSON CaptureSource = "json"
	// CaptureHeader is the name of a header.
	CaptureHeader CaptureSource = "header"
	// CaptureRegexp finds the first match in the body: its first group, or all of
	// it without groups.
	CaptureRegexp CaptureSource = "regexp"
	// CaptureCookie is the name of a cookie that the answer sets.
	CaptureCookie CaptureSource = "cookie"
)

// maxCaptureBytes bounds a captured value.
const maxCaptureBytes = 64 << 10

// Capture keeps a value of an answer in a variable.
type Capture struct {
	// Name is the variable's.
	Name   string
	Source CaptureSource
	// Key is the path, name or expression.
	Key string
	// Secret says that the value must show nowhere. Cookies never do.
	Secret bool
}

// find returns the value. That there is none is a *Fault.
func (c Capture) find(response HTTPResponse) (string, error) {
	text, found, err := c.look(response)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", missed("the answer has no %s %s for the variable %s%s", c.Source, cut(c.Key, maxShownBytes), c.Name, ofCut(response))
	case len(text) > maxCaptureBytes:
		return "", missed("the value for the variable %s is larger than %d bytes", c.Name, maxCaptureBytes)
	}
	return text, nil
}

func (c Capture) look(response HTTPResponse) (text string, found bool, err error) {
	switch c.Source {
	case CaptureHeader:
		texts := response.Header.Values(c.Key)
		if len(texts) == 0 {
			return "", false, nil
		}
		return texts[0], true, nil
	case CaptureCookie:
		text, found = response.Cookies[c.Key]
		return text, found, nil
	case CaptureRegexp:
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

// readCaptures reads variables and makes their names known to the steps that follow.
func readCaptures(r *reader) []Capture {
	var captures []Capture
	for _, name := range r.object.keys {
		n, _ := r.get(name)
		if !variableName.MatchString(name) {
			r.fail(name, "is no name of a variable: letters, digits, _ and -, no digit first")
		}
		captures = append(captures, readCapture(r.of(n, name), name))
		r.scope.names[name] = true
	}
	return captures
}

func readCapture(r *reader, name string) Capture {
	capture := Capture{Name: name}
	given := 0
	for _, source := range []CaptureSource{CaptureJSON, CaptureHeader, CaptureRegexp, CaptureCookie} {
		if _, ok := r.get(string(source)); ok {
			capture.Source, capture.Key = source, r.text(string(source), required)
			given++
		}
	}
	if given != 1 {
		r.fail("", "a capture has one of json, header, regexp and cookie")
	}
	capture.Secret, _ = r.boolean("secret")
	switch capture.Source {
	case CaptureJSON:
		r.checkPath("json", capture.Key)
	case CaptureRegexp:
		if _, err := regexp.Compile(capture.Key); err != nil {
			r.fail("regexp", "is no regular expression of RE2: %v", err)
		}
	case CaptureCookie:
		capture.Secret = true
	case CaptureHeader:
		if name := http.CanonicalHeaderKey(capture.Key); name == "Set-Cookie" || name == "Authorization" {
			capture.Secret = true
		}
	}
	r.done()
	return capture
}

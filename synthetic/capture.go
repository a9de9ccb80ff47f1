package synthetic

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
)

// Capture reads a text from the page into a variable, which the steps behind it
// can refer to. What is not there yet is waited for.
type Capture struct {
	Name string
	// Selectors lead to the element whose text it is; nil when Expression tells.
	Selectors Selectors
	// Expression is JavaScript whose value it is, promises awaited.
	Expression string
	// Pattern is a regular expression that picks a part of the text: its first
	// group, or all that it matches; empty takes all.
	Pattern string
	// Secret says that the text shows nowhere.
	Secret bool
}

// Type implements [Action].
func (Capture) Type() string { return "capture" }

func (c Capture) label() string { return "capture " + c.Name }

// sets implements [setter].
func (c Capture) sets() []string { return []string{c.Name} }

// setter is an action that gives variables their values.
type setter interface{ sets() []string }

func (c Capture) run(ctx context.Context, on *stage) error {
	return on.eventually(ctx, func(ctx context.Context) error {
		text, err := c.read(ctx, on)
		if err != nil {
			return err
		}
		if c.Pattern != "" {
			match := regexp.MustCompile(c.Pattern).FindStringSubmatch(text)
			if match == nil {
				// What was seen may hold what is meant to be a secret.
				return assertion("there is no text for %s that matches %s", c.Name, c.Pattern)
			}
			text = match[min(1, len(match)-1)]
		}
		if text == "" {
			return assertion("the text for %s is empty", c.Name)
		}
		if len(text) > maxVariableBytes {
			return assertion("the text for %s is larger than %d bytes", c.Name, maxVariableBytes)
		}
		on.values.set(c.Name, text, c.Secret)
		return nil
	})
}

// read returns the whole text.
func (c Capture) read(ctx context.Context, on *stage) (string, error) {
	if c.Expression != "" {
		expression, err := on.values.expand(ctx, c.Expression)
		if err != nil {
			return "", err
		}
		value, err := on.Evaluate(ctx, expression)
		if err != nil {
			return "", err
		}
		return plainValue(value), nil
	}
	selectors, err := on.values.selectors(ctx, c.Selectors)
	if err != nil {
		return "", err
	}
	text, alternative, err := on.Text(ctx, selectors)
	return text, on.won(c.Selectors, alternative, err)
}

// plainValue writes a JSON value as a text: a text as it is, nothing as nothing.
func plainValue(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return strings.TrimSpace(string(value))
}

func (c Capture) write(w *writer) {
	w.text("name", c.Name)
	if len(c.Selectors) > 0 {
		w.selectors(c.Selectors)
	}
	if c.Expression != "" {
		w.template("expression", c.Expression)
	}
	w.given("pattern", c.Pattern)
	if c.Secret {
		w.put("secret", true)
	}
}

func readCapture(r *reader) Action {
	capture := Capture{Name: r.captured("name")}
	_, element := r.get("selectors")
	if element || r.sketch != nil {
		capture.Selectors = r.selectors(optional)
	}
	capture.Expression = r.template("expression", optional)
	if element == (capture.Expression != "") {
		r.fail("", "needs either selectors or an expression")
	}
	capture.Pattern = r.text("pattern", optional)
	if _, err := regexp.Compile(capture.Pattern); err != nil {
		r.fail("pattern", "must be a regular expression: %v", err)
	}
	capture.Secret, _ = r.boolean("secret")
	return capture
}

// captured reads the name of a variable that the step sets, and makes it known.
func (r *reader) captured(field string) string {
	name := r.text(field, required)
	switch {
	case name != "" && !variableName.MatchString(name):
		r.fail(field, "is no name of a variable: letters, digits, _ and -, no digit first")
	case r.scope.declared[name]:
		r.fail(field, "is a variable of the journey already")
	}
	r.scope.names[name] = true
	return name
}

package synthetic

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// SelectorKind is how a selector finds elements.
type SelectorKind string

// The kinds, named as the Recorder's prefixes.
const (
	SelectCSS    SelectorKind = "css"
	SelectARIA   SelectorKind = "aria"
	SelectText   SelectorKind = "text"
	SelectXPath  SelectorKind = "xpath"
	SelectPierce SelectorKind = "pierce"
)

// Selector finds elements in a document, or below the elements that the
// selector before it in a chain found.
type Selector struct {
	Kind SelectorKind
	// Value is the expression; for aria the accessible name, empty for any.
	Value string
	// Role is the ARIA role that an aria selector asks for; empty for any.
	Role string
}

// Chain is a path of selectors: the last finds the element, those before it the
// ancestors or shadow hosts to look in.
type Chain []Selector

// Selectors are alternative ways to the same element. They race: the first that
// leads to an element that can be used wins.
type Selectors []Chain

// CSS is the Selectors with one CSS selector.
func CSS(selector string) Selectors {
	return Selectors{{{Kind: SelectCSS, Value: selector}}}
}

// ParseSelectors reads alternatives of one selector each, with the Recorder's
// prefixes: css/ (also without prefix), aria/, text/, xpath/ and pierce/.
func ParseSelectors(alternatives ...string) (Selectors, error) {
	selectors := make(Selectors, 0, len(alternatives))
	for _, text := range alternatives {
		selector, err := parseSelector(text)
		if err != nil {
			return nil, err
		}
		selectors = append(selectors, Chain{selector})
	}
	if len(selectors) == 0 {
		return nil, errors.New("at least one selector is required")
	}
	return selectors, nil
}

// String lists the alternatives as they are written in a file.
func (s Selectors) String() string {
	alternatives := make([]string, 0, len(s))
	for _, chain := range s {
		alternatives = append(alternatives, chain.String())
	}
	return strings.Join(alternatives, ", ")
}

func (c Chain) String() string {
	parts := make([]string, 0, len(c))
	for _, selector := range c {
		parts = append(parts, selector.String())
	}
	return strings.Join(parts, " >>> ")
}

func (s Selector) String() string {
	switch {
	case s.Kind == SelectCSS && !prefixed.MatchString(s.Value):
		return s.Value
	case s.Kind != SelectARIA:
		return string(s.Kind) + "/" + s.Value
	}
	role := ""
	if s.Role != "" {
		role = ariaQuoted("role", s.Role)
	}
	plain := s.Value + role
	if again, err := parseARIA(plain); err == nil && again == s {
		return "aria/" + plain
	}
	return "aria/" + ariaName(s.Value) + role
}

// ariaName writes an accessible name that would be read as something else, as
// attributes: pieces without one kind of quote.
func ariaName(name string) string {
	var b strings.Builder
	for name != "" {
		quote := strings.IndexAny(name, `"'`)
		end := len(name)
		if quote >= 0 {
			other := `'`
			if name[quote] == '\'' {
				other = `"`
			}
			if at := strings.Index(name, other); at >= 0 {
				end = at
			}
		}
		b.WriteString(ariaQuoted("name", name[:end]))
		name = name[end:]
	}
	return b.String()
}

// ariaQuoted writes an attribute in the quotes that its value does not hold.
func ariaQuoted(attribute, value string) string {
	quote := `"`
	if strings.Contains(value, quote) {
		quote = `'`
	}
	return "[" + attribute + "=" + quote + value + quote + "]"
}

// prefixed matches what looks like a prefix. No CSS selector starts so, since a
// slash outside of brackets and strings is not CSS.
var prefixed = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]*)/`)

func parseSelector(text string) (Selector, error) {
	selector := Selector{Kind: SelectCSS, Value: text}
	if match := prefixed.FindStringSubmatch(text); match != nil {
		selector = Selector{Kind: SelectorKind(match[1]), Value: text[len(match[0]):]}
	}
	switch selector.Kind {
	case SelectARIA:
		return parseARIA(selector.Value)
	case SelectCSS, SelectText, SelectXPath, SelectPierce:
		if strings.TrimSpace(selector.Value) == "" {
			return Selector{}, errors.New("a selector must not be empty")
		}
		return selector, nil
	default:
		return Selector{}, fmt.Errorf("unknown selector prefix %q; supported: aria/, css/, pierce/, text/, xpath/", selector.Kind+"/")
	}
}

// ariaAttribute matches [name="…"] and [role="…"], with either quote.
var ariaAttribute = regexp.MustCompile(`\[\s*(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')\s*\]`)

// parseARIA reads what stands behind aria/: a name, attributes, or both.
func parseARIA(text string) (Selector, error) {
	selector := Selector{Kind: SelectARIA}
	name, seen := "", 0
	for _, at := range ariaAttribute.FindAllStringSubmatchIndex(text, -1) {
		name += text[seen:at[0]]
		seen = at[1]
		match := ariaAttribute.FindStringSubmatch(text[at[0]:at[1]])
		value := match[2] + match[3]
		switch match[1] {
		case "role":
			selector.Role = value
		case "name":
			name += value
		default:
			return Selector{}, fmt.Errorf("unknown aria attribute %q; supported: name, role", match[1])
		}
	}
	selector.Value = strings.Join(strings.Fields(name+text[seen:]), " ")
	if selector.Value == "" && selector.Role == "" {
		return Selector{}, errors.New("an aria selector needs a name or a role")
	}
	return selector, nil
}

package synthetic

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// redacted stands where a secret was.
const redacted = "***"

// minSecretBytes is the length below which a secret is not looked for: whatever
// is said would hold it by chance.
const minSecretBytes = 3

// variableName is what a variable may be called.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*$`)

// values are the variables of one run. They are safe for concurrent use.
type values struct {
	now  func() time.Time
	wait func(ctx context.Context, d time.Duration) error

	mu    sync.Mutex
	texts map[string]string
	// seeds are the secrets that codes are made from.
	seeds map[string]totpSeed
	// secrets never show; replacer hides them.
	secrets  []string
	replacer *strings.Replacer
}

func newValues(now func() time.Time) *values {
	return &values{
		now: now, wait: pause, texts: map[string]string{}, seeds: map[string]totpSeed{},
		replacer: strings.NewReplacer(),
	}
}

// set gives a variable a value. That of a secret shows nowhere from then on.
func (v *values) set(name, text string, secret bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.texts[name] = text
	if secret {
		v.hide(text)
	}
}

// setSeed gives a variable the codes that a seed makes.
func (v *values) setSeed(name, text string) error {
	seed, err := parseSeed(text)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seeds[name] = seed
	v.hide(text)
	return nil
}

// expand replaces every ${name} of a template by the variable's value, and $${ by
// a plain ${. A code that is about to end is waited out, within the context.
func (v *values) expand(ctx context.Context, template string) (string, error) {
	if !strings.Contains(template, "${") {
		return template, nil
	}
	var b strings.Builder
	err := scanTemplate(template, func(literal string) { b.WriteString(literal) }, func(name string) error {
		text, err := v.get(ctx, name)
		b.WriteString(text)
		return err
	})
	if err != nil {
		return "", err
	}
	return b.String(), nil
}

// selectors expands the values of selectors.
func (v *values) selectors(ctx context.Context, templates Selectors) (Selectors, error) {
	expanded := make(Selectors, 0, len(templates))
	for _, chain := range templates {
		chain = slices.Clone(chain)
		for i := range chain {
			var err error
			if chain[i].Value, err = v.expand(ctx, chain[i].Value); err != nil {
				return nil, err
			}
		}
		expanded = append(expanded, chain)
	}
	return expanded, nil
}

// all expands the texts of a mapping.
func (v *values) all(ctx context.Context, templates map[string]string) (map[string]string, error) {
	expanded := make(map[string]string, len(templates))
	for key, template := range templates {
		var err error
		if expanded[key], err = v.expand(ctx, template); err != nil {
			return nil, err
		}
	}
	return expanded, nil
}

func (v *values) get(ctx context.Context, name string) (string, error) {
	v.mu.Lock()
	text, found := v.texts[name]
	seed, makes := v.seeds[name]
	v.mu.Unlock()
	switch {
	case found:
		return text, nil
	case makes:
		return v.code(ctx, seed)
	default:
		return "", fmt.Errorf("variable %s has no value yet", name)
	}
}

// code makes a code that holds long enough to be typed.
func (v *values) code(ctx context.Context, seed totpSeed) (string, error) {
	if left := totpLeft(v.now()); left < totpMargin {
		if err := v.wait(ctx, left); err != nil {
			return "", fmt.Errorf("wait for the next code: %w", err)
		}
	}
	code := seed.code(v.now())
	v.mu.Lock()
	defer v.mu.Unlock()
	v.hide(code)
	return code, nil
}

// hide adds a secret. The lock is held.
func (v *values) hide(secret string) {
	if len(secret) < minSecretBytes || slices.Contains(v.secrets, secret) {
		return
	}
	v.secrets = append(v.secrets, secret)
	var forms []string
	for _, secret := range v.secrets {
		forms = append(forms, writtenForms(secret)...)
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, redacted)
	}
	v.replacer = strings.NewReplacer(pairs...)
}

// writtenForms are the ways in which a text shows in addresses and in JSON.
func writtenForms(text string) []string {
	query := url.QueryEscape(text)
	component := strings.ReplaceAll(query, "+", "%20")
	// What JavaScript's encodeURIComponent leaves alone.
	script := strings.NewReplacer("%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(component)
	forms := []string{text, query, component, script, url.PathEscape(text)}
	for _, form := range forms[1:] {
		forms = append(forms, lowerEscapes(form))
	}
	for _, escapeHTML := range []bool{true, false} {
		var b strings.Builder
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(escapeHTML)
		if encoder.Encode(text) == nil {
			forms = append(forms, strings.Trim(strings.TrimSpace(b.String()), `"`))
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// percentEscape is a byte as addresses write it.
var percentEscape = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerEscapes(text string) string {
	return percentEscape.ReplaceAllStringFunc(text, strings.ToLower)
}

// redact replaces the secrets in a text.
func (v *values) redact(text string) string {
	v.mu.Lock()
	replacer := v.replacer
	v.mu.Unlock()
	return replacer.Replace(text)
}

// redactJSON replaces the secrets in the texts of a JSON document, however they
// are escaped, and leaves its numbers alone. What is no JSON is redacted as text.
func (v *values) redactJSON(document string) string {
	if v.redact(document) == document && !strings.Contains(document, `\`) {
		return document
	}
	var b strings.Builder
	for rest := document; rest != ""; {
		begin := strings.IndexByte(rest, '"')
		end := -1
		if begin >= 0 {
			end = literalEnd(rest, begin)
		}
		if end < 0 {
			b.WriteString(v.redactOutside(rest))
			break
		}
		b.WriteString(v.redactOutside(rest[:begin]))
		b.WriteString(v.redactLiteral(rest[begin:end]))
		rest = rest[end:]
	}
	return b.String()
}

// redactOutside keeps what stands between the texts of a document, if it can be
// no more than numbers and words of JSON.
func (v *values) redactOutside(text string) string {
	if strings.Trim(text, " \t\r\n{}[]:,0123456789.+-Etruefalsn") == "" {
		return text
	}
	return v.redact(text)
}

// literalEnd is where the JSON text that begins at a place ends; -1 if it does not.
func literalEnd(document string, begin int) int {
	for i := begin + 1; i < len(document); i++ {
		switch document[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

func (v *values) redactLiteral(literal string) string {
	var text string
	if json.Unmarshal([]byte(literal), &text) != nil {
		return v.redact(literal)
	}
	clean := v.redact(text)
	if clean == text {
		return literal
	}
	written, err := json.Marshal(clean)
	if err != nil {
		return `"` + redacted + `"`
	}
	return string(written)
}

// redactStep hides secrets in what a step tells.
func (v *values) redactStep(step StepResult) StepResult {
	step.Name, step.Message = v.redact(step.Name), v.redact(step.Message)
	step.URL, step.Selector = v.redact(step.URL), v.redact(step.Selector)
	return step
}

// scanTemplate hands out the parts of a template, in order.
func scanTemplate(template string, literal func(string), reference func(name string) error) error {
	for {
		at := strings.Index(template, "${")
		switch {
		case at < 0:
			literal(template)
			return nil
		case at > 0 && template[at-1] == '$':
			literal(template[:at-1] + "${")
			template = template[at+2:]
			continue
		}
		literal(template[:at])
		name, rest, closed := strings.Cut(template[at+2:], "}")
		if !closed || !variableName.MatchString(name) {
			return fmt.Errorf("${ needs the name of a variable and }; write $${ for a plain ${")
		}
		if err := reference(name); err != nil {
			return err
		}
		template = rest
	}
}

// escapeTemplate writes a text so that it expands to itself.
func escapeTemplate(text string) string { return strings.ReplaceAll(text, "${", "$${") }

// pause waits, unless the context ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

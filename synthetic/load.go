package synthetic

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"throughline/beacon"
)

// MaxFileBytes bounds a journey file.
const MaxFileBytes = 1 << 20

// FileError says what is wrong with a journey file, and where.
type FileError struct {
	File string
	// Line is where in the file, from 1; 0 when that is not known.
	Line int
	// Part is the name of the part that the step stands in; empty for the steps of
	// the journey itself.
	Part string
	// Step is the index of the step, from 0; -1 outside of steps.
	Step int
	// Type is the step's type, if known.
	Type string
	// Field is the field's name, if one is to blame.
	Field string
	// Detail says what is wrong.
	Detail string
}

func (e *FileError) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Step >= 0 {
		steps := "steps"
		if e.Part != "" {
			steps = "parts." + e.Part
		}
		fmt.Fprintf(&b, ": %s[%d]", steps, e.Step)
		if e.Type != "" {
			fmt.Fprintf(&b, " (%s)", e.Type)
		}
	}
	if e.Field != "" {
		b.WriteString(": " + e.Field)
	}
	b.WriteString(": " + e.Detail)
	return b.String()
}

// FileErrors is all that is wrong with a journey file: at most one thing of each
// step. [errors.As] finds the first [*FileError].
type FileErrors []*FileError

func (e FileErrors) Error() string {
	lines := make([]string, 0, len(e))
	for _, fault := range e {
		lines = append(lines, fault.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them all.
func (e FileErrors) Unwrap() []error {
	errs := make([]error, 0, len(e))
	for _, fault := range e {
		errs = append(errs, fault)
	}
	return errs
}

// LoadFile reads a journey: YAML from .yaml and .yml, a Chrome DevTools Recorder
// file from .json. What is wrong with the content is a *[FileError], or several
// as [FileErrors].
func LoadFile(path string) (*Journey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open journey: %w", err)
	}
	if info.Size() > MaxFileBytes {
		return nil, &FileError{File: path, Step: -1, Detail: fmt.Sprintf("larger than %d bytes", MaxFileBytes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read journey: %w", err)
	}
	return Load(path, data)
}

// Load is [LoadFile] of content at hand; path tells the format by its extension
// and stands in errors.
func Load(path string, data []byte) (*Journey, error) {
	var journey *Journey
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".yaml", ".yml":
		journey, err = loadYAML(filepath.Dir(path), data)
	case ".json":
		journey, err = loadRecorder(data)
	default:
		err = &FileError{Step: -1, Detail: "unknown extension; supported: .yaml, .yml, .json"}
	}
	if err != nil {
		return nil, inFile(path, err)
	}
	journey.Dir = filepath.Dir(path)
	return journey, nil
}

// inFile says which file is wrong.
func inFile(path string, err error) error {
	var faults FileErrors
	var fault *FileError
	if !errors.As(err, &faults) && errors.As(err, &fault) {
		faults = FileErrors{fault}
	}
	for _, fault := range faults {
		if fault.File == "" {
			fault.File = path
		}
	}
	if len(faults) == 1 {
		return faults[0]
	}
	return err
}

// loadYAML reads our own format; dir is where the files are that it names.
func loadYAML(dir string, data []byte) (*Journey, error) {
	root, err := parseYAML(data)
	if err != nil {
		return nil, err
	}
	r := newReader(withRequest(root), true)
	if _, both := r.get("http"); both {
		r.fail("http", "stands in the place of steps")
	}
	journey := &Journey{Name: r.text("name", required)}
	readSettings(r, journey)
	r.steps(journey, readSteps(r, dir), readYAMLStep)
	if journey.KeepState != "" && !journey.NeedsBrowser() {
		r.fail("keep_state", "needs a step in a browser")
	}
	r.done()
	return journey, r.err()
}

// readSettings reads what a journey has besides its name and its steps.
func readSettings(r *reader, journey *Journey) {
	journey.Variables = readVariables(r)
	journey.BaseURL = r.template("base_url", optional)
	journey.Schedule = r.text("schedule", optional)
	journey.Timeout = r.duration("timeout", DefaultTimeout, MaxTimeout)
	journey.Environment = readEnvironment(r)
	journey.KeepState = r.matching("keep_state", stateName, "must be a name of letters, digits, _ and -")
	journey.Viewport = journey.Environment.viewport()
	if viewport := r.child("viewport"); viewport != nil {
		journey.Viewport = readViewport(viewport)
		viewport.done()
	}
	journey.Budgets = readBudgets(r)
	if !strings.Contains(journey.BaseURL, "${") {
		if _, err := parseBase(journey.BaseURL); err != nil {
			r.fail("base_url", "must be an absolute http or https URL")
		}
	}
	if journey.Schedule != "" {
		if _, err := ParseSchedule(journey.Schedule); err != nil {
			r.fail("schedule", "%v", err)
		}
	}
}

// loadRecorder reads what Chrome's DevTools Recorder exports. Unknown keys are
// left alone, as the Recorder's own replay does.
func loadRecorder(data []byte) (*Journey, error) {
	root, err := parseJSON(data)
	if err != nil {
		return nil, err
	}
	r := newReader(root, false)
	journey := &Journey{
		Name:     r.text("title", required),
		Timeout:  DefaultTimeout,
		Viewport: DefaultViewport,
	}
	steps := r.objects("steps")
	for i, step := range steps {
		step.at.Step = i
	}
	if readJourneyStep(r, journey) {
		steps = steps[1:]
	} else {
		r.scope.plain = true
	}
	timeout := r.milliseconds("timeout", DefaultStepTimeout)
	r.steps(journey, steps, func(step *reader) Step { return readRecorderStep(step, timeout) })
	return journey, r.err()
}

// steps reads the steps and checks what both formats share.
func (r *reader) steps(journey *Journey, steps []*reader, read func(*reader) Step) {
	if strings.TrimSpace(journey.Name) == "" || len(journey.Name) > beacon.MaxNameBytes {
		r.fail(r.nameField(), "must be 1 to %d bytes of text", beacon.MaxNameBytes)
	}
	if len(steps) == 0 && r.err() != nil {
		return // a part could not be read
	}
	if len(steps) == 0 || len(steps) > MaxSteps {
		r.fail("steps", "must be a list of 1 to %d steps", MaxSteps)
		return
	}
	for _, step := range steps {
		if !r.strict {
			step = step.apart()
		}
		journey.Steps = append(journey.Steps, read(step))
	}
}

func (r *reader) nameField() string {
	if r.strict {
		return "name"
	}
	return "title"
}

func readRecorderStep(r *reader, timeout time.Duration) Step {
	name := r.text("type", required)
	if name != customType {
		r.at.Type = r.kind(name).name
	}
	step := Step{Timeout: r.milliseconds("timeout", timeout)}
	if r.preferred("timeout") != "timeout" {
		step.Timeout = r.duration(ours+"timeout", timeout, MaxTimeout)
	}
	r.stepSettings(&step)
	if name == customType {
		return readCustomStep(r, step)
	}
	kind := r.kind(name)
	if kind.own {
		r.fail("", "%q is no step type of the Recorder; write a customStep named %q", name, ours+name)
	}
	return finishStep(r, step, kind)
}

// readYAMLStep reads a step: the key that names its type, name and timeout.
func readYAMLStep(r *reader) Step {
	step := Step{Timeout: r.duration("timeout", DefaultStepTimeout, MaxTimeout)}
	r.stepSettings(&step)
	var types []string
	for _, key := range r.object.keys {
		if !r.used[key] {
			types = append(types, key)
		}
	}
	if len(types) != 1 {
		r.fail("", "a step has exactly one key naming its type, found %d; supported: %s", len(types), r.supportedTypes())
		return step
	}
	kind := r.kind(types[0])
	r.at.Type = kind.name
	params := r.params(types[0], kind)
	return finishStep(params, step, kind)
}

// stepSettings reads what both formats have beside a step's type.
func (r *reader) stepSettings(step *Step) {
	name := r.own("name")
	step.Name = r.text(name, optional)
	if len(step.Name) > beacon.MaxNameBytes {
		r.fail(name, "must be at most %d bytes", beacon.MaxNameBytes)
	}
	step.Budget = r.duration(r.own("budget"), 0, MaxTimeout)
	transaction := r.own("transaction")
	step.Transaction = r.text(transaction, optional)
	if len(step.Transaction) > beacon.MaxNameBytes {
		r.fail(transaction, "must be at most %d bytes", beacon.MaxNameBytes)
	}
}

// finishStep reads what a step of a known type holds.
func finishStep(r *reader, step Step, kind stepKind) Step {
	if kind.read == nil || r.failed() {
		return step
	}
	step.Place = readPlace(r)
	step.Expect = readExpected(r)
	step.Action = kind.read(r)
	r.done()
	if step.Name == "" && !r.failed() {
		step.Name = cut(step.Action.label(), beacon.MaxNameBytes)
	}
	return step
}

// stepKind is one row of the table of supported step types.
type stepKind struct {
	name string
	// short is the field that a step of plain text stands for in YAML.
	short string
	read  func(*reader) Action
	// bare says that it needs nothing, so that in YAML its name is enough.
	bare bool
	// own says that the Recorder does not know it.
	own bool
	// about says what it does, in an editor.
	about string
}

func stepKinds() []stepKind {
	return []stepKind{
		{name: "navigate", short: "url", read: readNavigate, about: "Loads an address."},
		{name: "click", short: "selectors", read: readClick, about: "Clicks an element."},
		{name: "doubleClick", short: "selectors", read: readDoubleClick, about: "Clicks an element twice, fast."},
		{name: "hover", short: "selectors", read: readHover, about: "Moves the mouse onto an element."},
		{name: "change", read: readChange, about: "Gives a form field a value."},
		{name: "keyDown", short: "key", read: readKeyDown, about: "Presses a key and leaves it down."},
		{name: "keyUp", short: "key", read: readKeyUp, about: "Releases a key."},
		{name: "scroll", read: readScroll, about: "Scrolls an element, or the window."},
		{name: "waitForElement", short: "selectors", read: readWaitForElement, about: "Waits until elements are there."},
		{name: "waitForExpression", short: "expression", read: readWaitForExpression, about: "Waits until a JavaScript expression is true."},
		{name: "setViewport", read: readSetViewport, about: "Resizes the page."},
		{name: "emulateNetworkConditions", read: readEmulateNetworkConditions, about: "Slows the network down, or cuts it off."},
		{name: "close", bare: true, read: readClose, about: "Closes the tab."},
		{name: "assert", short: "text", read: readAssert, own: true, about: "Checks what the page shows and how it was answered."},
		{name: "capture", read: readCapture, own: true, about: "Reads a text from the page into a variable."},
		{name: "request", short: "url", read: readRequest, own: true, about: "Makes an HTTP request without the browser."},
	}
}

// supportedTypes lists the step types that the format has words for.
func (r *reader) supportedTypes() string {
	var names []string
	for _, kind := range stepKinds() {
		if kind.own && !r.strict {
			continue
		}
		names = append(names, kind.name)
	}
	return strings.Join(names, ", ")
}

// findKind looks a step type up.
func findKind(name string) (stepKind, bool) {
	for _, kind := range stepKinds() {
		if kind.name == name {
			return kind, true
		}
	}
	return stepKind{}, false
}

// kind looks a step type up that a file names.
func (r *reader) kind(name string) stepKind {
	if kind, found := findKind(name); found {
		return kind
	}
	r.fail("", "unsupported step type %q; supported: %s", name, r.supportedTypes())
	return stepKind{name: name}
}

// cut shortens a text to a number of bytes, at a rune boundary.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= limit {
		return text
	}
	const mark = "…"
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}

package beacon

import "strings"

// The words of columns that have few. What js/src/compact.ts calls them by is checked by a test.

func compactNavigations() [7]Navigation {
	return [7]Navigation{
		NavigationNavigate, NavigationReload, NavigationBackForward, NavigationPrerender,
		NavigationBFCache, NavigationSoft, NavigationRestore,
	}
}

func compactDetections() [3]Detection {
	return [3]Detection{DetectionNative, DetectionHeuristic, DetectionManual}
}

func compactPhases() [2]Phase { return [2]Phase{PhaseEarly, PhaseFinal} }

func compactAbandonments() [2]Abandonment {
	return [2]Abandonment{AbandonedBeforeFirstPaint, AbandonedBeforeLCP}
}

func compactFailures() [3]RequestFailure {
	return [3]RequestFailure{RequestFailureNetwork, RequestFailureAborted, RequestFailureTimeout}
}

func compactErrorKinds() [5]ErrorKind {
	return [5]ErrorKind{ErrorUncaught, ErrorUnhandledRejection, ErrorConsole, ErrorResource, ErrorCSPViolation}
}

func compactOutcomes() [3]Outcome {
	return [3]Outcome{OutcomeCompleted, OutcomeFailed, OutcomeAbandoned}
}

func compactActionKinds() [6]ActionKind {
	return [6]ActionKind{ActionClick, ActionRageClick, ActionDeadClick, ActionErrorClick, ActionEvent, ActionPageState}
}

func compactMeasureKinds() [4]MeasureKind {
	return [4]MeasureKind{MeasureMark, MeasureMeasure, MeasureElement, MeasureServerTiming}
}

// readWord reads a value of a column that has few: its text, or its place among words.
func readWord[T ~string](c *compactReader, into *T, words []T) {
	if b := c.peek(); b < '0' || b > '9' {
		readText(c.reader, into)
		return
	}
	place := c.integer()
	if place < 1 || place > int64(len(words)) {
		c.giveUp()
		return
	}
	*into = words[place-1]
}

// What follows reads the columns whose values the compact form writes in its own way,
// and leaves the others to readpayload.go.

func (c *compactReader) pageViewColumn(p *PageView, name string) {
	switch name {
	case "preferences":
		p.Preferences = preferencesOf(c.integer())
	case "phase":
		words := compactPhases()
		readWord(c, &p.Phase, words[:])
	case "abandoned":
		words := compactAbandonments()
		readWord(c, &p.Abandoned, words[:])
	default:
		c.pageViewField(p, name)
	}
}

func (c *compactReader) requestColumn(q *Request, name string) {
	if name == "failure" {
		words := compactFailures()
		readWord(c, &q.Failure, words[:])
		return
	}
	c.requestField(q, name)
}

func (c *compactReader) errorColumn(e *Error, name string) {
	if name == "kind" {
		words := compactErrorKinds()
		readWord(c, &e.Kind, words[:])
		return
	}
	c.faultField(e, name)
}

func (c *compactReader) transactionDoneColumn(t *TransactionDone, name string) {
	if name == "outcome" {
		words := compactOutcomes()
		readWord(c, &t.Outcome, words[:])
		return
	}
	c.transactionDoneField(t, name)
}

func (c *compactReader) actionColumn(a *Action, name string) {
	switch name {
	case "kind":
		words := compactActionKinds()
		readWord(c, &a.Kind, words[:])
	case "attributes":
		c.readAttributes(&a.Attributes)
	default:
		c.actionField(a, name)
	}
}

func (c *compactReader) measureColumn(m *Measure, name string) {
	if name == "kind" {
		words := compactMeasureKinds()
		readWord(c, &m.Kind, words[:])
		return
	}
	c.namedMeasureField(m, name)
}

// readAttributes reads a row of names and values in turns.
func (c *compactReader) readAttributes(into *map[string]string) {
	if c.peek() == '{' {
		c.texts(into)
		return
	}
	attributes := make(map[string]string)
	for more := c.firstItem(); more; more = c.nextItem() {
		name := c.string()
		if !c.nextItem() {
			c.giveUp()
			return
		}
		attributes[name] = c.string()
	}
	*into = attributes
}

// preferencesOf names the preferences that are bits of a number.
func preferencesOf(bits int64) string {
	var held []string
	for i, name := range PreferenceNames() {
		if bits&(1<<i) != 0 {
			held = append(held, name)
		}
	}
	return strings.Join(held, ",")
}

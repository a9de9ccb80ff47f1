package beacon

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

package stack

import "strings"

// maxMessageBytes is how much of a message's first line is compared with the
// words of browsers. All that they write themselves is shorter, but for the
// expressions and data that they quote.
const maxMessageBytes = 512

// maxLineBytes is how much of a message's first line is read at all.
const maxLineBytes = 4 << 10

// maxPrefixes is how many marks in front of a message are taken off.
const maxPrefixes = 4

// message is what is said of an error, as far as it stays the same.
type message struct {
	errorType string
	shape     string
	dialect   string // what the browser means; "" if it is not the browser who speaks
	subject   string // the name that the browser quotes
	isNamed   bool   // whether the subject is part of what happened, wherever it did
}

func readMessage(errorType, text string) message {
	errorType, text = splitType(strings.TrimSpace(errorType), firstLine(text))
	words := strings.ToLower(text[:min(len(text), maxMessageBytes)])
	words = strings.TrimRight(words, ". ")
	if d, subject, ok := findDialect(errorType, words); ok {
		return message{errorType: d.errorTypes[0], shape: d.name, dialect: d.name, subject: subjectName(subject), isNamed: d.isNamed}
	}
	if isMinified(errorType) {
		errorType = "" // a class of the app that each build names differently
	}
	return message{errorType: errorType, shape: shapeOf(text)}
}

// firstLine returns the first line that says something. The others are details:
// data, stacks, trees of components.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line[:min(len(line), maxLineBytes)])
}

// splitType takes off what browsers and frameworks put in front of a message
// that they could not tell otherwise, and finds the type there if it is
// unknown, or the plain one.
func splitType(errorType, text string) (string, string) {
	for range maxPrefixes {
		if rest, found := cutReporter(text); found {
			text = rest
			continue
		}
		name, rest, found := strings.Cut(text, ": ")
		if !found || !isErrorName(name) {
			break
		}
		if errorType == "" || errorType == "Error" {
			errorType = name
		}
		if name != errorType && name != "Error" {
			break
		}
		text = strings.TrimSpace(rest)
	}
	return errorType, text
}

// cutReporter takes off who says that nobody handled the error.
func cutReporter(text string) (rest string, found bool) {
	for _, reporter := range []string{
		"Uncaught (in promise): ", "Uncaught (in promise) ", "Uncaught ", "uncaught exception: ", // browsers, zone.js
		"Unhandled Promise Rejection: ", "Unhandled promise rejection: ", "Unhandled rejection: ",
	} {
		if rest, found = strings.CutPrefix(text, reporter); found {
			return rest, true
		}
	}
	return text, false
}

// maxTypeBytes is longer than the names that classes of errors are given.
const maxTypeBytes = 64

// isErrorName reports whether a word is customarily the name of a class of errors.
func isErrorName(word string) bool {
	if len(word) > maxTypeBytes || !strings.HasSuffix(word, "Error") && !strings.HasSuffix(word, "Exception") {
		return false
	}
	for i := range len(word) {
		if b := word[i]; !isLetter(b) && !isDigit(b) && b != '_' && b != '$' {
			return false
		}
	}
	return true
}

// subjectName finds the last name in an expression, which all browsers tell:
// of cart.items[0].price = 3 it is price. Names that a minifier gave are none.
func subjectName(expression string) string {
	expression, _, _ = strings.Cut(expression, " = ")
	expression = strings.TrimRight(expression, `"'])(0123456789 `)
	start := strings.LastIndexAny(expression, `.["'( `) + 1
	name := expression[start:]
	if isMinified(name) && strings.IndexFunc(name, func(r rune) bool { return r >= 'a' && r <= 'z' }) >= 0 {
		return ""
	}
	return name
}

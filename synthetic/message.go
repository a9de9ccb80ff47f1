package synthetic

import (
	"encoding/json"
	"time"
)

// Message is a line of a page's console: what the page wrote itself, errors that
// nobody caught, what the browser complained about, and dialogs.
type Message struct {
	At time.Time
	// Step is the index of the step that it came in; -1 before the first.
	Step int
	// Level is error, warning, info or verbose.
	Level string
	// Source is console, exception, dialog, or what the browser calls it: network,
	// security, violation and so on.
	Source string
	Text   string
	// URL is the script or resource that it is about, without query; may be empty.
	URL string
	// Line in it counts from 1; 0 is unknown.
	Line int
}

// The levels of a message.
const (
	LevelError   = "error"
	LevelWarning = "warning"
	LevelInfo    = "info"
	LevelVerbose = "verbose"
)

// consoleFile is console.json.
type consoleFile struct {
	Messages []consoleLine `json:"messages"`
	Lost     int           `json:"lost,omitempty"`
}

type consoleLine struct {
	At     time.Time `json:"at"`
	Step   int       `json:"step"`
	Level  string    `json:"level"`
	Source string    `json:"source"`
	Text   string    `json:"text"`
	URL    string    `json:"url,omitempty"`
	Line   int       `json:"line,omitempty"`
}

// encodeConsole writes messages as JSON, each text redacted before it is escaped.
func encodeConsole(record Record, redact func(string) string) ([]byte, error) {
	file := consoleFile{Messages: make([]consoleLine, 0, len(record.Messages)), Lost: record.LostMessages}
	for _, m := range record.Messages {
		file.Messages = append(file.Messages, consoleLine{
			At: m.At.UTC(), Step: m.Step, Level: m.Level, Source: m.Source,
			Text: redact(m.Text), URL: redact(m.URL), Line: m.Line,
		})
	}
	return json.MarshalIndent(file, "", " ")
}

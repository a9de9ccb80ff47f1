package stack

import (
	"strconv"
	"strings"
)

// Format writes frames one a line in Chrome's notation, at most [MaxFrames] of
// them, without a line for the message. An unknown column is written as 0.
// [Parse] reads it back as it was, but for spaces in a URL, which are escaped,
// and for what a name can not hold in a stack.
func Format(frames []Frame) string {
	var text strings.Builder
	for _, frame := range frames[:min(len(frames), MaxFrames)] {
		if text.Len() > 0 {
			text.WriteByte('\n')
		}
		text.WriteString("    at ")
		if frame.Async {
			text.WriteString("async ")
		}
		if frame.Function == "" {
			writePlace(&text, frame)
			continue
		}
		text.WriteString(oneLine.Replace(frame.Function))
		text.WriteString(" (")
		writePlace(&text, frame)
		text.WriteByte(')')
	}
	return text.String()
}

func writePlace(text *strings.Builder, frame Frame) {
	url := frame.URL
	if url == "" {
		url = "<anonymous>"
	}
	text.WriteString(escapeSpace.Replace(url))
	if frame.Line <= 0 {
		return
	}
	text.WriteByte(':')
	text.WriteString(strconv.Itoa(frame.Line))
	text.WriteByte(':')
	text.WriteString(strconv.Itoa(max(frame.Column, 0)))
}

// Names in a source map may hold anything, and must not look like another frame.
var (
	oneLine     = strings.NewReplacer("\n", " ")
	escapeSpace = strings.NewReplacer(" ", "%20", "\n", "%0A", "\r", "%0D", "\t", "%09")
)

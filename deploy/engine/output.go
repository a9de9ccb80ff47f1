package engine

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// The bounds of what the engine's output may add to the log.
const (
	maxLineBytes      = 2 << 10
	maxLinesPerMinute = 300
)

// output writes the child's standard error into the log, line by line. It
// remembers what may be why the child ended. Safe for concurrent use.
type output struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	line    []byte // the unfinished last line, at most maxLineBytes of it
	last    string // the last line that may be why the process ends
	since   time.Time
	lines   int // written since then
	dropped int // not written since then
}

// Write takes a part of the output; it never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			o.keep(p)
			return n, nil
		}
		o.keep(p[:i])
		o.emit(strings.TrimSpace(string(o.line)))
		o.line = o.line[:0]
		p = p[i+1:]
	}
}

// Last is the last line that may be why the child ended, or "".
func (o *output) Last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

func (o *output) keep(p []byte) {
	o.line = append(o.line, p[:min(len(p), maxLineBytes-len(o.line))]...)
}

func (o *output) emit(line string) {
	if line == "" {
		return
	}
	level, message := classify(line)
	if isLastWords(line) {
		o.last = message
	}
	ctx := context.Background()
	if !o.log.Enabled(ctx, level) {
		return
	}
	if now := o.now(); now.Sub(o.since) >= time.Minute {
		if o.dropped > 0 {
			o.log.Warn("ClickHouse wrote too much to log it all", "lines_left_out", o.dropped)
		}
		o.since, o.lines, o.dropped = now, 0, 0
	}
	if o.lines == maxLinesPerMinute {
		o.dropped++
		return
	}
	o.lines++
	o.log.Log(ctx, level, "ClickHouse: "+message)
}

// header matches the first line of a message of the engine: its time, thread
// and query are followed by its level and text.
var header = regexp.MustCompile(`^\d{4}\.\d\d\.\d\d [\d:.]+ \[ \d+ ] \{[^}]*} <(\w+)> (.*)`)

// forDebugging are parts of messages that look worse than they are: the engine
// says the first when it has little to do, the second when a client breaks off.
var forDebugging = []string{"Temporarily pause scheduling", "(NETWORK_ERROR)"}

// classify returns the level of a line and its text without what the log adds
// by itself. What a client did wrong was told to the client and is for
// debugging, as are stack traces and the further lines of a message.
func classify(line string) (slog.Level, string) {
	match := header.FindStringSubmatch(line)
	if match == nil {
		return slog.LevelDebug, line
	}
	text := match[2]
	if slices.ContainsFunc(forDebugging, func(part string) bool { return strings.Contains(text, part) }) {
		return slog.LevelDebug, text
	}
	component, _, _ := strings.Cut(text, ":")
	switch match[1] {
	case "Fatal", "Critical":
		return slog.LevelError, text
	case "Error":
		if component == "executeQuery" || component == "TCPHandler" || component == "DynamicQueryHandler" {
			return slog.LevelDebug, text
		}
		return slog.LevelError, text
	case "Warning":
		return slog.LevelWarn, text
	}
	return slog.LevelDebug, text
}

// isLastWords tells whether a line may be why the process ends: what the engine
// or RunChild's caller prints when they fail to start carries no header.
func isLastWords(line string) bool {
	return strings.HasPrefix(line, "Code: ") || strings.HasPrefix(line, "Error: ") || strings.Contains(line, "<Fatal>")
}

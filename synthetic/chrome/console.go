package chrome

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"

	"throughline/synthetic"
)

// Bounds of what is kept of a page's console.
const (
	maxMessages     = 100
	maxMessageBytes = 1000
)

// console keeps the last messages of a page, errors longer than others.
type console struct {
	queries bool // keep those of addresses

	mu       sync.Mutex
	messages []synthetic.Message
	lost     int
}

// follow notes what an event says.
func (c *console) follow(event any, step int) {
	var message synthetic.Message
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		message = spoken(e)
	case *runtime.EventExceptionThrown:
		message = thrown(e)
	case *cdplog.EventEntryAdded:
		message = synthetic.Message{
			At: scriptMoment(e.Entry.Timestamp), Level: string(e.Entry.Level), Source: string(e.Entry.Source),
			Text: e.Entry.Text, URL: e.Entry.URL, Line: int(e.Entry.LineNumber),
		}
	case *page.EventJavascriptDialogOpening:
		message = asked(e)
	default:
		return
	}
	message.Step = step
	message.Text, message.URL = cutBytes(message.Text, maxMessageBytes), cutBytes(message.URL, maxAddressBytes)
	if !c.queries {
		message.Text, message.URL = publicText(message.Text), publicURL(message.URL)
	}
	c.add(message)
}

// add makes room for a message when there is none.
func (c *console) add(message synthetic.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.messages) >= maxMessages {
		oldest := max(0, slices.IndexFunc(c.messages, func(m synthetic.Message) bool { return m.Level != synthetic.LevelError }))
		c.messages = slices.Delete(c.messages, oldest, oldest+1)
		c.lost++
	}
	c.messages = append(c.messages, message)
}

func (c *console) all() (messages []synthetic.Message, lost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages), c.lost
}

func (c *console) errors() []string {
	messages, _ := c.all()
	var texts []string
	for _, message := range messages {
		if message.Level == synthetic.LevelError {
			texts = append(texts, message.Text)
		}
	}
	return texts
}

// spoken is what a page wrote to the console.
func spoken(e *runtime.EventConsoleAPICalled) synthetic.Message {
	message := synthetic.Message{At: scriptMoment(e.Timestamp), Level: synthetic.LevelInfo, Source: "console"}
	switch e.Type {
	case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeAssert:
		message.Level = synthetic.LevelError
	case runtime.ConsoleAPICalledTypeWarning:
		message.Level = synthetic.LevelWarning
	case runtime.ConsoleAPICalledTypeDebug:
		message.Level = synthetic.LevelVerbose
	}
	var text strings.Builder
	for i, arg := range e.Args {
		if text.Len() > maxMessageBytes {
			break
		}
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(wording(arg))
	}
	message.Text = text.String()
	message.URL, message.Line = top(e.StackTrace)
	return message
}

// wording is a value as the console shows it.
func wording(value *runtime.RemoteObject) string {
	switch {
	case value.Type == runtime.RemoteObjectTypeString && len(value.Value) <= maxPayloadBytes:
		var text string
		if json.Unmarshal(value.Value, &text) == nil {
			return text
		}
		return cutBytes(string(value.Value), maxMessageBytes)
	case value.Description != "":
		return cutBytes(value.Description, maxMessageBytes)
	case value.UnserializableValue != "":
		return string(value.UnserializableValue)
	case len(value.Value) > 0:
		return string(value.Value[:min(len(value.Value), maxMessageBytes)])
	default:
		return string(value.Type)
	}
}

// thrown is an error that nobody caught.
func thrown(e *runtime.EventExceptionThrown) synthetic.Message {
	message := synthetic.Message{At: scriptMoment(e.Timestamp), Level: synthetic.LevelError, Source: "exception"}
	details := e.ExceptionDetails
	if details == nil {
		return message
	}
	message.Text = details.Text
	if details.Exception != nil {
		message.Text = strings.TrimSpace(message.Text + " " + wording(details.Exception))
	}
	message.URL, message.Line = details.URL, int(details.LineNumber)+1
	if message.URL == "" {
		message.URL, message.Line = top(details.StackTrace)
	}
	return message
}

// asked is a dialog, with what becomes of it; see dismiss.
func asked(e *page.EventJavascriptDialogOpening) synthetic.Message {
	done := "dismissed"
	if e.Type == page.DialogTypeBeforeunload {
		done = "accepted"
	}
	return synthetic.Message{
		At: time.Now(), Level: synthetic.LevelInfo, Source: "dialog", URL: e.URL,
		Text: fmt.Sprintf("%s %s: %s", e.Type, done, cutBytes(e.Message, maxMessageBytes)),
	}
}

// top is the place in a script that something came from.
func top(stack *runtime.StackTrace) (address string, line int) {
	if stack == nil || len(stack.CallFrames) == 0 {
		return "", 0
	}
	return stack.CallFrames[0].URL, int(stack.CallFrames[0].LineNumber) + 1
}

// address matches what looks like an address within a text.
var address = regexp.MustCompile(`\b(?:https?|wss?)://[^\s'"<>)]+`)

// publicText takes the queries out of the addresses in a text.
func publicText(text string) string {
	return address.ReplaceAllStringFunc(text, publicURL)
}

// publicURL is [synthetic.PublicURL] of an address that may be empty.
func publicURL(address string) string {
	if address == "" {
		return ""
	}
	return synthetic.PublicURL(address)
}

// cutBytes cuts a text to a length that can be kept, between characters.
func cutBytes(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	return strings.ToValidUTF8(text, "")
}

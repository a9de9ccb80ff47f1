package stack

import (
	"strings"
	"unicode"
)

// MaxFrames is how many frames of a stack are read and written. Browsers write
// 10 (Chrome) to about 100 (Safari); what is further down tells no more.
const MaxFrames = 50

// maxLines is how many lines of a stack are looked at. Those before the frames
// are the message.
const maxLines = 10 * MaxFrames

// Frame is one call of a stack, as the browser told it or as a source map
// resolved it.
type Frame struct {
	// Function is the name as the browser writes it, such as Cart.total, total,
	// cart/total/< or new Cart; "" for code outside of functions, and for
	// functions without a name.
	Function string
	// URL is where the script came from, or a source's path in a source map. It
	// is "" for the browser's own functions and for code without an address.
	// Of code made by eval it is the script that called eval.
	URL string
	// Line and Column count from 1 as browsers do; 0 is unknown.
	Line, Column int
	// InApp is set for code of the app: see the function [InApp].
	InApp bool
	// Async is set for a call that was waiting for the one above. Only Chrome,
	// and Firefox for developers, tell of these.
	Async bool
}

// Parse reads a stack, from the top, at most [MaxFrames] frames of it. Lines that
// are no frame, such as the message that Chrome puts first, are passed over; of
// what is no stack at all it returns nothing. pageHost is the host of the page
// that the error happened on, without a port, or "" if unknown: frames of
// other sites are not in-app then.
//
// The frames share the memory of the stack.
func Parse(stack, pageHost string) []Frame {
	frames := parseLines(stack, readChromeLine)
	if len(frames) == 0 {
		frames = parseLines(stack, readGeckoLine)
		spreadAsync(frames)
	}
	page := newPage(pageHost)
	for i := range frames {
		frames[i].InApp = page.owns(frames[i].URL) && !strings.HasPrefix(frames[i].Function, "__webpack_")
	}
	return frames
}

// parseLines keeps what read takes for a frame and what tells something.
func parseLines(stack string, read func(line string) (Frame, bool)) []Frame {
	var frames []Frame
	lines := 0
	for line := range strings.SplitSeq(stack, "\n") {
		if lines++; lines > maxLines {
			break
		}
		frame, ok := read(strings.TrimSpace(line))
		if !ok || frame.Function == "" && frame.URL == "" {
			continue
		}
		if frames == nil {
			frames = make([]Frame, 0, 10)
		}
		if frames = append(frames, frame); len(frames) == MaxFrames {
			break
		}
	}
	return frames
}

// setFunction takes a name as it stands before the place.
func (f *Frame) setFunction(name string) {
	name, f.Async = cutAsync(name, f.Async)
	name, _, _ = strings.Cut(name, " [as ")
	name, _, _ = strings.Cut(name, " (")
	switch name = strings.TrimSpace(name); name {
	case "<anonymous>", "Anonymous function", "[native code]":
		name = ""
	}
	f.Function = name
}

// setPlace takes what stands for the place and reports whether it is one.
func (f *Frame) setPlace(place string) bool {
	url, line, column := splitPlace(evalOrigin(place))
	if isNowhere(url) {
		f.Line, f.Column = line, column
		return true
	}
	// Browsers escape spaces in addresses: what has some is prose.
	if line == 0 && !strings.Contains(url, "://") || strings.IndexFunc(url, unicode.IsSpace) >= 0 {
		return false
	}
	f.URL, f.Line, f.Column = url, line, column
	return true
}

// cutAsync takes the mark of a waiting call off, however often it stands there. A
// function may be called async, too.
func cutAsync(text string, async bool) (string, bool) {
	for {
		rest, found := strings.CutPrefix(strings.TrimSpace(text), "async ")
		if !found || strings.HasPrefix(rest, "(") {
			return text, async
		}
		text, async = rest, true
	}
}

// isNowhere knows what browsers write in place of an address.
func isNowhere(place string) bool {
	switch place {
	case "", "<anonymous>", "native", "native code", "[native code]", "unknown location", "Unknown script code":
		return true
	}
	return strings.HasPrefix(place, "index ") // of Promise.all
}

// splitPlace cuts line and column off a URL. A line without a column is taken
// too; lines of 0 are none, and stay.
func splitPlace(place string) (url string, line, column int) {
	rest, last, ok := cutNumber(place)
	if !ok {
		return place, 0, 0
	}
	url, line, column = rest, last, 0
	if before, first, two := cutNumber(rest); two {
		url, line, column = before, first, last
	}
	_, afterScheme, absolute := strings.Cut(url, "://")
	if isPort := absolute && !strings.Contains(afterScheme, "/"); line == 0 || isPort {
		return place, 0, 0
	}
	return url, line, column
}

// cutNumber cuts a colon and a number of at most nine digits off the end.
func cutNumber(text string) (before string, number int, ok bool) {
	colon := strings.LastIndexByte(text, ':')
	digits := text[colon+1:]
	if colon < 0 || digits == "" || len(digits) > 9 {
		return text, 0, false
	}
	for i := range len(digits) {
		if !isDigit(digits[i]) {
			return text, 0, false
		}
		number = number*10 + int(digits[i]-'0')
	}
	return text[:colon], number, true
}

func isDigit(b byte) bool  { return b >= '0' && b <= '9' }
func isUpper(b byte) bool  { return b >= 'A' && b <= 'Z' }
func isLower(b byte) bool  { return b >= 'a' && b <= 'z' }
func isLetter(b byte) bool { return isUpper(b) || isLower(b) }

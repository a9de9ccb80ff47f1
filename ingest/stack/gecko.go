package stack

import "strings"

// readGeckoLine reads a frame in the notation of Firefox and Safari, without the
// spaces around it:
//
//	function@https://host/app.js:1:2
//	async*function@https://host/app.js:1:2
//	function@https://host/app.js line 10 > eval:1:1
//	forEach@[native code]
//	global code@https://host/app.js:1:2
//	https://host/app.js:1:2
func readGeckoLine(line string) (frame Frame, ok bool) {
	place := line
	if function, rest, named := strings.Cut(line, "@"); named && !strings.Contains(function, "://") {
		place = rest
		// Before an asterisk stands what the call was waiting for.
		if _, waiting, isAsync := strings.Cut(function, "*"); isAsync {
			function, frame.Async = waiting, true
		}
		frame.setFunction(function)
	} else if isSafariCode(line) {
		place = ""
		frame.Function = line
	}
	if !frame.setPlace(cutEval(place)) {
		return frame, false
	}
	// A name alone may be any word with an at sign behind.
	isCall := frame.URL != "" || place == "[native code]" || isSafariCode(frame.Function)
	return frame, isCall
}

// cutEval makes "url line 10 > eval:1:1" the place of the eval, "url:10".
func cutEval(place string) string {
	url, rest, found := strings.Cut(place, " line ")
	if !found {
		return place
	}
	line, _, isEval := strings.Cut(rest, " > ")
	if !isEval {
		return place
	}
	return url + ":" + line
}

// isSafariCode knows what Safari calls code outside of functions.
func isSafariCode(function string) bool {
	return function == "global code" || function == "module code" || function == "eval code"
}

// spreadAsync marks the frames below an async one: Firefox marks only the
// first of those that were waiting.
func spreadAsync(frames []Frame) {
	async := false
	for i := range frames {
		async = async || frames[i].Async
		frames[i].Async = async
	}
}

package stack

import "strings"

// maxEvalDepth is how many evals within evals are followed.
const maxEvalDepth = 8

// readChromeLine reads a frame in the notation of Chrome, Edge and Internet
// Explorer, without the spaces around it:
//
//	at Type.function [as alias] (https://host/app.js:1:2)
//	at async function (https://host/app.js:1:2)
//	at https://host/app.js:1:2
//	at Array.map (<anonymous>)
//	at eval (eval at function (https://host/app.js:1:2), <anonymous>:1:1)
func readChromeLine(line string) (frame Frame, ok bool) {
	place, ok := strings.CutPrefix(line, "at ")
	if !ok {
		return frame, false
	}
	place, frame.Async = cutAsync(place, false)
	// Addresses may have parentheses, but no spaces before them.
	if function, inner, named := strings.Cut(place, " ("); named && strings.HasSuffix(inner, ")") {
		frame.setFunction(function)
		place = inner[:len(inner)-1]
	}
	return frame, frame.setPlace(place)
}

// evalOrigin returns the place of the script whose eval made the code, which
// can be looked up, instead of the place within that code, which cannot.
func evalOrigin(place string) string {
	for range maxEvalDepth {
		rest, isEval := strings.CutPrefix(place, "eval at ")
		if !isEval {
			return place
		}
		_, inner, ok := strings.Cut(rest, " (")
		if !ok {
			return ""
		}
		if end := strings.LastIndex(inner, "), "); end >= 0 {
			inner = inner[:end]
		}
		place = strings.TrimSuffix(inner, ")")
	}
	return ""
}

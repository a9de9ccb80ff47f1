package stack

import (
	"slices"
	"strings"
)

// dialect is one thing that browsers say, each in words of its own.
type dialect struct {
	name string // part of fingerprints
	// errorTypes are those that browsers give it. The first stands for all.
	errorTypes []string
	// phrases are in small letters, without a dot at the end. An asterisk stands
	// for any text, a percent sign for any text that names the subject.
	phrases []string
	// isNamed is set where the subject tells one fault from another in the same
	// function.
	isNamed bool
}

const stackOverflow = "stack overflow"

// findDialect returns the first dialect with words like these, which are
// in small letters and without a dot at the end.
func findDialect(errorType, words string) (d *dialect, subject string, ok bool) {
	for i := range dialects {
		d = &dialects[i]
		if !slices.Contains(d.errorTypes, errorType) {
			continue
		}
		for _, phrase := range d.phrases {
			if subject, ok = matchPhrase(phrase, words); ok {
				return d, subject, true
			}
		}
	}
	return nil, "", false
}

// matchPhrase compares words with a phrase piece by piece, each where it first
// occurs, so that it reads the words once.
func matchPhrase(phrase, words string) (subject string, ok bool) {
	capture := false
	for anchored := true; ; anchored = false {
		end := strings.IndexAny(phrase, "*%")
		if end < 0 { // the last piece
			if !strings.HasSuffix(words, phrase) || anchored && words != phrase {
				return "", false
			}
			if capture {
				subject = words[:len(words)-len(phrase)]
			}
			return subject, true
		}
		piece := phrase[:end]
		at := strings.Index(words, piece)
		if at < 0 || anchored && at > 0 {
			return "", false
		}
		if capture {
			subject = words[:at]
		}
		words = words[at+len(piece):]
		capture = phrase[end] == '%'
		phrase = phrase[end+1:]
	}
}

// dialects are what the engines of Chrome (V8), Firefox (SpiderMonkey) and Safari
// (JavaScriptCore), of today and of some years ago, say of the same fault. The
// names for what happened never change, as they are part of fingerprints; phrases
// may be added, for what no dialect had words for.
var dialects = []dialect{
	{
		name:       "member of nothing",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"cannot read properties of undefined (reading '%')",
			"cannot read properties of null (reading '%')",
			"cannot set properties of undefined (setting '%')",
			"cannot set properties of null (setting '%')",
			"cannot read property '%' of undefined",
			"cannot read property '%' of null",
			"cannot set property '%' of undefined",
			"cannot set property '%' of null",
			"cannot destructure property '%' of *",
			"cannot destructure '*' as it is undefined",
			"cannot destructure '*' as it is null",
			"cannot convert undefined or null to object",
			"can't access property \"%\", * is undefined",
			"can't access property \"%\", * is null",
			"can't access property \"%\" of undefined",
			"can't access property \"%\" of null",
			"can't access property %, * is undefined",
			"can't access property %, * is null",
			"can't convert undefined to object",
			"can't convert null to object",
			"undefined has no properties",
			"null has no properties",
			"undefined is not an object (evaluating '%')",
			"null is not an object (evaluating '%')",
			"undefined is not an object",
			"null is not an object",
			"right side of assignment cannot be destructured",
			"unable to get property '%' of undefined or null reference",
			"unable to set property '%' of undefined or null reference",
			"* is undefined",
			"* is null",
		},
	},
	{
		name:       "not iterable",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"* is not iterable",
			"* is not iterable (cannot read property symbol(symbol.iterator))",
			"* is not a function or its return value is not iterable",
			"* is not async iterable",
			"spread syntax requires ...iterable*",
			"undefined is not a function (near '* of *",
			"undefined is not a function (near '...[*",
		},
	},
	{
		name:       "not a function",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"% is not a function",
			"% is not a function. (in '*",
			"* is not a function (near '...%...')",
			"* is not a function (evaluating '%')",
			"object doesn't support property or method '%'",
			"function expected",
		},
	},
	{
		name:       "not a constructor",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"% is not a constructor",
			"* is not a constructor (evaluating 'new %')",
			"* is not a constructor. (evaluating 'new %')",
		},
	},
	{
		name:       "not defined",
		errorTypes: []string{"ReferenceError"},
		isNamed:    true,
		phrases: []string{
			"% is not defined",
			"can't find variable: %",
			"'%' is undefined",
		},
	},
	{
		name:       "not yet defined",
		errorTypes: []string{"ReferenceError"},
		phrases: []string{
			"cannot access '%' before initialization",
			"can't access lexical declaration '%' before initialization",
			"can't access lexical declaration `%' before initialization",
			"cannot access uninitialized variable",
			"cannot access '%' before initialization.",
		},
	},
	{
		name:       "no super",
		errorTypes: []string{"ReferenceError"},
		phrases: []string{
			"must call super constructor *",
			"'super()' must be called *",
		},
	},
	{
		name:       "read-only",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"assignment to constant variable",
			"cannot assign to read only property '%' of *",
			"cannot set property % of * which has only a getter",
			"invalid assignment to const '%'",
			"invalid assignment to const \"%\"",
			"\"%\" is read-only",
			"setting getter-only property \"%\"",
			"attempted to assign to readonly property",
			"attempted to assign to readonly property. (*",
		},
	},
	{
		name:       "not extensible",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"cannot add property %, object is not extensible",
			"cannot define property %, object is not extensible",
			"can't define property \"%\": * is not extensible",
			"can't add property %, object is not extensible",
			"attempting to define property on object that is not extensible",
		},
	},
	{
		name:       "not deletable",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"cannot delete property '%' of *",
			"property \"%\" is non-configurable and can't be deleted",
			"unable to delete property",
		},
	},
	{
		name:       "not an object with keys",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"cannot use 'in' operator to search for '%' in *",
			"right-hand side of 'in' should be an object, got *",
			"* is not an object. (evaluating '*' in *",
		},
	},
	{
		name:       "not a class",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"right-hand side of 'instanceof' is not *",
			"invalid 'instanceof' operand *",
			"right hand side of instanceof is not *",
		},
	},
	{
		name:       "class without new",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"class constructor * cannot be invoked without 'new'",
			"class constructors must be invoked with 'new'",
			"cannot call a class constructor without |new|",
			"cannot call a class constructor * without |new|",
		},
	},
	{
		name:       "illegal invocation",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"illegal invocation",
			"'*' called on an object that does not implement interface *",
			"can only call * on instances of *",
		},
	},
	{
		name:       "cyclic data",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"converting circular structure to json*",
			"cyclic object value",
			"json.stringify cannot serialize cyclic structures",
		},
	},
	{
		name:       "mixed with bigint",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"cannot mix bigint and other types*",
			"can't convert bigint to number",
			"invalid mix of bigint and other type*",
		},
	},
	{
		name:       stackOverflow,
		errorTypes: []string{"RangeError", "InternalError", "Error"},
		phrases: []string{
			"maximum call stack size exceeded",
			"too much recursion",
			"out of stack space",
		},
	},
	{
		name:       "invalid length",
		errorTypes: []string{"RangeError"},
		phrases: []string{
			"invalid array length",
			"array length must be a positive integer of safe magnitude",
			"array size is not a small enough positive integer",
			"length out of range of buffer",
		},
	},
	{
		name:       "invalid date",
		errorTypes: []string{"RangeError"},
		phrases: []string{
			"invalid time value",
			"invalid date",
			"date value is not finite in *",
			"date value out of range",
		},
	},
	{
		name:       "invalid escape in URI",
		errorTypes: []string{"URIError"},
		phrases:    []string{"uri malformed", "malformed uri sequence", "uri error"},
	},
	{
		name:       "invalid URL",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"failed to construct 'url': invalid *url",
			"invalid url",
			"url constructor: * is not a valid url",
			"* is not a valid url",
			"* cannot be parsed as a url",
			"* cannot be parsed as a url against *",
		},
	},
	{
		name:       "import failed",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"failed to fetch dynamically imported module*",
			"error loading dynamically imported module*",
			"importing a module script failed",
		},
	},
	{
		name:       "chunk failed",
		errorTypes: []string{"ChunkLoadError", "Error"},
		phrases:    []string{"loading chunk * failed*", "loading css chunk * failed*"},
	},
	{
		name:       "request failed",
		errorTypes: []string{"TypeError"},
		phrases: []string{
			"failed to fetch",
			"failed to fetch (*)",
			"networkerror when attempting to fetch resource",
			"network error",
			"load failed",
			"load failed (*)",
			"cancelled",
			"the network connection was lost",
			"the internet connection appears to be offline",
			"could not connect to the server",
			"a server with the specified hostname could not be found",
			"the request timed out",
		},
	},
	{
		name:       "request aborted",
		errorTypes: []string{"AbortError"},
		phrases: []string{
			"the user aborted a request",
			"signal is aborted without reason",
			"the operation was aborted",
			"fetch is aborted",
			"fetch request has been canceled",
			"bodystreambuffer was aborted",
		},
	},
	{
		name:       "JSON ends too soon",
		errorTypes: []string{"SyntaxError"},
		phrases: []string{
			"unexpected end of json input",
			"json.parse: unexpected end of data*",
			"json parse error: unexpected eof",
		},
	},
	{
		name:       "JSON malformed",
		errorTypes: []string{"SyntaxError"},
		phrases: []string{
			"* in json at position *",
			"unexpected token * is not valid json",
			"\"*\" is not valid json",
			"unexpected non-whitespace character after json*",
			"json.parse: *",
			"json parse error: *",
		},
	},
	{
		name:       "no script but a document",
		errorTypes: []string{"SyntaxError"},
		phrases:    []string{"unexpected token '<'", "unexpected token <", "expected expression, got '<'"},
	},
	{
		name:       "invalid regular expression",
		errorTypes: []string{"SyntaxError"},
		phrases:    []string{"invalid regular expression*", "invalid regexp*"},
	},
	{
		name:       "storage full",
		errorTypes: []string{"QuotaExceededError", "NS_ERROR_DOM_QUOTA_REACHED", "Error"},
		phrases: []string{
			"failed to execute 'setitem' on 'storage': * exceeded the quota",
			"the quota has been exceeded",
			"persistent storage maximum size reached",
			"quotaexceedederror*",
			"dom exception 22",
		},
	},
	{
		name:       "storage denied",
		errorTypes: []string{"SecurityError"},
		phrases: []string{
			"failed to read the '*' property from 'window': access is denied for this document",
			"the operation is insecure",
		},
	},
	{
		name:       "foreign frame",
		errorTypes: []string{"SecurityError", "Error"},
		phrases: []string{
			"*blocked a frame with origin * from accessing a *frame*",
			"permission denied to access property * on cross-origin object",
		},
	},
	{
		name:       "not allowed",
		errorTypes: []string{"NotAllowedError"},
		phrases: []string{
			"play() failed because the user didn't interact with the document first*",
			"play() can only be initiated by a user gesture",
			"the play method is not allowed by the user agent or the platform in the current context*",
			"the request is not allowed by the user agent or the platform in the current context*",
		},
	},
	{
		name:       "not a child",
		errorTypes: []string{"NotFoundError"},
		phrases: []string{
			"failed to execute '*' on 'node': the node * is not a child of this node",
			"node.removechild: *",
			"node.insertbefore: *",
			"node.replacechild: *",
			"the object can not be found here",
		},
	},
}

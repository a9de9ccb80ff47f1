package scrub

import "strings"

// cutURLs cuts credentials, queries and fragments out of every URL, absolute or
// not, in a text, as the beacon does in js/src/scrub.ts: a word with a question
// mark or hash is taken for a URL if it has a slash or equals sign. In a stack
// the line and column behind a URL stay.
func cutURLs(text string, stack bool) string {
	if !strings.ContainsAny(text, "?#@") {
		return text
	}
	var b strings.Builder
	for rest := text; rest != ""; {
		// Parentheses and single quotes are legal in a query, so they end no word.
		end := strings.IndexAny(rest, " \t\n\v\f\r\"<>")
		if end == 0 {
			b.WriteByte(rest[0])
			rest = rest[1:]
			continue
		}
		if end < 0 {
			end = len(rest)
		}
		b.WriteString(cutURL(rest[:end], stack))
		rest = rest[end:]
	}
	return b.String()
}

func cutURL(word string, stack bool) string {
	if cut := strings.IndexAny(word, "?#"); cut >= 0 && strings.ContainsAny(word, "/=") {
		place := ""
		if stack {
			place = placeBehind(word)
		}
		word = word[:cut] + place
	}
	for from := 0; ; {
		scheme := strings.Index(word[from:], "://")
		if scheme < 0 {
			return word
		}
		from += scheme + len("://")
		host := word[from:]
		if slash := strings.IndexByte(host, '/'); slash >= 0 {
			host = host[:slash]
		}
		word = word[:from] + word[from+strings.LastIndexByte(host, '@')+1:]
	}
}

// placeBehind is the line and column that stacks write behind a URL, as in
// :12:34),.
func placeBehind(word string) string {
	end := len(word)
	if end > 0 && word[end-1] == ',' {
		end--
	}
	if end > 0 && word[end-1] == ')' {
		end--
	}
	at := end
	for range 2 {
		digits := at
		for digits > 0 && class(word[digits-1])&digit != 0 {
			digits--
		}
		if digits == at || digits == 0 || word[digits-1] != ':' {
			return word[end:]
		}
		at = digits - 1
	}
	return word[at:]
}

package ingest

import (
	"regexp"
	"strings"
)

var (
	// wordOfText ends where no URL goes on. Parentheses and single quotes are
	// legal in a query, so they end no word.
	wordOfText = regexp.MustCompile(`[^\s"<>]+`)
	// placeBehindURL is the line and column that stacks write behind a URL.
	placeBehindURL = regexp.MustCompile(`(:\d+:\d+)?\)?,?$`)
	credentials    = regexp.MustCompile(`://[^/]*@`)
)

// scrubText cuts credentials, queries and fragments out of every URL, absolute
// or not, in a text for people, as the beacon does in js/src/scrub.ts: a word
// with a question mark or hash is taken for a URL if it has a slash or equals
// sign. In a stack the line and column behind a URL stay.
func scrubText(text string, stack bool) string {
	return wordOfText.ReplaceAllStringFunc(text, func(word string) string {
		if cut := strings.IndexAny(word, "?#"); cut >= 0 && strings.ContainsAny(word, "/=") {
			place := ""
			if stack {
				place = placeBehindURL.FindString(word)
			}
			word = word[:cut] + place
		}
		return credentials.ReplaceAllString(word, "://")
	})
}

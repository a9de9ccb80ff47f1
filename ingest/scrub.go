package ingest

import "regexp"

// urlWithSecrets finds URLs within text that have credentials, a query or a
// fragment.
var urlWithSecrets = regexp.MustCompile(`(\w+://)(?:[^\s/?#@"'<>]*@)?([^\s?#"'<>()]*)(?:[?#][^\s"'<>()]*?)?(:\d+(?::\d+)?)?([\s"'<>()]|$)`)

// scrubText takes credentials, queries and fragments out of the URLs within a
// message or stack; positions behind a URL (":12:34") stay.
func scrubText(text string) string {
	return urlWithSecrets.ReplaceAllString(text, "$1$2$3$4")
}

package reporting

import (
	"cmp"
	"strconv"
	"strings"

	"throughline/beacon"
)

// violation is the body of a violation of the Content Security Policy, by its names
// in the Reporting API and in report-uri.
type violation struct {
	DocumentURL        string `json:"documentURL"`
	BlockedURL         string `json:"blockedURL"`
	EffectiveDirective string `json:"effectiveDirective"`
	SourceFile         string `json:"sourceFile"`
	LineNumber         int    `json:"lineNumber"`
	ColumnNumber       int    `json:"columnNumber"`
	Disposition        string `json:"disposition"`

	DocumentURI           string `json:"document-uri"`
	BlockedURI            string `json:"blocked-uri"`
	OldEffectiveDirective string `json:"effective-directive"`
	ViolatedDirective     string `json:"violated-directive"`
	OldSourceFile         string `json:"source-file"`
	OldLineNumber         int    `json:"line-number"`
	OldColumnNumber       int    `json:"column-number"`
}

// readViolation reads a violation that stands at a place, and returns the page's URL
// as it is told, and what is complained of.
func readViolation(c *check, at string, raw []byte) (page string, complaint *beacon.Error) {
	var v violation
	c.decode(at, raw, &v)
	// Before version 3 of the policy there was only the directive as it was written.
	violated, _, _ := strings.Cut(v.ViolatedDirective, " ")
	field := at + ".effectiveDirective"
	if at == "csp-report" {
		field = at + ".effective-directive"
	}
	directive := c.name(field, cmp.Or(v.EffectiveDirective, v.OldEffectiveDirective, violated))
	place := place(cmp.Or(v.SourceFile, v.OldSourceFile), cmp.Or(v.LineNumber, v.OldLineNumber), cmp.Or(v.ColumnNumber, v.OldColumnNumber))
	message := blocked(directive, isReportOnly(v.Disposition), cmp.Or(v.BlockedURL, v.BlockedURI, "inline or eval"))
	return cmp.Or(v.DocumentURL, v.DocumentURI), complain(beacon.ErrorCSPViolation, directive, message, place)
}

// readComplaint reads the body of any other report that becomes an error.
func readComplaint(c *check, kind string, raw []byte) *beacon.Error {
	switch kind {
	case "deprecation":
		return readNotice(c, beacon.ErrorDeprecation, raw)
	case "intervention":
		return readNotice(c, beacon.ErrorIntervention, raw)
	case "permissions-policy-violation", "potential-permissions-policy-violation", "feature-policy-violation", "document-policy-violation":
		return readNotice(c, beacon.ErrorPolicy, raw)
	case "crash":
		return readCrash(c, raw)
	case "coop":
		return readOpener(c, kind, raw)
	case "coep", "integrity-violation":
		return readLoad(c, kind, raw)
	default:
		return complain(beacon.ErrorReport, kind, "report of type "+kind, "")
	}
}

// notice is the body of reports that have an id and, mostly, a message.
type notice struct {
	ID           string `json:"id"`
	PolicyID     string `json:"policyId"`  // Chrome
	FeatureID    string `json:"featureId"` // the specification of Permissions Policy
	Message      string `json:"message"`
	Disposition  string `json:"disposition"`
	SourceFile   string `json:"sourceFile"`
	LineNumber   int    `json:"lineNumber"`
	ColumnNumber int    `json:"columnNumber"`
}

func readNotice(c *check, kind beacon.ErrorKind, raw []byte) *beacon.Error {
	var n notice
	c.decode("body", raw, &n)
	field := "body.id"
	if kind == beacon.ErrorPolicy {
		field = "body.policyId"
	}
	id := c.name(field, cmp.Or(n.ID, n.PolicyID, n.FeatureID))
	message := n.Message
	if message == "" {
		message = string(kind) + " of " + id
		if isReportOnly(n.Disposition) {
			message += ", report only"
		}
	}
	return complain(kind, id, message, place(n.SourceFile, n.LineNumber, n.ColumnNumber))
}

// crash is the body of https://wicg.github.io/crash-reporting/.
type crash struct {
	Reason string `json:"reason"` // oom or unresponsive, if it is told
	// Stack is that of the script that did not end, if the page's policy allows.
	Stack string `json:"stack"`
}

func readCrash(c *check, raw []byte) *beacon.Error {
	var cr crash
	c.decode("body", raw, &cr)
	reason, message := word(cr.Reason), "the page crashed"
	if reason != "" {
		message += ": " + reason
	}
	return complain(beacon.ErrorCrash, cmp.Or(reason, "crash"), message, cr.Stack)
}

// opener is the body of a Cross-Origin-Opener-Policy's report.
type opener struct {
	Disposition     string `json:"disposition"`
	EffectivePolicy string `json:"effectivePolicy"`
	Type            string `json:"type"`     // such as navigation-to-response
	Property        string `json:"property"` // of the window that was accessed
	SourceFile      string `json:"sourceFile"`
	LineNumber      int    `json:"lineNumber"`
	ColumnNumber    int    `json:"columnNumber"`
}

func readOpener(c *check, kind string, raw []byte) *beacon.Error {
	var o opener
	c.decode("body", raw, &o)
	message := strings.TrimSpace(kind+" "+word(o.EffectivePolicy)) + ": " + cmp.Or(word(o.Type), "violation")
	if property := word(o.Property); property != "" {
		message += " of " + property
	}
	if isReportOnly(o.Disposition) {
		message += ", report only"
	}
	return complain(beacon.ErrorPolicy, kind, message, place(o.SourceFile, o.LineNumber, o.ColumnNumber))
}

// load is the body of a report of a resource that was not let in: of a
// Cross-Origin-Embedder-Policy or an Integrity-Policy.
type load struct {
	BlockedURL  string `json:"blockedURL"`
	Disposition string `json:"disposition"`
	ReportOnly  bool   `json:"reportOnly"`
}

func readLoad(c *check, kind string, raw []byte) *beacon.Error {
	var l load
	c.decode("body", raw, &l)
	return complain(beacon.ErrorPolicy, kind, blocked(kind, l.ReportOnly || isReportOnly(l.Disposition), l.BlockedURL), "")
}

func complain(kind beacon.ErrorKind, name, message, stack string) *beacon.Error {
	return &beacon.Error{
		Kind: kind, Type: name, Count: 1,
		Message: oneLine(beacon.CleanText(message, beacon.MaxMessageBytes)),
		Stack:   beacon.CleanText(stack, beacon.MaxStackBytes),
	}
}

func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, text)
}

// isReportOnly knows the word for what was not enforced; openers have their own.
func isReportOnly(disposition string) bool {
	return disposition == "report" || disposition == "reporting"
}

func blocked(by string, reportOnly bool, what string) string {
	if reportOnly {
		return by + " would block " + resource(what)
	}
	return by + " blocked " + resource(what)
}

// resource is what was blocked, for people: a URL without what may be secret in it,
// or the word for it, such as inline, eval or data. Of URLs that no server has, such
// as those of extensions, only the scheme stays.
func resource(what string) string {
	scheme, rest, absolute := strings.Cut(what, "://")
	switch scheme = strings.ToLower(scheme); {
	case what == "inline or eval":
		return what
	case absolute && (scheme == "http" || scheme == "https" || scheme == "ws" || scheme == "wss"):
		if clean, ok := beacon.CleanURL("http://" + rest); ok {
			return scheme + strings.TrimPrefix(clean, "http")
		}
	}
	name, _, _ := strings.Cut(what, ":")
	return cmp.Or(word(name), "a resource")
}

// maxPlaceNumber is the largest line or column that package stack reads.
const maxPlaceNumber = 999_999_999

// place is where a script did it, as a stack of one frame; empty when it is not
// told. Browsers shorten the files of extensions to their scheme, and so does this.
func place(file string, line, column int) string {
	url, ok := beacon.CleanURL(file)
	if !ok {
		if scheme, _, _ := strings.Cut(file, ":"); isWord(scheme) {
			return "at " + scheme + "://"
		}
		return ""
	}
	frame := "at " + oneLine(url)
	for _, number := range []int{line, column} {
		if number <= 0 || number > maxPlaceNumber {
			break
		}
		frame += ":" + strconv.Itoa(number)
	}
	return frame
}

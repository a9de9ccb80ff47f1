package scrub

import (
	"net/netip"
	"strings"
)

// where says what kind of text is scanned.
type where uint8

const (
	inText where = iota // a stack, too
	inPath              // of a URL
	inName              // of a version or the like
)

// scan is one pass over a text. What is taken out of it is written to out
// together with what stands before; out is empty as long as nothing was.
type scan struct {
	*Scrubber
	text  string
	where where
	done  int // of text, in out
	out   strings.Builder
}

// patterns replaces what looks like a secret, whatever surrounds it.
func (s *Scrubber) patterns(text string, w where) string {
	p := scan{Scrubber: s, text: text, where: w}
	for i := 0; i < len(text); {
		i = p.at(i)
	}
	if p.done == 0 {
		return text
	}
	p.out.WriteString(text[p.done:])
	return p.out.String()
}

// take replaces a part of the text, unless the app allows it, and returns its
// end. A part of which the beginning is taken already is taken from there.
func (p *scan) take(from, to int, place string) int {
	from = max(from, p.done)
	if from >= to || len(p.allowed) > 0 && p.keeps(p.text[from:to]) {
		return to
	}
	p.out.WriteString(p.text[p.done:from])
	p.out.WriteString(place)
	p.done = to
	return to
}

// harmless says of a path, much faster than a scan, that there is nothing in it
// to take out. It knows most paths.
func harmless(path string) bool {
	digits := 0                  // in all
	length, kinds := 0, uint8(0) // of the word with its dashes
	part, partDigits := 0, 0     // of the word between dashes
	dots := 0                    // in the segment
	for i := range len(path) {
		kind := class(path[i])
		switch {
		case kind&word != 0:
			length++
			part++
			kinds |= kind
			if kind&digit != 0 {
				digits++
				partDigits++
			}
		case kind&dash != 0:
			length++
			part, partDigits = 0, 0
			if path[i] == '_' {
				kinds |= upper // both stand in tokens, and hardly in paths
			}
		case path[i] == '/':
			length, kinds, part, partDigits, dots = 0, 0, 0, 0, 0
		case path[i] == '.':
			length, kinds, part, partDigits = 0, 0, 0, 0
			dots++
		default:
			return false
		}
		if digits >= leastIDDigits || dots == 3 || part >= leastIDHex && partDigits > 0 || length >= minCredential && kinds&upper != 0 {
			return false
		}
	}
	return true
}

// at looks at what begins at i and returns where to look next.
func (p *scan) at(i int) int {
	c := p.text[i]
	kind := class(c)
	switch {
	case kind&word != 0:
		return p.word(i)
	case c == '@':
		return p.email(i, i+1)
	case c == '%' && strings.HasPrefix(p.text[i:], "%40"):
		return p.email(i, i+len("%40"))
	case c == ':' && i+1 < len(p.text) && p.text[i+1] == ':':
		return p.address6(i, i+1)
	case c == '-' && strings.HasPrefix(p.text[i:], "-----BEGIN "):
		return p.pem(i)
	case c == '[' && p.where != inPath:
		return p.place(i)
	}
	return i + 1
}

// place steps over a placeholder, so that scrubbing twice changes nothing.
func (p *scan) place(i int) int {
	for _, place := range []string{placeEmail, placeIP, placeCard, placeToken, placeID, placeHidden} {
		if strings.HasPrefix(p.text[i:], place) {
			return i + len(place)
		}
	}
	return i + 1
}

// word looks at the letters, digits, dashes and underscores from i on.
func (p *scan) word(i int) int {
	end := i
	kinds := uint8(0)
	digits := 0
	for end < len(p.text) {
		kind := class(p.text[end])
		if kind&(word|dash) == 0 {
			break
		}
		if kind&digit != 0 {
			digits++
		}
		kinds |= kind
		end++
	}
	if next, ok := p.secretName(i, end); ok {
		return next
	}
	if digits == 0 && end-i < tokenBytes && !strings.HasPrefix(p.text[end:], " ") {
		if kinds&notHex != 0 || end >= len(p.text) || p.text[end] != ':' {
			return end
		}
	}
	if digits > 0 && p.where != inName {
		if next, ok := p.numbers(i); ok {
			return next
		}
	}
	if p.where != inName && kinds&notHex == 0 && end < len(p.text) && p.text[end] == ':' {
		if next := p.address6(i, end); next > end {
			return next
		}
	}
	if next, ok := p.token(i, end, digits); ok {
		return next
	}
	if digits > 0 && p.where != inName {
		p.ids(i, end)
	}
	return end
}

// secretNames are what secrets go by, in lower case without dashes and
// underscores.
const secretNames = " password passwd passphrase pwd secret clientsecret token accesstoken refreshtoken idtoken authtoken csrftoken xsrftoken " +
	"apikey xapikey accesskey secretkey privatekey auth authorization proxyauthorization credential credentials cookie setcookie " +
	"session sessionid sessiontoken sid jsessionid phpsessid ssn iban pin cvv cvc cardnumber otp signature sig jwt bearer "

var withoutSeparators = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

// isSecretName says whether a value by that name is to be hidden.
func isSecretName(name string) bool {
	const longest = 64
	if len(name) > longest {
		name = name[len(name)-longest:]
	}
	plain := withoutSeparators.Replace(strings.ToLower(name))
	if plain == "" {
		return false
	}
	if strings.Contains(secretNames, " "+plain+" ") {
		return true
	}
	for _, end := range []string{"password", "passwd", "secret", "token", "apikey", "authorization", "cookie", "sessionid"} {
		if strings.HasSuffix(plain, end) {
			return true
		}
	}
	return false
}

// secretName takes the value behind a name such as password: password=…,
// "password":"…" or Cookie: ….
func (p *scan) secretName(i, end int) (next int, ok bool) {
	rest := p.text[end:]
	quoted := strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, `'`) || strings.HasPrefix(rest, `\"`)
	trimmed := strings.TrimLeft(rest, `"'\`)
	trimmed = strings.TrimLeft(trimmed, " ")
	if trimmed == "" || trimmed[0] != '=' && trimmed[0] != ':' || len(rest)-len(trimmed) > len(`\" `) {
		return 0, false
	}
	name := p.text[i:end]
	if !isSecretName(name) {
		return 0, false
	}
	from := len(p.text) - len(trimmed) + 1
	for from < len(p.text) && strings.IndexByte(` "'\`, p.text[from]) >= 0 {
		from++
	}
	to := from
	switch {
	case trimmed[0] == '=' || quoted:
		for to < len(p.text) && strings.IndexByte(" \t\n\r\"'&,;\\)}>", p.text[to]) < 0 {
			to++
		}
	case isHeaderName(name):
		for to < len(p.text) && p.text[to] != '\n' && p.text[to] != '\r' {
			to++
		}
	default:
		return 0, false // a colon behind a word of a sentence
	}
	if to == from {
		return 0, false
	}
	return p.take(from, to, placeHidden), true
}

// isHeaderName says whether a secret's name is that of an HTTP header, which
// stands before a colon and goes on to the end of the line.
func isHeaderName(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "x-csrf-token":
		return true
	}
	return false
}

// email takes an address, whose sign stands at i and whose host begins at host.
func (p *scan) email(i, host int) int {
	from := i
	for from > p.done && class(p.text[from-1])&(local|high) != 0 {
		from--
	}
	to, dots := host, 0
	for to < len(p.text) && (class(p.text[to])&(word|dash|high) != 0 || p.text[to] == '.') {
		if p.text[to] == '.' {
			dots++
		}
		to++
	}
	for to > host && p.text[to-1] == '.' {
		to--
		dots--
	}
	if dots <= 0 || from == i && p.done != i || p.where == inName && !isTopLevel(p.text[strings.LastIndexByte(p.text[:to], '.')+1:to]) {
		return host
	}
	// Firefox writes frames as function@file:line:column.
	if p.where != inPath && hasExtension(p.text[host:to], builtTypes+otherTypes) {
		return host
	}
	return p.take(from, to, placeEmail)
}

// isTopLevel tells the last part of a host's name from that of a version.
func isTopLevel(label string) bool {
	for i := range len(label) {
		if class(label[i])&digit != 0 && !strings.HasPrefix(label, "xn--") {
			return false
		}
	}
	return len(label) > 1
}

// pem takes a key or a certificate.
func (p *scan) pem(i int) int {
	const last = "-----END "
	end := len(p.text)
	if at := strings.Index(p.text[i:], last); at >= 0 {
		end = i + at + len(last)
		if dashes := strings.Index(p.text[end:], "-----"); dashes >= 0 {
			end += dashes + len("-----")
		}
	}
	return p.take(i, end, placeToken)
}

// address6 takes an IPv6 address that begins at i and has a colon at colon.
func (p *scan) address6(i, colon int) int {
	const shortest, longest = 3, 45
	to := colon
	for to < len(p.text) && to-i <= longest && (class(p.text[to])&hex != 0 || p.text[to] == ':' || p.text[to] == '.') {
		to++
	}
	for trimmed := to; trimmed > colon && to-trimmed < 2; trimmed-- {
		found := p.text[i:trimmed]
		if len(found) < shortest || len(found) > longest || !strings.ContainsAny(found, "0123456789") {
			break
		}
		if i > 0 && (class(p.text[i-1])&word != 0 || p.text[i-1] == ']') || trimmed < len(p.text) && (class(p.text[trimmed])&word != 0 || p.text[trimmed] == '[') {
			break
		}
		if addr, err := netip.ParseAddr(found); err == nil && addr.Is6() {
			return p.take(i, trimmed, placeIP)
		}
	}
	return colon + 1
}

package synthetic

import (
	"regexp"
	"strings"
	"time"
)

// defaultAccuracyM is how well a page knows where it is, if the file does not say.
const defaultAccuracyM = 10

// Forms of what a page's environment holds.
var (
	languageTag = regexp.MustCompile(`^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
	cookieName  = headerName
	hostPattern = regexp.MustCompile(`^([*][.])?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$|^\[?[0-9A-Fa-f:.]+\]?$`)
	stateName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
)

// readEnvironment reads the mapping page of a journey.
func readEnvironment(r *reader) Environment {
	page := r.child("page")
	if page == nil {
		return Environment{}
	}
	environment := Environment{
		Device:      oneOf(page, "device", Devices()...),
		UserAgent:   page.template("user_agent", optional),
		Locale:      page.matching("locale", languageTag, "must be a language tag such as de-DE"),
		Timezone:    page.text("timezone", optional),
		Geolocation: readGeolocation(page),
		Network:     readNetwork(page, "network"),
		Headers:     readHeaders(page),
		Cookies:     readCookies(page),
		Block:       page.textList("block"),
		TraceHosts:  page.hosts("trace_hosts", optional),
		AllowHosts:  page.hosts("allow_hosts", optional),
		State:       page.matching("state", stateName, "must be a name of letters, digits, _ and -"),
	}
	if zone := environment.Timezone; zone != "" {
		if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
			page.fail("timezone", "unknown time zone %q; a name such as Europe/Berlin is wanted", zone)
		}
	}
	if slowdown, given := page.number("cpu_slowdown"); given {
		environment.CPUSlowdown = slowdown
		if slowdown < 1 || slowdown > 100 {
			page.fail("cpu_slowdown", "must be from 1 to 100")
		}
	}
	page.done()
	return environment
}

// matching reads a text of a form; empty when it is not given.
func (r *reader) matching(field string, form *regexp.Regexp, wanted string) string {
	text := r.text(field, optional)
	if text != "" && !form.MatchString(text) {
		r.fail(field, "%s", wanted)
	}
	return text
}

func readGeolocation(r *reader) *Geolocation {
	child := r.child("geolocation")
	if child == nil {
		return nil
	}
	location := Geolocation{
		Latitude: child.degrees("latitude", 90), Longitude: child.degrees("longitude", 180), AccuracyM: defaultAccuracyM,
	}
	if accuracy, given := child.number("accuracy_m"); given {
		location.AccuracyM = accuracy
		if accuracy < 0 {
			child.fail("accuracy_m", "must not be negative")
		}
	}
	child.done()
	return &location
}

// degrees reads a required angle.
func (r *reader) degrees(field string, limit float64) float64 {
	value, given := r.number(field)
	switch {
	case !given:
		r.fail(field, "is required")
	case value < -limit || value > limit:
		r.fail(field, "must be from %g to %g", -limit, limit)
	}
	return value
}

func readHeaders(r *reader) []Header {
	var headers []Header
	for _, child := range r.objects("headers") {
		header := Header{
			Name:  child.text("name", required),
			Value: child.template("value", present),
			Hosts: child.hosts("hosts", required),
		}
		if !headerName.MatchString(header.Name) {
			child.fail("name", "is no name of a header")
		}
		headers = append(headers, header)
		child.done()
	}
	return headers
}

func readCookies(r *reader) []Cookie {
	var cookies []Cookie
	for _, child := range r.objects("cookies") {
		cookie := Cookie{
			Name:     child.text("name", required),
			Value:    child.template("value", present),
			Domain:   child.matching("domain", hostPattern, "must be a host such as shop.example"),
			Path:     child.text("path", optional),
			SameSite: oneOf(child, "same_site", "Strict", "Lax", "None"),
		}
		cookie.Secure, _ = child.boolean("secure")
		cookie.HTTPOnly, _ = child.boolean("http_only")
		if !cookieName.MatchString(cookie.Name) {
			child.fail("name", "is no name of a cookie")
		}
		if cookie.Path != "" && !strings.HasPrefix(cookie.Path, "/") {
			child.fail("path", "must begin with /")
		}
		cookies = append(cookies, cookie)
		child.done()
	}
	return cookies
}

// textList reads a list of texts that are not empty.
func (r *reader) textList(field string) []string {
	r.sketch.list(field, &schema{Type: []string{"string"}, MinLength: 1})
	items, _ := r.list(field)
	var texts []string
	for _, item := range items {
		text, ok := item.value.(string)
		if !ok || text == "" {
			r.fail(field, "must be a list of texts")
		}
		texts = append(texts, text)
	}
	return texts
}

// hosts reads a list of hosts.
func (r *reader) hosts(field string, need need) []string {
	hosts := r.textList(field)
	if len(hosts) == 0 && need == required {
		r.fail(field, "is required: a list of hosts such as shop.example or *.shop.example")
	}
	for _, host := range hosts {
		if !hostPattern.MatchString(host) {
			r.fail(field, "%q is no host such as shop.example or *.shop.example", cut(host, maxSeen))
		}
	}
	return hosts
}

// environment writes the mapping page of a journey.
func (w *writer) environment(e Environment) {
	page := w.inner()
	page.given("device", e.Device)
	page.given("user_agent", e.UserAgent)
	page.given("locale", e.Locale)
	page.given("timezone", e.Timezone)
	if at := e.Geolocation; at != nil {
		location := page.inner()
		location.number("latitude", at.Latitude)
		location.number("longitude", at.Longitude)
		if at.AccuracyM != defaultAccuracyM {
			location.number("accuracy_m", at.AccuracyM)
		}
		page.child("geolocation", location)
	}
	page.network("network", e.Network)
	if e.CPUSlowdown != 0 {
		page.number("cpu_slowdown", e.CPUSlowdown)
	}
	page.headers(e.Headers)
	page.cookies(e.Cookies)
	page.list("block", e.Block)
	page.list("trace_hosts", e.TraceHosts)
	page.list("allow_hosts", e.AllowHosts)
	page.given("state", e.State)
	w.child("page", page)
}

func (w *writer) headers(headers []Header) {
	var written []*writer
	for _, header := range headers {
		item := w.inner()
		item.text("name", header.Name)
		item.text("value", header.Value)
		item.list("hosts", header.Hosts)
		written = append(written, item)
	}
	w.objects("headers", written)
}

func (w *writer) cookies(cookies []Cookie) {
	var written []*writer
	for _, cookie := range cookies {
		item := w.inner()
		item.text("name", cookie.Name)
		item.text("value", cookie.Value)
		item.given("domain", cookie.Domain)
		item.given("path", cookie.Path)
		item.flag("secure", cookie.Secure)
		item.flag("http_only", cookie.HTTPOnly)
		item.given("same_site", cookie.SameSite)
		written = append(written, item)
	}
	w.objects("cookies", written)
}

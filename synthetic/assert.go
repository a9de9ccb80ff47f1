package synthetic

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"throughline/beacon"
)

// Assert checks what the page shows and how it was answered. Everything that it
// holds must be so; what can still come is waited for.
type Assert struct {
	// Selectors lead to an element that must be there; nil is none.
	Selectors Selectors
	// Text must be part of the element's text, or of the page's if there are no
	// selectors; empty is any. White space counts as one blank.
	Text string
	// Exactly says that the text must be no more than that.
	Exactly bool
	// URL is the address of the page, in which * stands for anything; empty is any.
	URL string
	// Title is the document's; empty is any.
	Title string
	// Expression must be truthy, promises awaited; empty is none.
	Expression string
	// Status holds the HTTP statuses that the document may have been answered
	// with, such as 200 or 2xx; empty is any.
	Status []string
	// ResponseTime bounds the time from the document's request to the head of its
	// response; 0 does not.
	ResponseTime time.Duration
}

// maxSeen bounds how much of a page's text a message holds, in bytes.
const maxSeen = 200

// Type implements [Action].
func (Assert) Type() string { return "assert" }

func (a Assert) label() string {
	w := &writer{}
	a.write(w)
	switch keys := w.object.keys; {
	case len(a.Selectors) > 0:
		return "assert " + a.Selectors[0].String()
	case a.URL != "" && keys[0] == "url":
		return "assert url " + publicTemplate(a.URL)
	default:
		return "assert " + strings.Join(keys, ", ")
	}
}

func (a Assert) run(ctx context.Context, on *stage) error {
	checks := []struct {
		given bool
		check func(context.Context, *stage) error
	}{
		{len(a.Status) > 0, a.checkStatus},
		{a.ResponseTime > 0, a.checkResponseTime},
		{a.URL != "", a.checkURL},
		{a.Title != "", a.checkTitle},
		{len(a.Selectors) > 0 || a.Text != "", a.checkText},
		{a.Expression != "", a.checkExpression},
	}
	for _, c := range checks {
		if !c.given {
			continue
		}
		if err := c.check(ctx, on); err != nil {
			return err
		}
	}
	return nil
}

func assertion(format string, args ...any) *Fault {
	return &Fault{Reason: beacon.ReasonAssertion, Message: fmt.Sprintf(format, args...)}
}

func (a Assert) checkStatus(_ context.Context, on *stage) error {
	status := on.Document().Status
	written := strconv.Itoa(status)
	for _, allowed := range a.Status {
		if allowed == written || strings.HasSuffix(allowed, "xx") && allowed[0] == written[0] && status > 0 {
			return nil
		}
	}
	expected := strings.Join(a.Status, " or ")
	if status == 0 {
		return assertion("the document has no HTTP status, expected %s", expected)
	}
	return assertion("the HTTP status is %d, expected %s", status, expected)
}

func (a Assert) checkResponseTime(_ context.Context, on *stage) error {
	took := on.Document().ResponseTime
	switch {
	case took <= 0:
		return assertion("how long the document's response took is not known, expected at most %s", shortDuration(a.ResponseTime))
	case took > a.ResponseTime:
		return assertion("the document's response took %s, expected at most %s", took.Round(time.Millisecond), shortDuration(a.ResponseTime))
	}
	return nil
}

func (a Assert) checkURL(ctx context.Context, on *stage) error {
	pattern, err := on.values.expand(ctx, a.URL)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(pattern, "*") {
		if pattern, err = resolve(on.base, pattern); err != nil {
			return err
		}
	}
	matches := globURL(pattern)
	return on.eventually(ctx, func(context.Context) error {
		got := on.URL()
		if matches.MatchString(got) {
			return nil
		}
		seen, expected := PublicURL(got), publicTemplate(pattern)
		if seen == expected {
			return assertion("the address is %s, but with another query or fragment than expected", seen)
		}
		return assertion("the address is %s, expected %s", seen, expected)
	})
}

// globURL matches a whole address; * stands for any run of characters.
func globURL(pattern string) *regexp.Regexp {
	if u, err := url.Parse(pattern); err == nil && u.Host != "" && u.Path == "" {
		u.Path = "/"
		pattern = u.String()
	}
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
}

func (a Assert) checkTitle(ctx context.Context, on *stage) error {
	title, err := on.values.expand(ctx, a.Title)
	if err != nil {
		return err
	}
	return on.AwaitTitle(ctx, title)
}

func (a Assert) checkText(ctx context.Context, on *stage) error {
	selectors, err := on.values.selectors(ctx, a.Selectors)
	if err != nil {
		return err
	}
	wanted, err := on.values.expand(ctx, a.Text)
	if err != nil {
		return err
	}
	wanted = strings.Join(strings.Fields(wanted), " ")
	where := "the text of " + selectors.String()
	if len(selectors) == 0 {
		selectors, where = CSS("body"), "the page's text"
	}
	return on.eventually(ctx, func(ctx context.Context) error {
		text, alternative, err := on.Text(ctx, selectors)
		if len(a.Selectors) > 0 {
			err = on.won(a.Selectors, alternative, err)
		}
		switch {
		case err != nil:
			return err
		case a.Exactly && text != wanted:
			return assertion("%s is %q, expected %q", cut(where, maxSeen), cut(text, maxSeen), cut(wanted, maxSeen))
		case !strings.Contains(text, wanted):
			return assertion("%s is %q, expected it to contain %q", cut(where, maxSeen), cut(text, maxSeen), cut(wanted, maxSeen))
		}
		return nil
	})
}

func (a Assert) checkExpression(ctx context.Context, on *stage) error {
	expression, err := on.values.expand(ctx, a.Expression)
	if err != nil {
		return err
	}
	return on.WaitForExpression(ctx, expression)
}

// lookInterval is how often a page is looked at while something is waited for.
const lookInterval = 50 * time.Millisecond

// eventually checks until it is so or the time is over, and then says what was
// seen last. Only assertions are checked again.
func (s *stage) eventually(ctx context.Context, check func(context.Context) error) error {
	var seen error
	for {
		err := check(ctx)
		var fault *Fault
		switch {
		case err == nil:
			return nil
		case errors.As(err, &fault) && fault.Reason == beacon.ReasonAssertion:
			seen = err
		case seen == nil || ctx.Err() == nil:
			return err
		}
		if pause(ctx, lookInterval) != nil {
			return seen
		}
	}
}

func (a Assert) write(w *writer) {
	if len(a.Selectors) > 0 {
		w.selectors(a.Selectors)
	}
	field := "text"
	if a.Exactly {
		field = "text_is"
	}
	if a.Text != "" || a.Exactly {
		w.template(field, a.Text)
	}
	if a.URL != "" {
		w.template("url", a.URL)
	}
	if a.Title != "" {
		w.template("title", a.Title)
	}
	if a.Expression != "" {
		w.template("expression", a.Expression)
	}
	w.statuses("status", a.Status)
	if a.ResponseTime != 0 {
		w.duration("response_time", a.ResponseTime)
	}
}

func readAssert(r *reader) Action {
	var assert Assert
	if _, given := r.get("selectors"); given || r.sketch != nil {
		assert.Selectors = r.selectors(optional)
	}
	assert.Text = r.template("text", optional)
	if _, given := r.get("text_is"); given || r.sketch != nil {
		if assert.Text != "" {
			r.fail("text_is", "text and text_is exclude each other")
		}
		assert.Text, assert.Exactly = r.template("text_is", optional), true
	}
	assert.URL = r.template("url", optional)
	assert.Title = r.template("title", optional)
	assert.Expression = r.template("expression", optional)
	assert.Status = r.statuses("status")
	assert.ResponseTime = r.duration("response_time", 0, MaxTimeout)
	w := &writer{}
	if assert.write(w); len(w.object.keys) == 0 {
		r.fail("", "needs something to check: selectors, text, text_is, url, title, expression, status or response_time")
	}
	return assert
}

// statusPattern is an HTTP status or a class of them.
var statusPattern = regexp.MustCompile(`^[1-5]([0-9][0-9]|xx)$`)

// statuses reads HTTP statuses: one or a list, each such as 200 or 2xx.
func (r *reader) statuses(field string) []string {
	one := func() *schema { return &schema{Type: []string{"string", "number"}} }
	r.sketch.put(field, &schema{AnyOf: []*schema{one(), {Type: []string{"array"}, MinItems: 1, Items: one()}}}, false)
	n, given := r.get(field)
	if !given {
		return nil
	}
	items, list := n.value.([]node)
	if !list {
		items = []node{n}
	}
	var statuses []string
	for _, item := range items {
		text, ok := item.value.(string)
		if number, isNumber := item.value.(float64); isNumber {
			text, ok = strconv.FormatFloat(number, 'f', -1, 64), true
		}
		if !ok || !statusPattern.MatchString(text) {
			r.fail(field, "must be an HTTP status such as 200, a class such as 2xx, or a list of those")
		}
		statuses = append(statuses, text)
	}
	if len(statuses) == 0 {
		r.fail(field, "must not be empty")
	}
	return statuses
}

func (w *writer) statuses(field string, statuses []string) {
	items := make([]node, 0, len(statuses))
	for _, status := range statuses {
		if number, err := strconv.Atoi(status); err == nil {
			items = append(items, node{value: float64(number)})
			continue
		}
		items = append(items, node{value: status})
	}
	switch len(items) {
	case 0:
	case 1:
		w.put(field, items[0].value)
	default:
		w.put(field, items)
	}
}

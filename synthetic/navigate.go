package synthetic

import (
	"context"
	"fmt"
	"strings"

	"throughline/beacon"
)

// Navigate loads an address, which is relative to the base URL or absolute. A
// document with an HTTP status of 400 or above fails the step.
type Navigate struct{ URL string }

// Type implements [Action].
func (Navigate) Type() string { return "navigate" }

func (n Navigate) label() string { return "navigate " + publicTemplate(n.URL) }

// publicTemplate is [PublicURL] of an address that refers to variables.
func publicTemplate(address string) string {
	if !strings.Contains(address, "${") {
		return PublicURL(address)
	}
	if end := strings.IndexAny(address, "?#"); end >= 0 {
		address = address[:end]
	}
	scheme, rest, absolute := strings.Cut(address, "://")
	if !absolute {
		return address
	}
	host, path, _ := strings.Cut(rest, "/")
	return scheme + "://" + host[strings.LastIndexByte(host, '@')+1:] + "/" + path
}

func (n Navigate) run(ctx context.Context, on *stage) error {
	address, err := on.resolve(ctx, n.URL)
	if err != nil {
		return err
	}
	status, err := on.Navigate(ctx, address)
	if err != nil {
		return err
	}
	if status >= 400 {
		return &Fault{Reason: beacon.ReasonNavigation, Message: fmt.Sprintf("HTTP status %d", status)}
	}
	return nil
}

func (n Navigate) write(w *writer) { w.address("url", n.URL) }

func readNavigate(r *reader) Action {
	field := r.preferred("url")
	address := r.template(field, required)
	scheme, _, absolute := strings.Cut(address, ":")
	if absolute && !strings.ContainsAny(scheme, "/?#") {
		switch strings.ToLower(scheme) {
		case "http", "https":
		case "about":
			if address != "about:blank" {
				r.fail(field, "only about:blank can be opened of about: addresses")
			}
		default:
			r.fail(field, "scheme %q cannot be opened; supported: http, https", scheme)
		}
	}
	return Navigate{URL: address}
}

// readExpected reads assertedEvents.
func readExpected(r *reader) []ExpectedNavigation {
	var expected []ExpectedNavigation
	for _, event := range r.objects("assertedEvents") {
		if kind := event.text("type", required); kind != "" && kind != "navigation" {
			event.fail("type", "unknown event %q; supported: navigation", kind)
		}
		expected = append(expected, ExpectedNavigation{
			URL:   event.template(event.preferred("url"), optional),
			Title: event.template("title", optional),
		})
		event.done()
	}
	return expected
}

package chrome

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"

	"throughline/synthetic"
)

// intercepted is which requests the browser holds until they have their headers:
// those to hosts that are to get one, and a few more, since the browser's patterns
// cannot tell a host from a query. For other hosts none is.
func (p *shared) intercepted() []*fetch.RequestPattern {
	hosts := map[string]bool{}
	for _, host := range p.options.TraceHosts {
		hosts[host] = true
	}
	for _, header := range p.options.Headers {
		for _, host := range header.Hosts {
			hosts[host] = true
		}
	}
	var patterns []*fetch.RequestPattern
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		patterns = append(patterns, &fetch.RequestPattern{URLPattern: "http*://" + host + "/*"})
		if _, port := synthetic.SplitPort(host); port == "" {
			patterns = append(patterns, &fetch.RequestPattern{URLPattern: "http*://" + host + ":*"})
		}
	}
	return patterns
}

// intercept lets a request go that the browser holds. What is added is not sent on
// when the request is redirected; the browser holds the next one anew.
func (p *tab) intercept(event any) {
	e, ok := event.(*fetch.EventRequestPaused)
	if !ok || e.Request == nil {
		return
	}
	params := fetch.ContinueRequestParams{RequestID: e.RequestID}
	if added := p.headersFor(e.Request.URL); len(added) > 0 {
		params.Headers = merge(e.Request.Headers, added)
	}
	// Not in this goroutine, which takes the answer.
	go func() {
		if _, err := cdp.Call(p.alive, p.session, fetch.ContinueRequest, params); err != nil {
			p.log.Debug("continue request", "error", err)
		}
	}()
}

// headersFor are the headers that go with a request.
func (p *shared) headersFor(address string) []synthetic.Line {
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	var lines []synthetic.Line
	for _, header := range p.options.Headers {
		if slices.ContainsFunc(header.Hosts, func(host string) bool { return synthetic.FitsHost(host, u) }) {
			lines = append(lines, synthetic.Line{Name: header.Name, Value: header.Value})
		}
	}
	trace := p.trace.Load()
	if trace != nil && *trace != "" && slices.ContainsFunc(p.options.TraceHosts, func(host string) bool { return synthetic.FitsHost(host, u) }) {
		lines = append(lines, synthetic.Line{Name: synthetic.TraceHeader, Value: synthetic.Traceparent(*trace)})
	}
	return lines
}

// merge puts headers over those of the page, except that a page which traces its
// requests itself goes on to.
func merge(of network.Headers, added []synthetic.Line) []*fetch.HeaderEntry {
	var entries []*fetch.HeaderEntry
	for name, value := range of {
		text, ok := value.(string)
		same := func(line synthetic.Line) bool { return strings.EqualFold(line.Name, name) }
		if !ok || !strings.EqualFold(name, synthetic.TraceHeader) && slices.ContainsFunc(added, same) {
			continue
		}
		if strings.EqualFold(name, synthetic.TraceHeader) {
			added = slices.DeleteFunc(slices.Clone(added), same)
		}
		entries = append(entries, &fetch.HeaderEntry{Name: name, Value: text})
	}
	for _, line := range added {
		entries = append(entries, &fetch.HeaderEntry{Name: line.Name, Value: line.Value})
	}
	return entries
}

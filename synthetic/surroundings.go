package synthetic

import (
	"cmp"
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"
)

// pageOptions is what the page of a run is like.
func (r *Runner) pageOptions(ctx context.Context, journey *Journey, run RunOptions) PageOptions {
	environment := run.environment
	return PageOptions{
		Viewport: journey.Viewport, Locale: cmp.Or(environment.Locale, r.options.Locale),
		Timezone: environment.Timezone, Geolocation: environment.Geolocation,
		Headers: environment.Headers, Cookies: environment.Cookies, Block: environment.Block,
		Network: environment.Network, CPUSlowdown: environment.CPUSlowdown,
		TraceHosts: r.traceHosts(environment), AllowHosts: r.allowed(ctx, journey, run),
		State: run.State, KeepState: run.KeepState,
		Evidence: EvidenceOptions{Film: run.Film, Queries: run.KeepQueries},
	}
}

// traceHosts are the hosts that are told the trace of each step.
func (r *Runner) traceHosts(environment Environment) []string {
	return slices.Concat(r.options.TraceHosts, environment.TraceHosts)
}

// allowed are the hosts that the pages of a journey may reach even if they are this
// machine's: those that it names itself, and those that it or the user lists. It is never
// nil.
func (r *Runner) allowed(ctx context.Context, journey *Journey, run RunOptions) []string {
	hosts := append(append([]string{}, run.environment.AllowHosts...), r.options.AllowHosts...)
	base, err := journey.base(ctx, run.BaseURL, run.values)
	if err != nil {
		base = nil // the run will say so
	}
	if base != nil && reachable(base) {
		hosts = append(hosts, hostPort(base))
	}
	set := journey.sets()
	for _, step := range journey.Steps {
		addresses := []string{step.Place.Target}
		switch action := step.Action.(type) {
		case Navigate:
			addresses = append(addresses, action.URL)
		case Request:
			addresses = append(addresses, action.URL)
		}
		for _, template := range addresses {
			// A variable that a step sets names no host of the journey's own.
			if refersTo(template, set) {
				continue
			}
			address, err := run.values.expand(ctx, template)
			if u, bad := url.Parse(address); err == nil && bad == nil && u.Host != "" && reachable(u) {
				hosts = append(hosts, hostPort(u))
			}
		}
	}
	return hosts
}

// reachable tells addresses that a browser can go to at all.
func reachable(u *url.URL) bool {
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	return err == nil && port > 0
}

// hostPort is the host and port of an address, the scheme's port if it has none.
func hostPort(u *url.URL) string { return net.JoinHostPort(u.Hostname(), PortOf(u)) }

package synthetic

import (
	"context"
	"net/url"

	"throughline/beacon"
)

// pageless stands for the page of a run whose steps are all requests, for which no
// browser is opened. There is nothing to see in it.
type pageless struct{ Page }

func (pageless) In(context.Context, Place) (Surface, error) {
	return nil, &Fault{Reason: beacon.ReasonCommandRefused, Message: "the run has no page", Agent: true}
}

func (pageless) URL() string                 { return "" }
func (pageless) Close(context.Context) error { return nil }
func (pageless) BeginStep(int)               {}
func (pageless) FailedRequest() string       { return "" }
func (pageless) Record() Record              { return Record{} }

// withoutEvidence are the options of a run that has no page to show.
func (o RunOptions) withoutEvidence() RunOptions {
	o.Screenshots, o.Records, o.Film = Never, Never, false
	return o
}

// session is what the requests of a run share; nil if they are not possible.
func (r *Runner) session(ctx context.Context, journey *Journey, base *url.URL, values *values) Session {
	if r.options.Requester == nil {
		return nil
	}
	return r.options.Requester.Session(journey.hosts(ctx, base, values))
}

// hosts are those that the journey itself names. An address that holds what an
// answer gave is not the journey's own.
func (j *Journey) hosts(ctx context.Context, base *url.URL, values *values) []string {
	var hosts []string
	captured := map[string]bool{}
	for _, step := range j.Steps {
		if action, ok := step.Action.(setter); ok {
			for _, name := range action.sets() {
				captured[name] = true
			}
		}
	}
	if base != nil {
		hosts = append(hosts, base.Hostname())
	}
	for _, step := range j.Steps {
		var template string
		switch action := step.Action.(type) {
		case Request:
			template = action.URL
		case Navigate:
			template = action.URL
		}
		if refersTo(template, captured) {
			continue
		}
		address, err := values.expand(ctx, template)
		if err != nil {
			continue
		}
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

// refersTo says that a template holds one of the variables.
func refersTo(template string, names map[string]bool) bool {
	refers := false
	err := scanTemplate(template, func(string) {}, func(name string) error {
		refers = refers || names[name]
		return nil
	})
	return refers || err != nil
}

package synthetic

import (
	"context"

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
func (pageless) BeginStep(int, string)       {}
func (pageless) FailedRequest() string       { return "" }
func (pageless) Record() Record              { return Record{} }

// withoutEvidence are the options of a run that has no page to show.
func (o RunOptions) withoutEvidence() RunOptions {
	o.Screenshots, o.Records, o.Film = Never, Never, false
	o.State, o.KeepState = nil, false
	return o
}

// sets are the variables that steps give their values.
func (j *Journey) sets() map[string]bool {
	set := map[string]bool{}
	for _, step := range j.Steps {
		if action, ok := step.Action.(setter); ok {
			for _, name := range action.sets() {
				set[name] = true
			}
		}
	}
	return set
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

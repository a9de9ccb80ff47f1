package synthetic

import (
	"fmt"
	"sync"

	"throughline/beacon"
)

// states keeps what sites kept in runs that logged in, by the names that journeys
// give, for as long as the process runs. It is safe for concurrent use.
type states struct {
	mu   sync.Mutex
	kept map[string]State
}

// prepare gives a run the state that its journey begins with, and has it keep the one
// that others begin with.
func (s *states) prepare(journey *Journey, options *RunOptions) error {
	options.KeepState = options.KeepState || journey.KeepState != ""
	name := journey.Environment.State
	if name == "" || options.State != nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	state, kept := s.kept[name]
	if !kept {
		return &Fault{
			Reason: beacon.ReasonCommandRefused, Agent: true,
			Message: fmt.Sprintf("there is no state %q yet: a journey with keep_state: %s has to pass first", name, name),
		}
	}
	options.State = &state
	return nil
}

// keep keeps the state of a run that passed, in the place of an earlier one.
func (s *states) keep(journey *Journey, result *Result) {
	if journey.KeepState == "" || result.State == nil || result.Outcome != beacon.RunPassed {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil {
		s.kept = map[string]State{}
	}
	s.kept[journey.KeepState] = *result.State
}

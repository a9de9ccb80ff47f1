package synthetic

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"throughline/beacon"
)

// Defaults and limits of a journey.
const (
	// DefaultTimeout bounds a whole run when the journey does not say.
	DefaultTimeout = time.Minute
	// MaxTimeout is the longest timeout that a journey may ask for.
	MaxTimeout = 15 * time.Minute
	// DefaultStepTimeout bounds a step when neither it nor its file says.
	DefaultStepTimeout = 5 * time.Second
	// MaxRecorderTimeout is the longest step timeout of a Recorder file.
	MaxRecorderTimeout = 30 * time.Second
	// MaxSteps bounds the steps of a journey, so that one report holds a run.
	MaxSteps = beacon.MaxEvents - 1
)

// Journey is a scripted way through an application, as a user would take it.
// It is immutable once loaded, and safe for concurrent use.
type Journey struct {
	// Name identifies the journey; 1 to [beacon.MaxNameBytes] bytes.
	Name string
	// Dir is the directory that the files it names are relative to.
	Dir string
	// Variables are what texts may refer to as ${name}.
	Variables []Variable
	// BaseURL is what relative addresses resolve against; absolute, or empty.
	BaseURL string
	// Schedule is a cron expression or "@every 30s"; empty when the journey is
	// only run by hand. See [ParseSchedule].
	Schedule string
	// KeepState is the name by which what the sites keep at the end of a run that
	// passes is kept, for journeys whose Environment has that State; empty is none.
	KeepState string
	// Timeout bounds all steps together.
	Timeout time.Duration
	// Environment is what the page believes about the world around it.
	Environment Environment
	// Viewport is what the page starts with.
	Viewport Viewport
	// Budgets bound what the pages measure.
	Budgets Budgets
	// Steps holds 1 to [MaxSteps] steps.
	Steps []Step
}

// Step is one thing that a journey does, with what it expects to come of it.
type Step struct {
	// Name is what people call the step; made from the action if not given.
	Name string
	// Timeout bounds the action and its expectations together.
	Timeout time.Duration
	// Budget is what the step should take at most; a run in which it took longer
	// goes on and fails at its end. 0 is none.
	Budget time.Duration
	// Transaction names the business transaction that the step is part of, whatever its
	// page is; empty leaves that to the page. Steps in a row with the same name are one
	// instance of it.
	Transaction string
	// Place is where the step acts.
	Place Place
	// Expect holds the navigations that the step must cause.
	Expect []ExpectedNavigation
	// Action is what the step does.
	Action Action
}

// Type is the Recorder's name of the step's type, such as "click".
func (s Step) Type() string { return s.Action.Type() }

// Label says what the step does, whatever its name is, such as "click #buy". It
// never holds a typed value.
func (s Step) Label() string { return s.Action.label() }

// Action is what a step does: a [Click], a [Navigate] and so on, one type for each
// step type.
type Action interface {
	// Type is the Recorder's name of the step type.
	Type() string
	// label is a short text for people; it never holds a typed value.
	label() string
	// write writes its fields to a journey file.
	write(w *writer)
	// run does it on the stage. Failures are a *Fault or the context's error.
	run(ctx context.Context, on *stage) error
}

// stage is what the action of a step works with.
type stage struct {
	// Surface is that of the step's place.
	Surface
	base *url.URL
	// values are the variables of the run.
	values *values
	// selector is the alternative that led to the step's element, as it is written
	// in a file, and its index; empty for steps without one.
	selector    string
	alternative int
	// session makes requests without a browser, with those cookies; nil if that is not
	// possible.
	session Session
	cookies *jar
	// trace is the id that the step's requests carry to traceHosts, empty if they do
	// not.
	trace      string
	traceHosts []string
	// address and http are those of a request without a browser.
	address string
	http    *HTTPTiming
}

// resolve expands an address of the journey and makes it absolute.
func (s *stage) resolve(ctx context.Context, template string) (string, error) {
	address, err := s.values.expand(ctx, template)
	if err != nil {
		return "", err
	}
	return resolve(s.base, address)
}

// won notes which alternative led to the element.
func (s *stage) won(selectors Selectors, alternative int, err error) error {
	if err == nil {
		s.selector, s.alternative = selectors[alternative].String(), alternative
	}
	return err
}

// NeedsBrowser says that not all steps are requests, which do without.
func (j *Journey) NeedsBrowser() bool {
	for _, step := range j.Steps {
		if _, request := step.Action.(Request); !request {
			return true
		}
	}
	return false
}

// run executes the step on a page, whose surface it puts on the stage. Failures
// are a *Fault or the context's error.
func (s Step) run(ctx context.Context, page Page, on *stage) error {
	if request, ok := s.Action.(Request); ok {
		return request.run(ctx, on)
	}
	place, err := s.Place.resolve(ctx, on)
	if err != nil {
		return err
	}
	surface, err := page.In(ctx, place)
	if err != nil {
		return err
	}
	on.Surface = surface
	before := surface.Navigations()
	if err := s.Action.run(ctx, on); err != nil {
		return err
	}
	for _, expected := range s.Expect {
		if err := expected.await(ctx, on, before); err != nil {
			return err
		}
	}
	return nil
}

// ExpectedNavigation is a navigation that a step must cause.
type ExpectedNavigation struct {
	// URL is compared whole, query and fragment included; empty means any.
	URL string
	// Title is compared with the document's; empty means any.
	Title string
}

func (e ExpectedNavigation) await(ctx context.Context, on *stage, before int) error {
	address := ""
	if e.URL != "" {
		var err error
		if address, err = on.resolve(ctx, e.URL); err != nil {
			return err
		}
	}
	if err := on.AwaitNavigation(ctx, before, address); err != nil {
		return err
	}
	if e.Title == "" {
		return nil
	}
	title, err := on.values.expand(ctx, e.Title)
	if err != nil {
		return err
	}
	return on.AwaitTitle(ctx, title)
}

// base returns what relative addresses resolve against: the override if there
// is one, else the journey's own; nil if there is neither.
func (j *Journey) base(ctx context.Context, override string, values *values) (*url.URL, error) {
	if override != "" {
		return parseBase(override)
	}
	address, err := values.expand(ctx, j.BaseURL)
	if err != nil {
		return nil, err
	}
	return parseBase(address)
}

// environment is the journey's with the variables in it.
func (j *Journey) environment(ctx context.Context, override string, values *values) (Environment, error) {
	base, err := j.base(ctx, override, values)
	if err != nil {
		return Environment{}, err
	}
	return j.Environment.expand(ctx, base, values)
}

func parseBase(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	base, err := url.Parse(address)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the base URL must be an absolute http or https URL")
	}
	return base, nil
}

// resolve makes an address absolute.
func resolve(base *url.URL, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", &Fault{Reason: beacon.ReasonNavigation, Message: "the address is not a valid URL"}
	}
	if u.IsAbs() {
		return address, nil
	}
	if base == nil {
		return "", &Fault{
			Reason:  beacon.ReasonNavigation,
			Message: "the address is relative and there is no base URL",
			Agent:   true,
		}
	}
	return base.ResolveReference(u).String(), nil
}

package synthetic

import (
	"net/url"

	"throughline/beacon"
)

// Fault is why a step or a run did not pass, classed so that the application's
// faults and the monitor's own stay apart. Message is for people; it holds
// neither typed values nor the query of an address.
type Fault struct {
	Reason  beacon.RunReason
	Message string
	// Agent says that the monitor could not measure, whatever the reason.
	Agent bool
	// Err is what caused it; may be nil.
	Err error
}

func (f *Fault) Error() string { return f.Message }

func (f *Fault) Unwrap() error { return f.Err }

// outcome is failed when the application is to blame.
func (f *Fault) outcome() beacon.RunOutcome {
	switch f.Reason {
	case beacon.ReasonBrowserFailed, beacon.ReasonCancelled:
		return beacon.RunAgentError
	}
	if f.Agent {
		return beacon.RunAgentError
	}
	return beacon.RunFailed
}

// PublicURL is an address as it may be stored or shown: without credentials,
// query and fragment.
func PublicURL(address string) string {
	if clean, ok := beacon.CleanURL(address); ok {
		return clean
	}
	u, err := url.Parse(address)
	if err != nil {
		return "(invalid address)"
	}
	if u.Opaque != "" {
		return u.Scheme + ":" + opaqueHead(u)
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

// opaqueHead keeps the well-known about:blank readable and hides the content of
// data: and blob: addresses.
func opaqueHead(u *url.URL) string {
	if u.Scheme == "about" {
		return u.Opaque
	}
	return "…"
}

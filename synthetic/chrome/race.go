package chrome

import (
	"fmt"
	"strings"

	"throughline/beacon"
	"throughline/synthetic"
)

// maxLosers bounds how many alternatives a message tells of.
const maxLosers = 6

// race is one round of trying the alternatives to an element, none of which led to
// one that can be used.
type race struct {
	// lost says of each alternative why.
	lost []string
	// reason is that of the alternative that came closest: one that is there and
	// cannot be used before one that is not there.
	reason beacon.RunReason
	// missing says that all of them found nothing.
	missing bool
}

func newRace() *race { return &race{reason: beacon.ReasonElementNotFound, missing: true} }

// lose notes an alternative that met an obstacle or an error.
func (r *race) lose(chain synthetic.Chain, met obstacle, err error) {
	what := shorten(chain.String())
	switch {
	case err != nil:
		r.lost = append(r.lost, what+": "+err.Error())
	case met.Why == "missing":
		r.lost = append(r.lost, "no element found by "+what)
		return
	default:
		r.lost = append(r.lost, met.text(what))
	}
	r.reason, r.missing = beacon.ReasonTimeout, false
}

// fault tells of all the alternatives.
func (r *race) fault(selectors synthetic.Selectors) error {
	if r.missing {
		return &synthetic.Fault{Reason: r.reason, Message: "no element found by " + shorten(selectors.String())}
	}
	lost := r.lost[:min(len(r.lost), maxLosers)]
	message := strings.Join(lost, "; ")
	if more := len(r.lost) - len(lost); more > 0 {
		message += fmt.Sprintf("; and %d more", more)
	}
	return &synthetic.Fault{Reason: r.reason, Message: message}
}

package generator

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"throughline/beacon"
)

// fault is a kind of JavaScript error: one group, whose messages and places
// vary.
type fault struct {
	weight   float64
	kind     beacon.ErrorKind
	typ      string
	message  string // # stands for a number, @ for a quoted product
	function string
	files    string // of the stack, the innermost first
}

// faultShare is the share of views that have an error on a good day.
const faultShare = 0.013

// burstFault is the error of incidents.
const burstFault = 0

func faults() []fault {
	const uncaught, rejection = beacon.ErrorUncaught, beacon.ErrorUnhandledRejection
	return []fault{
		{0.02, uncaught, "TypeError", "Cannot read properties of null (reading 'variants')", "selectVariant", "product app vendor"},
		{22, uncaught, "TypeError", "Cannot read properties of undefined (reading 'price')", "renderPrice", "product app vendor"},
		{9, uncaught, "TypeError", "cart.items.reduce is not a function", "total", "cart app"},
		{14, rejection, "", "timeout", "", ""},
		{12, rejection, "TypeError", "Failed to fetch", "load", "api app"},
		{7, rejection, "ApiError", "stock of '@' not known after # ms", "check", "api product app"},
		{6, uncaught, "ReferenceError", "gtag is not defined", "track", "analytics"},
		{5, uncaught, "RangeError", "Invalid array length: #", "page", "search vendor"},
		{4, rejection, "AbortError", "The user aborted a request.", "suggest", "search app"},
		{4, uncaught, "SyntaxError", "Unexpected token '<', \"<!doctype \"... is not valid JSON", "parse", "api vendor"},
		{3, uncaught, "QuotaExceededError", "Failed to execute 'setItem' on 'Storage': Setting the value of 'recent-#' exceeded the quota.", "remember", "recent app"},
		{3, rejection, "ChunkLoadError", "Loading chunk # failed.", "requireChunk", "runtime vendor app"},
		{3, uncaught, "Error", "Script error.", "", ""},
		{2, rejection, "PaymentError", "payment pay_# was declined", "confirm", "payment app"},
		{1.5, uncaught, "InvalidStateError", "Failed to execute 'start' on 'ViewTransition'", "leave", "router vendor"},
		{1, uncaught, "Error", "hydration failed at node # of '@'", "hydrate", "vendor app"},
	}
}

// fail makes up the errors of the view; during a burst many more have one.
func (v *viewing) fail(burst bool) {
	s := v.session
	switch {
	case burst && happens(s.draw, burstShare):
		v.throw(&s.world.faults[burstFault])
	case happens(s.draw, faultShare):
		v.throw(&s.world.faults[s.world.fault.draw(s.draw)])
	}
}

func (v *viewing) throw(f *fault) {
	s := v.session
	v.threw = true
	e := &beacon.Error{Kind: f.kind, Type: f.typ, Message: fillMessage(s.draw, f.message, s.product), Count: 1}
	if happens(s.draw, 0.15) {
		e.Count = 2 + s.draw.IntN(20)
	}
	if f.files != "" {
		e.Stack = s.stack(f, e)
	}
	after := time.Duration(s.draw.Float64() * float64(min(v.duration, 40*time.Second)))
	v.note(after, after, beacon.Event{Error: e})
}

func fillMessage(draw *rand.Rand, message, product string) string {
	if strings.Contains(message, "#") {
		message = strings.ReplaceAll(message, "#", fmt.Sprint(100+draw.IntN(90_000)))
	}
	return strings.ReplaceAll(message, "@", product)
}

// stack writes a stack as the visitor's browser does; lines and columns are
// those of the release.
func (s *session) stack(f *fault, e *beacon.Error) string {
	var stack strings.Builder
	if s.agent.chromium {
		fmt.Fprintf(&stack, "%s: %s", e.Type, e.Message)
	}
	function := f.function
	build := mix(uint64(s.release))
	for depth, file := range strings.Fields(f.files) {
		place := fmt.Sprintf("%s/static/%s.js:%d:%d", s.site.origin, file, 1+(build>>depth)%40, 120+(build>>(depth+8))%9000)
		switch {
		case s.agent.chromium:
			fmt.Fprintf(&stack, "\n    at %s (%s)", function, place)
		case depth == 0:
			fmt.Fprintf(&stack, "%s@%s", function, place)
		default:
			fmt.Fprintf(&stack, "\n%s@%s", function, place)
		}
		function = []string{"dispatch", "render", "run"}[depth%3]
	}
	return stack.String()
}

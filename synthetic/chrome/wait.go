package chrome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/runtime"

	"throughline/beacon"
	"throughline/synthetic"
)

// survey is what the helper script tells of the elements found.
type survey struct {
	Count int  `json:"count"`
	Fit   bool `json:"fit"`
}

// WaitForElement implements [synthetic.Waiter]. Of several alternatives the first
// that finds anything counts.
func (p *surface) WaitForElement(ctx context.Context, condition synthetic.ElementCondition) error {
	ctx, done := p.bind(ctx)
	defer done()
	return p.poll(ctx, func(ctx context.Context) error {
		var seen survey
		var failed error
		for _, chain := range condition.Selectors {
			elements, err := p.find(ctx, chain)
			if err != nil {
				failed = fmt.Errorf("%s: %w", chain, err)
				continue
			}
			seen = survey{}
			if err := p.ask(ctx, &seen, "survey", elements, properties(condition), condition.Attributes); err != nil {
				return err
			}
			if seen.Count > 0 {
				break
			}
		}
		if failed != nil && seen.Count == 0 {
			return failed
		}
		holds := compare(seen.Count, condition.Operator, condition.Count) && seen.Fit
		if holds != condition.Absent {
			return nil
		}
		return unmet(condition, seen)
	})
}

func properties(condition synthetic.ElementCondition) json.RawMessage {
	if len(condition.Properties) == 0 {
		return json.RawMessage("null")
	}
	return condition.Properties
}

func compare(got int, operator string, want int) bool {
	switch operator {
	case "==":
		return got == want
	case "<=":
		return got <= want
	default:
		return got >= want
	}
}

// unmet says what is missing.
func unmet(condition synthetic.ElementCondition, seen survey) error {
	what := shorten(condition.Selectors.String())
	if seen.Count == 0 && !condition.Absent {
		return &synthetic.Fault{Reason: beacon.ReasonElementNotFound, Message: "no element found by " + what}
	}
	operator := condition.Operator
	if operator == "" {
		operator = ">="
	}
	message := fmt.Sprintf("%d found by %s, expected %s %d", seen.Count, what, operator, condition.Count)
	switch {
	case condition.Absent:
		message = fmt.Sprintf("%d found by %s, expected otherwise", seen.Count, what)
	case !seen.Fit:
		message = fmt.Sprintf("the %d found by %s do not all have the expected properties and attributes", seen.Count, what)
	}
	return &synthetic.Fault{Reason: beacon.ReasonAssertion, Message: message}
}

// WaitForExpression implements [synthetic.Waiter]. An expression that throws
// counts as not truthy yet.
func (p *surface) WaitForExpression(ctx context.Context, expression string) error {
	ctx, done := p.bind(ctx)
	defer done()
	return p.poll(ctx, func(ctx context.Context) error {
		result, err := p.evaluateOwn(ctx, expression)
		if err != nil {
			return &synthetic.Fault{Reason: beacon.ReasonAssertion, Message: "the expression fails: " + err.Error(), Err: err}
		}
		if !truthy(result) {
			return &synthetic.Fault{Reason: beacon.ReasonAssertion, Message: "the expression stays false"}
		}
		return nil
	})
}

// truthy is JavaScript's idea of it.
func truthy(object *runtime.RemoteObject) bool {
	switch {
	case object.Type == runtime.RemoteObjectTypeUndefined, object.Subtype == runtime.RemoteObjectSubtypeNull:
		return false
	case object.ObjectID != "", object.Type == runtime.RemoteObjectTypeSymbol:
		return true
	case object.UnserializableValue != "":
		value := string(object.UnserializableValue)
		return value != "NaN" && value != "-0" && value != "0n"
	default:
		value := string(object.Value)
		return value != "false" && value != "0" && value != `""`
	}
}

// Evaluate runs an expression in the document's own world, promises awaited, and
// returns its value as JSON.
func (p *surface) Evaluate(ctx context.Context, expression string) (json.RawMessage, error) {
	ctx, done := p.bind(ctx)
	defer done()
	result, err := p.evaluateOwn(ctx, "(async () => JSON.stringify(await ("+expression+")) ?? 'null')()")
	if err != nil {
		return nil, p.fault(ctx, err, nil)
	}
	var text string
	if err := json.Unmarshal(result.Value, &text); err != nil {
		return nil, p.fault(ctx, errors.New("the expression's value is not JSON"), nil)
	}
	return json.RawMessage(text), nil
}

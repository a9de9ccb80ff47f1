package synthetic

import (
	"context"
)

// WaitForElement waits until elements are there as the condition asks.
type WaitForElement struct{ Condition ElementCondition }

// Type implements [Action].
func (WaitForElement) Type() string { return "waitForElement" }

func (w WaitForElement) label() string { return "waitForElement " + w.Condition.Selectors[0].String() }

func (w WaitForElement) run(ctx context.Context, on *stage) error {
	condition := w.Condition
	var err error
	if condition.Selectors, err = on.values.selectors(ctx, condition.Selectors); err != nil {
		return err
	}
	if condition.Attributes, err = on.values.all(ctx, condition.Attributes); err != nil {
		return err
	}
	return on.WaitForElement(ctx, condition)
}

func (w WaitForElement) write(to *writer) {
	to.selectors(w.Condition.Selectors)
	to.given("operator", w.Condition.Operator)
	if w.Condition.Count != 1 {
		to.number("count", float64(w.Condition.Count))
	}
	if w.Condition.Absent {
		to.put("visible", false)
	}
	to.texts("attributes", w.Condition.Attributes)
	to.json("properties", w.Condition.Properties)
}

func readWaitForElement(r *reader) Action {
	condition := ElementCondition{
		Selectors:  r.selectors(required),
		Operator:   oneOf(r, "operator", ">=", "==", "<="),
		Count:      1,
		Attributes: r.texts("attributes"),
		Properties: r.json("properties"),
	}
	if count, given := r.number("count"); given {
		condition.Count = int(count)
		if count != float64(condition.Count) || count < 0 || count > 1e6 {
			r.fail("count", "must be a whole number from 0 to 1000000")
		}
	}
	if visible, given := r.boolean("visible"); given {
		condition.Absent = !visible
	}
	return WaitForElement{Condition: condition}
}

// WaitForExpression waits until a JavaScript expression is truthy; promises are
// awaited.
type WaitForExpression struct{ Expression string }

// Type implements [Action].
func (WaitForExpression) Type() string { return "waitForExpression" }

func (WaitForExpression) label() string { return "waitForExpression" }

func (w WaitForExpression) run(ctx context.Context, on *stage) error {
	expression, err := on.values.expand(ctx, w.Expression)
	if err != nil {
		return err
	}
	return on.WaitForExpression(ctx, expression)
}

func (w WaitForExpression) write(to *writer) { to.template("expression", w.Expression) }

func readWaitForExpression(r *reader) Action {
	return WaitForExpression{Expression: r.template("expression", required)}
}

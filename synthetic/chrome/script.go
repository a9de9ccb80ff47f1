package chrome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
)

// errNoDocument is what a page answers between two documents.
var errNoDocument = errors.New("the page has no document yet")

// errNoFrame is what a frame answers that went with the document around it.
var errNoFrame = errors.New("the frame is gone")

// handle refers to a list of elements in our world of the page.
type handle struct {
	object runtime.RemoteObjectID
	world  world
}

// evaluateOwn runs an expression in the document's own world.
func (p *surface) evaluateOwn(ctx context.Context, expression string) (*runtime.RemoteObject, error) {
	p.refresh()
	var own world
	if p.frame != p.main() {
		if _, own = p.state.worlds(p.tab, p.frame); own.unique == "" {
			return nil, errNoDocument
		}
	}
	return p.evaluate(ctx, expression, own)
}

// evaluate runs an expression, promises awaited, in a world of the tab; the zero
// world is the own one of its main frame.
func (p *tab) evaluate(ctx context.Context, expression string, in world) (*runtime.RemoteObject, error) {
	result, err := cdp.Call(ctx, p.session, runtime.Evaluate, runtime.EvaluateParams{
		Expression: expression, UniqueContextID: in.unique,
		AwaitPromise: new(true), Silent: new(true), UserGesture: new(true),
	})
	if err != nil {
		return nil, err
	}
	if result.ExceptionDetails != nil {
		return nil, exception(result.ExceptionDetails)
	}
	return result.Result, nil
}

// call runs a function of the helper script. With value it returns the result's
// JSON, else a reference to it.
func (p *surface) call(ctx context.Context, value bool, function string, args ...any) (*runtime.RemoteObject, world, error) {
	p.refresh()
	in := p.ourWorld()
	if in.unique == "" {
		return nil, in, errNoDocument
	}
	params := runtime.CallFunctionOnParams{
		FunctionDeclaration: fmt.Sprintf("(...args) => throughline.%s(...args)", function),
		UniqueContextID:     in.unique,
		AwaitPromise:        new(true), Silent: new(true), UserGesture: new(true),
		ReturnByValue: new(value),
	}
	for _, arg := range args {
		if elements, ok := arg.(handle); ok {
			params.Arguments = append(params.Arguments, &runtime.CallArgument{ObjectID: elements.object})
			continue
		}
		data, err := json.Marshal(arg)
		if err != nil {
			return nil, in, &final{fmt.Errorf("argument of %s: %w", function, err)}
		}
		params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: data})
	}
	result, err := cdp.Call(ctx, p.session, runtime.CallFunctionOn, params)
	if err != nil {
		return nil, in, err
	}
	if result.ExceptionDetails != nil {
		return nil, in, exception(result.ExceptionDetails)
	}
	return result.Result, in, nil
}

// ask runs a function of the helper script and decodes what it returns.
func (p *surface) ask(ctx context.Context, answer any, function string, args ...any) error {
	result, _, err := p.call(ctx, true, function, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(result.Value, answer); err != nil {
		return &final{fmt.Errorf("answer of %s: %w", function, err)}
	}
	return nil
}

// exception is a script's error in a few words.
func exception(details *runtime.ExceptionDetails) error {
	text := details.Text
	if details.Exception != nil && details.Exception.Description != "" {
		text = details.Exception.Description
	}
	for i, r := range text {
		if r == '\n' {
			text = text[:i] // the stack follows
			break
		}
	}
	return errors.New(shorten(text))
}

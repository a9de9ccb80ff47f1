package chrome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/runtime"

	"throughline/synthetic"
)

// maxNamed bounds how many elements one accessible name may lead to.
const maxNamed = 64

// obstacle is what the helper script answers when an element cannot be used.
type obstacle struct {
	Why string `json:"why"`
	By  string `json:"by"`
}

// text says why what was found cannot be used.
func (o obstacle) text(what string) string {
	switch o.Why {
	case "covered":
		return fmt.Sprintf("the element found by %s is covered by %s", what, o.By)
	case "no option":
		return fmt.Sprintf("%s found by %s has no option of that value that can be chosen", o.By, what)
	default:
		return fmt.Sprintf("%s found by %s cannot be used: %s", o.By, what, o.Why)
	}
}

// race tries the alternatives in turn, again and again, until try accepts what
// one of them found, and returns its index. It fails with why each of them did not
// lead anywhere.
func (p *surface) race(ctx context.Context, selectors synthetic.Selectors, try func(context.Context, handle) (obstacle, error)) (won int, err error) {
	err = p.poll(ctx, func(ctx context.Context) error {
		round := newRace()
		for i, chain := range selectors {
			elements, err := p.find(ctx, chain)
			var met obstacle
			if err == nil {
				met, err = try(ctx, elements)
			}
			switch {
			case isFinal(err):
				return err
			case err == nil && met.Why == "":
				won = i
				return nil
			}
			round.lose(chain, met, err)
		}
		return round.fault(selectors)
	})
	return won, err
}

func isFinal(err error) bool {
	var fixed *final
	return errors.As(err, &fixed)
}

// find follows a chain of selectors to the elements at its end.
func (p *surface) find(ctx context.Context, chain synthetic.Chain) (handle, error) {
	var roots handle
	for i, selector := range chain {
		var found handle
		var err error
		if selector.Kind == synthetic.SelectARIA {
			found, err = p.findNamed(ctx, roots, i == 0, selector)
		} else {
			found, err = p.list(ctx, "find", argument(roots, i == 0), string(selector.Kind), selector.Value)
		}
		if err != nil {
			return handle{}, err
		}
		roots = found
	}
	return roots, nil
}

// argument passes the roots of a search; null stands for the document.
func argument(roots handle, document bool) any {
	if document {
		return nil
	}
	return roots
}

// list runs a function of the helper script that returns a list.
func (p *surface) list(ctx context.Context, function string, args ...any) (handle, error) {
	result, in, err := p.call(ctx, false, function, args...)
	if err != nil {
		return handle{}, err
	}
	return handle{object: result.ObjectID, world: in}, nil
}

// findNamed finds elements by accessible name and role, as the browser computes
// them for assistive technology.
func (p *surface) findNamed(ctx context.Context, roots handle, document bool, selector synthetic.Selector) (handle, error) {
	if !p.isMain() {
		var done struct{}
		if err := p.ask(ctx, &done, "reveal"); err != nil {
			return handle{}, err
		}
	}
	scopes, err := p.list(ctx, "scopes", argument(roots, document))
	if err != nil {
		return handle{}, err
	}
	objects, err := p.items(ctx, scopes)
	if err != nil {
		return handle{}, err
	}
	var elements []any
	for _, root := range objects {
		nodes, err := p.named(ctx, root, selector)
		if err != nil {
			return handle{}, err
		}
		for _, node := range nodes {
			if node.Ignored || node.BackendDOMNodeID == 0 || len(elements) >= maxNamed || isText(node) {
				continue
			}
			resolved, err := cdp.Call(ctx, p.session, dom.ResolveNode, dom.ResolveNodeParams{
				BackendNodeID: node.BackendDOMNodeID, ExecutionContextID: scopes.world.id,
			})
			if err != nil {
				return handle{}, err
			}
			elements = append(elements, handle{object: resolved.Object.ObjectID, world: scopes.world})
		}
	}
	return p.list(ctx, "list", elements...)
}

// named asks the browser for what has a name and a role below a root.
func (p *tab) named(ctx context.Context, root runtime.RemoteObjectID, selector synthetic.Selector) ([]*accessibility.Node, error) {
	roles := []string{selector.Role}
	if selector.Role == "img" || selector.Role == "image" {
		// One role by its old and its new name; browsers know it by either.
		roles = []string{"image", "img"}
	}
	var nodes []*accessibility.Node
	for _, role := range roles {
		tree, err := cdp.Call(ctx, p.session, accessibility.QueryAXTree, accessibility.QueryAXTreeParams{
			ObjectID: root, AccessibleName: selector.Value, Role: role,
		})
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, tree.Nodes...)
	}
	return nodes, nil
}

// isText tells the text within an element, which has the element's name.
func isText(node *accessibility.Node) bool {
	if node.Role == nil {
		return true
	}
	var role string
	if json.Unmarshal(node.Role.Value, &role) != nil {
		return true
	}
	return role == "StaticText" || role == "InlineTextBox"
}

// items returns references to the members of a list.
func (p *surface) items(ctx context.Context, list handle) ([]runtime.RemoteObjectID, error) {
	properties, err := cdp.Call(ctx, p.session, runtime.GetProperties, runtime.GetPropertiesParams{
		ObjectID: list.object, OwnProperties: new(true),
	})
	if err != nil {
		return nil, err
	}
	var objects []runtime.RemoteObjectID
	for _, property := range properties.Result {
		if property.Enumerable && property.Value != nil && property.Value.ObjectID != "" && len(objects) < maxNamed {
			objects = append(objects, property.Value.ObjectID)
		}
	}
	return objects, nil
}

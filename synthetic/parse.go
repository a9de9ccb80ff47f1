package synthetic

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxDepth bounds how deep a journey file nests.
const maxDepth = 32

// parseJSON reads one JSON value with the lines that its parts stand on.
func parseJSON(data []byte) (node, error) {
	p := &jsonParser{data: data, decoder: json.NewDecoder(bytes.NewReader(data))}
	root, err := p.value(0)
	if err != nil {
		return node{}, p.wrap(err)
	}
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return node{}, p.wrap(errors.New("more than one value"))
	}
	return root, nil
}

type jsonParser struct {
	data    []byte
	decoder *json.Decoder
	// seen and line count the lines up to an offset.
	seen, line int
}

func (p *jsonParser) here() int {
	for end := int(p.decoder.InputOffset()); p.seen < end; p.seen++ {
		if p.data[p.seen] == '\n' {
			p.line++
		}
	}
	return p.line + 1
}

func (p *jsonParser) wrap(err error) error {
	var fileErr *FileError
	if errors.As(err, &fileErr) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("ends too early")
	}
	return &FileError{Step: -1, Line: p.here(), Detail: "not valid JSON: " + err.Error()}
}

func (p *jsonParser) value(depth int) (node, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return node{}, err
	}
	if depth > maxDepth {
		return node{}, errors.New("nested too deep")
	}
	n := node{line: p.here()}
	switch token {
	case json.Delim('{'):
		n.value, err = p.object(depth)
	case json.Delim('['):
		n.value, err = p.list(depth)
	default:
		n.value = token
	}
	return n, err
}

func (p *jsonParser) object(depth int) (*object, error) {
	o := &object{members: map[string]node{}}
	for p.decoder.More() {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok {
			return nil, errors.New("a key must be text")
		}
		line := p.here()
		if _, twice := o.members[key]; twice {
			return nil, &FileError{Step: -1, Line: line, Field: key, Detail: "key is given twice"}
		}
		member, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		o.keys = append(o.keys, key)
		o.members[key] = member
	}
	_, err := p.decoder.Token()
	return o, err
}

func (p *jsonParser) list(depth int) ([]node, error) {
	items := []node{}
	for p.decoder.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := p.decoder.Token()
	return items, err
}

// parseYAML reads one YAML document with the lines that its parts stand on.
// Anchors, aliases and tags are refused: no journey needs them, and they are how
// small files become large ones.
func parseYAML(data []byte) (root node, err error) {
	if !utf8.Valid(data) {
		return node{}, &FileError{Step: -1, Detail: "not valid UTF-8"}
	}
	// The parser is known to panic on some malformed input.
	defer func() {
		if caught := recover(); caught != nil {
			err = &FileError{Step: -1, Detail: "not valid YAML"}
		}
	}()
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return node{}, yamlError(err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return node{}, &FileError{Step: -1, Detail: "must hold one YAML document"}
	}
	return yamlNode(file.Docs[0].Body, 0)
}

// yamlError takes the place out of a parser's error, and leaves out the excerpt
// of the source that it prints.
func yamlError(err error) error {
	fault := &FileError{Step: -1, Detail: "not valid YAML"}
	var syntax *yaml.SyntaxError
	if errors.As(err, &syntax) {
		fault.Detail = "not valid YAML: " + syntax.Message
		if syntax.Token != nil && syntax.Token.Position != nil {
			fault.Line = syntax.Token.Position.Line
		}
	}
	return fault
}

func yamlNode(n ast.Node, depth int) (node, error) {
	line := yamlLine(n)
	if depth > maxDepth {
		return node{}, &FileError{Step: -1, Line: line, Detail: "nested too deep"}
	}
	out := node{line: line}
	var err error
	switch n := n.(type) {
	case *ast.MappingNode:
		out.value, err = yamlObject(n.Values, depth)
	case *ast.MappingValueNode:
		out.value, err = yamlObject([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		items := make([]node, 0, len(n.Values))
		for _, value := range n.Values {
			var item node
			if item, err = yamlNode(value, depth+1); err != nil {
				break
			}
			items = append(items, item)
		}
		out.value = items
	case *ast.StringNode:
		out.value = n.Value
	case *ast.LiteralNode:
		out.value = n.Value.Value
	case *ast.BoolNode:
		out.value, out.source = n.Value, n.GetToken().Value
	case *ast.IntegerNode:
		out.value, out.source = yamlInteger(n.Value), n.GetToken().Value
	case *ast.FloatNode:
		out.value, out.source = n.Value, n.GetToken().Value
	case *ast.NullNode:
	default:
		err = &FileError{Step: -1, Line: line, Detail: fmt.Sprintf("%s are not supported", yamlKind(n))}
	}
	return out, err
}

func yamlObject(values []*ast.MappingValueNode, depth int) (*object, error) {
	o := &object{members: map[string]node{}}
	for _, value := range values {
		key, ok := value.Key.(*ast.StringNode)
		if !ok {
			return nil, &FileError{Step: -1, Line: yamlLine(value.Key), Detail: "a key must be plain text"}
		}
		if _, twice := o.members[key.Value]; twice {
			return nil, &FileError{Step: -1, Line: yamlLine(key), Field: key.Value, Detail: "key is given twice"}
		}
		member, err := yamlNode(value.Value, depth+1)
		if err != nil {
			return nil, err
		}
		// A block value begins on the line below its key; the key is what to
		// look for.
		member.line = yamlLine(key)
		o.keys = append(o.keys, key.Value)
		o.members[key.Value] = member
	}
	return o, nil
}

func yamlInteger(value any) float64 {
	switch value := value.(type) {
	case int64:
		return float64(value)
	case uint64:
		return float64(value)
	default:
		return 0
	}
}

func yamlKind(n ast.Node) string {
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode:
		return "anchors and aliases"
	case *ast.TagNode:
		return "tags"
	default:
		return "values of the kind " + strings.ToLower(n.Type().String())
	}
}

func yamlLine(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

package server

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"throughline/beacon"
)

var update = flag.Bool("update", false, "write the reasons into openapi.yaml")

// declaredReasons are the reasons for refusing, and what their constants'
// comments say.
func declaredReasons(t *testing.T) map[string]string {
	t.Helper()
	reasons := map[string]string{}
	for _, path := range []string{"../../beacon/reject.go", "../reject.go"} {
		file, err := parser.ParseFile(gotoken.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reject") {
				return true
			}
			reason, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(strings.Fields(spec.Doc.Text()), " ")
			text = strings.ReplaceAll(text, "[MaxEvents]", strconv.Itoa(beacon.MaxEvents))
			reasons[reason] = strings.TrimPrefix(text, spec.Names[0].Name+" is ")
			return true
		})
	}
	return reasons
}

// The description lists every reason that an answer, a metric or the ledger can
// name, with what it means.
func TestOpenAPI_ListsEveryReason(t *testing.T) {
	const begin, end = "-update\n", "    # End of the reasons.\n"
	reasons := declaredReasons(t)
	var list strings.Builder
	list.WriteString("    Reason:\n      type: string\n      description: Also in the ledger and on its metrics.\n      oneOf:\n")
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&list, "        - {const: %s, description: %q}\n", name, reasons[name])
	}
	before, rest, _ := bytes.Cut(openAPI, []byte(begin))
	_, after, found := bytes.Cut(rest, []byte(end))
	if !found {
		t.Fatal("openapi.yaml has no place for the reasons")
	}
	want := string(before) + begin + list.String() + end + string(after)
	if *update {
		if err := os.WriteFile("openapi.yaml", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(openAPI) != want {
		t.Error("openapi.yaml has other reasons than the code; go test ./ingest/server -run OpenAPI -update")
	}
}

// contract is what openapi.yaml promises.
type contract struct{ router routers.Router }

func loadContract(t *testing.T) contract {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(openAPI)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return contract{router}
}

// check fails the test when an answer is none of those that are promised.
func (c contract) check(t *testing.T, response *http.Response, body string) {
	t.Helper()
	route, parameters, err := c.router.FindRoute(response.Request)
	if err != nil {
		t.Fatal(err)
	}
	input := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: response.Request, PathParams: parameters, Route: route},
		Status:                 response.StatusCode,
		Header:                 response.Header,
		Body:                   io.NopCloser(strings.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if err := openapi3filter.ValidateResponse(t.Context(), input); err != nil {
		t.Errorf("the answer is not what openapi.yaml describes: %v", err)
	}
}

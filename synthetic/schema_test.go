package synthetic

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// valid says whether a YAML file is as the schema wants it.
func valid(t *testing.T, schema *jsonschema.Schema, file string) error {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if data, err = yaml.YAMLToJSON(data); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("journey.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("journey.json")
	if err != nil {
		t.Fatal(err)
	}
	if compiled.DraftVersion != 2020 {
		t.Errorf("draft %d", compiled.DraftVersion)
	}
	return compiled
}

func TestSchema(t *testing.T) {
	schema := compile(t)
	files, err := filepath.Glob(filepath.Join(journeys, "good_*.yaml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d fixtures, %v", len(files), err)
	}
	for _, file := range files {
		if err := valid(t, schema, file); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for _, name := range strings.Fields(`change_text list no_name no_selectors no_steps no_type no_value operator
		step_timeout two_types unknown_key unknown_step_key unknown_type selector_empty many
		variable_sources request_and_steps request_expect_key request_no_url`) {
		if valid(t, schema, filepath.Join(journeys, "bad_"+name+".yaml")) == nil {
			t.Errorf("bad_%s.yaml is valid", name)
		}
	}
}

// TestSchema_Describes wants a word on every key: that is what an editor shows.
func TestSchema_Describes(t *testing.T) {
	var walk func(path string, s *schema)
	walk = func(path string, s *schema) {
		for key, property := range s.Properties {
			if property.Description == "" {
				t.Errorf("%s.%s has no description", path, key)
			}
			walk(path+"."+key, property)
		}
		for _, inner := range append(append([]*schema{s.Items, s.Others}, s.AnyOf...), s.OneOf...) {
			if inner != nil {
				walk(path, inner)
			}
		}
	}
	walk("step", stepSchema())
	r := sketching()
	readSettings(r, &Journey{})
	walk("journey", r.sketch.of)
	if len(r.sketch.of.Properties) < 5 {
		t.Errorf("%d settings", len(r.sketch.of.Properties))
	}
}

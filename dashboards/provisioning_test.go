package dashboards_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestProvisionedSourceIsTheEmbeddedEngine keeps the data source's file and
// what the board and the engine expect of it together.
func TestProvisionedSourceIsTheEmbeddedEngine(t *testing.T) {
	var file struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, UID, Type string
			JSONData        struct {
				Host            string
				Port            int
				Protocol        string
				Username        string
				DefaultDatabase string `yaml:"defaultDatabase"`
			} `yaml:"jsonData"`
			SecureJSONData map[string]string `yaml:"secureJsonData"`
		}
	}
	read(t, "provisioning/datasources/throughline.yaml", &file)
	if file.APIVersion != 1 || len(file.Datasources) != 1 {
		t.Fatalf("%+v", file)
	}
	d := file.Datasources[0]
	if d.Type != throughlineSource.Type || d.UID == "" {
		t.Errorf("data source %q of type %q, the board's is %q", d.UID, d.Type, throughlineSource.Type)
	}
	j := d.JSONData
	if j.Host != "127.0.0.1" || j.Port != 9000 || j.Protocol != "native" || j.Username != "default" || j.DefaultDatabase != "throughline" {
		t.Errorf("%+v is not the embedded engine", j)
	}
	if len(d.SecureJSONData) != 0 {
		t.Error("a password, even an empty one, does not belong here")
	}
}

func TestProvisionedBoardsAreReadOnly(t *testing.T) {
	var file struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Type            string
			AllowUIUpdates  bool `yaml:"allowUiUpdates"`
			DisableDeletion bool `yaml:"disableDeletion"`
			Options         struct{ Path string }
		}
	}
	read(t, "provisioning/dashboards/throughline.yaml", &file)
	if file.APIVersion != 1 || len(file.Providers) != 1 {
		t.Fatalf("%+v", file)
	}
	p := file.Providers[0]
	if p.Type != "file" || p.AllowUIUpdates || !p.DisableDeletion || p.Options.Path == "" {
		t.Errorf("%+v", p)
	}
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(content)).Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

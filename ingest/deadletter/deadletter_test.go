package deadletter

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"throughline/ingest"
)

func letter(id string) ingest.RefusedRow {
	return ingest.RefusedRow{
		App: "shop", Table: "requests", Event: true, Reason: "code 469: constraint `x` is violated",
		Values: json.RawMessage(`{"event_id":"` + id + `","url_path":"/<b>"}`),
	}
}

func TestBox_KeepsABatchOnceInAReadableFile(t *testing.T) {
	box := Open(filepath.Join(t.TempDir(), "dead-letters"))
	if files, err := box.Files(); err != nil || len(files) != 0 {
		t.Errorf("before the first letter: %v, %v", files, err)
	}
	want := []ingest.RefusedRow{letter("a"), letter("b")}
	for range 2 {
		if err := box.Keep("0a-1-2", want); err != nil {
			t.Fatal(err)
		}
	}
	files, err := box.Files()
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil || strings.Count(string(content), "\n") != 2 || !strings.Contains(string(content), `"url_path":"/<b>"`) {
		t.Errorf("not one readable line per row (%v):\n%s", err, content)
	}
	token, rows, err := Read(files[0])
	if diff := cmp.Diff(want, rows); err != nil || token != "0a-1-2" || diff != "" {
		t.Errorf("%q %v\n%s", token, err, diff)
	}
	if err := Remove(files[0]); err != nil {
		t.Error(err)
	}
	if files, err := box.Files(); err != nil || len(files) != 0 {
		t.Errorf("after removing: %v, %v", files, err)
	}
}

func TestRead_NamesTheLineThatItCannotRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.jsonl")
	if err := os.WriteFile(file, []byte("{\"table\":\"requests\"}\nnot JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(file); err == nil || !strings.Contains(err.Error(), "x.jsonl:2") {
		t.Errorf("error %v", err)
	}
}

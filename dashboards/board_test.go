package dashboards_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// board is what the tests read of a Grafana dashboard.
type board struct {
	ID            *int
	UID           string
	Title         string
	Description   string
	SchemaVersion int
	Editable      bool
	Timezone      string
	Templating    struct{ List []variable }
	Panels        []panel
}

type variable struct {
	Name, Label, Description, Type string
	Datasource                     source
	Query                          json.RawMessage
	Refresh                        int
	IncludeAll                     bool
}

type panel struct {
	ID          int
	Type        string
	Title       string
	Description string
	Datasource  source
	Interval    string
	GridPos     struct{ X, Y, W, H int }
	FieldConfig struct {
		Defaults  struct{ Unit, DisplayName string }
		Overrides []struct {
			Matcher struct{ ID, Options string }
		}
	}
	Targets []target
}

type target struct {
	RefID      string
	Datasource source
	EditorType string
	QueryType  string
	Format     int
	RawSQL     string
}

type source struct{ Type, UID string }

// Grafana's numbers for the format of a query's answer.
const (
	formatTimeSeries = 0
	formatTable      = 1
)

// boards reads the boards by file name.
func boards(t *testing.T) map[string]board {
	t.Helper()
	files, err := filepath.Glob("grafana/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no boards: %v", err)
	}
	read := map[string]board{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var b board
		if err := json.Unmarshal(content, &b); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		read[file] = b
	}
	return read
}

var throughlineSource = source{Type: "grafana-clickhouse-datasource", UID: "${datasource}"}

func TestBoardsCanBeProvisioned(t *testing.T) {
	uids := map[string]string{}
	for file, b := range boards(t) {
		if b.ID != nil {
			t.Errorf("%s has a numeric id, which belongs to one Grafana only", file)
		}
		if !regexp.MustCompile(`^throughline-[a-z-]{1,28}$`).MatchString(b.UID) || uids[b.UID] != "" {
			t.Errorf("%s: uid %q is not one of ours, or that of %q", file, b.UID, uids[b.UID])
		}
		uids[b.UID] = file
		if b.Title == "" || b.Description == "" || b.Editable || b.SchemaVersion < 36 || b.SchemaVersion > 41 {
			t.Errorf("%s: title %q, description %q, editable %v, schema version %d", file, b.Title, b.Description, b.Editable, b.SchemaVersion)
		}
		if len(b.Panels) == 0 || len(b.Panels) > 25 {
			t.Errorf("%s has %d panels", file, len(b.Panels))
		}
	}
}

func TestBoardsVariables(t *testing.T) {
	for file, b := range boards(t) {
		names := []string{}
		for _, v := range b.Templating.List {
			names = append(names, v.Name)
			if v.Label == "" || v.Description == "" {
				t.Errorf("%s: variable %s has no label or description", file, v.Name)
			}
			if v.Type == "query" && (v.Datasource != throughlineSource || v.Refresh != 2 || !v.IncludeAll) {
				t.Errorf("%s: variable %s should use the chosen data source, refresh with the time range and offer all", file, v.Name)
			}
		}
		if want := []string{"datasource", "app", "source", "visitors", "transaction"}; !slices.Equal(names, want) {
			t.Errorf("%s: variables %v, want %v", file, names, want)
		}
	}
}

func TestBoardsPanels(t *testing.T) {
	for file, b := range boards(t) {
		ids := map[int]bool{}
		for _, p := range b.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: panel %q has no id of its own", file, p.Title)
			}
			ids[p.ID] = true
			if p.Title == "" || len(p.Description) < 40 || p.FieldConfig.Defaults.Unit == "" || p.Datasource != throughlineSource {
				t.Errorf("%s: panel %q lacks a title, a description, a unit or the data source", file, p.Title)
			}
			if p.GridPos.X+p.GridPos.W > 24 || p.GridPos.W == 0 || p.GridPos.H == 0 {
				t.Errorf("%s: panel %q does not fit the grid", file, p.Title)
			}
			checkTargets(t, file, p)
		}
		checkOverlap(t, file, b.Panels)
	}
}

func checkTargets(t *testing.T, file string, p panel) {
	t.Helper()
	if len(p.Targets) == 0 {
		t.Errorf("%s: panel %q asks nothing", file, p.Title)
	}
	sampled := false
	for _, q := range p.Targets {
		kind := "timeseries"
		if q.Format == formatTable {
			kind = "table"
		}
		if q.EditorType != "sql" || q.QueryType != kind || q.Datasource != throughlineSource || q.RefID == "" {
			t.Errorf("%s: panel %q, query %s is not a complete SQL query: %+v", file, p.Title, q.RefID, q)
		}
		if q.Format == formatTimeSeries && p.Interval == "" {
			t.Errorf("%s: panel %q has no min interval", file, p.Title)
		}
		if !strings.Contains(q.RawSQL, "$__timeFilter(timestamp)") || !strings.Contains(q.RawSQL, "$app") {
			t.Errorf("%s: panel %q, query %s leaves out the time range or the app", file, p.Title, q.RefID)
		}
		sampled = sampled || regexp.MustCompile(`\bcount\(\) AS (samples|requests)|lcp_samples`).MatchString(q.RawSQL)
	}
	if strings.Contains(p.Targets[0].RawSQL, "quantile(") && !sampled {
		t.Errorf("%s: panel %q shows a percentile without the number of samples", file, p.Title)
	}
}

func checkOverlap(t *testing.T, file string, panels []panel) {
	t.Helper()
	taken := map[[2]int]string{}
	for _, p := range panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s: panels %q and %q overlap", file, other, p.Title)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}

// TestOverviewIsTheSameEverywhere keeps the board's first table and the SQL of
// the terminal and the console one: they differ in how they are told the time
// range, and the board can be filtered.
func TestOverviewIsTheSameEverywhere(t *testing.T) {
	content, err := os.ReadFile("sql/overview.sql")
	if err != nil {
		t.Fatal(err)
	}
	var statement []string
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "--") {
			statement = append(statement, line)
		}
	}
	const theirs = "timestamp >= {from:DateTime64(3, 'UTC')} AND timestamp < {to:DateTime64(3, 'UTC')} AND bot = ''"
	const ours = "$__timeFilter(timestamp)" +
		" AND $__conditionalAll(app IN (${app:singlequote}), $app)" +
		" AND $__conditionalAll(if(bot = '', 'people', 'bots') IN (${visitors:singlequote}), $visitors)" +
		" AND $__conditionalAll(source IN (${source:singlequote}), $source)" +
		" AND $__conditionalAll(transaction IN (${transaction:singlequote}), $transaction)"
	want := strings.TrimSpace(strings.ReplaceAll(strings.Join(statement, ""), theirs, ours))
	got := boards(t)["grafana/business-transactions.json"].Panels[0].Targets[0].RawSQL
	if got != want {
		t.Errorf("the board's overview is\n%s\n\nbut sql/overview.sql makes\n%s", got, want)
	}
}

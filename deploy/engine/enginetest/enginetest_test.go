package enginetest_test

import (
	"strings"
	"testing"

	"throughline/deploy/engine/enginetest"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

func TestDatabaseIsFreshAndGoneAfterwards(t *testing.T) {
	e := enginetest.Start(t)
	var names []string
	t.Run("two databases", func(t *testing.T) {
		for range 2 {
			name := enginetest.Database(t)
			names = append(names, name)
			if _, err := e.Query(t.Context(), "CREATE TABLE "+name+".one (a UInt8) ENGINE = MergeTree ORDER BY a"); err != nil {
				t.Fatal(err)
			}
		}
	})
	if names[0] == names[1] {
		t.Fatalf("both databases are called %s", names[0])
	}
	got, err := e.Query(t.Context(), "SELECT name, engine FROM system.databases WHERE name LIKE 'test%'")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(got) != "" {
		t.Errorf("databases after the test: %s", got)
	}
}

func TestAllTestsShareOneEngine(t *testing.T) {
	first, second := enginetest.Start(t), enginetest.Start(t)
	if first != second {
		t.Error("two calls of Start gave two engines")
	}
}

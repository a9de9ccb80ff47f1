package engine

import (
	"maps"
	"testing"
)

func TestReplayInserts(t *testing.T) {
	for name, c := range map[string]struct {
		log  string
		want map[string]string // nil: cannot be read
	}{
		"empty":                  {"", map[string]string{}},
		"noted":                  {"1\t202611_1_1_0\ta\n1\t202611_2_2_0\tb\n", map[string]string{"a": "202611_1_1_0", "b": "202611_2_2_0"}},
		"forgotten":              {"1\tall_1_1_0\ta\n2\tall_1_1_0\ta\n", map[string]string{}},
		"forgotten, noted again": {"1\tall_1_1_0\ta\n2\tall_1_1_0\ta\n1\tall_5_5_0\ta\n", map[string]string{"a": "all_5_5_0"}},
		"cut off":                {"1\tall_1_1_0\ta\n1\tall_2_2_0\tb", nil},
		"another operation":      {"3\tall_1_1_0\ta\n", nil},
		"no part":                {"1\tall\ta\n", nil},
		"no id":                  {"1\tall_1_1_0\n", nil},
	} {
		got := map[string]string{}
		if err := replayInserts(got, c.log); (err != nil) != (c.want == nil) || c.want != nil && !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestParsePart(t *testing.T) {
	for name, want := range map[string]part{
		"202611_3_7_2":                {"202611", 3, 7},
		"all_1_1_0_12":                {"all", 1, 1},
		"tmp_insert_202611_4_4_0":     {},
		"delete_tmp_all_1_1_0":        {},
		"detached":                    {},
		"deduplication_logs":          {},
		"all_2_1_0":                   {},
		"all_-1_1_0":                  {},
		"_1_1_0":                      {},
		"all_1_99999999999999999999_": {},
	} {
		if got, ok := parsePart(name); ok != (want != part{}) || ok && got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	whole := part{"all", 3, 7}
	for other, want := range map[part]bool{{"all", 3, 7}: true, {"all", 5, 5}: true, {"all", 2, 3}: false, {"all", 8, 8}: false, {"202611", 5, 5}: false} {
		if whole.covers(other) != want {
			t.Errorf("covers %+v: %v", other, !want)
		}
	}
}

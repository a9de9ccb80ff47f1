package sourcemap

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// indexOf makes an index of a map in memory.
func indexOf(text io.Reader) (*index, Info, error) {
	var file bytes.Buffer
	d := newDocument(text)
	w := newWriter(&file, 1<<30, d.invalid)
	var info Info
	if err := readMap(d, w); err != nil {
		return nil, info, err
	}
	if err := w.finish(&info); err != nil {
		return nil, info, err
	}
	x, err := openIndex(bytes.NewReader(file.Bytes()), int64(file.Len()))
	return x, info, err
}

func fixtures(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "maps", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("fixtures %s: %v, %v", pattern, paths, err)
	}
	contents := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		contents[strings.TrimSuffix(filepath.Base(path), ".json")] = content
	}
	return contents
}

func TestReadMap_Good(t *testing.T) {
	type places map[[2]uint32]Position // from 0, in the script and in the source
	wants := map[string]places{
		"good_plain": {
			{0, 0}: {Source: "a.ts", Name: "a"}, {0, 1}: {Source: "a.ts", Column: 1}, {0, 900}: {Source: "a.ts", Column: 1},
			{1, 0}: {Source: "a.ts", Line: 1}, {2, 0}: {},
		},
		"good_no_names":         {{0, 5}: {Source: "a.ts"}},
		"good_mappings_first":   {{0, 0}: {Source: "src/a.ts", Name: "a"}},
		"good_prefix":           {{0, 0}: {Source: "a.ts"}},
		"good_byte_order_mark":  {{0, 0}: {Source: "a.ts"}},
		"good_null_sources":     {{0, 0}: {}, {0, 1}: {Source: "b.ts"}},
		"good_empty":            {{0, 0}: {}},
		"good_empty_segments":   {{0, 0}: {}, {1, 0}: {Source: "a.ts"}},
		"good_ignored":          {{0, 0}: {Source: "a.ts"}, {0, 1}: {Source: "lib.ts", Ignored: true}},
		"good_escaped_mappings": {{0, 0}: {Source: "a.ts"}, {0, 1}: {Source: "a.ts"}},
		"good_unsorted":         {{0, 4}: {}, {0, 5}: {Source: "a.ts", Column: 1}, {0, 9}: {Source: "a.ts", Column: 1}, {0, 10}: {Source: "a.ts"}},
		"good_sections":         {{0, 8}: {Source: "a.ts"}, {0, 9}: {Source: "b.ts", Name: "b"}, {1, 0}: {}},
		"good_no_sections":      {{0, 0}: {}},
	}
	for name, content := range fixtures(t, "good_*") {
		if _, ok := wants[name]; !ok {
			t.Errorf("nothing is expected of %s", name)
		}
		x, _, err := indexOf(bytes.NewReader(content))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for at, want := range wants[name] {
			if got, ok, err := x.resolve(at[0], at[1]); err != nil || got != want || ok != (want != Position{}) {
				t.Errorf("%s: %v comes from %+v (%t, %v), want %+v", name, at, got, ok, err, want)
			}
		}
	}
}

func TestReadMap_Bad(t *testing.T) {
	wants := map[string]string{
		"bad_array":                    "'[' where '{' should be",
		"bad_deep":                     "more than 64 levels",
		"bad_ends_early":               "the map ends early",
		"bad_html":                     "'<' where '{' should be",
		"bad_ignored_negative":         "ignoreList names source -1, and there are 1",
		"bad_ignored_unknown":          "ignoreList names source 1, and there are 1",
		"bad_mappings_cut_number":      "mappings: line 0: a number without its last digit",
		"bad_mappings_digit":           "mappings: line 1: '*' is no digit of base 64",
		"bad_mappings_huge_column":     "mappings: line 0: a position or index of 4294967294",
		"bad_mappings_missing":         "a map without mappings",
		"bad_mappings_negative_line":   "mappings: line 0: a position or index of -1",
		"bad_mappings_null":            "mappings is null",
		"bad_mappings_number":          "'7' where '\"' should be",
		"bad_mappings_overflow":        "mappings: line 0: a number of more than 32 bits",
		"bad_mappings_six_numbers":     "mappings: line 0: a segment of more than 5 numbers",
		"bad_mappings_twice":           "mappings stands there twice",
		"bad_mappings_two_numbers":     "mappings: line 0: a segment of 2 numbers; it has 1, 4 or 5",
		"bad_name_unknown":             "mappings name name 0, and there are 0",
		"bad_names_null_item":          "'n' where '\"' should be",
		"bad_sections_and_mappings":    "a map has mappings or sections, not both",
		"bad_sections_map_first":       "a section has one offset and then one map",
		"bad_sections_nested":          "sections within a section",
		"bad_sections_no_map":          "a section without a map",
		"bad_sections_offset_absurd":   "a section's offset is a line and a column from 0 to 2147483647",
		"bad_sections_offset_negative": "a section's offset is a line and a column from 0 to 2147483647",
		"bad_sections_offset_partial":  "a section's offset is a line and a column from 0 to 2147483647",
		"bad_sections_overlap":         "a section at line 0, column 9 begins before the end of the one before it",
		"bad_sections_position_absurd": "mappings: a position beyond 2147483647",
		"bad_sections_url":             "a section by url: maps are never fetched; upload one file with all of them",
		"bad_source_unknown":           "mappings name source 1, and there are 1",
		"bad_sources_number":           "'7' where '\"' should be",
		"bad_trailing":                 "something follows the map",
		"bad_version_2":                "version is 2, and must be 3",
		"bad_version_fraction":         "3.5 is not a whole number in range",
		"bad_version_missing":          "version is 0, and must be 3",
		"bad_version_null":             "version is null",
	}
	for name, content := range fixtures(t, "bad_*") {
		_, _, err := indexOf(bytes.NewReader(content))
		var invalid *InvalidError
		if !errors.As(err, &invalid) || wants[name] == "" || !strings.HasSuffix(invalid.Detail, wants[name]) {
			t.Errorf("%s: %v, want %q", name, err, wants[name])
		}
	}
	if len(wants) != len(fixtures(t, "bad_*")) {
		t.Error("an error is expected of a map that is not there")
	}
}

func TestRooted(t *testing.T) {
	for want, c := range map[string][2]string{
		"src/a.ts": {"src", "a.ts"}, "src/b.ts": {"src/", "b.ts"}, "c.ts": {"", "c.ts"}, "/d.ts": {"src", "/d.ts"},
		"webpack://shop/e.ts": {"src", "webpack://shop/e.ts"}, "https://shop.example/f.ts": {"https://shop.example", "f.ts"},
	} {
		if got := (&part{root: c[0]}).rooted(c[1]); got != want {
			t.Errorf("%v: %q, want %q", c, got, want)
		}
	}
}

func TestReadMap_CutsTexts(t *testing.T) {
	long := strings.Repeat("ü", maxTextBytes)
	x, _, err := indexOf(strings.NewReader(fmt.Sprintf(`{"version":3,"sourceRoot":%q,"sources":["a.ts"],"names":["x\u0000\n%s"],"mappings":"AAAAA"}`, long, long)))
	if err != nil {
		t.Fatal(err)
	}
	p, ok, err := x.resolve(0, 0)
	if err != nil || !ok || len(p.Source) != maxTextBytes || !utf8.ValidString(p.Source) || !strings.HasPrefix(p.Name, "xü") || len(p.Name) > maxTextBytes || !utf8.ValidString(p.Name) {
		t.Errorf("%+v, %t, %v", p, ok, err)
	}
}

func TestReadMap_BoundsWhatItHolds(t *testing.T) {
	for name, text := range map[string]io.Reader{
		"names":   repeated(`{"version":3,"names":[""`, `,""`, maxTexts),
		"sources": repeated(`{"version":3,"sources":[""`, `,""`, maxTexts),
		"ignored": repeated(`{"version":3,"ignoreList":[0`, `,0`, maxTexts),
		"bytes":   repeated(`{"version":3,"sources":["a.ts"`, `,"`+strings.Repeat("a", maxTextBytes)+`"`, maxHeldBytes/maxTextBytes),
	} {
		_, _, err := indexOf(text)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(invalid.Detail, "more than") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// repeated is a text whose end is repeated.
func repeated(before, part string, times int) io.Reader {
	return strings.NewReader(before + strings.Repeat(part, times))
}

func TestReadMap_RefusesSegmentsThatComeTooLate(t *testing.T) {
	var segments []segment
	for column := range uint32(3 * sortWindow) {
		segments = append(segments, segment{column: column + 1, name: none})
	}
	for _, c := range []struct {
		late int // how many segments too late the first comes
		want string
	}{{sortWindow / 2, ""}, {2 * sortWindow, "line 0, column 0 stands more than 2048 segments behind its place"}} {
		mixed := slices.Insert(slices.Clone(segments), c.late, segment{name: none})
		_, info, err := indexOf(strings.NewReader(fmt.Sprintf(`{"version":3,"sources":["a.ts"],"mappings":%q}`, encodeMappings(mixed))))
		if c.want == "" && (err != nil || info.Segments != len(mixed)) || c.want != "" && !strings.HasSuffix(fmt.Sprint(err), c.want) {
			t.Errorf("%d too late: %v, %d segments, want %q", c.late, err, info.Segments, c.want)
		}
	}
}

// encodeMappings writes segments, in the order that they have.
func encodeMappings(segments []segment) string {
	var text strings.Builder
	number := func(n int64) {
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		bits := uint64(max(n, -n)) << 1
		if n < 0 {
			bits |= 1
		}
		for ; bits >= 32; bits >>= 5 {
			text.WriteByte(digits[bits&31|32])
		}
		text.WriteByte(digits[bits])
	}
	var last segment
	last.source, last.name = 0, 0
	for i, s := range segments {
		for ; last.line < s.line; last.line++ {
			text.WriteByte(';')
			last.column = 0
		}
		if i > 0 {
			text.WriteByte(',')
		}
		number(int64(s.column) - int64(last.column))
		last.column = s.column
		if s.source != none {
			number(s.source - last.source)
			number(int64(s.sourceLine) - int64(last.sourceLine))
			number(int64(s.sourceColumn) - int64(last.sourceColumn))
			last.source, last.sourceLine, last.sourceColumn = s.source, s.sourceLine, s.sourceColumn
		}
		if s.name != none {
			number(s.name - last.name)
			last.name = s.name
		}
	}
	return text.String()
}

// Any map answers as a search through all its segments would.
func TestIndex_AnswersAsItsMapDoes(t *testing.T) {
	const sources, names = 3, 4
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]uint32{2, 40, 100_000}).Draw(t, "spread")
		line := uint32(0)
		segments := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) segment {
			if rapid.IntRange(0, 9).Draw(t, "new line") == 0 {
				line += rapid.Uint32Range(1, 3).Draw(t, "lines")
			}
			s := segment{line: line, column: rapid.Uint32Range(0, spread).Draw(t, "column"), source: none, name: none}
			if rapid.IntRange(0, 4).Draw(t, "sourced") > 0 {
				s.source = rapid.Int64Range(0, sources-1).Draw(t, "source")
				s.sourceLine = rapid.Uint32Range(0, 1<<31-1).Draw(t, "source line")
				s.sourceColumn = rapid.Uint32Range(0, 1<<31-1).Draw(t, "source column")
				s.name = rapid.Int64Range(none, names-1).Draw(t, "name")
			}
			return s
		}), 0, 400).Draw(t, "segments")
		if rapid.Bool().Draw(t, "in order") {
			inOrder(segments)
		}
		document, err := json.Marshal(map[string]any{
			"version": 3, "sources": []string{"0", "1", "2"}, "names": []string{"0", "1", "2", "3"},
			"mappings": encodeMappings(segments), "sourcesContent": []string{`"\`, "é", ""}, "ignoreList": []int{2},
		})
		if err != nil {
			t.Fatal(err)
		}
		x, _, err := indexOf(iotest.HalfReader(bytes.NewReader(document)))
		if err != nil {
			t.Fatalf("%v in %s", err, document)
		}
		for range 20 {
			atLine, atColumn := rapid.Uint32Range(0, line+1).Draw(t, "at line"), rapid.Uint32Range(0, spread+1).Draw(t, "at column")
			want, known := search(segments, atLine, atColumn)
			if got, ok, err := x.resolve(atLine, atColumn); got != want || ok != known || err != nil {
				t.Fatalf("%d:%d is %+v (%t, %v), want %+v (%t)", atLine, atColumn, got, ok, err, want, known)
			}
		}
	})
}

// search looks at every segment.
func search(segments []segment, line, column uint32) (p Position, ok bool) {
	var best *segment
	for i := range segments {
		s := &segments[i]
		if s.line == line && s.column <= column && (best == nil || s.column > best.column) {
			best = s
		}
	}
	if best == nil || best.source == none {
		return p, false
	}
	p = Position{Source: fmt.Sprint(best.source), Line: int(best.sourceLine), Column: int(best.sourceColumn), Ignored: best.source == 2}
	if best.name != none {
		p.Name = fmt.Sprint(best.name)
	}
	return p, true
}

// What a document takes for JSON is what encoding/json takes for it.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-0.5e+9,true,false,null,"\ud83d\uded2 \u0041\n"],"b":{}}`, ` [ ] x`, `01`, `"\ud800"`, `"\x"`, "\"\x01\"", `{"a" 1}`, `[1,]`, `-`, `1e`, `nul`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := newDocument(iotest.OneByteReader(bytes.NewReader(data)))
		err := d.skip()
		if err == nil {
			err = d.ends()
		}
		if strings.Contains(fmt.Sprint(err), "more than") {
			return // a bound that encoding/json does not have
		}
		if (err == nil) != json.Valid(data) {
			t.Fatalf("%q: %v, but valid is %t", data, err, json.Valid(data))
		}
		var value any
		if json.Unmarshal(data, &value) != nil {
			return
		}
		want, isText := value.(string)
		if !isText {
			return
		}
		got, err := newDocument(bytes.NewReader(data)).text(1 << 20)
		if want = clean([]byte(want), 1<<20); got != want || err != nil {
			t.Fatalf("%q is %q (%v), want %q", data, got, err, want)
		}
	})
}

// No map makes an index that cannot be read.
func FuzzReadMap(f *testing.F) {
	for _, content := range fixtures(f, "*.json") {
		f.Add(content, uint32(0), uint32(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, line, column uint32) {
		x, info, err := indexOf(bytes.NewReader(data))
		var invalid *InvalidError
		if err != nil {
			if !errors.As(err, &invalid) {
				t.Fatalf("%q: %v", data, err)
			}
			return
		}
		if _, _, err := x.resolve(line, column); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if described, err := x.describe(); err != nil || described.Segments != info.Segments || described.Sources != info.Sources {
			t.Fatalf("%q: %+v, %v", data, described, err)
		}
	})
}

// indexBytes is an index of so many segments, a hundred on each line.
func indexBytes(t testing.TB, count uint32) []byte {
	t.Helper()
	var segments []segment
	for i := range count {
		segments = append(segments, segment{line: i / 100, column: i % 100 * 3, source: int64(i % 2), sourceLine: i, sourceColumn: 7, name: int64(i%3) - 1})
	}
	var file bytes.Buffer
	d := newDocument(strings.NewReader(fmt.Sprintf(`{"version":3,"sources":["a.ts","b.ts"],"ignoreList":[1],"names":["a","b"],"mappings":%q}`, encodeMappings(segments))))
	w := newWriter(&file, 1<<20, d.invalid)
	err := readMap(d, w)
	if err == nil {
		err = w.finish(&Info{App: "shop", Release: "1", File: "/a.js"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// resolveIn answers from an index as a store does.
func resolveIn(data []byte, line, column uint32) (p Position, ok bool, err error) {
	x, err := openIndex(bytes.NewReader(data), int64(len(data)))
	if err == nil {
		err = x.verify()
	}
	if err != nil {
		return p, false, err
	}
	return x.resolve(line, column)
}

// Whichever byte a disk changes, an index says that it is damaged rather than
// another place.
func TestIndex_TellsDamage(t *testing.T) {
	whole := indexBytes(t, 3*blockSegments)
	places := [][2]uint32{{0, 0}, {1, 31}, {1, 150}, {2, 299}, {3, 40}, {3, 900}}
	noticed := 0
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 0x55
		for _, at := range places {
			want, wantOK, err := resolveIn(whole, at[0], at[1])
			if err != nil || !wantOK {
				t.Fatalf("%v comes from %+v, %t, %v", at, want, wantOK, err)
			}
			got, ok, err := resolveIn(damaged, at[0], at[1])
			if err != nil {
				noticed++
			} else if got != want || !ok {
				t.Fatalf("byte %d: %v comes from %+v, %t", i, at, got, ok)
			}
		}
	}
	if noticed == 0 {
		t.Error("no damage was noticed")
	}
}

// Whatever is in an index, reading it ends within its bounds.
func FuzzOpenIndex(f *testing.F) {
	f.Add(indexBytes(f, 3), uint32(0), uint32(5))
	f.Fuzz(func(t *testing.T, data []byte, line, column uint32) {
		x, err := openIndex(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		_, _ = x.describe()
		p, ok, err := x.resolve(line, column)
		if err == nil && ok && (p.Line < 0 || p.Column < 0 || len(p.Source) > maxTextBytes || len(p.Name) > maxTextBytes) {
			t.Fatalf("%+v", p)
		}
	})
}

// A block is checked again after its checksum: so that the fuzzer gets there.
func FuzzFind(f *testing.F) {
	var state segmentState
	var block []byte
	for _, s := range []segment{{column: 3, source: none, name: none}, {line: 1, source: 2, sourceLine: 9, sourceColumn: 4, name: 1}, {line: 1, column: 8, source: 1, name: none}} {
		block = state.encode(block, s)
	}
	f.Add(block, uint32(1), uint32(3))
	f.Fuzz(func(t *testing.T, block []byte, line, column uint32) {
		s, ok, err := find(block, line, column)
		if err == nil && ok && (s.line != line || s.after(line, column) || s.source < none || s.name < none) {
			t.Fatalf("%+v is found for %d:%d", s, line, column)
		}
	})
}

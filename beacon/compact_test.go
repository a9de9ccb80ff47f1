package beacon

import (
	"bytes"
	stdjson "encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what compact reports say into testdata/wire/compact/*.want")

const compactFolder = "testdata/wire/compact"

func compactFixtures(t testing.TB, prefix string) map[string][]byte {
	t.Helper()
	return fixtures(t, compactFolder, prefix)
}

// Beside each good fixture stands what it says in version 1.
func TestDecode_ReadsCompactReports(t *testing.T) {
	for name, data := range compactFixtures(t, "good_") {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join(compactFolder, name+".want")
			report, rejects, err := Decode(data)
			if err != nil || len(rejects) != 0 {
				t.Fatalf("Decode: %v, %v", rejects, err)
			}
			got, err := stdjson.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(bytes.TrimSpace(want)), string(got)); diff != "" {
				t.Errorf("the report says another thing (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecode_RefusesBadCompactReportsForTheReasonInTheirName(t *testing.T) {
	for name, data := range compactFixtures(t, "bad_") {
		t.Run(name, func(t *testing.T) {
			got := onlyReject(t, data)
			if rest := strings.TrimPrefix(name, "bad_"); !strings.HasPrefix(rest, string(got.Reason)+"_") {
				t.Errorf("reason %q does not match the file's name", got.Reason)
			}
			if got.Detail == "" {
				t.Error("no detail for people")
			}
			if report, _, err := Decode(data); err == nil && len(report.Events) != 6 {
				t.Errorf("%d events are kept, want the six good ones", len(report.Events))
			}
		})
	}
}

func TestDecode_GivesEventsOfCompactReportsIDsThatStayTheSame(t *testing.T) {
	body := func(view, sequence string) []byte {
		return []byte(`[2,1771000005000,-4,"0123456789abcdef",-1,` + sequence + `,-3,["` + view +
			`",1771000000000,"https://shop.example/"],-1,[[2,-3,"a"],[2,-3,"b"]]]`)
	}
	seen := make(map[string]bool)
	for _, view := range []string{"fedcba9876543210", "fedcba9876543211"} {
		for _, sequence := range []string{"0", "1", "65535"} {
			first, _, err := Decode(body(view, sequence))
			if err != nil {
				t.Fatal(err)
			}
			again, _, err := Decode(body(view, sequence))
			if err != nil {
				t.Fatal(err)
			}
			for i := range first.Events {
				if first.Events[i].ID != again.Events[i].ID {
					t.Errorf("event %d of view %s has another id the second time", i, view)
				}
				if seen[first.Events[i].ID] {
					t.Errorf("id %s comes twice", first.Events[i].ID)
				}
				seen[first.Events[i].ID] = true
			}
		}
	}
}

func TestDecodeFor_StampsWhatAPageReports(t *testing.T) {
	journey := JourneyContext{Name: "Checkout", RunID: "00000000000000c1", Location: "Frankfurt"}
	for name, data := range compactFixtures(t, "good_every_column") {
		report, rejects, err := DecodeFor(journey, data)
		if err != nil || len(rejects) > 0 {
			t.Fatalf("%s: %v, %v", name, rejects, err)
		}
		if report.Source != SourceSynthetic || *report.Journey != journey {
			t.Errorf("the report is of %s, %v", report.Source, report.Journey)
		}
	}
}

// The two ways to read a compact report must say the same.
func FuzzCompactReader(f *testing.F) {
	for _, prefix := range []string{"good_", "bad_"} {
		for _, data := range compactFixtures(f, prefix) {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fast := compactReader{reader: newReader(data), report: new(Report)}
		if fast.read(); !fast.ended() {
			return
		}
		careful := compactReader{reader: newReader(data), report: new(Report), careful: true}
		if careful.read(); !careful.ended() {
			t.Fatal("what is read at once cannot be read event by event")
		}
		for i, reject := range careful.malformed {
			if reject != nil {
				t.Fatalf("event %d is refused when it is read alone: %v", i, reject)
			}
		}
		if diff := cmp.Diff(fast.report, careful.report); diff != "" {
			t.Fatalf("read event by event, the report says another thing:\n%s", diff)
		}
	})
}

// The beacon writes columns by their places in an enumeration of its own.
func TestCompactPageView_HasTheBeaconsColumns(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "js", "src", "compact.ts"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(source), "export enum Col {")
	body, _, _ := strings.Cut(rest, "}")
	names := compactPageView()
	if diff := cmp.Diff(names[:], regexp.MustCompile(`[a-z_]+`).FindAllString(body, -1)); diff != "" {
		t.Errorf("the columns differ (-here +js/src/compact.ts):\n%s", diff)
	}
}

// It writes words by their places in enumerations of its own.
func TestCompactWords_HaveTheBeaconsPlaces(t *testing.T) {
	source, err := os.ReadFile(filepath.Join("..", "js", "src", "compact.ts"))
	if err != nil {
		t.Fatal(err)
	}
	words := map[string][]string{
		"Came": textsOf(compactNavigations()), "Detection": textsOf(compactDetections()), "Phase": textsOf(compactPhases()),
		"Abandonment": textsOf(compactAbandonments()), "Failure": textsOf(compactFailures()), "ErrorKind": textsOf(compactErrorKinds()),
		"Outcome": textsOf(compactOutcomes()), "ActionKind": textsOf(compactActionKinds()), "MeasureKind": textsOf(compactMeasureKinds()),
	}
	member := regexp.MustCompile(`([a-z_]+)(?: = (\d+))?,`)
	for enum, here := range words {
		_, rest, ok := strings.Cut(string(source), "export enum "+enum+" {")
		if !ok {
			t.Errorf("js/src/compact.ts has no %s", enum)
			continue
		}
		body, _, _ := strings.Cut(rest, "}")
		place := 0
		for _, found := range member.FindAllStringSubmatch(body, -1) {
			place++
			if found[2] != "" {
				place, _ = strconv.Atoi(found[2])
			}
			if place > len(here) || here[place-1] != found[1] {
				t.Errorf("%s.%s is %d there, and here %d of %v", enum, found[1], place, place, here)
			}
		}
	}
}

// textsOf returns the words of a list as the beacon's sources write them.
func textsOf(list any) (texts []string) {
	for i := range reflect.ValueOf(list).Len() {
		word := strings.ReplaceAll(reflect.ValueOf(list).Index(i).String(), "-", "_")
		if word == string(ErrorResource) {
			word = "not_loaded" // the other is a name of browsers
		}
		texts = append(texts, word)
	}
	return texts
}

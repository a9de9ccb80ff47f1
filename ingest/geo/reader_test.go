package geo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

var quiet = slog.New(slog.DiscardHandler)

func open(t testing.TB, options Options) *Reader {
	t.Helper()
	if options.Log == nil {
		options.Log = quiet
	}
	r, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPlace_TellsCountryRegionAndNetwork(t *testing.T) {
	places := map[string]mmdbtype.DataType{
		"203.0.113.0/24":    city("DE", "BY", "09162"),
		"203.0.113.128/25":  city("GB", "ENG"),
		"198.51.100.0/25":   city("SG"),
		"198.51.100.128/25": city(""),
		"192.0.2.0/26":      city("De", "BY"),
		"192.0.2.64/26":     city("FR", "toolong"),
		"192.0.2.128/26":    city("FR", "i d"),
		"2001:db8:1::/48":   city("AT", "9"),
		"2001:db8:2:3::/64": city("CH", "ZH"),
		"2001:db8:4::/126":  city("LI"),
		"10.0.0.0/8":        city("US"),
		"127.0.0.0/8":       city("US"),
		"fd00::/8":          city("US"),
		"fe80::/10":         city("US"),
	}
	networks := map[string]mmdbtype.DataType{
		"203.0.113.0/25":  system(64500, "Example Network AG"),
		"198.51.100.0/24": system(64501, ""),
		"192.0.2.0/24":    system(64502, " \x1b[31mBad\r\nName\u202e "),
		"2001:db8::/32":   system(64503, strings.Repeat("é", 70)),
		"10.0.0.0/8":      system(64504, "Ours"),
	}
	long := strings.Repeat("é", 50)
	want := map[string]Place{
		"203.0.113.0":           {"DE", "DE-BY", "Example Network AG"},
		"203.0.113.127":         {"DE", "DE-BY", "Example Network AG"},
		"203.0.113.128":         {"GB", "GB-ENG", ""},
		"203.0.113.255":         {"GB", "GB-ENG", ""},
		"203.0.114.0":           {},
		"203.0.112.255":         {},
		"::ffff:203.0.113.1":    {"DE", "DE-BY", "Example Network AG"},
		"::203.0.113.1":         {}, // compatible, not mapped: nobody's
		"198.51.100.1":          {"SG", "", "AS64501"},
		"198.51.100.200":        {"", "", "AS64501"},
		"192.0.2.1":             {"", "", "[31mBadName"},
		"192.0.2.65":            {"FR", "", "[31mBadName"},
		"192.0.2.129":           {"FR", "", "[31mBadName"},
		"2001:db8:1::1":         {"AT", "AT-9", long},
		"2001:db8:1::1%eth0":    {"AT", "AT-9", long},
		"2001:db8:2:3:ffff::1":  {"CH", "CH-ZH", long},
		"2001:db8:2:4::1":       {"", "", long},
		"2001:db8:4::ffff":      {"LI", "", long}, // as the beginning of its /64
		"2001:db9::":            {},
		"2002:cb00:7101::1":     {}, // 6to4 of 203.0.113.1
		"10.1.2.3":              {},
		"::ffff:10.1.2.3":       {},
		"127.0.0.1":             {},
		"::1":                   {},
		"fd00::1":               {},
		"fe80::1":               {},
		"0.0.0.0":               {},
		"255.255.255.255":       {},
		"::":                    {},
		"ffff:ffff:ffff:ffff::": {},
	}
	for _, recordBits := range []int{24, 28, 32} {
		t.Run(fmt.Sprint(recordBits, " bits"), func(t *testing.T) {
			r := open(t, Options{
				PlaceFile:   write(t, "city.mmdb", build(t, mmdbwriter.Options{DatabaseType: "Test-City", RecordSize: recordBits}, places)),
				NetworkFile: write(t, "asn.mmdb", build(t, mmdbwriter.Options{DatabaseType: "Test-ASN", RecordSize: recordBits}, networks)),
			})
			for text, want := range want {
				if got := r.Place(addr(text)); got != want {
					t.Errorf("Place(%s) = %q, want %q", text, got, want)
				}
			}
			if got := r.Place(netip.Addr{}); got != (Place{}) {
				t.Errorf("Place of no address = %q", got)
			}
		})
	}
}

func TestPlace_OfAFileWithOnlyIPv4(t *testing.T) {
	r := open(t, Options{PlaceFile: write(t, "v4.mmdb", build(t, mmdbwriter.Options{DatabaseType: "Test-Country", IPVersion: 4}, map[string]mmdbtype.DataType{
		"203.0.113.0/24": city("DE"),
	}))})
	for text, want := range map[string]string{"203.0.113.9": "DE", "::ffff:203.0.113.9": "DE", "203.0.114.0": "", "2001:db8::1": ""} {
		if got := r.Place(addr(text)).Country; got != want {
			t.Errorf("country of %s = %q, want %q", text, got, want)
		}
	}
}

// A network around all IPv4 addresses is told of them, too.
func TestPlace_OfOneNetworkForAll(t *testing.T) {
	options := mmdbwriter.Options{DatabaseType: "Test-Country", DisableIPv4Aliasing: true}
	r := open(t, Options{PlaceFile: write(t, "all.mmdb", build(t, options, map[string]mmdbtype.DataType{"::/1": city("DE")}))})
	for text, want := range map[string]string{"203.0.113.9": "DE", "2001:db8::1": "DE", "9001::1": ""} {
		if got := r.Place(addr(text)).Country; got != want {
			t.Errorf("country of %s = %q, want %q", text, got, want)
		}
	}
}

func TestReader_NilAndZeroKnowNothing(t *testing.T) {
	none, err := Open(t.Context(), Options{})
	if err != nil || none != nil {
		t.Fatalf("Open without files = %v, %v", none, err)
	}
	for _, r := range []*Reader{none, {}} {
		if got := r.Place(addr("203.0.113.1")); got != (Place{}) {
			t.Errorf("Place = %q", got)
		}
		if got := r.Stats(); got != (Stats{}) {
			t.Errorf("Stats = %+v", got)
		}
		r.Run(t.Context()) // returns, since there is nothing to look for
	}
}

type badFile struct {
	content []byte
	why     string // part of what is said of it
}

// badFiles are files that cannot be used as one of places.
func badFiles(t testing.TB) map[string]badFile {
	good := onePlace(t, "DE")
	asn := build(t, mmdbwriter.Options{DatabaseType: "Test-ASN"}, map[string]mmdbtype.DataType{"203.0.113.0/24": system(64500, "x")})
	flat := build(t, mmdbwriter.Options{DatabaseType: "Flat"}, map[string]mmdbtype.DataType{"203.0.113.0/24": mmdbtype.Map{"country": mmdbtype.String("DE")}})
	empty := build(t, mmdbwriter.Options{DatabaseType: "Test-City"}, nil)
	marker := bytes.LastIndex(good, []byte(metadataMarker))
	return map[string]badFile{
		"empty":              {nil, "0 bytes"},
		"truncated":          {good[:len(good)/2], "its end is missing"},
		"truncated metadata": {good[:marker+len(metadataMarker)+2], "unexpected end"},
		"random bytes":       {randomBytes(300 << 10), "not in the MaxMind DB format"},
		"text":               {[]byte("<html>Not Found</html>"), "not in the MaxMind DB format"},
		"random tree":        {damaged(good, func(b []byte) []byte { copy(b, randomBytes(200)); return b }), "damaged"},
		"tree of zeros":      {damaged(good, func(b []byte) []byte { clear(b[:400]); return b }), "damaged"},
		"tree of loops":      {damaged(good, loopTree), "damaged"},
		"data of zeros":      {damaged(good, func(b []byte) []byte { clear(b[marker-200 : marker]); return b }), "damaged"},
		"middle is missing":  {damaged(good, func(b []byte) []byte { return append(b[:200], b[marker-100:]...) }), "invalid metadata"},
		"wrong type":         {asn, `tells nothing of use here of any network; its type is "Test-ASN"`},
		"unknown layout":     {flat, "of a layout that is not known"},
		"no network":         {empty, "tells nothing of use"},
	}
}

func TestOpen_RefusesFilesThatCannotBeUsed(t *testing.T) {
	var bad *FileError
	for name, c := range badFiles(t) {
		t.Run(name, func(t *testing.T) {
			path := write(t, "bad.mmdb", c.content)
			_, err := Open(t.Context(), Options{PlaceFile: path, Log: quiet})
			if !errors.As(err, &bad) || bad.Role != RolePlace || bad.Path != path || !strings.Contains(err.Error(), c.why) {
				t.Errorf("Open: %v, want a *FileError that says %q", err, c.why)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing.mmdb")
	if _, err := Open(t.Context(), Options{NetworkFile: missing, Log: quiet}); !errors.As(err, &bad) || bad.Role != RoleNetwork || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a missing file: %v", err)
	}
	if _, err := Open(t.Context(), Options{PlaceFile: t.TempDir(), Log: quiet}); !errors.As(err, &bad) || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("Open of a directory: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ended, Options{PlaceFile: write(t, "good.mmdb", onePlace(t, "DE")), Log: quiet}); !errors.Is(err, context.Canceled) {
		t.Errorf("Open after the end: %v", err)
	}
}

// The message may quote the file, and must not be as long as that likes.
func TestOpen_SaysLittleOfWhatIsInTheFile(t *testing.T) {
	options := mmdbwriter.Options{DatabaseType: strings.Repeat("long\n", 10_000)}
	path := write(t, "long.mmdb", build(t, options, map[string]mmdbtype.DataType{"203.0.113.0/24": system(1, "x")}))
	_, err := Open(t.Context(), Options{PlaceFile: path, Log: quiet})
	if err == nil || len(err.Error()) > len(path)+400 || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open: %v", err)
	}
}

// put replaces a file, as tools do that are careful (by a new name) or not (in place).
// Every file that is put has a later time than those before: the clocks of file
// systems are too coarse for a test.
func put(t *testing.T, path string, content []byte, inPlace bool) {
	t.Helper()
	later := time.Now().Add(time.Hour)
	if info, err := os.Stat(path); err == nil {
		later = info.ModTime().Add(time.Second)
	}
	target := path
	if !inPlace {
		target += ".new"
	}
	if err := os.WriteFile(target, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(target, later, later); err != nil {
		t.Fatal(err)
	}
	if !inPlace {
		if err := os.Rename(target, path); err != nil {
			t.Fatal(err)
		}
	}
}

// logCounter counts what is logged.
type logCounter struct{ lines int }

func (l *logCounter) Write(p []byte) (int, error) {
	l.lines += bytes.Count(p, []byte("\n"))
	return len(p), nil
}

// Whatever becomes of the file, the last good one stays in force, and each change
// is logged once.
func TestReader_KeepsTheLastGoodFile(t *testing.T) {
	log := &logCounter{}
	path := write(t, "city.mmdb", onePlace(t, "DE"))
	r := open(t, Options{PlaceFile: path, Log: slog.New(slog.NewTextHandler(log, nil))})
	expect := func(what, country string, lines int, replaced, refused uint64, failing bool) {
		t.Helper()
		log.lines = 0
		for range 3 {
			r.look(t.Context())
		}
		if got := r.Place(addr("203.0.113.1")).Country; got != country {
			t.Errorf("%s: the country is %q, want %q", what, got, country)
		}
		if log.lines != lines {
			t.Errorf("%s: %d lines are logged, want %d", what, log.lines, lines)
		}
		if got := r.Stats().Place; got.Replaced != replaced || got.Refused != refused || got.Failing != failing || got.Ranges == 0 {
			t.Errorf("%s: %+v, want %d replaced and %d refused", what, got, replaced, refused)
		}
	}
	expect("nothing", "DE", 0, 0, 0, false)
	put(t, path, onePlace(t, "FR"), false)
	expect("renamed over", "FR", 1, 1, 0, false)
	put(t, path, onePlace(t, "IT"), true)
	expect("written in place", "IT", 1, 2, 0, false)
	var refused uint64
	for name, bad := range badFiles(t) {
		for _, inPlace := range []bool{false, true} {
			refused++
			put(t, path, bad.content, inPlace)
			expect(name, "IT", 1, 2, refused, true)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	expect("gone", "IT", 1, 2, refused+1, true)
	put(t, path, onePlace(t, "ES"), false)
	expect("back", "ES", 1, 3, refused+1, false)
	put(t, path, nil, true)
	expect("empty again", "ES", 1, 3, refused+2, true)
}

// A fault that is not the file's may pass without a change of it.
func TestReader_TriesAgainAfterAPassingFault(t *testing.T) {
	path := write(t, "city.mmdb", onePlace(t, "DE"))
	r := open(t, Options{PlaceFile: path})
	hidden := path + ".hidden"
	if err := os.Rename(path, hidden); err != nil {
		t.Fatal(err)
	}
	if r.look(t.Context()); !r.Stats().Place.Failing {
		t.Error("a missing file is not noticed")
	}
	if err := os.Rename(hidden, path); err != nil {
		t.Fatal(err)
	}
	if r.look(t.Context()); r.Stats().Place.Failing {
		t.Error("the same file is back and not noticed")
	}
}

func TestRun_LooksEverySoOften(t *testing.T) {
	path := write(t, "city.mmdb", onePlace(t, "DE"))
	replacement := onePlace(t, "FR")
	synctest.Test(t, func(t *testing.T) {
		r := open(t, Options{PlaceFile: path, Interval: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { r.Run(ctx); close(ended) }()
		put(t, path, replacement, false)
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		if got := r.Place(addr("203.0.113.1")).Country; got != "DE" {
			t.Errorf("before the hour is over: %q", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := r.Place(addr("203.0.113.1")).Country; got != "FR" {
			t.Errorf("after it: %q", got)
		}
		cancel()
		<-ended
	})
}

// Tables are not freed under a lookup: every file tells one of two countries of
// all that is asked for, so that any other answer is a fault.
func TestPlace_WhileFilesAreReplaced(t *testing.T) {
	files := [][]byte{onePlace(t, "DE"), onePlace(t, "FR")}
	path := write(t, "city.mmdb", files[0])
	r := open(t, Options{PlaceFile: path})
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	defer asking.Wait()
	defer cancel()
	for _, text := range []string{"203.0.113.1", "2001:db8::1", "203.0.113.255"} {
		asking.Go(func() {
			for client := addr(text); ctx.Err() == nil; runtime.Gosched() {
				if got := r.Place(client).Country; got != "DE" && got != "FR" {
					t.Errorf("country of %s = %q", client, got)
					return
				}
			}
		})
	}
	const replacements = 40
	for i := range replacements {
		put(t, path, files[(i+1)%2], i%3 == 0)
		r.look(t.Context())
		runtime.GC() // which frees what nobody uses
	}
	if got := r.Stats().Place.Replaced; got != replacements {
		t.Errorf("%d files came into force, want %d", got, replacements)
	}
}

package geo

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// database makes a file in MaxMind's format with what some networks are.
func database(t testing.TB, databaseType string, networks map[string]mmdbtype.Map) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: databaseType, Description: map[string]string{"en": "made up"}, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for cidr, value := range networks {
		_, n, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, value); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func in(country string, regions ...string) mmdbtype.Map {
	var subdivisions mmdbtype.Slice
	for _, r := range regions {
		subdivisions = append(subdivisions, mmdbtype.Map{"iso_code": mmdbtype.String(r)})
	}
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(country)}, "subdivisions": subdivisions}
}

func of(organization string) mmdbtype.Map {
	return mmdbtype.Map{"autonomous_system_organization": mmdbtype.String(organization)}
}

func cities(t testing.TB, country string) []byte {
	return database(t, "GeoLite2-City", map[string]mmdbtype.Map{
		"192.0.2.0/24": in(country, "BY", "X"), "2001:db8::/32": in("FR", "IDF"), "198.51.100.0/24": in("GB"), "203.0.113.0/24": in("<script>", "BY"),
	})
}

func write(t testing.TB, file string, content []byte) {
	t.Helper()
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPlace(t *testing.T) {
	dir := t.TempDir()
	o := Options{PlaceFile: filepath.Join(dir, "city.mmdb"), NetworkFile: filepath.Join(dir, "asn.mmdb"), Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}
	write(t, o.PlaceFile, cities(t, "DE"))
	write(t, o.NetworkFile, database(t, "GeoLite2-ASN", map[string]mmdbtype.Map{"192.0.2.0/25": of("Example\x00 AG"), "198.51.100.0/24": of(strings.Repeat("ü", 500))}))
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]Place{
		"192.0.2.1":          {"DE", "DE-BY", "Example AG"},
		"192.0.2.200":        {"DE", "DE-BY", ""},
		"::ffff:192.0.2.200": {"DE", "DE-BY", ""},
		"2001:db8::1":        {"FR", "FR-IDF", ""},
		"2001:db8::1%eth0":   {"FR", "FR-IDF", ""},
		"198.51.100.7":       {"GB", "", strings.Repeat("ü", 100)},
		"203.0.113.7":        {},
		"10.0.0.1":           {},
		"127.0.0.1":          {},
		"::1":                {},
	} {
		if got := r.Place(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is in %+v, want %+v", address, got, want)
		}
	}
	if got := r.Place(netip.Addr{}); got != (Place{}) {
		t.Errorf("no address is in %+v", got)
	}
	if files, err := os.ReadDir(o.Dir); err != nil || len(files) != 0 {
		t.Errorf("copies are left: %v, %v", files, err)
	}
	var none *Reader
	if got := none.Place(netip.MustParseAddr("192.0.2.1")); got != (Place{}) {
		t.Errorf("without files: %+v", got)
	}
	if r, err := Open(Options{}); r != nil || err != nil {
		t.Errorf("Open without files: %v, %v", r, err)
	}
}

func TestOpen_RefusesWhatIsNoSuchDatabase(t *testing.T) {
	good := cities(t, "DE")
	for name, content := range map[string][]byte{
		"bad_empty": {}, "bad_text": []byte("not a database"), "bad_truncated": good[:len(good)/2],
		"bad_type": database(t, "GeoLite2-ASN", nil), "bad_damaged": append(bytes.Repeat([]byte{0xff}, 200), good[200:]...),
	} {
		file := filepath.Join(t.TempDir(), name)
		write(t, file, content)
		if _, err := Open(Options{PlaceFile: file, Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(Options{NetworkFile: "bad_missing", Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "bad_missing") {
		t.Errorf("missing: %v", err)
	}
}

// safeBuffer is a buffer that is written to and read at once.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// Files are replaced, truncated in place, removed, and come back, while addresses
// are looked up all the time: what was good last is in force.
func TestWatch_TakesOverGoodFilesOnly(t *testing.T) {
	good := map[string][]byte{"DE": cities(t, "DE"), "AT": cities(t, "AT"), "CH": cities(t, "CH")}
	dir, copies := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log safeBuffer
		file := filepath.Join(dir, "city.mmdb")
		write(t, file, good["DE"])
		r, err := Open(Options{PlaceFile: file, Dir: copies, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		go r.Watch(t.Context(), time.Second)
		modified := time.Now()
		for _, step := range []struct {
			what string
			do   func()
			want string
			says int // lines of the log in all
		}{
			{"nothing", func() {}, "DE", 0},
			{"replaced", func() { write(t, file+".new", good["AT"]); _ = os.Rename(file+".new", file) }, "AT", 1},
			{"truncated", func() { _ = os.Truncate(file, 100) }, "AT", 2},
			{"removed", func() { _ = os.Remove(file) }, "AT", 2},
			{"back", func() { write(t, file, good["CH"]) }, "CH", 3},
			{"garbage", func() { write(t, file, []byte("garbage")) }, "CH", 4},
			{"good again", func() { write(t, file, good["DE"]) }, "DE", 5},
		} {
			if step.do(); step.says > 0 {
				modified = modified.Add(time.Hour)
				_ = os.Chtimes(file, modified, modified) // may be gone
			}
			var lookups sync.WaitGroup
			for range 4 {
				lookups.Go(func() {
					for range 200 {
						if country := r.Place(netip.MustParseAddr("192.0.2.1")).Country; country == "" {
							t.Errorf("%s: no country", step.what)
							return
						}
					}
				})
			}
			time.Sleep(5 * time.Second)
			lookups.Wait()
			synctest.Wait()
			if got := r.Place(netip.MustParseAddr("192.0.2.1")).Country; got != step.want {
				t.Errorf("%s: in %s, want %s", step.what, got, step.want)
			}
			if said := strings.Count(log.String(), "\n"); said != step.says {
				t.Errorf("%s: the log has %d lines, want %d:\n%s", step.what, said, step.says, log.String())
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add(cities(f, "DE"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 1<<20 {
			t.Skip()
		}
		file := filepath.Join(t.TempDir(), "x")
		write(t, file, content)
		r, err := Open(Options{PlaceFile: file, Dir: dir})
		if err != nil {
			return
		}
		for _, address := range []string{"192.0.2.1", "2001:db8::1", "::"} {
			if p := r.Place(netip.MustParseAddr(address)); len(p.Region) > 7 {
				t.Errorf("%s is in %+v", address, p)
			}
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	file := filepath.Join(b.TempDir(), "city.mmdb")
	write(b, file, cities(b, "DE"))
	r, err := Open(Options{PlaceFile: file, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	address := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		r.Place(address)
	}
}

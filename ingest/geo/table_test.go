package geo

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"pgregory.net/rapid"
)

// Reading a mapped file behind its end is a fault of the machine; it must become an
// error. The file is cut off after it was mapped.
func TestNewTable_OfAFileThatIsCutOffMeanwhile(t *testing.T) {
	path := write(t, "city.mmdb", append(make([]byte, 1<<20), onePlace(t, "DE")...))
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	content, err := mapFile(file, int(info.Size()))
	if err != nil {
		t.Fatal(err)
	}
	defer unmap(content)
	if err := os.Truncate(path, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := newTable(t.Context(), content, func() { forget(content) }, decodePlace); err == nil {
		t.Error("a file of which nothing is left became a table")
	}
}

// The model asks every network that was inserted; the last counts.
func TestTable_AgreesWithAModel(t *testing.T) {
	type inserted struct {
		prefix  netip.Prefix
		country string
	}
	edges := []byte{0, 1, 0x7f, 0x80, 0xff}
	drawAddr := func(rt *rapid.T, label string) netip.Addr {
		if rapid.Bool().Draw(rt, label+" is IPv4") {
			bits := [4]byte{203}
			for i := 1; i < len(bits); i++ {
				bits[i] = rapid.SampledFrom(edges).Draw(rt, label)
			}
			return netip.AddrFrom4(bits)
		}
		bits := addr("2a00::").As16()
		for i := 2; i < 8; i++ {
			bits[i] = rapid.SampledFrom(edges).Draw(rt, label)
		}
		return netip.AddrFrom16(bits)
	}
	rapid.Check(t, func(rt *rapid.T) {
		var networks []inserted
		tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IncludeReservedNetworks: true})
		if err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 12).Draw(rt, "networks") {
			base := drawAddr(rt, "network")
			prefix := netip.PrefixFrom(base, rapid.IntRange(8, min(64, base.BitLen())).Draw(rt, "bits")).Masked()
			country := rapid.SampledFrom([]string{"DE", "FR", "IT"}).Draw(rt, "country")
			if err := tree.Insert(ipNet(prefix), mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(country)}}); err != nil {
				rt.Fatal(err)
			}
			networks = append(networks, inserted{prefix, country})
		}
		made, err := newTable(t.Context(), written(t, tree), noForgetting, decodePlace)
		if err != nil {
			rt.Fatal(err)
		}
		for range 20 {
			client, want := drawAddr(rt, "client"), ""
			for _, n := range networks {
				if n.prefix.Contains(client) {
					want = n.country
				}
			}
			if got := made.find(client).Country; got != want {
				rt.Fatalf("country of %s = %q, want %q", client, got, want)
			}
		}
	})
}

// More ranges than there are between two marks, and keys on and beside each start.
func TestRanges_FindsWhatWasAdded(t *testing.T) {
	for _, keyBytes := range []int{4, 8} {
		r := ranges{keyBytes: keyBytes}
		if r.finish(); r.find(1) != 0 {
			t.Error("something is told of an address where there are no ranges")
		}
		const count, apart = 3*markEvery + 1, 10
		for i := range uint64(count) {
			r.add(i*apart, uint32(i+1))
			r.add(i*apart+apart/2, uint32(i+1)) // prolongs it
		}
		r.finish()
		if r.count() != count {
			t.Errorf("%d ranges, want %d", r.count(), count)
		}
		for i := range uint64(count) {
			if first, last := r.find(i*apart), r.find(i*apart+apart-1); first != uint32(i+1) || last != first {
				t.Errorf("range %d of %d bytes tells %d to %d", i, keyBytes, first, last)
			}
		}
		if got := r.find(1<<(8*keyBytes-1) + 1); got != count {
			t.Errorf("the last range tells %d", got)
		}
	}
}

func FuzzNewTable(f *testing.F) {
	for _, file := range badFiles(f) {
		f.Add(file.content[:min(len(file.content), 64<<10)])
	}
	f.Add(onePlace(f, "DE"))
	f.Add(build(f, mmdbwriter.Options{DatabaseType: "Test", RecordSize: 24, IPVersion: 4}, map[string]mmdbtype.DataType{"203.0.113.0/24": city("DE", "BY")}))
	f.Add(build(f, mmdbwriter.Options{DatabaseType: "Test-ASN", RecordSize: 32}, map[string]mmdbtype.DataType{"203.0.113.0/24": system(1, "One")}))
	f.Fuzz(func(t *testing.T, content []byte) {
		if len(content) > 64<<10 {
			t.Skip("larger files have no other faults")
		}
		places, err := newTable(t.Context(), content, noForgetting, decodePlace)
		checkTable(t, places, err, func(p Place) bool {
			return len(p.Country) == 2 && (p.Region == "" || strings.HasPrefix(p.Region, p.Country+"-") && len(p.Region) <= 6)
		})
		networks, err := newTable(t.Context(), content, noForgetting, decodeNetwork)
		checkTable(t, networks, err, func(name string) bool {
			return name != "" && len(name) <= maxNetworkBytes && utf8.ValidString(name) && strings.IndexFunc(name, func(c rune) bool { return c < ' ' }) < 0
		})
	})
}

func checkTable[V comparable](t *testing.T, made *table[V], err error, valid func(V) bool) {
	var content *badContent
	if err != nil {
		if !errors.As(err, &content) || len(err.Error()) > 300 {
			t.Errorf("newTable: %v", err)
		}
		return
	}
	for _, value := range made.values[1:] {
		if !valid(value) {
			t.Errorf("it tells %v", value)
		}
	}
	for _, text := range []string{"0.0.0.0", "203.0.113.1", "255.255.255.255", "::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
		made.find(addr(text))
	}
}

package geo

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// build makes a file of what networks tell; one inside another counts there.
func build(t testing.TB, options mmdbwriter.Options, told map[string]mmdbtype.DataType) []byte {
	t.Helper()
	options.IncludeReservedNetworks = true // the addresses of documentation
	tree, err := mmdbwriter.New(options)
	if err != nil {
		t.Fatal(err)
	}
	var networks []netip.Prefix
	for text := range told {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	slices.SortFunc(networks, func(a, b netip.Prefix) int { return cmp.Or(a.Bits()-b.Bits(), a.Addr().Compare(b.Addr())) })
	for _, network := range networks {
		if err := tree.Insert(ipNet(network), told[network.String()]); err != nil {
			t.Fatal(err)
		}
	}
	return written(t, tree)
}

func written(t testing.TB, tree *mmdbwriter.Tree) []byte {
	t.Helper()
	var content bytes.Buffer
	if _, err := tree.WriteTo(&content); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func ipNet(prefix netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: prefix.Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}

// city is a record with what there is around the two codes in real files.
func city(country string, regions ...string) mmdbtype.Map {
	names := mmdbtype.Map{"en": mmdbtype.String("Name"), "de": mmdbtype.String("Name"), "ja": mmdbtype.String("名前")}
	record := mmdbtype.Map{
		"city":      mmdbtype.Map{"geoname_id": mmdbtype.Uint32(2867714), "names": names},
		"continent": mmdbtype.Map{"code": mmdbtype.String("EU"), "names": names},
		"location":  mmdbtype.Map{"latitude": mmdbtype.Float64(48.1), "time_zone": mmdbtype.String("Europe/Berlin")},
		"postal":    mmdbtype.Map{"code": mmdbtype.String("80331")},
	}
	if country != "" {
		record["country"] = mmdbtype.Map{"iso_code": mmdbtype.String(country), "names": names}
	}
	var subdivisions mmdbtype.Slice
	for _, region := range regions {
		subdivisions = append(subdivisions, mmdbtype.Map{"iso_code": mmdbtype.String(region), "names": names})
	}
	if len(subdivisions) > 0 {
		record["subdivisions"] = subdivisions
	}
	return record
}

func system(number uint32, name string) mmdbtype.Map {
	record := mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(number)}
	if name != "" {
		record["autonomous_system_organization"] = mmdbtype.String(name)
	}
	return record
}

// onePlace is a file that tells the same of every address that tests ask for.
func onePlace(t testing.TB, country string) []byte {
	t.Helper()
	return build(t, mmdbwriter.Options{DatabaseType: "Test-City", BuildEpoch: 1_700_000_000}, map[string]mmdbtype.DataType{"203.0.113.0/24": city(country), "2001:db8::/32": city(country)})
}

// damaged returns a copy with one change.
func damaged(content []byte, change func([]byte) []byte) []byte {
	return change(bytes.Clone(content))
}

// randomBytes are the same every time.
func randomBytes(n int) []byte {
	source := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, n)
	for i := range content {
		content[i] = byte(source.Uint32())
	}
	return content
}

// loopTree makes the first nodes of 28 bits lead back to node 1.
func loopTree(content []byte) []byte {
	for node := range 32 {
		binary.BigEndian.PutUint32(content[node*7:], 1<<8)
		binary.BigEndian.PutUint32(content[node*7+3:], 1)
	}
	return content
}

func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// noForgetting is for content that is not mapped.
func noForgetting() {}

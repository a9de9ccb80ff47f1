package geo

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// clientOf is an address of each of the networks that wholeWorld makes.
func clientOf(i int, v6 bool) netip.Addr {
	if v6 {
		return netip.AddrFrom16([16]byte{0x24 + byte(i>>16), byte(i >> 8), byte(i), 0x40, byte(i * 7), 1})
	}
	var bits [4]byte
	binary.BigEndian.PutUint32(bits[:], uint32(i)<<12+32<<24)
	return netip.AddrFrom4(bits)
}

// wholeWorld has so many networks of IPv4, /20, and of IPv6, /40.
func wholeWorld(b *testing.B, networks int, record func(i int) mmdbtype.DataType) []byte {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test", IncludeReservedNetworks: true})
	if err != nil {
		b.Fatal(err)
	}
	for i := range networks {
		for _, prefix := range []netip.Prefix{netip.PrefixFrom(clientOf(i, false), 20).Masked(), netip.PrefixFrom(clientOf(i, true), 40).Masked()} {
			if err := tree.Insert(ipNet(prefix), record(i)); err != nil {
				b.Fatal(err)
			}
		}
	}
	return written(b, tree)
}

// placeOf is of some 300 regions, and no two records are the same.
func placeOf(i int) mmdbtype.DataType {
	record := city(string([]byte{'A' + byte(i%20), 'A' + byte(i%3)}), fmt.Sprint(i%5))
	record["location"] = mmdbtype.Map{"latitude": mmdbtype.Float64(i)}
	return record
}

func systemOf(i int) mmdbtype.DataType {
	return system(uint32(i+1), fmt.Sprint("Network of example ", i))
}

func BenchmarkPlace(b *testing.B) {
	const networks = 100_000
	r := open(b, Options{
		PlaceFile:   write(b, "city.mmdb", wholeWorld(b, networks, placeOf)),
		NetworkFile: write(b, "asn.mmdb", wholeWorld(b, networks, systemOf)),
	})
	source := rand.New(rand.NewPCG(1, 2))
	clients := func(v6 bool) []netip.Addr {
		all := make([]netip.Addr, 1<<12)
		for i := range all {
			all[i] = clientOf(source.IntN(networks), v6)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		clients []netip.Addr
	}{{"IPv4", clients(false)}, {"IPv6", clients(true)}, {"private", []netip.Addr{addr("10.0.0.1")}}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if got := r.Place(c.clients[i%len(c.clients)]); (got.Country == "") != (c.name == "private") {
					b.Fatal(got)
				}
			}
		})
	}
}

func BenchmarkNewTable(b *testing.B) {
	const networks = 20_000
	content := wholeWorld(b, networks, placeOf)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newTable(b.Context(), content, noForgetting, decodePlace); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(2*networks), "ns/network")
}

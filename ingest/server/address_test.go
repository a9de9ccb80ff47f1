package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

func TestClientAddress(t *testing.T) {
	const proxy, client = "10.0.0.1:4711", "203.0.113.7"
	trusted := prefixes("10.0.0.0/8", "2001:db8:ffff::/48")
	for name, c := range map[string]struct {
		remote    string
		forwarded string // X-Forwarded-For, a line of the header per line
		standard  string // Forwarded, the same
		want      string // "" is not valid
	}{
		"no proxy":                       {"203.0.113.7:80", "", "", client},
		"no proxy, IPv6":                 {"[2001:db8::7]:80", "", "", "2001:db8::7"},
		"no proxy, zone":                 {"[fe80::7%eth0]:80", "", "", "fe80::7"},
		"no proxy, mapped":               {"[::ffff:203.0.113.7]:80", "", "", client},
		"no proxy, but headers":          {"203.0.113.7:80", "192.0.2.1", "for=192.0.2.1", client},
		"no address, such as a socket's": {"@", "192.0.2.1", "for=192.0.2.1", ""},
		"proxy without headers":          {proxy, "", "", "10.0.0.1"},
		"proxy, mapped":                  {"[::ffff:10.0.0.1]:80", client, "", client},
		"proxy, IPv6":                    {"[2001:db8:ffff::1]:80", client, "", client},
		"one hop":                        {proxy, client, "", client},
		"what the client claims is left": {proxy, "192.0.2.1, 203.0.113.7", "", client},
		"trusted hops are skipped":       {proxy, "192.0.2.1, 203.0.113.7, 10.0.0.2,10.0.0.3", "", client},
		"several lines are one list":     {proxy, "192.0.2.1\n203.0.113.7, 10.0.0.2\n10.0.0.3", "", client},
		"all are trusted":                {proxy, "10.0.0.9, 10.0.0.2", "", "10.0.0.9"},
		"port":                           {proxy, "203.0.113.7:5678", "", client},
		"hidden port":                    {proxy, "203.0.113.7:_http", "", client},
		"mapped hop":                     {proxy, "::ffff:203.0.113.7", "", client},
		"IPv6":                           {proxy, "2001:db8::7", "", "2001:db8::7"},
		"IPv6 in brackets":               {proxy, "[2001:db8::7]", "", "2001:db8::7"},
		"IPv6 and port":                  {proxy, "[2001:db8::7]:5678", "", "2001:db8::7"},
		"IPv6 and zone":                  {proxy, "fe80::7%eth0", "", "fe80::7"},
		"spaces and tabs":                {proxy, "192.0.2.1 ,\t203.0.113.7 \t", "", client},
		"empty elements":                 {proxy, ",, 203.0.113.7, ,10.0.0.2,", "", client},
		"only empty elements":            {proxy, ", ,", "", "10.0.0.1"},
		"garbage beyond the client":      {proxy, "garbage, 203.0.113.7", "", client},
		"garbage from the proxy":         {proxy, "192.0.2.1, garbage", "", ""},
		"unknown":                        {proxy, "unknown", "", ""},
		"IPv4 in brackets":               {proxy, "[203.0.113.7]", "", ""},
		"bracket not closed":             {proxy, "[2001:db8::7", "", ""},
		"behind the bracket":             {proxy, "[2001:db8::7]x", "", ""},
		"no port":                        {proxy, "203.0.113.7:", "", ""},
		"port is none":                   {proxy, "203.0.113.7:80a", "", ""},
		"zone of IPv4":                   {proxy, "203.0.113.7%eth0", "", ""},
		"leading zero":                   {proxy, "203.0.113.07", "", ""},
		"two addresses":                  {proxy, "192.0.2.1 203.0.113.7", "", ""},
		"very long address":              {proxy, strings.Repeat("1", 10_000), "", ""},
		"as many hops as are read":       {proxy, client + strings.Repeat(",10.0.0.2", maxHops-1), "", client},
		"one hop more":                   {proxy, client + strings.Repeat(",10.0.0.2", maxHops), "", ""},
		"very many hops":                 {proxy, strings.Repeat("10.0.0.2,", 10_000), "", ""},
		"very many empty lines":          {proxy, strings.Repeat("\n", 10_000), "", ""},

		"Forwarded":                          {proxy, "", "for=203.0.113.7;proto=https;by=10.0.0.1", client},
		"Forwarded, in capitals":             {proxy, "", "Proto=http; FOR=203.0.113.7", client},
		"Forwarded, trusted hops":            {proxy, "", "for=192.0.2.1, for=203.0.113.7, for=10.0.0.2", client},
		"Forwarded, IPv6":                    {proxy, "", `for="[2001:db8::7]:4711"`, "2001:db8::7"},
		"Forwarded, IPv6 without quotes":     {proxy, "", `for=[2001:db8::7]:4711`, "2001:db8::7"},
		"Forwarded, hidden port":             {proxy, "", `for="203.0.113.7:_port"`, client},
		"Forwarded, several lines":           {proxy, "", "for=203.0.113.7\nfor=10.0.0.2", client},
		"Forwarded, obfuscated":              {proxy, "", "for=203.0.113.7, for=_gazonk", ""},
		"Forwarded, unknown":                 {proxy, "", "for=unknown", ""},
		"Forwarded, without for":             {proxy, "", "for=203.0.113.7, proto=https", ""},
		"Forwarded, for twice":               {proxy, "", "for=203.0.113.7;for=192.0.2.1", ""},
		"Forwarded, no pair":                 {proxy, "", "for=203.0.113.7;secret", ""},
		"Forwarded, quote not closed":        {proxy, "", `for="203.0.113.7`, ""},
		"Forwarded, only a quote":            {proxy, "", `for="`, ""},
		"Forwarded, comma in quotes":         {proxy, "", `for=203.0.113.7;host="a, for=192.0.2.1"`, ""},
		"Forwarded, comma in quotes, closed": {proxy, "", `for=203.0.113.7;host="a, for=192.0.2.1;x=\"y"`, ""},
		"Forwarded, one hop more":            {proxy, "", "for=" + client + strings.Repeat(",for=10.0.0.2", maxHops), ""},

		"both agree":             {proxy, client, "for=203.0.113.7", client},
		"a forged Forwarded":     {proxy, client, "for=192.0.2.1", ""},
		"a forged Forwarded-For": {proxy, "192.0.2.1", "for=203.0.113.7", ""},
		"both say nothing":       {proxy, "unknown", "for=unknown", ""},
	} {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			if c.forwarded != "" {
				header["X-Forwarded-For"] = strings.Split(c.forwarded, "\n")
			}
			if c.standard != "" {
				header["Forwarded"] = strings.Split(c.standard, "\n")
			}
			var want netip.Addr
			if c.want != "" {
				want = netip.MustParseAddr(c.want)
			}
			if got := clientAddress(c.remote, header, trusted); got != want {
				t.Errorf("the client is %s, want %s", got, want)
			}
			if got, peer := clientAddress(c.remote, header, nil), clientAddress(c.remote, nil, trusted); got != peer {
				t.Errorf("without trusted proxies the client is %s, want the peer %s", got, peer)
			}
		})
	}
}

// A client behind an honest proxy cannot be anybody but itself: whatever it sends,
// the proxy appends its address.
func FuzzClientAddress(f *testing.F) {
	f.Add("192.0.2.1", "for=192.0.2.1", true)
	f.Add("", `host="a, for=192.0.2.1`, false)
	f.Add("10.0.0.2,garbage,[::1]:80", `for="[2001:db8::1]:_x";by=y`, false)
	f.Add(strings.Repeat(",", 100), `for=";for="`, true)
	f.Fuzz(func(t *testing.T, forwardedFor, forwarded string, standard bool) {
		client := netip.MustParseAddr("203.0.113.7")
		header := http.Header{}
		if forwardedFor != "" {
			header["X-Forwarded-For"] = []string{forwardedFor}
		}
		if forwarded != "" {
			header["Forwarded"] = []string{forwarded}
		}
		name, own := "X-Forwarded-For", client.String()
		if standard {
			name, own = "Forwarded", "for="+own
		}
		header[name] = []string{strings.Join(append(header[name], own), ", ")}
		if got := clientAddress("10.0.0.1:80", header, prefixes("10.0.0.0/8")); got.IsValid() && got != client {
			t.Errorf("a client is taken for %s", got)
		}
		if own := parseAddress(forwardedFor); own.Zone() != "" || own.Is4In6() || own.IsValid() && len(forwardedFor) > maxAddressBytes {
			t.Errorf("an address is %s", own)
		}
	})
}

func BenchmarkClientAddress(b *testing.B) {
	trusted := prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
	for _, c := range []struct {
		name   string
		header http.Header
	}{
		{"peer", http.Header{}},
		{"one hop", http.Header{"X-Forwarded-For": {"203.0.113.7"}}},
		{"one hop, IPv6", http.Header{"X-Forwarded-For": {"2001:db8:1:2:3:4:5:6"}}},
		{"three hops", http.Header{"X-Forwarded-For": {"203.0.113.7, 10.0.0.2, 10.0.0.3"}}},
		{"one hop, Forwarded", http.Header{"Forwarded": {`for="[2001:db8::7]:4711";proto=https;by=10.0.0.1`}}},
		{"very many hops", http.Header{"X-Forwarded-For": {strings.Repeat("10.0.0.2,", 1500)}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				clientAddress("10.0.0.1:52341", c.header, trusted)
			}
		})
	}
}

package server

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		remote    string
		forwarded []string
		trusted   []netip.Prefix
		want      string
	}{
		"no proxy":                      {"192.0.2.1:1234", nil, trusted, "192.0.2.1"},
		"IPv6":                          {"[2001:db8::1]:1234", nil, trusted, "2001:db8::1"},
		"mapped IPv4":                   {"[::ffff:192.0.2.1]:1234", nil, trusted, "192.0.2.1"},
		"behind a proxy":                {"10.1.2.3:80", []string{"192.0.2.1"}, trusted, "192.0.2.1"},
		"behind two":                    {"10.1.2.3:80", []string{"192.0.2.1, 10.9.9.9"}, trusted, "192.0.2.1"},
		"two headers":                   {"10.1.2.3:80", []string{"192.0.2.1", "10.9.9.9"}, trusted, "192.0.2.1"},
		"made up before":                {"10.1.2.3:80", []string{"198.51.100.1, 192.0.2.1"}, trusted, "192.0.2.1"},
		"with a port":                   {"10.1.2.3:80", []string{"192.0.2.1:5555"}, trusted, "192.0.2.1"},
		"IPv6 in brackets":              {"[fd00::1]:80", []string{"[2001:db8::1]:5555"}, trusted, "2001:db8::1"},
		"all trusted":                   {"10.1.2.3:80", []string{"10.4.4.4, 10.5.5.5"}, trusted, "10.4.4.4"},
		"garbage":                       {"10.1.2.3:80", []string{"192.0.2.1, unknown"}, trusted, ""},
		"empty":                         {"10.1.2.3:80", []string{""}, trusted, ""},
		"nothing told":                  {"10.1.2.3:80", nil, trusted, "10.1.2.3"},
		"header without trusted proxy":  {"192.0.2.1:1234", []string{"198.51.100.1"}, trusted, "192.0.2.1"},
		"header, no proxies configured": {"10.1.2.3:80", []string{"198.51.100.1"}, nil, "10.1.2.3"},
		"very many hops":                {"10.1.2.3:80", []string{"192.0.2.1" + strings.Repeat(",10.4.4.4", 10_000)}, trusted, "10.4.4.4"},
		"no peer":                       {"@", nil, trusted, ""},
	} {
		got := clientAddress(c.remote, http.Header{"X-Forwarded-For": c.forwarded}, c.trusted)
		if want, _ := netip.ParseAddr(c.want); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func FuzzClientAddress(f *testing.F) {
	f.Add("10.1.2.3:80", "192.0.2.1, [::1]:80,,%")
	trusted := []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}
	f.Fuzz(func(_ *testing.T, remote, forwarded string) {
		clientAddress(remote, http.Header{"X-Forwarded-For": {forwarded}}, trusted)
	})
}

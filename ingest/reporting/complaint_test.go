package reporting

import (
	"testing"

	"throughline/beacon"
	"throughline/ingest/stack"
)

func TestResource_IsAURLOrAWord(t *testing.T) {
	for what, want := range map[string]string{
		"inline":                                 "inline",
		"eval":                                   "eval",
		"wasm-eval":                              "wasm-eval",
		"trusted-types-policy":                   "trusted-types-policy",
		"self":                                   "self",
		"inline or eval":                         "inline or eval",
		"https://evil.example":                   "https://evil.example/",
		"HTTPS://evil.example/x.js?token=1#a":    "https://evil.example/x.js",
		"http://user:pass@evil.example/x.js":     "http://evil.example/x.js",
		"ws://live.example/feed?token=1":         "ws://live.example/feed",
		"wss://live.example:8443/feed":           "wss://live.example:8443/feed",
		"https://":                               "https",
		"data":                                   "data",
		"data:image/png;base64,AAAA":             "data",
		"blob:https://shop.example/8f6e":         "blob",
		"chrome-extension://abcdefgh/content.js": "chrome-extension",
		"":                                       "a resource",
		"<b>":                                    "a resource",
		"jane.doe@example.com":                   "a resource",
		"x y":                                    "a resource",
		"android-app://com.example.shop?token=1": "android-app",
	} {
		if got := resource(what); got != want {
			t.Errorf("resource(%q) = %q, want %q", what, got, want)
		}
	}
}

// What place writes, package stack must read, and know extensions by.
func TestPlace_IsAFrame(t *testing.T) {
	for _, c := range []struct {
		file         string
		line, column int
		want         string
		frame        stack.Frame
	}{
		{"https://shop.example/app.js?v=1", 7, 11, "at https://shop.example/app.js:7:11", stack.Frame{URL: "https://shop.example/app.js", Line: 7, Column: 11, InApp: true}},
		{"https://shop.example/app.js", 7, 0, "at https://shop.example/app.js:7", stack.Frame{URL: "https://shop.example/app.js", Line: 7, InApp: true}},
		{"https://shop.example/", 0, 0, "at https://shop.example/", stack.Frame{URL: "https://shop.example/", InApp: true}},
		{"https://shop.example/", -3, 1, "at https://shop.example/", stack.Frame{URL: "https://shop.example/", InApp: true}},
		{"https://shop.example/app.js", 1_000_000_000, 1, "at https://shop.example/app.js", stack.Frame{URL: "https://shop.example/app.js", InApp: true}},
		{"chrome-extension", 7, 11, "at chrome-extension://", stack.Frame{URL: "chrome-extension://"}},
		{"moz-extension://8f6e/content.js", 7, 11, "at moz-extension://", stack.Frame{URL: "moz-extension://"}},
		{"", 7, 11, "", stack.Frame{}},
		{"not a file", 7, 11, "", stack.Frame{}},
	} {
		got := place(c.file, c.line, c.column)
		if got != c.want {
			t.Errorf("place(%q, %d, %d) = %q, want %q", c.file, c.line, c.column, got, c.want)
		}
		frames := stack.Parse(got, "shop.example")
		if (len(frames) == 1) != (c.want != "") || len(frames) == 1 && frames[0] != c.frame {
			t.Errorf("%q is read as %+v", got, frames)
		}
	}
	if noise := stack.Noise("script-src", "script-src blocked inline", stack.Parse(place("moz-extension", 1, 1), "shop.example")); noise != stack.NoiseExtension {
		t.Errorf("an extension's violation is noise for %q", noise)
	}
}

// The types of section 8 of the specification, and some that browsers added.
func TestFailure_OfEveryType(t *testing.T) {
	for want, kinds := range map[beacon.RequestFailure][]string{
		"":                           {"ok", "http.error"},
		beacon.RequestFailureAborted: {"abandoned"},
		beacon.RequestFailureTimeout: {"tcp.timed_out", "dns.timed_out"},
		beacon.RequestFailureNetwork: {
			"dns.unreachable", "dns.name_not_resolved", "dns.failed", "dns.address_changed",
			"tcp.closed", "tcp.reset", "tcp.refused", "tcp.aborted", "tcp.address_invalid", "tcp.address_unreachable", "tcp.failed",
			"tls.version_or_cipher_mismatch", "tls.bad_client_auth_cert", "tls.cert.name_invalid", "tls.cert.date_invalid", "tls.cert.authority_invalid",
			"tls.cert.invalid", "tls.cert.revoked", "tls.cert.pinned_key_not_in_cert_chain", "tls.protocol.error", "tls.failed",
			"http.protocol.error", "http.response.invalid", "http.response.redirect_loop", "http.failed",
			"h2.ping_failed", "h3.protocol.error", "unknown", "timed_out_not",
		},
	} {
		for _, kind := range kinds {
			if got := failure(kind); got != want {
				t.Errorf("failure(%q) = %q, want %q", kind, got, want)
			}
		}
	}
}

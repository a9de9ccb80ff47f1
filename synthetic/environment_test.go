package synthetic

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestEnvironment_Expand(t *testing.T) {
	v := newValues(time.Now)
	v.set("token", "hush", true)
	v.set("lines", "a\r\nSet-Cookie: b", false)
	journey := good(t)["good_page.yaml"]
	base, _ := url.Parse("https://shop.example:8443/de/")
	got, err := journey.Environment.expand(t.Context(), base, v)
	if err != nil || got.Headers[0].Value != "Bearer hush" || got.Cookies[0].Domain != "shop.example" ||
		got.Cookies[1].Value != "hush" || got.Cookies[1].Domain != "pay.example" {
		t.Errorf("got %+v, %v", got, err)
	}
	if journey.Environment.Headers[0].Value != "Bearer ${token}" || journey.Environment.Cookies[0].Domain != "" {
		t.Error("the journey changed")
	}
	if _, err := journey.Environment.expand(t.Context(), nil, v); err == nil || !strings.Contains(err.Error(), "cookie consent: it has no domain") {
		t.Errorf("got %v", err)
	}
	bad := Environment{Headers: []Header{{Name: "A", Value: "${lines}"}}}
	if _, err := bad.expand(t.Context(), nil, v); err == nil || !strings.Contains(err.Error(), "line end") {
		t.Errorf("got %v: a variable must not add a header", err)
	}
}

func TestDevices(t *testing.T) {
	const headless = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36"
	for _, name := range Devices() {
		e := Environment{Device: name}
		if v := e.viewport(); v.Width < 300 || v.Height < 600 || v.DeviceScaleFactor < 1 {
			t.Errorf("%s: got %+v", name, v)
		}
		agent := e.userAgent(headless)
		if phone := e.viewport().Mobile; phone != strings.Contains(agent, "156.0.0.0 Mobile") || strings.Contains(agent, "$") {
			t.Errorf("%s is %q", name, agent)
		}
		if e.UserAgent = "own"; e.userAgent(headless) != "own" {
			t.Errorf("%s goes before the journey's own user agent", name)
		}
	}
	if agent := (Environment{}).userAgent(headless); agent != "" || len(Devices()) < 12 {
		t.Errorf("got %q, %d devices", agent, len(Devices()))
	}
}

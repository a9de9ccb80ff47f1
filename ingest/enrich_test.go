package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest/naming"
)

func TestCorrectTime(t *testing.T) {
	received := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		sentAgo, atAgo time.Duration // before received, by the sender's clock
		want           time.Duration // before received
	}{
		"right clock, the way of the report is not taken off": {3 * time.Second, 63 * time.Second, 63 * time.Second},
		"within five minutes is believed":                     {5 * time.Minute, 6 * time.Minute, 6 * time.Minute},
		"an hour slow":                                        {time.Hour + 2*time.Second, time.Hour + 62*time.Second, 62 * time.Second},
		"two hours fast":                                      {-2 * time.Hour, -2*time.Hour + time.Minute, time.Minute},
		"skew rounds to five minutes":                         {7*time.Minute + 29*time.Second, 8 * time.Minute, 3 * time.Minute},
		"ten years slow":                                      {10 * 365 * 24 * time.Hour, 10*365*24*time.Hour + time.Minute, time.Minute},
		"older than two days is clamped":                      {0, 1000 * time.Hour, 48 * time.Hour},
		"in the future is clamped":                            {0, -time.Hour, -5 * time.Minute},
		"a clock that is believed and ahead is not clamped":   {-4 * time.Minute, -4*time.Minute + time.Second, -4*time.Minute + time.Second},
	} {
		got := correctTime(received.Add(-c.atAgo), received.Add(-c.sentAgo), received)
		if diff := received.Sub(got); diff != c.want {
			t.Errorf("%s: %v before arrival, want %v", name, diff, c.want)
		}
	}
}

func TestRows_ScrubEveryText(t *testing.T) {
	const leak = "GET https://shop.example/p?token=hunter2 failed"
	record := Record{App: &App{Name: "shop"}, Report: &beacon.Report{Events: []beacon.Event{
		{Error: &beacon.Error{Message: leak, Stack: leak}},
		{TransactionDone: &beacon.TransactionDone{Reason: leak}},
		{JourneyRun: &beacon.JourneyRun{Message: leak}},
		{JourneyStep: &beacon.JourneyStep{Message: leak}},
	}}}
	rows, err := json.Marshal(NewEnricher(naming.New(), nil).Rows(nil, record))
	if err != nil || strings.Contains(string(rows), "hunter2") || strings.Count(string(rows), "GET https://shop.example/p failed") != 5 {
		t.Errorf("rows: %s, %v", rows, err)
	}
}

func TestSplitURL(t *testing.T) {
	for url, want := range map[string][2]string{
		"":                               {"", ""},
		"https://shop.example/":          {"shop.example", "/"},
		"https://shop.example:8443/a/b":  {"shop.example", "/a/b"},
		"http://[::1]:8080/a":            {"[::1]", "/a"},
		"http://[::1]/a:1":               {"[::1]", "/a:1"},
		"https://shop.example/100%/x//y": {"shop.example", "/100%/x//y"},
	} {
		if domain, path := SplitURL(url); domain != want[0] || path != want[1] {
			t.Errorf("SplitURL(%q) = %q, %q", url, domain, path)
		}
	}
}

func TestUserAgents_TellBrowserAndDevice(t *testing.T) {
	agents := newUserAgents()
	for header, want := range map[string]Client{
		"": {},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36":                                   {"desktop", "Chrome", "156", "Linux"},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1": {"mobile", "Safari", "19", "iOS"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0":                                                        {"desktop", "Firefox", "145", "Windows"},
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                                {"bot", "Googlebot", "2", ""},
	} {
		for range 2 { // parsed, then remembered
			if got := agents.client(header); got != want {
				t.Errorf("%q: %+v, want %+v", header, got, want)
			}
		}
	}
	for i := range maxUserAgents + 10 {
		agents.client(fmt.Sprintf("x/%d", i))
	}
	if len(agents.seen) > maxUserAgents {
		t.Errorf("the cache holds %d user agents", len(agents.seen))
	}
}

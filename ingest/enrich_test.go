package ingest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"throughline/beacon"
	"throughline/ingest/client"
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
	rows, err := json.Marshal(NewEnricher(naming.New(), nil, time.Unix(0, 0)).Rows(nil, record))
	if err != nil || strings.Contains(string(rows), "hunter2") || strings.Count(string(rows), "GET https://shop.example/p failed") != 5 {
		t.Errorf("rows: %s, %v", rows, err)
	}
}

// A bot is kept, and told from people by what it says, by what its browser says, or
// by its pace; a journey is none, although its browser is driven.
func TestRows_TellBotsFromPeople(t *testing.T) {
	const person = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	const headless = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36"
	began := time.Unix(1_790_000_000, 0)
	enricher := NewEnricher(naming.New(), nil, began)
	for _, c := range []struct {
		what, userAgent, session string
		hints                    client.Hints
		source                   beacon.Source
		automated                bool
		views                    int
		want                     client.Client
	}{
		{"a person", person, "1", client.Hints{}, beacon.SourceRUM, false, 1, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Linux"}},
		{"a person with hints", person, "1", client.Hints{Platform: `"Windows"`, PlatformVersion: `"15.0.0"`}, beacon.SourceRUM, false, 1, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Windows", OSVersion: "11"}},
		{"nothing is told", "", "1", client.Hints{}, beacon.SourceRUM, false, 1, client.Client{}},
		{"a robot", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "2", client.Hints{}, beacon.SourceRUM, true, 1, client.Client{Device: "bot", Browser: "Googlebot", Bot: "user_agent"}},
		{"no window", headless, "3", client.Hints{}, beacon.SourceRUM, true, 1, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Linux", Bot: "headless"}},
		{"driven", person, "4", client.Hints{}, beacon.SourceRUM, true, 1, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Linux", Bot: "automated"}},
		{"fast", person, "5", client.Hints{}, beacon.SourceRUM, false, 150, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Linux", Bot: "rate"}},
		{"still fast, without views", person, "5", client.Hints{}, beacon.SourceRUM, false, 0, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Linux", Bot: "rate"}},
		{"a journey", "Go-http-client/1.1", "6", client.Hints{}, beacon.SourceSynthetic, true, 150, client.Client{Device: "desktop", Browser: "Chrome", BrowserVersion: "156", OS: "Linux"}},
	} {
		report := &beacon.Report{Source: c.source, SessionID: c.session, Automated: c.automated, Events: []beacon.Event{{PageView: &beacon.PageView{Phase: beacon.PhaseEarly}}}}
		if c.source == beacon.SourceSynthetic { // the agent sends it, with a header of its own
			report.Journey = &beacon.JourneyContext{Name: "Buy", UserAgent: headless}
		}
		for range c.views {
			report.Events = append(report.Events, beacon.Event{PageView: &beacon.PageView{Phase: beacon.PhaseFinal}})
		}
		rows := enricher.Rows(nil, Record{App: &App{Name: "shop"}, ReceivedAt: began, UserAgent: c.userAgent, Hints: c.hints, Report: report})
		if got := rows[0].Client; got != c.want || len(rows) != c.views+1 {
			t.Errorf("%s: %+v in %d rows, want %+v", c.what, got, len(rows), c.want)
		}
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

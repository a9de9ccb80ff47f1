package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// What an app says of itself is on every row, and its events know better; what may
// have too many values has few.
func TestRows_HaveWhatTheAppSays(t *testing.T) {
	own := map[string]string{"plan": "gold", "password": "hunter2"}
	record := Record{App: &App{Name: "shop"}, Report: &beacon.Report{
		Sequence: 3, SampleWeight: 10, UserID: "jane@shop.example", Attributes: own,
		View: &beacon.View{ID: "b1", URL: "https://shop.example/"},
		Events: []beacon.Event{
			{Action: &beacon.Action{Kind: beacon.ActionEvent, Name: "Coupon used", Attributes: map[string]string{"plan": "silver", "kind": "percent"}}},
			{Error: &beacon.Error{Message: "x"}},
			{PageView: &beacon.PageView{Preferences: "dark,reduced_motion,dark"}},
			{Resources: &beacon.Resources{Type: "img", Host: "cdn.example:8443"}},
			{Request: &beacon.Request{Initiator: "script", URL: "https://shop.example/a.js"}},
		},
	}}
	rows := NewEnricher(naming.New(), nil, time.Unix(0, 0)).Rows(nil, record)
	for i, want := range []map[string]string{
		{"plan": "silver", "kind": "percent", "password": "[hidden]"}, {"plan": "gold", "password": "[hidden]"},
	} {
		if diff := cmp.Diff(want, rows[i].Attributes); diff != "" {
			t.Errorf("row %d: attributes (-want +got):\n%s", i, diff)
		}
	}
	if own["password"] != "hunter2" || len(own) != 2 {
		t.Errorf("the report's own attributes are %v now", own)
	}
	for i, want := range []float64{10, 0, 10, 10, 10} { // of errors all are told
		if row := rows[i]; row.SampleWeight != want || row.Sequence != 3 || row.UserID != "[email]" {
			t.Errorf("row %d: weight %g, sequence %d, user %q", i, row.SampleWeight, row.Sequence, row.UserID)
		}
	}
	if got := rows[2].Event.PageView.Preferences; got != "reduced_motion,dark" {
		t.Errorf("preferences %q", got)
	}
	if rows[3].Event.Resources.Host != "cdn.example:8443" || rows[4].Initiator != "script" {
		t.Errorf("host %q, initiator %q", rows[3].Event.Resources.Host, rows[4].Initiator)
	}
}

func TestRows_CapWhatHasFewValues(t *testing.T) {
	enricher := NewEnricher(naming.New(), nil, time.Unix(0, 0))
	names := map[string]map[string]bool{"event": {}, "click": {}, "measure": {}, "host": {}, "initiator": {}}
	for i := range 1100 {
		name := fmt.Sprintf("n%d", i)
		rows := enricher.Rows(nil, Record{App: &App{Name: "shop"}, Report: &beacon.Report{Events: []beacon.Event{
			{Action: &beacon.Action{Kind: beacon.ActionEvent, Name: name}},
			{Action: &beacon.Action{Kind: beacon.ActionClick, Name: name}},
			{Measure: &beacon.Measure{Name: name}},
			{Resources: &beacon.Resources{Type: "img", Host: name}},
			{Request: &beacon.Request{Initiator: name}},
		}}})
		names["event"][rows[0].Event.Action.Name] = true
		names["click"][rows[1].Event.Action.Name] = true
		names["measure"][rows[2].Event.Measure.Name] = true
		names["host"][rows[3].Event.Resources.Host] = true
		names["initiator"][rows[4].Initiator] = true
	}
	// A thousand and (other); img, a type of resources, is an initiator, too.
	for what, want := range map[string]int{"event": 1001, "click": 1100, "measure": 1001, "host": 1001, "initiator": 1000} {
		if got := len(names[what]); got != want {
			t.Errorf("%d names of %s, want %d", got, what, want)
		}
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

func TestRows_HoldUserIDsHashedIfTheAppWants(t *testing.T) {
	stored := func(app, key, id string) string {
		report := &beacon.Report{UserID: id, View: &beacon.View{URL: "https://shop.example/"}, Events: []beacon.Event{{PageView: &beacon.PageView{}}}}
		record := Record{App: &App{Name: app, UserIDKey: key}, ReceivedAt: time.Unix(1, 0), Report: report}
		return NewEnricher(naming.New(), nil, time.Unix(0, 0)).Rows(nil, record)[0].UserID
	}
	if got := stored("shop", "", "u-17"); got != "u-17" {
		t.Errorf("without a key the id is %q", got)
	}
	hashed := stored("shop", "key", "u-17")
	if len(hashed) != 32 || strings.Contains(hashed, "17-") || hashed != stored("shop", "key", "u-17") {
		t.Errorf("with a key the id is %q", hashed)
	}
	for _, other := range []string{stored("shop", "key", "u-18"), stored("shop", "other", "u-17"), stored("blog", "key", "u-17"), stored("shop", "key", "")} {
		if other == hashed {
			t.Error("another user, key or app, or nobody, has the same hash")
		}
	}
	if got := stored("shop", "key", ""); got != "" {
		t.Errorf("nobody has the id %q", got)
	}
}

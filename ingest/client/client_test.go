package client

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lines returns the lines of a file of testdata, without comments.
func lines(t testing.TB, file string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

// people returns the agents of people with what they tell.
func people(t testing.TB) map[string]Client {
	t.Helper()
	known := map[string]Client{}
	for _, line := range lines(t, "people.tsv") {
		fields := strings.Split(line, "\t")
		if len(fields) != 6 {
			t.Fatalf("%q has %d fields", line, len(fields))
		}
		known[fields[5]] = Client{
			Device: fields[0], Browser: fields[1], BrowserVersion: fields[2], OS: fields[3], OSVersion: fields[4],
		}
	}
	return known
}

func TestReader_KnowsWhatPeopleUse(t *testing.T) {
	reader := NewReader(1000)
	for agent, want := range people(t) {
		for range 2 { // read, then remembered
			if got := reader.Read(agent, Hints{}); got != want {
				t.Errorf("%s\n got %+v\nwant %+v", agent, got, want)
			}
		}
	}
}

func TestReader_IsToldNothing(t *testing.T) {
	if got := NewReader(10).Read("", Hints{}); got != (Client{}) {
		t.Errorf("%+v", got)
	}
}

func TestReader_TellsBots(t *testing.T) {
	const browser = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
	reader := NewReader(100)
	for agent, want := range map[string]Client{
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                               {Browser: "Googlebot", Bot: BotUserAgent},
		browser + "Chrome/142.0.0.0 Safari/537.36 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)":   {Browser: "bingbot", Bot: BotUserAgent},
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)": {Browser: "GPTBot", Bot: BotUserAgent},
		"facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)":                              {Browser: "facebookexternalhit", Bot: BotUserAgent},
		"curl/8.14.1":            {Browser: "curl", Bot: BotUserAgent},
		"Wget/1.25.0":            {Browser: "wget", Bot: BotUserAgent},
		"python-requests/2.32.4": {Browser: "python-requests", Bot: BotUserAgent},
		"Go-http-client/2.0":     {Browser: "Go-http-client", Bot: BotUserAgent},
		"Java/21.0.2":            {Browser: "other", Bot: BotUserAgent},
		"node":                   {Browser: "other", Bot: BotUserAgent},
		"x":                      {Browser: "other", Bot: BotUserAgent},
		"Dart/3.8 (dart:io)":     {Browser: "other", Bot: BotUserAgent},
		"MyApp/1 CFNetwork/1568.300.101 Darwin/24.2.0":                                                           {Browser: "other", Bot: BotUserAgent},
		browser + "Chrome/142.0.0.0 Safari/537.36 NeverSeenBot/1.0":                                              {Browser: "other", Bot: BotUserAgent},
		browser + "Chrome/142.0.0.0 Safari/537.36 (page bots of the shop)":                                       {Browser: "other", Bot: BotUserAgent},
		"Mozilla/5.0 (compatible; Watcher; +https://watcher.example/about)":                                      {Browser: "other", Bot: BotUserAgent},
		"Mozilla/5.0 (Windows NT; Windows NT 10.0; en-GB) WindowsPowerShell/5.1.22621":                           {Browser: "other", Bot: BotUserAgent},
		browser + "HeadlessChrome/142.0.0.0 Safari/537.36":                                                       {DeviceDesktop, chrome, "142", "Linux", "", BotHeadless},
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1": {DeviceDesktop, "other", "", "Linux", "", BotHeadless},
		"Mozilla/5.0 (linux) AppleWebKit/537.36 (KHTML, like Gecko) jsdom/26.1.0":                                {DeviceOther, "other", "", "other", "", BotHeadless},
		browser + "Chrome/142.0.0.0 Safari/537.36 Selenium/4":                                                    {DeviceDesktop, chrome, "142", "Linux", "", BotAutomated},
		browser + "Chrome/142.0.0.0 Safari/537.36 Cypress/14.5.1":                                                {DeviceDesktop, chrome, "142", "Linux", "", BotAutomated},
	} {
		if want.Bot == BotUserAgent {
			want.Device = DeviceBot
		}
		if got := reader.Read(agent, Hints{}); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", agent, got, want)
		}
	}
}

// Each robot that the list has an agent of is a bot, whatever it has in common
// with browsers.
func TestReader_KnowsTheListedRobots(t *testing.T) {
	reader := NewReader(10)
	agents := lines(t, "robots.txt")
	if len(agents) < 1000 {
		t.Fatalf("%d agents", len(agents))
	}
	for _, agent := range agents {
		if reader.Read(agent, Hints{}).Bot == "" {
			t.Errorf("a person: %s", agent)
		}
	}
}

func TestRobots_AllPatternsAreUnderstood(t *testing.T) {
	patterns := 0
	for line := range strings.Lines(robotList) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		patterns++
		pattern, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if name == "" || len(name) > 40 || len(compile(pattern)) == 0 {
			t.Errorf("%q by the name of %q", pattern, name)
		}
	}
	if patterns < 1000 {
		t.Errorf("%d patterns", patterns)
	}
}

func TestRobots_PatternsHaveTheirAnchors(t *testing.T) {
	robots := newRobots("# a comment\n^curl\tcurl\n[wW]get\tWget\nAlpha|Other two\tEither\nEnd$\tEnd\nS[eE]mBot(x|$)\tSem\nno name\n(a|b)\tshort\n")
	for agent, want := range map[string]string{
		"curl/8": "curl", "libcurl": "", "Wget/1": "Wget", "wget": "Wget", "get": "", "Alpha": "Either", "Other two": "Either",
		"Other": "", "The End": "End", "End of": "", "SEmBotx": "Sem", "SemBot": "Sem", "SemBoty": "", "a": "", "": "",
	} {
		if name, ok := robots.listed(agent); name != want || ok != (want != "") {
			t.Errorf("%q is %q, %v", agent, name, ok)
		}
	}
}

func TestReader_RemembersNoMoreThanItsBound(t *testing.T) {
	const bound = 100
	reader := NewReader(bound)
	const regular = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	reader.Read(regular, Hints{})
	for i := range 20 * bound {
		reader.Read(fmt.Sprintf("Mozilla/5.0 (X11; Linux x86_64; rv:%d.0) Gecko/20100101 Firefox/%d.0", i, i), Hints{})
		if i%(bound/4) == 0 { // a regular comes now and then, and is not forgotten
			reader.mu.Lock()
			_, known := reader.known.get(reader.key(regular, &Hints{}))
			reader.mu.Unlock()
			if !known {
				t.Fatalf("the regular is forgotten after %d others", i)
			}
		}
		if n := len(reader.known.young) + len(reader.known.old); n > bound {
			t.Fatalf("remembers %d clients", n)
		}
	}
}

// Against a map of all that was ever put: what is held is right, the last half of
// the bound that was used is held, and there are never more than the bound.
func TestGenerations_HoldWhatWasUsedLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		half := rapid.IntRange(1, 8).Draw(t, "half")
		g, model := generations[int]{max: half}, map[uint64]int{}
		var used []uint64 // each once, the last used at the end
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := rapid.Uint64Range(0, 20).Draw(t, "key")
			if rapid.Bool().Draw(t, "put") {
				g.put(key, i)
				model[key] = i
			} else if value, ok := g.get(key); !ok {
				continue
			} else if value != model[key] {
				t.Fatalf("%d is %d, want %d", key, value, model[key])
			}
			used = append(without(used, key), key)
			if n := len(g.young) + len(g.old); n > 2*half {
				t.Fatalf("%d are held of %d", n, 2*half)
			}
			for _, key := range used[max(0, len(used)-half):] {
				_, young := g.young[key]
				if _, old := g.old[key]; !young && !old {
					t.Fatalf("%d is forgotten, which was used lately", key)
				}
			}
		}
	})
}

func without(keys []uint64, key uint64) (rest []uint64) {
	for _, k := range keys {
		if k != key {
			rest = append(rest, k)
		}
	}
	return rest
}

// FuzzReader holds Read to what it promises of any headers: answers from the tables,
// short versions, the same answer again.
func FuzzReader(f *testing.F) {
	for agent := range people(f) {
		f.Add(agent, "", "", "", "", "")
	}
	for i, agent := range lines(f, "robots.txt") {
		if i%20 == 0 {
			f.Add(agent, "", "", "", "", "")
		}
	}
	f.Add("", `"Not)A;Brand";v="8", "Chromium";v="142", "Google Chrome";v="142"`, `"Windows"`, `"15.0.0"`, "?0", `""`)
	f.Add("Mozilla/5.0", `"\"";v="1";x, "Opera`, `"macOS"`, `"10.`, "?1", `"AFTKA"`)
	f.Add("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_", `"Chrom`+"\x00", `Windows`, `"0.3`, "?", strings.Repeat("x", 100))
	reader, fresh := NewReader(1000), NewReader(2)
	names := knownNames()
	f.Fuzz(func(t *testing.T, agent, ua, platform, version, mobile, model string) {
		hints := Hints{UA: ua, Platform: platform, PlatformVersion: version, Mobile: mobile, Model: model, FullVersionList: ua}
		got := reader.Read(agent, hints)
		if again := fresh.Read(agent, hints); got != again {
			t.Fatalf("first %+v, then %+v", got, again)
		}
		if !names[got.Device] || !names[got.OS] || !names[got.Bot] || !names[got.Browser] {
			t.Fatalf("a name that is in no table: %+v", got)
		}
		for _, version := range []string{got.BrowserVersion, got.OSVersion} {
			if len(version) > len("10.15+") || strings.Trim(version, "0123456789._+") != "" && version != "XP" && version != "Vista" {
				t.Fatalf("version %q", version)
			}
		}
	})
}

// knownNames has all the names that a Client may hold.
func knownNames() map[string]bool {
	names := map[string]bool{}
	for _, name := range []string{
		"", unknown, DeviceDesktop, DeviceMobile, DeviceTablet, DeviceTV, DeviceConsole, DeviceBot, BotUserAgent, BotHeadless,
		BotAutomated, "Android Browser", safari, "iOS WebView", "macOS WebView",
	} {
		names[name] = true
	}
	for _, table := range [][]name{browsers, systems} {
		for _, n := range table {
			names[n.means] = true
		}
	}
	for _, name := range brands {
		names[name] = true
	}
	for _, robots := range newRobots(robotList).byLead {
		for _, robot := range robots {
			names[robot.name] = true
		}
	}
	return names
}

// Package client tells who is at the other end of a report: device, browser and
// system from the headers of its request, and whether a person is there at all.
//
// A [Reader] judges by headers, a [Watch] by behaviour. Neither is proof against
// somebody who pretends well: the aim is that figures about people are not made
// of robots, not that robots are kept out.
//
// Names come from this package's tables and versions are numbers of a few
// digits, so that whatever is sent, the number of different values is bounded.
//
// Why the tables are our own, and not a library's: of the 133 agents of people in
// testdata, mileusna/useragent 1.3.5 names the browser of 62 as people do, and
// medama-io/go-useragent 1.2.5 of 53; the apps around pages, televisions and consoles
// are what they miss. ua-parser/uap-go names 87, knows no classes of devices, and
// takes a millisecond for an agent that it has not seen, of which anybody can send
// any number; the tables take 7 microseconds. None reads client hints.
package client

import (
	"hash/maphash"
	"strings"
	"sync"
)

// Classes of devices. Device is "" when nothing was sent to tell it from.
const (
	DeviceDesktop = "desktop"
	DeviceMobile  = "mobile"
	DeviceTablet  = "tablet"
	DeviceTV      = "tv"
	DeviceConsole = "console"
	DeviceBot     = "bot"
	DeviceOther   = "other" // headsets, cars, and what is not known
)

// Reasons for taking a client for a bot.
const (
	// BotUserAgent is a robot or a program that says so in its User-Agent.
	BotUserAgent = "user_agent"
	// BotHeadless is a browser without a window.
	BotHeadless = "headless"
	// BotAutomated is a browser that a program drives. A Reader finds drivers that
	// name themselves; most are found by beacon.Report's Automated.
	BotAutomated = "automated"
	// BotRate is a session that opens pages faster than people do: see Watch.
	BotRate = "rate"
)

// unknown is what is there but not in the tables.
const unknown = "other"

// Client is what is known of a client. Each field is "" when it is not told, and
// browser, system and device are "other" when they are told but not known.
type Client struct {
	Device string // one of the Device constants
	// Browser is the name that people know it by, such as "Samsung Internet", for
	// a page inside an app that of the app, such as "Instagram", or else "Android
	// WebView" or "iOS WebView". For a listed robot it is the robot's name.
	Browser string
	// BrowserVersion is the major version.
	BrowserVersion string
	OS             string
	// OSVersion is the major version; for Windows as people say ("7", "8.1", "11"),
	// for macOS before 11 with its minor version. "10+" of Windows and Android and
	// "10.15+" of macOS are what browsers say for that version and all after it.
	OSVersion string
	// Bot is one of the Bot constants, or "" for a person. Only with BotUserAgent is
	// Device "bot"; a browser that is headless or driven is told as the one it is.
	Bot string
}

// Hints are the client hints of a request, as they came: the values of the
// headers of these names with Sec-CH-UA before them; UA is Sec-CH-UA itself. Each
// may be "". Browsers send UA, Mobile and Platform by themselves to secure
// origins, and the others on demand (https://wicg.github.io/ua-client-hints/).
type Hints struct{ UA, Platform, PlatformVersion, Mobile, Model, FullVersionList string }

// Longer headers are cut. Real ones stay below half of it.
const (
	maxUserAgentBytes = 1 << 10
	maxBrandsBytes    = 512 // of UA and FullVersionList
	maxHintBytes      = 64
)

// Reader reads headers and remembers the answers, since sites see few different
// ones. It is safe for concurrent use.
type Reader struct {
	bots func() *robots
	seed maphash.Seed

	mu    sync.RWMutex
	known generations[*Client]
}

// NewReader returns a Reader that remembers at most maxEntries different clients,
// by hashes of their headers: each takes about 200 bytes. When there are more, the
// half that was not seen for longest is forgotten. The first Read compiles the list
// of robots, which takes milliseconds.
func NewReader(maxEntries int) *Reader {
	return &Reader{bots: sync.OnceValue(func() *robots { return newRobots(robotList) }), seed: maphash.MakeSeed(), known: generations[*Client]{max: maxEntries / 2}}
}

// Read tells who sent a request with this User-Agent header and these client
// hints. Where both speak of the same, the hints win, since browsers freeze much
// of the header. Read keeps no part of its arguments.
func (r *Reader) Read(userAgent string, hints Hints) Client {
	key := r.key(userAgent, &hints)
	r.mu.RLock()
	client := r.known.young[key]
	r.mu.RUnlock()
	if client == nil {
		client = r.readOld(key, userAgent, hints)
	}
	return *client
}

// key is a hash of all that an answer depends on. Its seed is random, so that
// nobody can make two clients have the same one.
func (r *Reader) key(userAgent string, hints *Hints) uint64 {
	key := maphash.String(r.seed, userAgent)
	key = r.hash(key, hints.UA)
	key = r.hash(key, hints.Platform)
	key = r.hash(key, hints.PlatformVersion)
	key = r.hash(key, hints.Mobile)
	key = r.hash(key, hints.Model)
	return r.hash(key, hints.FullVersionList)
}

// hash adds a text to a key. The factor, which is odd, tells places apart.
func (r *Reader) hash(key uint64, text string) uint64 {
	key *= 0x9e3779b97f4a7c15
	if text != "" { // as most hints are
		key ^= maphash.String(r.seed, text)
	}
	return key
}

// readOld reads what is not among the young.
func (r *Reader) readOld(key uint64, userAgent string, hints Hints) *Client {
	r.mu.Lock()
	client, ok := r.known.get(key)
	r.mu.Unlock()
	if ok {
		return client
	}
	read := r.read(cut(userAgent, maxUserAgentBytes), hints.cut())
	r.mu.Lock()
	r.known.put(key, &read)
	r.mu.Unlock()
	return &read
}

func (r *Reader) read(userAgent string, hints Hints) Client {
	if userAgent == "" && hints == (Hints{}) {
		return Client{}
	}
	name, reason := r.bots().find(userAgent)
	if reason == BotUserAgent {
		return Client{Device: DeviceBot, Browser: name, Bot: reason}
	}
	client := readUserAgent(userAgent, hints.Model)
	client.Bot = reason
	client.take(hints)
	// They are parts of headers, which are longer.
	client.BrowserVersion = strings.Clone(client.BrowserVersion)
	client.OSVersion = strings.Clone(client.OSVersion)
	return client
}

// cut returns the hints in lengths that real ones have.
func (h Hints) cut() Hints {
	return Hints{
		UA:              cut(h.UA, maxBrandsBytes),
		Platform:        cut(h.Platform, maxHintBytes),
		PlatformVersion: cut(h.PlatformVersion, maxHintBytes),
		Mobile:          cut(h.Mobile, maxHintBytes),
		Model:           cut(h.Model, maxHintBytes),
		FullVersionList: cut(h.FullVersionList, maxBrandsBytes),
	}
}

func cut(text string, limit int) string { return text[:min(len(text), limit)] }

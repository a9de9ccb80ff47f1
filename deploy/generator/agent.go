package generator

import (
	"fmt"
	"strings"
)

// device is a class of machines.
type device int

const (
	desktop device = iota
	phone
	tablet
	robot
)

// agent is a browser on a system, as it calls itself.
type agent struct {
	header   string
	weight   float64
	device   device
	chromium bool // tells of the connection, and writes stacks as Chrome does
	cpu      float64
}

// losses is the share of reports that do not arrive.
func (a *agent) losses() float64 {
	if a.chromium {
		return 0.001
	}
	return 0.003
}

// family is a browser on a system in several versions, the newest first.
type family struct {
	template string // %s is the version
	versions string
	weight   float64
	device   device
	chromium bool
	cpu      float64 // how long scripts take, against a good desktop
}

// agents are the User-Agent headers that visitors send: each family's newest
// version is the commonest, the older ones are about half as common each.
func agents() []agent {
	var all []agent
	for _, f := range families() {
		weight := f.weight
		for version := range strings.FieldsSeq(f.versions) {
			weight *= 0.52
			header := f.template
			if strings.Contains(header, "%s") {
				header = fmt.Sprintf(header, version)
			}
			all = append(all, agent{header, weight, f.device, f.chromium, f.cpu})
		}
	}
	return all
}

const (
	chromeVersions = "156.0.0.0 155.0.0.0 154.0.0.0 153.0.0.0 151.0.0.0 149.0.0.0 146.0.0.0 142.0.0.0 138.0.0.0 131.0.0.0 124.0.0.0 109.0.0.0"
	blink          = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"
	webKit         = "AppleWebKit/605.1.15 (KHTML, like Gecko) "
)

func families() []family {
	const windows, mac, linux = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) ", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ", "Mozilla/5.0 (X11; Linux x86_64) "
	const android = "Mozilla/5.0 (Linux; Android 10; K) "
	const iPhone, iPad = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ", "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) "
	return []family{
		{windows + blink + "%s Safari/537.36", chromeVersions, 225, desktop, true, 1.1},
		{mac + blink + "%s Safari/537.36", chromeVersions, 75, desktop, true, 0.7},
		{linux + blink + "%s Safari/537.36", chromeVersions, 16, desktop, true, 1},
		{windows + blink + "156.0.0.0 Safari/537.36 Edg/%s", "156.0.0.0 155.0.0.0 154.0.0.0 153.0.0.0 150.0.0.0 144.0.0.0", 82, desktop, true, 1.1},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:%[1]s) Gecko/20100101 Firefox/%[1]s", "158.0 157.0 156.0 155.0 152.0 140.0 128.0 115.0", 46, desktop, false, 1.15},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:%[1]s) Gecko/20100101 Firefox/%[1]s", "158.0 157.0 156.0 140.0", 10, desktop, false, 0.8},
		{"Mozilla/5.0 (X11; Linux x86_64; rv:%[1]s) Gecko/20100101 Firefox/%[1]s", "158.0 157.0 140.0", 7, desktop, false, 1},
		{mac + webKit + "Version/%s Safari/605.1.15", "26.5 26.4 26.2 26.0 18.6 18.3 17.6 16.6", 62, desktop, false, 0.7},
		{windows + blink + "154.0.0.0 Safari/537.36 OPR/%s", "138.0.0.0 137.0.0.0 134.0.0.0", 14, desktop, true, 1.1},
		{android + blink + "%s Mobile Safari/537.36", chromeVersions, 235, phone, true, 3.4},
		{android + "AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/%s Chrome/142.0.0.0 Mobile Safari/537.36", "33.0 32.0 31.0 29.0 28.0", 36, phone, true, 3},
		{"Mozilla/5.0 (Android 15; Mobile; rv:%[1]s) Gecko/%[1]s Firefox/%[1]s", "158.0 157.0 155.0", 6, phone, false, 3.4},
		{iPhone + webKit + "Version/%s Mobile/15E148 Safari/604.1", "26.5 26.4 26.3 26.1 26.0 18.6 18.5 18.1 17.6 17.4 16.6 15.8", 255, phone, false, 1.5},
		{iPhone + webKit + "CriOS/%s Mobile/15E148 Safari/604.1", "156.0.7801.34 155.0.7745.61 153.0.7642.11 150.0.7467.22", 30, phone, false, 1.5},
		{iPhone + webKit + "GSA/%s Mobile/15E148 Safari/604.1", "412.0.832117 398.1.815220", 12, phone, false, 1.6},
		{iPad + webKit + "Version/%s Mobile/15E148 Safari/604.1", "26.5 26.4 26.1 18.6 17.6", 24, tablet, false, 1.3},
		{"Mozilla/5.0 (Linux; Android 14; SM-X210) " + blink + "%s Safari/537.36", "156.0.0.0 155.0.0.0 151.0.0.0 142.0.0.0", 12, tablet, true, 2.8},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/%s Safari/537.36", "156.0.7801.34 155.0.7745.61", 9, robot, true, 1.2},
		{"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/%s Safari/537.36", "154.0.0.0", 3, robot, true, 1.2},
	}
}

// UserAgents are the User-Agent headers of the visitors, for who needs no
// more than that many different ones.
func UserAgents() []string {
	var headers []string
	for _, a := range agents() {
		headers = append(headers, a.header)
	}
	return headers
}

// connection is what a visitor's device is connected by.
type connection struct {
	effectiveType string
	weight        [4]float64 // by device
	rtt           float64    // times that of a good line
	lineMS        float64    // added to every round trip
	kBPerMS       float64    // bandwidth
}

func connections() []connection {
	return []connection{
		{"4g", [4]float64{86, 52, 80, 100}, 1.2, 8, 4},
		{"4g", [4]float64{11, 40, 16, 0}, 1.5, 60, 0.9},
		{"3g", [4]float64{2.4, 5.6, 3.4, 0}, 1.6, 210, 0.18},
		{"2g", [4]float64{0.5, 2, 0.5, 0}, 2, 620, 0.03},
		{"slow-2g", [4]float64{0.1, 0.4, 0.1, 0}, 2, 1500, 0.007},
	}
}

// viewports are the widths in CSS pixels that a device's windows have.
func viewports(d device) []int {
	switch d {
	case phone:
		return []int{390, 393, 360, 412, 384, 402, 430, 375, 440, 320}
	case tablet:
		return []int{820, 768, 1024, 800, 1180, 834}
	case robot:
		return []int{411, 1024}
	default:
		return []int{1920, 1536, 1440, 1366, 1280, 2560, 1707, 1728, 1512, 1103, 978, 3440}
	}
}

package client

import "strings"

// brands has the names of the brands that browsers give as client hints. Brands
// that are made up, to keep sites from relying on some, are not in it.
var brands = map[string]string{
	"Google Chrome":           chrome,
	"Chromium":                "Chromium",
	"Android WebView":         androidWebView,
	"Microsoft Edge":          "Edge",
	"Microsoft Edge WebView2": "Edge WebView2",
	"Opera":                   "Opera",
	"Opera GX":                "Opera GX",
	"Opera Mobile":            "Opera",
	"Brave":                   "Brave",
	"Vivaldi":                 "Vivaldi",
	"Samsung Internet":        "Samsung Internet",
	"YaBrowser":               "Yandex",
	"Yandex":                  "Yandex",
	"Whale":                   "Whale",
	"CocCoc":                  "Coc Coc",
	"DuckDuckGo":              "DuckDuckGo",
	"Oculus Browser":          "Meta Quest",
	"Meta Quest Browser":      "Meta Quest",
	"HuaweiBrowser":           "Huawei Browser",
	"Avast Secure Browser":    "Avast",
	"AVG Secure Browser":      "AVG",
	"Ecosia":                  "Ecosia",
	"Arc":                     "Arc",
	"HeadlessChrome":          headlessChrome,
}

const headlessChrome = "HeadlessChrome"

// general says of brands that many browsers carry beside or instead of their own.
// The more they tell the higher they are.
var general = map[string]int{"Chromium": 1, androidWebView: 2, chrome: 3, "Edge": 4, "Edge WebView2": 5}

// take lets the hints correct what was read from a User-Agent.
func (c *Client) take(h Hints) {
	list := h.UA
	if list == "" {
		list = h.FullVersionList
	}
	c.takeBrand(list)
	if c.Device != DeviceTV && c.Device != DeviceConsole {
		c.takePlatform(unquote(h.Platform), unquote(h.PlatformVersion))
		c.takeMobile(h.Mobile)
	}
}

// takeBrand takes the one brand that tells most. A general one says nothing about a
// browser that the User-Agent names more exactly, such as an app's.
func (c *Client) takeBrand(list string) {
	var best, bestVersion string
	for brand, version := range eachBrand(list) {
		name, known := brands[brand]
		if known && (best == "" || rank(name) > rank(best)) {
			best, bestVersion = name, version
		}
	}
	switch {
	case best == "":
	case best == headlessChrome:
		c.Bot = BotHeadless
	case general[best] == 0 || general[c.Browser] > 0 || c.Browser == "" || c.Browser == unknown:
		c.Browser, c.BrowserVersion = best, number(bestVersion)
	}
}

// rank orders brands by how much they tell.
func rank(name string) int {
	if place, ok := general[name]; ok {
		return place
	}
	return len(general) + 1
}

// takePlatform takes the system, whose version User-Agents no longer tell.
func (c *Client) takePlatform(platform, version string) {
	major := number(version)
	switch platform {
	case "Windows":
		c.runOn(platform, windowsVersion(major, version))
	case "macOS", "Mac OS X":
		c.runOn("macOS", macVersion(version))
	case "Android":
		if c.OS != "HarmonyOS" { // which is one, and has versions of its own
			c.runOn(platform, major)
		}
	case "Chrome OS", "Chromium OS":
		c.runOn("ChromeOS", "")
	case "Linux":
		// Android says so, too, when it is asked for the site of desktops.
		if c.OS == "" || c.OS == unknown {
			c.runOn(platform, "")
		}
	}
}

// runOn sets the system, and its version if that is told.
func (c *Client) runOn(system, version string) {
	if c.OS != system {
		c.OS, c.OSVersion = system, ""
	}
	if version != "" {
		c.OSVersion = version
	}
}

// windowsVersion returns the name of the Windows whose platform version that is
// (https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11).
func windowsVersion(major, version string) string {
	switch {
	case major == "":
		return ""
	case major == "0":
		switch number(strings.TrimPrefix(version, "0.")) {
		case "1":
			return "7"
		case "2":
			return "8"
		case "3":
			return "8.1"
		}
		return ""
	case len(major) == 1 || major < "13":
		return "10"
	}
	return "11"
}

// takeMobile tells phones from what is larger. No browser calls a tablet mobile.
func (c *Client) takeMobile(mobile string) {
	switch {
	case c.Device == DeviceOther && c.OS != unknown:
		// A headset: its browser says neither.
	case mobile == "?1":
		c.Device = DeviceMobile
	case mobile != "?0":
	case c.OS == "Android" || c.OS == "HarmonyOS":
		c.Device = DeviceTablet
	case c.Device == "" || c.Device == DeviceOther || c.Device == DeviceMobile:
		c.Device = DeviceDesktop
	}
}

// eachBrand yields brands and their versions from a list such as
//
//	"Not)A;Brand";v="8", "Chromium";v="142", "Google Chrome";v="142"
//
// of the form of RFC 8941, section 3.1. What follows something else is not read.
func eachBrand(list string) func(yield func(brand, version string) bool) {
	return func(yield func(brand, version string) bool) {
		for list = strings.TrimLeft(list, " \t"); list != ""; list = strings.TrimLeft(list, " \t,") {
			brand, rest, ok := quoted(list)
			if !ok {
				return
			}
			version := ""
			if behind, has := strings.CutPrefix(rest, `;v=`); has {
				if version, rest, ok = quoted(behind); !ok {
					return
				}
			}
			if !yield(brand, version) {
				return
			}
			list = rest
		}
	}
}

// quoted reads the text in quotes that the list begins with. Escapes stay in it:
// only brands that are made up have any.
func quoted(list string) (text, rest string, ok bool) {
	if !strings.HasPrefix(list, `"`) {
		return "", "", false
	}
	for at := 1; at < len(list); at++ {
		switch list[at] {
		case '\\':
			at++
		case '"':
			return list[1:at], list[at+1:], true
		}
	}
	return "", "", false
}

func unquote(value string) string { return strings.Trim(value, `"`) }

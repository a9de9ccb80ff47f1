package client

import "strings"

// name is what a part of a User-Agent stands for.
type name struct {
	part  string
	means string
	// version is what the version stands behind; "" if it stands behind part.
	version string
}

// noVersion is for what has none, or none that means anything.
const noVersion = "-"

// browsers are in the order in which they are looked for: those that name others
// for compatibility come before the others.
var browsers = []name{
	// Apps that show pages.
	{"FBAN/Messenger", "Messenger", "FBAV/"},
	{"FB_IAB/MESSENGER", "Messenger", "FBAV/"},
	{"FB_IAB/Orca", "Messenger", "FBAV/"},
	{"Barcelona ", "Threads", ""},
	{"Instagram ", "Instagram", ""},
	{"FBAN/", "Facebook", "FBAV/"},
	{"FB_IAB/", "Facebook", "FBAV/"},
	{"MetaIAB Facebook", "Facebook", "FBAV/"},
	{"musical_ly_", "TikTok", ""},
	{"musical_ly", "TikTok", "app_version/"},
	{"trill_", "TikTok", "app_version/"},
	{"aweme_", "Douyin", ""},
	{"Snapchat/", "Snapchat", ""},
	{"[Pinterest/", "Pinterest", noVersion},
	{"LinkedInApp", "LinkedIn", "[LinkedInApp]/"},
	{"Twitter for ", "X", "Twitter for iPhone/"},
	{"TwitterAndroid/", "X", ""},
	{"MicroMessenger/", "WeChat", ""},
	{"WhatsApp/", "WhatsApp", ""},
	{"Telegram-Android/", "Telegram", ""},
	{"KAKAOTALK", "KakaoTalk", "KAKAOTALK/"},
	{" Line/", "LINE", ""},
	{"NAVER(", "NAVER", noVersion},
	{"AlipayClient/", "Alipay", ""},
	{"baiduboxapp/", "Baidu", ""},
	{"Weibo", "Weibo", noVersion},
	{"Zalo ", "Zalo", noVersion},
	{"Viber/", "Viber", ""},
	{"Tumblr/", "Tumblr", noVersion},
	{"jp.co.yahoo.", "Yahoo! JAPAN", "appli/"},
	{"GSA/", "Google app", ""},
	{"Slack/", "Slack", ""},
	{"Teams/", "Microsoft Teams", ""},
	{"Notion/", "Notion", ""},
	{"Valve Steam", "Steam", noVersion},
	{"Electron/", "Electron", ""},
	// Browsers of televisions, consoles and headsets.
	{"PlayStation", "PlayStation", "Version/"},
	{"PLAYSTATION", "PlayStation", noVersion},
	{"Nintendo", "Nintendo", "NintendoBrowser/"},
	{"OculusBrowser/", "Meta Quest", ""},
	// Browsers.
	{"Ddg/", "DuckDuckGo", ""},
	{"DuckDuckGo/", "DuckDuckGo", ""},
	{"Opera Mini/", "Opera Mini", ""},
	{"OPiOS/", "Opera Mini", ""},
	{"OPX/", "Opera GX", ""},
	{"OPT/", "Opera", ""},
	{"OPR/", "Opera", ""},
	{"Opera/", "Opera", "Version/"},
	{"SamsungBrowser/", "Samsung Internet", ""},
	{"YaBrowser/", "Yandex", ""},
	{"UCBrowser/", "UC Browser", ""},
	{"UCWEB/", "UC Browser", ""},
	{"HuaweiBrowser/", "Huawei Browser", ""},
	{"MiuiBrowser/", "Mi Browser", ""},
	{"HeyTapBrowser/", "HeyTap Browser", ""},
	{"VivoBrowser/", "Vivo Browser", ""},
	{"MQQBrowser/", "QQ Browser", ""},
	{"QQBrowser/", "QQ Browser", ""},
	{"SogouMobileBrowser/", "Sogou", ""},
	{"MetaSr", "Sogou", noVersion},
	{"Whale/", "Whale", ""},
	{"coc_coc_browser/", "Coc Coc", ""},
	{"Vivaldi/", "Vivaldi", ""},
	{"Brave/", "Brave", ""},
	{"Puffin/", "Puffin", ""},
	{"AvastSecureBrowser/", "Avast", ""},
	{"Avast/", "Avast", ""},
	{"AVG/", "AVG", ""},
	{"Maxthon/", "Maxthon", ""},
	{"Ecosia", "Ecosia", "Ecosia ios@"},
	{"Silk/", "Silk", ""},
	{"EdgA/", "Edge", ""},
	{"EdgiOS/", "Edge", ""},
	{"Edg/", "Edge", ""},
	{"Edge/", "Edge", ""},
	{"IEMobile/", "Internet Explorer", ""},
	{"MSIE ", "Internet Explorer", ""},
	{"Trident/", "Internet Explorer", "rv:"},
	{"SeaMonkey/", "SeaMonkey", ""},
	{"PaleMoon/", "Pale Moon", ""},
	{"Waterfox/", "Waterfox", ""},
	{"Focus/", "Firefox Focus", ""},
	{"Klar/", "Firefox Focus", ""},
	{"FxiOS/", "Firefox", ""},
	{"Firefox/", "Firefox", ""},
	{"BB10", "BlackBerry", "Version/"},
	{"BlackBerry", "BlackBerry", "Version/"},
	{"NokiaBrowser/", "Nokia", ""},
	{"Nokia", "Nokia", noVersion},
	{"Epiphany/", "GNOME Web", "Version/"},
	{"Konqueror/", "Konqueror", ""},
	{"Falkon/", "Falkon", ""},
	{"Chromium/", "Chromium", ""},
	{"CriOS/", chrome, ""},
	{"Tizen", "Tizen WebView", "Version/"},
	{"; wv)", androidWebView, "Chrome/"},
	{"Version/4.0 Chrome/", androidWebView, ""},
	{"Chrome/", chrome, ""},
}

// Names that more than one rule is about.
const (
	chrome         = "Chrome"
	androidWebView = "Android WebView"
	safari         = "Safari"
	iPadOS         = "iPadOS"
)

// systems are in the order in which they are looked for. For "Windows NT" the
// version is that of windowsNT.
var systems = []name{
	{"Xbox", "Xbox", noVersion},
	{"PlayStation 5", "PlayStation 5", noVersion},
	{"PlayStation 4", "PlayStation 4", noVersion},
	{"PLAYSTATION 3", "PlayStation 3", noVersion},
	{"PlayStation Vita", "PlayStation Vita", noVersion},
	{"Nintendo Switch", "Nintendo Switch", noVersion},
	{"Nintendo WiiU", "Wii U", noVersion},
	{"Nintendo 3DS", "Nintendo 3DS", noVersion},
	{"Windows Phone", "Windows Phone", "Windows Phone "},
	{"KAIOS/", "KaiOS", ""},
	{"Tizen", "Tizen", "Tizen "},
	{"Web0S", "webOS", noVersion},
	{"webOS", "webOS", noVersion},
	{"OpenHarmony", "HarmonyOS", "OpenHarmony "},
	{"HarmonyOS", "HarmonyOS", "HarmonyOS "},
	{"BB10", "BlackBerry", "Version/"},
	{"BlackBerry", "BlackBerry", noVersion},
	{"Symbian", "Symbian", noVersion},
	{"J2ME", "Java ME", noVersion},
	{"iPad", iPadOS, "CPU OS "},
	{"iPhone", "iOS", "iPhone OS "},
	{"iPod", "iOS", "iPhone OS "},
	{"Mac_PowerPC", "macOS", noVersion},
	{"OculusBrowser", "Android", noVersion},
	{"Android", "Android", "Android "},
	{"CrOS", "ChromeOS", noVersion},
	{"Windows NT ", "Windows", ""},
	{"Windows", "Windows", noVersion},
	{"Macintosh", "macOS", "Mac OS X "},
	{"FreeBSD", "FreeBSD", noVersion},
	{"OpenBSD", "OpenBSD", noVersion},
	{"Linux", "Linux", noVersion},
	{"MIDP", "Java ME", noVersion},
}

// windowsNT has the names of Windows for the versions of its kernel
// (https://learn.microsoft.com/windows/win32/sysinfo/operating-system-version).
var windowsNT = map[string]string{
	"5.1": "XP", "5.2": "XP", "6.0": "Vista", "6.1": "7", "6.2": "8", "6.3": "8.1", "10.0": "10+",
}

// Parts of agents, and models, that tell the device. What has Android and none of
// them is a phone if it says Mobile, and else a tablet, as Google asks makers to do.
var (
	consoleParts = []string{"Xbox", "PlayStation", "PLAYSTATION", "Nintendo"}
	tvParts      = []string{
		"SMART-TV", "SmartTV", "Smart-TV", "TV Safari", "HbbTV", "GoogleTV", "Google TV", "AndroidTV", "Android TV",
		"AppleTV", "Apple TV", "CrKey", "Chromecast", "BRAVIA", "Bravia", "; AFT", "NetCast", "Web0S", "; DTV", "Roku",
		"VIDAA", "MiTV", "MIBOX", "MiBOX", "SHIELD", "Viera", "PhilipsTV", "OMI/",
	}
	otherParts   = []string{"OculusBrowser", " VR ", "QtCarBrowser", "Tesla/"}
	tabletParts  = []string{"iPad", "PlayBook", "Android; Tablet", "; Tablet; rv:"}
	mobileParts  = []string{"iPhone", "iPod", "Windows Phone", "IEMobile", "Opera Mini", "OpenHarmony", "BB10", "BlackBerry", "Symbian", "KAIOS", "J2ME", "MIDP"}
	desktopParts = []string{"Windows", "Macintosh", "X11", "CrOS", "Linux"}
)

// readUserAgent reads the User-Agent of a browser. The model is a client hint.
func readUserAgent(agent, model string) (c Client) {
	if agent == "" {
		return c
	}
	c.Browser, c.BrowserVersion = readBrowser(agent)
	c.OS, c.OSVersion = readSystem(agent)
	c.Device = readDevice(agent, model)
	// Chrome and others on an iPad claim to be on a Mac, but their names give them away.
	if c.OS == "macOS" && containsAny(agent, []string{"CriOS/", "FxiOS/", "EdgiOS/", "GSA/"}) {
		c.Device, c.OS, c.OSVersion = DeviceTablet, iPadOS, ""
	}
	// Safari froze the version of the system at 18, and is itself as new as that.
	if (c.OS == "iOS" || c.OS == iPadOS) && c.Browser == safari && c.OSVersion == "18" {
		c.OSVersion = c.BrowserVersion
	}
	return c
}

func readBrowser(agent string) (browser, version string) {
	if browser, version = find(browsers, agent); browser != "" {
		if browser == "Opera" && strings.Contains(agent, "; wv)") {
			browser = "Opera Mini" // whose pages are shown by a WebView
		}
		return browser, version
	}
	switch version := number(after(agent, "Version/")); {
	case strings.Contains(agent, "Android"):
		return "Android Browser", version
	case strings.Contains(agent, "Safari/") && version != "":
		return safari, version
	case containsAny(agent, []string{"iPhone", "iPad", "iPod"}):
		return "iOS WebView", ""
	case strings.Contains(agent, "Macintosh") && strings.Contains(agent, "AppleWebKit"):
		return "macOS WebView", ""
	}
	return unknown, ""
}

func readSystem(agent string) (system, version string) {
	system, version = find(systems, agent)
	switch system {
	case "":
		return unknown, ""
	case "Windows":
		version, _, _ = strings.Cut(after(agent, "Windows NT "), ";")
		version, _, _ = strings.Cut(version, ")")
		version = windowsNT[version]
	case "macOS":
		version = macVersion(after(agent, "Mac OS X "))
	case "Android":
		if strings.Contains(agent, "Android 10; K)") { // as Chrome writes it for all
			version = "10+"
		}
	case "iOS", iPadOS:
		// Apps tell the system's version better than the frozen part.
		for _, part := range []string{"FBSV/", "; iOS "} {
			if told := number(after(agent, part)); told != "" {
				version = told
			}
		}
	}
	return system, version
}

// macVersion reads a version of macOS, with dots or underscores.
func macVersion(text string) string {
	major := number(text)
	if major != "10" {
		return major
	}
	minor := number(strings.TrimLeft(text[len(major):], "._"))
	if minor == "15" {
		return "10.15+"
	}
	if len(minor) == 0 || len(minor) > 2 {
		return major
	}
	return major + "." + minor
}

func readDevice(agent, model string) string {
	both := agent
	if model != "" {
		both = agent + "; " + strings.Trim(model, `"`)
	}
	switch {
	case containsAny(both, consoleParts):
		return DeviceConsole
	case containsAny(both, tvParts):
		return DeviceTV
	case containsAny(both, otherParts):
		return DeviceOther
	case containsAny(agent, tabletParts):
		return DeviceTablet
	case containsAny(agent, mobileParts):
		return DeviceMobile
	case strings.Contains(agent, "Mobile"):
		return DeviceMobile
	case strings.Contains(agent, "Android"):
		return DeviceTablet
	case containsAny(agent, desktopParts):
		return DeviceDesktop
	}
	return DeviceOther
}

// find returns the first of the names that the agent holds, with the version.
func find(names []name, agent string) (means, version string) {
	for _, n := range names {
		at := strings.Index(agent, n.part)
		switch {
		case at < 0:
			continue
		case n.version == noVersion:
		case n.version == "":
			version = number(agent[at+len(n.part):])
		default:
			version = number(after(agent, n.version))
		}
		return n.means, version
	}
	return "", ""
}

// after returns what follows the part, or "".
func after(text, part string) string {
	_, rest, _ := strings.Cut(text, part)
	return rest
}

// maxVersionDigits bounds the number of different versions.
const maxVersionDigits = 3

// number returns the digits that the text begins with, or "" if they are too many.
func number(text string) string {
	digits := 0
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
		digits++
	}
	if digits > maxVersionDigits {
		return ""
	}
	return text[:digits]
}

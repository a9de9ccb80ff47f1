package synthetic

import (
	"regexp"
	"strings"
)

// device is a preset of the size and kind of a screen and of a user agent.
type device struct {
	name     string
	viewport Viewport
	// agent is the user agent, in which $ stands for the browser's major version;
	// empty is the browser's own.
	agent string
}

// Devices names the presets, phones first.
func Devices() []string {
	names := make([]string, 0, len(devices()))
	for _, device := range devices() {
		names = append(names, device.name)
	}
	return names
}

func devices() []device {
	const (
		android = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/$.0.0.0 Mobile Safari/537.36"
		iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/$.0.0.0 Mobile/15E148 Safari/604.1"
		ipad    = "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/$.0.0.0 Mobile/15E148 Safari/604.1"
	)
	handheld := func(width, height int, scale float64) Viewport {
		return Viewport{Width: width, Height: height, DeviceScaleFactor: scale, Mobile: true, Touch: true}
	}
	return []device{
		{"iphone-se", handheld(375, 667, 2), iphone},
		{"iphone-xr", handheld(414, 896, 2), iphone},
		{"iphone-12-pro", handheld(390, 844, 3), iphone},
		{"iphone-14-pro-max", handheld(430, 932, 3), iphone},
		{"pixel-7", handheld(412, 915, 2.625), android},
		{"galaxy-s8-plus", handheld(360, 740, 4), android},
		{"galaxy-s20-ultra", handheld(412, 915, 3.5), android},
		{"galaxy-a51", handheld(412, 914, 2.625), android},
		{"ipad-mini", handheld(768, 1024, 2), ipad},
		{"ipad-air", handheld(820, 1180, 2), ipad},
		{"laptop", DefaultViewport, ""},
		{"laptop-hidpi", Viewport{Width: 1440, Height: 900, DeviceScaleFactor: 2}, ""},
		{"desktop", Viewport{Width: 1920, Height: 1080, DeviceScaleFactor: 1}, ""},
	}
}

func findDevice(name string) (device, bool) {
	for _, device := range devices() {
		if device.name == name {
			return device, true
		}
	}
	return device{}, false
}

// chromeMajor finds the major version in Chrome's user agent, headless or not.
var chromeMajor = regexp.MustCompile(`Chrome/([0-9]+)`)

// userAgent is the device's for the version of a browser; empty when it has none.
func (d device) userAgent(browser string) string {
	match := chromeMajor.FindStringSubmatch(browser)
	if d.agent == "" || match == nil {
		return ""
	}
	return strings.Replace(d.agent, "$", match[1], 1)
}

// viewport is what a page begins with when the journey gives no size.
func (e Environment) viewport() Viewport {
	if device, found := findDevice(e.Device); found {
		return device.viewport
	}
	return DefaultViewport
}

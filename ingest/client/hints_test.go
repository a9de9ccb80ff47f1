package client

import (
	"slices"
	"testing"
)

const (
	windowsChrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	androidChrome = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36"
	androidTablet = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	linuxChrome   = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	macChrome     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

	chromeBrands  = `"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`
	webViewBrands = `"Chromium";v="142", "Android WebView";v="142", "Not_A Brand";v="99"`
)

func TestReader_HintsWin(t *testing.T) {
	for name, c := range map[string]struct {
		agent string
		hints Hints
		want  Client
	}{
		"what Chrome sends by itself": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, Mobile: "?0"},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "10+", ""},
		},
		"Windows 11": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, PlatformVersion: `"13.0.0"`, Mobile: "?0"},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "11", ""},
		},
		"Windows 11, later": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, PlatformVersion: `"19.0.0"`},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "11", ""},
		},
		"Windows 10, the last": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, PlatformVersion: `"10.0.0"`},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "10", ""},
		},
		"Windows 10, the first": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, PlatformVersion: `"1.0.0"`},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "10", ""},
		},
		"Windows 8.1": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, PlatformVersion: `"0.3.0"`},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "8.1", ""},
		},
		"Windows 7": {
			windowsChrome,
			Hints{UA: chromeBrands, Platform: `"Windows"`, PlatformVersion: `"0.1.0"`},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "7", ""},
		},
		"macOS 26": {
			macChrome,
			Hints{UA: chromeBrands, Platform: `"macOS"`, PlatformVersion: `"26.0.1"`, Mobile: "?0"},
			Client{DeviceDesktop, "Chrome", "142", "macOS", "26", ""},
		},
		"Android 16": {
			androidChrome,
			Hints{UA: chromeBrands, Platform: `"Android"`, PlatformVersion: `"16.0.0"`, Mobile: "?1", Model: `"Pixel 9"`},
			Client{DeviceMobile, "Chrome", "142", "Android", "16", ""},
		},
		"a tablet": {
			androidTablet,
			Hints{UA: chromeBrands, Platform: `"Android"`, Mobile: "?0", Model: `"SM-X710"`},
			Client{DeviceTablet, "Chrome", "142", "Android", "10+", ""},
		},
		"a tablet that asks for the site of desktops": {
			linuxChrome,
			Hints{UA: chromeBrands, Platform: `"Android"`, PlatformVersion: `"15.0.0"`, Mobile: "?0"},
			Client{DeviceTablet, "Chrome", "142", "Android", "15", ""},
		},
		"a television, told by its model": {
			androidTablet,
			Hints{UA: chromeBrands, Platform: `"Android"`, Mobile: "?0", Model: `"BRAVIA 4K VH2"`},
			Client{DeviceTV, "Chrome", "142", "Android", "10+", ""},
		},
		"ChromeOS": {
			linuxChrome,
			Hints{UA: chromeBrands, Platform: `"Chrome OS"`, PlatformVersion: `"16093.68.0"`, Mobile: "?0"},
			Client{DeviceDesktop, "Chrome", "142", "ChromeOS", "", ""},
		},
		"Brave, which hides in the User-Agent": {
			windowsChrome,
			Hints{UA: `"Chromium";v="142", "Brave";v="142", "Not_A Brand";v="99"`},
			Client{DeviceDesktop, "Brave", "142", "Windows", "10+", ""},
		},
		"Chromium itself": {
			linuxChrome,
			Hints{UA: `"Not_A Brand";v="99", "Chromium";v="142"`},
			Client{DeviceDesktop, "Chromium", "142", "Linux", "", ""},
		},
		"made-up brands with quotes and commas": {
			windowsChrome,
			Hints{UA: `"\"Not, A;Brand\\";v="24", "Google Chrome";v="143","Chromium";v="143"`},
			Client{DeviceDesktop, "Chrome", "143", "Windows", "10+", ""},
		},
		"only the long list": {
			windowsChrome,
			Hints{FullVersionList: `"Chromium";v="142.0.7444.60", "Microsoft Edge";v="142.0.3595.53", "Not_A Brand";v="99.0.0.0"`},
			Client{DeviceDesktop, "Edge", "142", "Windows", "10+", ""},
		},
		"a WebView of Edge is told from Edge": {
			windowsChrome,
			Hints{UA: `"Microsoft Edge";v="142", "Microsoft Edge WebView2";v="142", "Chromium";v="142"`},
			Client{DeviceDesktop, "Edge WebView2", "142", "Windows", "10+", ""},
		},
		"an app is told better by the User-Agent": {
			androidChrome + " [FB_IAB/FB4A;FBAV/515.0.0.44.90;]",
			Hints{UA: webViewBrands, Platform: `"Android"`, Mobile: "?1"},
			Client{DeviceMobile, "Facebook", "515", "Android", "10+", ""},
		},
		"a WebView is told better by the brand": {
			androidChrome,
			Hints{UA: webViewBrands, Platform: `"Android"`, Mobile: "?1"},
			Client{DeviceMobile, "Android WebView", "142", "Android", "10+", ""},
		},
		"no User-Agent": {
			"",
			Hints{UA: chromeBrands, Platform: `"Linux"`, Mobile: "?0"},
			Client{DeviceDesktop, "Chrome", "142", "Linux", "", ""},
		},
		"headless, says the brand": {
			linuxChrome,
			Hints{UA: `"HeadlessChrome";v="142", "Chromium";v="142"`, Platform: `"Linux"`},
			Client{DeviceDesktop, "Chrome", "142", "Linux", "", BotHeadless},
		},
		"a robot with the hints of its browser": {
			"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
			Hints{UA: chromeBrands, Platform: `"Linux"`, Mobile: "?0"},
			Client{DeviceBot, "Googlebot", "", "", "", BotUserAgent},
		},
		"nonsense": {
			windowsChrome,
			Hints{UA: `Chrome`, Platform: `Toaster`, PlatformVersion: `"x"`, Mobile: "1"},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "10+", ""},
		},
		"another system than in the User-Agent": {
			macChrome,
			Hints{Platform: `"Windows"`},
			Client{DeviceDesktop, "Chrome", "142", "Windows", "", ""},
		},
	} {
		if got := NewReader(10).Read(c.agent, c.hints); got != c.want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestEachBrand(t *testing.T) {
	for list, want := range map[string][]string{
		``:                           nil,
		`"A";v="1", "B";v="2.3"`:     {"A", "1", "B", "2.3"},
		` "A" ,	"B";v="2"`:           {"A", "", "B", "2"},
		`"A;v=";v="1"`:               {"A;v=", "1"},
		`"A\"B";v="1"`:               {`A\"B`, "1"},
		`"A";v="1";x="2", "B";v="2"`: {"A", "1"},
		`"A";v="1", B;v="2"`:         {"A", "1"},
		`"A";v="1", "B;v=2`:          {"A", "1"},
		`"A";v="1`:                   nil,
		`"A\`:                        nil,
	} {
		var got []string
		for brand, version := range eachBrand(list) {
			got = append(got, brand, version)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", list, got, want)
		}
	}
}

package stack

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// InApp reports whether code at the URL, as a browser or a source map names
// it, is the app's own. It is not if it is no code that the page loaded (the
// browser's, an extension's), if it is a library or a bundler's (under
// node_modules, or in a file that is customarily named so), if it comes from a
// well-known host of libraries, advertising or analytics, or if it comes from
// another site than the page. A site is a registrable domain by the Public
// Suffix List, with all its hosts. pageHost is without a port; "" if unknown,
// and then all other sites are the app's.
func InApp(url, pageHost string) bool {
	page := newPage(pageHost)
	return page.owns(url)
}

// page is where an error happened.
type page struct{ host, site string }

func newPage(host string) page {
	if host == "" {
		return page{}
	}
	host = strings.ToLower(host)
	return page{host, siteOf(host)}
}

// siteOf returns the registrable domain of a host, or the host if it has none,
// as addresses and names of a local network.
func siteOf(host string) string {
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || isDigit(host[len(host)-1]) {
		return host
	}
	return site
}

func (p *page) owns(url string) bool {
	if url == "" || isForeignScheme(url) {
		return false
	}
	url = cutQuery(url)
	if host := hostOf(url); host != "" && host != p.host {
		if len(host) > maxHostBytes {
			return false
		}
		host = strings.ToLower(host)
		if p.host == "" && isThirdParty(host) || p.host != "" && siteOf(host) != p.site {
			return false
		}
	}
	return !isLibrary(url)
}

// maxHostBytes is the longest that a host name can be (RFC 1035, section 2.3.4).
const maxHostBytes = 255

// isForeignScheme knows addresses of code that no page loads: extensions,
// scripts that an app around the browser runs in it, and the browser's own.
func isForeignScheme(url string) bool {
	scheme := schemeOf(url)
	return isExtensionScheme(scheme) || isInjectedScheme(scheme) || scheme == "about" || scheme == "debugger"
}

// maxSchemeBytes is longer than the longest scheme that is looked for.
const maxSchemeBytes = 32

func schemeOf(url string) string {
	scheme, _, found := strings.Cut(url[:min(len(url), maxSchemeBytes)], ":")
	if !found {
		return ""
	}
	return scheme
}

// isExtensionScheme knows extensions, and the parts of a browser that are made
// like them. Safari masks the address of an extension from the page.
func isExtensionScheme(scheme string) bool {
	return strings.HasSuffix(scheme, "-extension") || scheme == "webkit-masked-url" || scheme == "chrome" || scheme == "resource"
}

// isInjectedScheme knows scripts that the app around a browser view runs in it.
func isInjectedScheme(scheme string) bool { return scheme == "user-script" || scheme == "iabjs" }

// hostOf returns the host of an http or https URL, without the port, and "" of
// all others; of blob URLs that of the page that made them.
func hostOf(url string) string {
	scheme, rest, found := strings.Cut(strings.TrimPrefix(url, "blob:"), "://")
	if !found || scheme != "https" && scheme != "http" {
		return ""
	}
	host, _, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	if port := strings.LastIndexByte(host, ':'); port > strings.LastIndexByte(host, ']') {
		host = host[:port]
	}
	return host
}

// isThirdParty looks for a host and for all domains that it is part of.
func isThirdParty(host string) bool {
	for host != "" {
		if _, found := slices.BinarySearch(thirdParties, host); found {
			return true
		}
		_, host, _ = strings.Cut(host, ".")
	}
	return false
}

// isLibrary knows code that others wrote by its path or the name of its file.
func isLibrary(url string) bool {
	for _, part := range libraryPaths {
		if strings.Contains(url, part) {
			return true
		}
	}
	// Sources of a source map are told by their paths alone.
	var buffer [64]byte
	return hostOf(url) != "" && isLibraryFile(string(appendFile(buffer[:0], url[strings.LastIndexByte(url, '/')+1:])))
}

// isLibraryFile takes the name of a file as appendFile writes it.
func isLibraryFile(file string) bool {
	file, isScript := strings.CutSuffix(file, ".js")
	if !isScript {
		return false
	}
	// Bundlers put the names of what is inside behind a tilde.
	name, qualifiers, _ := strings.Cut(strings.ReplaceAll(file, "~", "."), ".")
	if name == "vendor" || name == "vendors" {
		return true
	}
	if _, found := slices.BinarySearch(libraryFiles, name); !found {
		return false
	}
	for qualifiers != "" {
		var qualifier string
		qualifier, qualifiers, _ = strings.Cut(qualifiers, ".")
		if _, found := slices.BinarySearch(libraryQualifiers, qualifier); !found {
			return false
		}
	}
	return true
}

// libraryPaths are of package managers, of the code that bundlers add, and of
// the development servers that serve both.
var libraryPaths = []string{
	"/node_modules/", "/bower_components/", "/jspm_packages/", "webpack/runtime/", "webpack/bootstrap",
	"webpack/startup", "webpack/universalModuleDefinition", "(webpack)/", "/~/", "/.vite/deps/", "/@vite/",
	"/@react-refresh",
}

// libraryFiles are, without extension, version and hash, the names that
// bundlers customarily give to files of foreign code, and libraries that many
// serve from their own host. Sorted.
var libraryFiles = []string{
	"angular", "framework", "jquery", "lodash", "polyfill", "polyfills", "react", "runtime", "underscore", "vue",
	"webpack", "zone",
}

// libraryQualifiers may stand behind such a name, as in react-dom.production.js.
// With any other word it may be the app's: react-cart.js. Sorted.
var libraryQualifiers = []string{
	"bundle", "chunk", "development", "dom", "esm", "global", "legacy", "main", "prod", "production", "runtime", "slim", "ui", "umd",
}

// thirdParties are hosts and domains that serve code to the pages of many
// others: libraries, tags, analytics, advertising, consent, chat, payment. Sorted.
var thirdParties = []string{
	"adnxs.com", "ads-twitter.com", "adsrvr.org", "ajax.aspnetcdn.com", "amazon-adsystem.com",
	"analytics.tiktok.com", "appdynamics.com", "bat.bing.com", "braze.com", "cdn.amplitude.com",
	"cdn.ampproject.org", "cdn.jsdelivr.net", "cdn.mxpnl.com", "cdn.optimizely.com", "cdn.segment.com",
	"cdn.skypack.dev", "cdnjs.cloudflare.com", "challenges.cloudflare.com", "clarity.ms", "cloudflareinsights.com",
	"code.jquery.com", "connect.facebook.net", "consensu.org", "cookiebot.com", "cookielaw.org", "criteo.com",
	"criteo.net", "datadoghq-browser-agent.com", "doubleclick.net", "dwin1.com", "esm.sh", "fullstory.com",
	"ga.jspm.io", "google-analytics.com", "googleadservices.com", "googleapis.com", "googlesyndication.com",
	"googletagmanager.com", "googletagservices.com", "gstatic.com", "hcaptcha.com", "heapanalytics.com",
	"hotjar.com", "hs-analytics.net", "hs-scripts.com", "intercomcdn.com", "js-agent.newrelic.com", "js.stripe.com",
	"kit.fontawesome.com", "klarnaservices.com", "licdn.com", "lr-ingest.com", "maxcdn.bootstrapcdn.com",
	"mc.yandex.ru", "moatads.com", "mouseflow.com", "nr-data.net", "outbrain.com", "paypalobjects.com", "pinimg.com",
	"player.vimeo.com", "polyfill.io", "pubmatic.com", "quantserve.com", "recaptcha.net", "rubiconproject.com",
	"sc-static.net", "scorecardresearch.com", "sentry-cdn.com", "sharethis.com", "stackpath.bootstrapcdn.com",
	"static.cloudflareinsights.com", "taboola.com", "tealiumiq.com", "tiqcdn.com", "translate.google.com",
	"trustarc.com", "typekit.net", "unpkg.com", "use.fontawesome.com", "usercentrics.eu",
	"visualwebsiteoptimizer.com", "widget.trustpilot.com", "www.google.com", "yastatic.net", "youtube.com",
	"ytimg.com", "zdassets.com",
}

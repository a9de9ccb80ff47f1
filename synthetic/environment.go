package synthetic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Geolocation is where a page believes to be.
type Geolocation struct {
	Latitude, Longitude float64 // degrees
	AccuracyM           float64 // metres
}

// Header is sent with the requests to some hosts.
type Header struct {
	Name, Value string
	// Hosts are names, "*.example.org" for all below one, or name:port. Never empty:
	// a header may hold a credential, which is nobody else's.
	Hosts []string
}

// Cookie is a cookie that a page begins with.
type Cookie struct {
	Name, Value string
	// Domain is a host; with a dot before it all below it, too.
	Domain   string
	Path     string // empty is /
	Secure   bool
	HTTPOnly bool
	SameSite string    // Strict, Lax or None; empty is the browser's default
	Expires  time.Time // zero is the end of the session
}

// NetworkConditions slow a page's network down.
type NetworkConditions struct {
	Offline bool
	// DownloadBytesPerS and UploadBytesPerS bound the throughput; 0 does not.
	DownloadBytesPerS, UploadBytesPerS float64
	// Latency is added to each request.
	Latency time.Duration
}

// State is what a site keeps in a browser, so that a login can be used again.
// It holds credentials.
type State struct {
	Cookies []Cookie
	// Storage is the local storage of each origin, such as https://shop.example.
	Storage map[string]map[string]string
}

// Environment is what a page believes about the world around it. The texts of its
// headers and cookies, and the user agent, may refer to variables. The zero value
// is the browser's own.
type Environment struct {
	// Device is a preset of [Devices], which gives the viewport and the user agent.
	Device string
	// UserAgent replaces that of the device and the browser.
	UserAgent string
	// Locale is a BCP 47 language tag such as "de-DE".
	Locale string
	// Timezone is a name of the IANA database such as "Europe/Berlin".
	Timezone    string
	Geolocation *Geolocation
	// Network slows the network down; nil does not.
	Network *NetworkConditions
	// CPUSlowdown is how many times slower the page computes; 0 is as fast as it can.
	CPUSlowdown float64
	Headers     []Header
	Cookies     []Cookie
	// Block holds patterns of addresses that are not loaded; * stands for anything.
	Block []string
	// TraceHosts are told the trace of each step, AllowHosts may be called although
	// they are the machine's own. Both are written as the hosts of a [Header].
	TraceHosts, AllowHosts []string
	// State names the kept cookies and storage that the page begins with; empty is
	// none.
	State string
}

// expand replaces the references to variables. Cookies without a domain become
// those of the base's host, which may be nil.
func (e Environment) expand(ctx context.Context, base *url.URL, values *values) (Environment, error) {
	var err error
	if e.UserAgent, err = values.expand(ctx, e.UserAgent); err != nil {
		return Environment{}, fmt.Errorf("user agent: %w", err)
	}
	e.Headers, e.Cookies = slices.Clone(e.Headers), slices.Clone(e.Cookies)
	for i := range e.Headers {
		header := &e.Headers[i]
		if header.Value, err = values.expand(ctx, header.Value); err == nil && strings.ContainsAny(header.Value, "\r\n\x00") {
			err = errors.New("the value holds a line end")
		}
		if err != nil {
			return Environment{}, fmt.Errorf("header %s: %w", header.Name, err)
		}
	}
	for i := range e.Cookies {
		cookie := &e.Cookies[i]
		if cookie.Value, err = values.expand(ctx, cookie.Value); err != nil {
			return Environment{}, fmt.Errorf("cookie %s: %w", cookie.Name, err)
		}
		if cookie.Domain == "" && base == nil {
			return Environment{}, fmt.Errorf("cookie %s: it has no domain and there is no base URL", cookie.Name)
		}
		if cookie.Domain == "" {
			cookie.Domain = base.Hostname()
		}
	}
	return e, nil
}

// userAgent is what a page says that it is, if not what the browser does.
func (e Environment) userAgent(browser string) string {
	device, _ := findDevice(e.Device)
	return cmp.Or(e.UserAgent, device.userAgent(browser))
}

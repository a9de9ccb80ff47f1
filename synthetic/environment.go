package synthetic

import "time"

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

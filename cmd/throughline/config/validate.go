package config

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"throughline/beacon"
	"throughline/ingest"
	"throughline/ingest/scrub"
	"throughline/synthetic"
)

var (
	keyShape      = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)
	databaseShape = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	pathShape     = regexp.MustCompile(`^(/[A-Za-z0-9._-]+)+$`)
)

// minToken is the least length of a token.
const minToken = 16

// findings collects problems.
type findings []Problem

func (f *findings) add(key, format string, args ...any) {
	*f = append(*f, Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// Validate returns everything that is wrong with the configuration.
func (c *Config) Validate() []Problem {
	var f findings
	f.address("listen", c.Listen)
	f.atLeast("max_connections", c.MaxConnections, 100)
	f.address("admin.listen", c.Admin.Listen)
	f.path("paths.collect", c.Paths.Collect)
	f.path("paths.script", c.Paths.Script)
	if c.Paths.Reports != "" {
		f.path("paths.reports", c.Paths.Reports)
	}
	if c.Paths.Reports == c.Paths.Collect {
		f.add("paths.reports", "must not be the same as paths.collect")
	}
	f.token("agent_token", c.AgentToken)
	f.token("user_id_key", c.UserIDKey)
	f.sourceMaps(c)
	f.clickHouse(c.ClickHouse)
	f.atLeast("queue.segment_size", int(c.Queue.SegmentSize), 4*beacon.MaxAgentBodyBytes)
	f.atLeast("queue.max_size", int(c.Queue.MaxSize), 4*int(c.Queue.SegmentSize))
	f.atLeast("batch.max_events", c.Batch.MaxEvents, beacon.MaxEvents)
	f.atLeast("batch.max_size", int(c.Batch.MaxSize), beacon.MaxAgentBodyBytes)
	f.atLeast("deduplication.max_ids", c.Deduplication.MaxIDs, 10_000)
	f.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	f.oneOf("log.format", c.Log.Format, "text", "json")
	for i, text := range c.TrustedProxies {
		switch network, err := parseNetwork(text); {
		case err != nil:
			f.add(fmt.Sprintf("trusted_proxies[%d]", i), "must be a network such as 10.0.0.0/8, or an address")
		case network.Bits() == 0:
			f.add(fmt.Sprintf("trusted_proxies[%d]", i), "must not be everybody: then any client could name any address")
		case network.Addr().Is4In6():
			f.add(fmt.Sprintf("trusted_proxies[%d]", i), "must be written as IPv4")
		}
	}
	f.apps(c.Apps)
	for i, app := range c.Apps {
		if app.HashUserIDs && c.UserIDKey == "" {
			f.add(fmt.Sprintf("apps[%d].hash_user_ids", i), "needs user_id_key; set it here or in THROUGHLINE_USER_ID_KEY")
		}
	}
	f.transactions(c)
	f.journeys(c)
	return f
}

// parseNetwork reads a network, or an address as the network of it alone.
func parseNetwork(text string) (netip.Prefix, error) {
	if address, err := netip.ParseAddr(text); err == nil {
		return address.Prefix(address.BitLen())
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err
}

func (f *findings) atLeast(key string, value, least int) {
	if value < least {
		f.add(key, "must be at least %d", least)
	}
}

func (f *findings) token(key string, token Secret) {
	if token != "" && len(token) < minToken {
		f.add(key, "must have at least %d characters", minToken)
	}
}

func (f *findings) sourceMaps(c *Config) {
	f.token("sourcemaps.upload_token", c.SourceMaps.UploadToken)
	if c.SourceMaps.UploadToken != "" && c.SourceMaps.UploadToken == c.AgentToken {
		f.add("sourcemaps.upload_token", "must differ from agent_token: whoever builds scripts is not who runs journeys")
	}
	f.atLeast("sourcemaps.max_map_size", int(c.SourceMaps.MaxMapSize), 1<<20)
	f.atLeast("sourcemaps.max_size", int(c.SourceMaps.MaxSize), int(c.SourceMaps.MaxMapSize))
}

func (f *findings) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		f.add(key, "must be one of %s", strings.Join(allowed, ", "))
	}
}

func (f *findings) address(key, value string) {
	if _, port, err := net.SplitHostPort(value); err != nil || port == "" {
		f.add(key, "must be host:port, or :port for all addresses")
	}
}

func (f *findings) path(key, value string) {
	// Browsers take dot segments out of a URL.
	if !pathShape.MatchString(value) || path.Clean(value) != value {
		f.add(key, "must be a path such as /v1/events")
	}
}

func (f *findings) clickHouse(c ClickHouse) {
	for i, addr := range c.Addr {
		f.address(fmt.Sprintf("clickhouse.addr[%d]", i), addr)
	}
	if !databaseShape.MatchString(c.Database) || c.Database == "default" || c.Database == "system" {
		f.add("clickhouse.database", "must be a plain name other than default and system")
	}
	if c.Retention.Duration()%(24*time.Hour) != 0 {
		f.add("clickhouse.retention", "must be whole days such as 90d, or 0s to keep rows for ever")
	}
	if len(c.Addr) > 0 {
		return
	}
	if c.Username != "default" || c.Password != "" {
		f.add("clickhouse.username", "the embedded engine knows only the user default, without password; set clickhouse.addr to use a server")
	}
	for key, port := range map[string]int{"native_port": c.Embedded.NativePort, "http_port": c.Embedded.HTTPPort} {
		if port < 0 || port > 65535 {
			f.add("clickhouse.embedded."+key, "must be a port, or 0 to pick a free one")
		}
	}
}

func (f *findings) apps(apps []App) {
	names, keys := map[string]bool{}, map[string]string{}
	for i, a := range apps {
		key := func(field string) string { return fmt.Sprintf("apps[%d].%s", i, field) }
		switch {
		case a.Name == "" || len(a.Name) > beacon.MaxNameBytes:
			f.add(key("name"), "must have 1 to %d bytes", beacon.MaxNameBytes)
		case names[a.Name]:
			f.add(key("name"), "another app has this name")
		}
		names[a.Name] = true
		f.key(key("key"), a.Key, a.Name, keys)
		for j, further := range a.Keys {
			f.key(fmt.Sprintf("%s[%d]", key("keys"), j), further, a.Name, keys)
		}
		f.beacon(key("beacon"), a.Beacon)
		f.limits(key("limits"), a.Limits)
		if len(a.Origins) == 0 {
			f.add(key("origins"), "must list the origins of the app's pages, such as https://shop.example; \"*\" allows any")
		}
		for j, page := range a.Pages {
			if _, err := ingest.ParsePattern(page.Path); err != nil {
				f.add(key(fmt.Sprintf("pages[%d].path", j)), "%s", err)
			}
			if page.Name == "" || len(page.Name) > beacon.MaxNameBytes {
				f.add(key(fmt.Sprintf("pages[%d].name", j)), "must have 1 to %d bytes", beacon.MaxNameBytes)
			}
		}
		if _, err := scrub.New(a.Scrub.Allow); err != nil {
			f.add(key("scrub.allow"), "%s", err)
		}
		for j, origin := range a.Origins {
			if !validOrigin(origin) {
				f.add(fmt.Sprintf("%s[%d]", key("origins"), j), "must be an origin such as https://shop.example or https://*.shop.example, or \"*\"")
			}
		}
	}
}

// key checks a write key of an app; owners are the apps of those before it.
func (f *findings) key(at, key, app string, owners map[string]string) {
	owner, taken := owners[key]
	switch {
	case !keyShape.MatchString(key):
		f.add(at, "must be 8 to 64 letters, digits, - or _")
	case taken && owner == app:
		f.add(at, "the app has this key already")
	case taken:
		f.add(at, "another app has this key")
	}
	owners[key] = app
}

func (f *findings) beacon(at string, b Beacon) {
	f.share(at+".sample_rate", b.SampleRate)
	f.share(at+".error_sample_rate", b.ErrorSampleRate)
	for i, origin := range b.TraceOrigins {
		if origin != "self" && (!validOrigin(origin) || strings.Contains(origin, "*")) {
			f.add(fmt.Sprintf("%s.trace_origins[%d]", at, i), "must be self or an origin such as https://api.shop.example")
		}
	}
	for i, name := range b.UserTiming {
		if strings.Trim(name, "*") == "" && name != "*" {
			f.add(fmt.Sprintf("%s.user_timing[%d]", at, i), "must be the name of a mark or measure, with * for what varies")
		}
	}
}

func (f *findings) share(at string, rate *float64) {
	if rate != nil && !(*rate >= 0 && *rate <= 1) {
		f.add(at, "must be from 0 to 1: 0.1 is every tenth session")
	}
}

func (f *findings) limits(at string, l Limits) {
	f.within(at+".events_per_second", int64(l.EventsPerSecond), ingest.MaxEventsPerSecond)
	f.within(at+".burst", int64(l.Burst), ingest.MaxBurst)
	f.within(at+".events_per_day", l.EventsPerDay, ingest.MaxEventsPerDay)
	if l.Burst > 0 && l.EventsPerSecond == 0 {
		f.add(at+".burst", "needs events_per_second")
	}
}

func (f *findings) within(at string, value, most int64) {
	if value < 0 || value > most {
		f.add(at, "must be from 1 to %d, or 0 for no limit", most)
	}
}

func validOrigin(origin string) bool {
	if origin == "*" {
		return true
	}
	u, err := url.Parse(strings.Replace(origin, "://*.", "://any.", 1))
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.Contains(u.Host, "*") &&
		u.Path == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil &&
		// As browsers write it: else it would match none.
		origin == strings.ToLower(origin) && (u.Scheme != "https" || u.Port() != "443") && (u.Scheme != "http" || u.Port() != "80")
}

func (f *findings) transactions(c *Config) {
	seen := map[[2]string]bool{}
	for i, t := range c.Transactions {
		key := func(field string) string { return fmt.Sprintf("transactions[%d].%s", i, field) }
		if t.Name == "" || len(t.Name) > beacon.MaxNameBytes {
			f.add(key("name"), "must have 1 to %d bytes", beacon.MaxNameBytes)
		}
		if _, ok := c.App(t.App); !ok {
			f.add(key("app"), "no app is called %q", t.App)
		}
		if id := [2]string{t.App, t.Name}; seen[id] {
			f.add(key("name"), "the app has another transaction of this name")
		} else {
			seen[id] = true
		}
		if t.Objectives.Satisfied <= 0 {
			f.add(key("objectives.satisfied"), "must be the wait up to which a user is satisfied, such as 2s")
		}
		if field, err := t.Complete.check(); err != nil {
			f.add(key(field), "%s", err)
		}
	}
}

// check says which field is wrong, and how.
func (m Matcher) check() (field string, err error) {
	field = "complete"
	switch {
	case m.Page != "" && m.Request == "":
		field = "complete.page"
	case m.Page == "" && m.Request != "":
		field = "complete.request"
	default:
		return field, fmt.Errorf("must have one of page and request")
	}
	_, err = m.parse()
	return field, err
}

var requestShape = regexp.MustCompile(`^(?:([A-Z]+)\s+)?(\S+)$`)

// parse reads a page pattern, or a request as in "POST /api/pay".
func (m Matcher) parse() (ingest.Matcher, error) {
	if m.Page != "" {
		page, err := ingest.ParsePattern(m.Page)
		return ingest.Matcher{Page: &page}, err
	}
	parts := requestShape.FindStringSubmatch(m.Request)
	if parts == nil {
		return ingest.Matcher{}, fmt.Errorf("must be a method and a path, such as POST /api/pay, or a path alone for any method")
	}
	methods := []string{"", http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	if !slices.Contains(methods, parts[1]) {
		return ingest.Matcher{}, fmt.Errorf("%s is not a method", parts[1])
	}
	path, err := ingest.ParsePattern(parts[2])
	return ingest.Matcher{Request: &ingest.RequestPattern{Method: parts[1], Path: path}}, err
}

func (f *findings) journeys(c *Config) {
	j := c.Journeys
	if len(j.Files) == 0 {
		return
	}
	if _, ok := c.App(j.App); !ok {
		f.add("journeys.app", "no app is called %q", j.App)
	}
	if j.Location == "" || len(j.Location) > beacon.MaxNameBytes {
		f.add("journeys.location", "must have 1 to %d bytes", beacon.MaxNameBytes)
	}
	for key, text := range map[string]string{"collector": j.Collector, "base_url": j.BaseURL} {
		if text == "" && key == "base_url" {
			continue
		}
		if !isHTTP(text) {
			f.add("journeys."+key, "must be a URL such as https://collect.example")
		}
	}
	if _, err := synthetic.ParseSchedule(j.Schedule); err != nil {
		f.add("journeys.schedule", "%s", err)
	}
	if j.Workers < 0 {
		f.add("journeys.workers", "must not be negative; 0 is one per core")
	}
	f.evidence(j.Evidence)
	if c.AgentToken == "" {
		f.add("agent_token", "journeys need it to report; set it here or in THROUGHLINE_AGENT_TOKEN")
	}
}

func (f *findings) evidence(e Evidence) {
	if e.PublicURL != "" && !isHTTP(e.PublicURL) {
		f.add("journeys.evidence.public_url", "must be a URL such as https://evidence.example")
	}
	if e.Passed <= 0 || e.Failed <= 0 {
		f.add("journeys.evidence", "passed and failed must be longer than 0")
	}
	f.atLeast("journeys.evidence.max_runs", e.MaxRuns, 1)
	f.atLeast("journeys.evidence.max_size", int(e.MaxSize), 1<<20)
	bucket := e.Bucket
	if bucket == (Bucket{}) {
		return
	}
	switch {
	case !isHTTP(bucket.Endpoint):
		f.add("journeys.evidence.bucket.endpoint", "must be the store's URL, such as https://s3.eu-central-1.amazonaws.com")
	case bucket.Name == "":
		f.add("journeys.evidence.bucket.name", "is missing")
	case bucket.AccessKey == "" || bucket.SecretKey == "":
		f.add("journeys.evidence.bucket", "needs access_key and secret_key; better set THROUGHLINE_BUCKET_ACCESS_KEY and THROUGHLINE_BUCKET_SECRET_KEY")
	case e.Directory != "":
		f.add("journeys.evidence.directory", "is not used with a bucket; leave one of them out")
	}
}

func isHTTP(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

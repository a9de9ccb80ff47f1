package generator

import (
	"time"

	"throughline/beacon"
)

// group is what pages load of one type from one host.
type group struct {
	kind, host string
	chance     float64 // that a page has some
	count      int     // usual
	sizeKB     float64 // of each
	path       string  // of one of them
}

// groups are those of the shop.
func groups() []group {
	return []group{
		{"script", "", 1, 6, 38, "/static/vendor.js"},
		{"link", "", 1, 3, 14, "/static/shop.css"},
		{"img", "", 0.95, 14, 21, ""},
		{"css", "", 0.55, 2, 24, "/static/body.woff2"},
		{"script", "tags.metrics.example", 0.4, 2, 31, "/t.js"},
		{"img", "cdn.reviews.example", 0.2, 4, 9, "/stars.svg"},
	}
}

// load makes up what the page loads beside its document and calls: sums by type and
// host, and of the slowest and the failed ones each.
func (v *viewing) load() {
	t, s := &v.timing, v.session
	if t.restored {
		return
	}
	known := min(millis(t.loadMS), v.duration)
	come := min(1, float64(known)/float64(max(1, millis(t.loadMS)))) // share that has, when left early
	for i := range s.world.groups {
		g := &s.world.groups[i]
		count := int(float64(g.count) * (0.6 + 0.8*s.draw.Float64()) * come)
		if t.soft {
			count /= 3
		}
		if count == 0 || !happens(s.draw, g.chance) {
			continue
		}
		v.sum(g, count, known)
	}
	if t.lcpURL != "" && t.heroMS > 900 && !v.gone {
		v.fetched("img", t.lcpURL, 200, int64(heroKB*1000), millis(t.ttfbMS+t.heroDelayMS), t.heroMS)
	}
}

func (v *viewing) sum(g *group, count int, known time.Duration) {
	s := v.session
	sums := &beacon.Resources{Type: g.kind, Host: g.host, Count: count}
	for range count {
		took, size := logNormal(s.draw, 24, 0.5)+s.transferMS(g.sizeKB), int64(logNormal(s.draw, g.sizeKB*1000, 0.5))
		switch {
		case happens(s.draw, 0.0008):
			sums.Failed++
			took, size = s.roundTripMS(), 300
			if g.path != "" {
				v.fetched(g.kind, "https://"+hostOf(g, s.site)+g.path, []int{404, 404, 500, 503}[s.draw.IntN(4)], size, known/2, took)
			}
		case s.views > 1 && happens(s.draw, 0.7):
			sums.Cached++
			took, size = logNormal(s.draw, 1.5, 0.6), 0
		}
		sums.TransferSizeBytes += size
		sums.DurationMS += took
		sums.LongestMS = max(sums.LongestMS, took)
	}
	sums.DurationMS, sums.LongestMS = ms(sums.DurationMS), ms(sums.LongestMS)
	v.note(0, known, beacon.Event{Resources: sums})
}

func hostOf(g *group, s *site) string {
	if g.host != "" {
		return g.host
	}
	return s.origin[len("https://"):]
}

// fetched notes one resource.
func (v *viewing) fetched(kind, url string, status int, size int64, begun time.Duration, tookMS float64) {
	v.note(begun, begun+millis(tookMS), beacon.Event{Request: &beacon.Request{
		URL: url, Initiator: kind, StatusCode: status, DurationMS: ms(tookMS), TransferSizeBytes: &size,
	}})
}
